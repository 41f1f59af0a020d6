import { createMiddleware } from 'hono/factory';
import { AppError } from './errors';

/** At most as many requests a minute and visitor as wrangler.jsonc allows. */
export const rateLimit = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  const { success } = await c.env.LIMITER.limit({ key: c.req.header('cf-connecting-ip') ?? 'local' });
  if (!success) {
    c.header('Retry-After', '60');
    throw new AppError(429, 'RATE_LIMITED', 'Too many requests');
  }
  await next();
});

async function sameSecret(a: string, b: string): Promise<boolean> {
  const encoder = new TextEncoder();
  // Digests have one length, so comparing them tells nothing about the secret's.
  const [x, y] = await Promise.all([a, b].map((s) => crypto.subtle.digest('SHA-256', encoder.encode(s))));
  return crypto.subtle.timingSafeEqual(x!, y!);
}

/** Asks for the secret API_TOKEN where one is set; reading needs none. */
export const requireToken = createMiddleware<{ Bindings: Env }>(async (c, next) => {
  const wanted = (c.env as Env & { API_TOKEN?: string }).API_TOKEN;
  if (wanted && c.req.method !== 'GET' && c.req.method !== 'HEAD') {
    const given = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    if (!(await sameSecret(given, wanted))) throw new AppError(401, 'UNAUTHORIZED', 'A valid token is needed');
  }
  await next();
});
