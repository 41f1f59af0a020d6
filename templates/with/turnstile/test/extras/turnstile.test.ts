import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { extras } from '../../src/extras';
import { turnstileWith } from '../../src/extras/turnstile';

const withSecret = { ...env, TURNSTILE_SECRET_KEY: 'secret' } as unknown as Env;
const form = (token?: string) => {
  const body = new FormData();
  if (token !== undefined) body.set('cf-turnstile-response', token);
  return { method: 'POST', body };
};

/** Stands in for Cloudflare: the token "good" was given to a person. */
const cloudflare = (async (_: unknown, init?: RequestInit) => {
  const sent = init?.body as FormData;
  return Response.json({ success: sent.get('secret') === 'secret' && sent.get('response') === 'good' });
}) as typeof fetch;

describe('turnstile', () => {
  it('tells its sitekey', async () => {
    const response = await extras.request('/turnstile', {}, env);
    expect(await response.json()).toEqual({ data: { siteKey: env.TURNSTILE_SITE_KEY } });
  });

  it('lets people pass, and nobody else', async () => {
    const app = turnstileWith(cloudflare);
    expect((await app.request('/', form('good'), withSecret)).status).toBe(200);
    expect((await app.request('/', form('bad'), withSecret)).status).toBe(403);
    expect((await app.request('/', form(), withSecret)).status).toBe(400);
    expect((await app.request('/', form('x'.repeat(2049)), withSecret)).status).toBe(400);
  });

  it('is off without its secret, and shut when Cloudflare does not answer', async () => {
    const off = { ...env, TURNSTILE_SECRET_KEY: '' } as unknown as Env;
    expect((await turnstileWith(cloudflare).request('/', form('good'), off)).status).toBe(503);
    const down = turnstileWith((async () => new Response(null, { status: 502 })) as typeof fetch);
    expect((await down.request('/', form('good'), withSecret)).status).toBe(503);
  });
});
