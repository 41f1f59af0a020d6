import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import app from '../src/app';

/** The Worker's bindings with others in place of some. */
export const having = (more: Record<string, unknown>): Env => ({ ...bare, ...more });

/** Every third party is off, whatever .dev.vars says: no test mails anybody. */
export const bare = { ...env, FORM_KEY: 'for-tests', RESEND_API_KEY: '', TURNSTILE_SECRET_KEY: '' } as Env;

let visitor = 0;

/** Asks the Worker, each time as another visitor, and waits for what it does after its answer. */
export async function call(path: string, init: RequestInit = {}, bindings = bare): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has('cf-connecting-ip')) headers.set('cf-connecting-ip', `2001:db8::${(++visitor).toString(16)}`);
  const ctx = createExecutionContext();
  const response = await app.fetch(new Request(new URL(path, 'https://example.com'), { ...init, headers }), bindings, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

export const post = (path: string, body: unknown, bindings = bare, headers: Record<string, string> = {}): Promise<Response> =>
  call(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }, bindings);

/** A limit that holds until the test ends: the real ones begin anew with each minute. */
export function limiter(most: number): RateLimit {
  const seen = new Map<string, number>();
  return {
    limit: async ({ key }) => {
      seen.set(key, (seen.get(key) ?? 0) + 1);
      return { success: seen.get(key)! <= most };
    },
  };
}

export type Failure = { error: string; code: string; requestId: string; details?: unknown };
