import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';

const SITEVERIFY = 'https://challenges.cloudflare.com/turnstile/v0/siteverify';

type Verdict = { success: boolean; 'error-codes'?: string[] };

/** Asks Cloudflare whether a token is one that its widget has just given to a visitor. */
async function verify(secret: string, token: string, visitor: string | undefined, ask: typeof fetch): Promise<Verdict> {
  const form = new FormData();
  form.set('secret', secret);
  form.set('response', token);
  if (visitor) form.set('remoteip', visitor);
  const response = await ask(SITEVERIFY, { method: 'POST', body: form, signal: AbortSignal.timeout(5000) });
  if (!response.ok) throw new HTTPException(503, { message: 'Turnstile does not answer' });
  return response.json<Verdict>();
}

/** GET / gives the page its sitekey; POST / takes a form and asks whether a person has sent it. A token counts once. */
export const turnstileWith = (ask: typeof fetch) =>
  new Hono<{ Bindings: Env }>()
    .get('/', (c) => c.json({ data: { siteKey: c.env.TURNSTILE_SITE_KEY } }))
    .post('/', async (c) => {
      const secret = (c.env as Env & { TURNSTILE_SECRET_KEY?: string }).TURNSTILE_SECRET_KEY;
      if (!secret) throw new HTTPException(503, { message: 'Turnstile is off: TURNSTILE_SECRET_KEY is not set' });
      const form = await c.req.parseBody().catch((): Record<string, unknown> => ({}));
      const token = form['cf-turnstile-response'];
      if (typeof token !== 'string' || token === '' || token.length > 2048) throw new HTTPException(400, { message: 'No token was sent' });
      const verdict = await verify(secret, token, c.req.header('cf-connecting-ip'), ask);
      if (!verdict.success) throw new HTTPException(403, { message: 'This was not sent by a person' });
      return c.json({ data: { person: true } });
    });

export const turnstile = turnstileWith((...args) => fetch(...args));
