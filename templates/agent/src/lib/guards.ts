import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { AppError } from './errors';

/** At most as many requests a minute and visitor as the limit in wrangler.jsonc allows. */
export const limitBy = (limit: (env: Env) => RateLimit) =>
  createMiddleware<{ Bindings: Env }>(async (c, next) => {
    const { success } = await limit(c.env).limit({ key: c.req.header('cf-connecting-ip') ?? 'local' });
    if (!success) {
      c.header('Retry-After', '60');
      throw new AppError(429, 'Too many requests');
    }
    await next();
  });

export const rateLimit = limitBy((env) => env.LIMITER);

/** The token of "Authorization: Bearer TOKEN", or nothing. */
export const bearer = (c: Context): string => /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? '';

/** Whether two secrets are the same, in a time that tells nothing about either. */
export async function sameSecret(a: string, b: string): Promise<boolean> {
  const encoder = new TextEncoder();
  // Digests have one length, so comparing them tells nothing about the secret's.
  const [x, y] = await Promise.all([a, b].map((s) => crypto.subtle.digest('SHA-256', encoder.encode(s))));
  return crypto.subtle.timingSafeEqual(x!, y!);
}

/** SHA-256 in hex: what is stored of a token, so that a copy of the database opens nothing. */
export async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, '0')).join('');
}

/** A new token of 256 random bits, fit for a URL. */
export function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}
