import { z } from 'zod';
import { AppError, logError } from '../lib/errors';

type Secrets = { TURNSTILE_SECRET_KEY?: string };

const VERIFY = 'https://challenges.cloudflare.com/turnstile/v0/siteverify';

/** What the widget of the contact form says it is for. */
export const ACTION = 'contact';

const Answer = z.object({ success: z.boolean(), action: z.string().optional(), 'error-codes': z.array(z.string()).default([]) });

/** The site's key, where Turnstile is on: that takes the key and the secret. */
export function siteKey(env: Env): string | null {
  const { TURNSTILE_SECRET_KEY: secret } = env as Env & Secrets;
  return secret && env.TURNSTILE_SITE_KEY ? env.TURNSTILE_SITE_KEY : null;
}

/** Asks Cloudflare whether a person solved the challenge; while Turnstile is off, nothing is asked. */
export async function requirePerson(env: Env, token: string | undefined, ip: string | undefined): Promise<void> {
  if (siteKey(env) === null) return;
  if (!token) throw new AppError(403, 'The check for robots is not finished yet');
  const body = new URLSearchParams({ secret: (env as Env & Secrets).TURNSTILE_SECRET_KEY!, response: token });
  if (ip) body.set('remoteip', ip);
  const answer = await ask(body);
  // The keys for tests leave the action out.
  if (answer.success && (answer.action ?? ACTION) === ACTION) return;
  logError('turnstile.refused', { codes: answer['error-codes'], action: answer.action });
  throw new AppError(403, 'The check for robots was not passed');
}

/** Where nobody answers, or not as Turnstile does, nobody is let in: that is neither the visitor's fault nor ours. */
async function ask(body: URLSearchParams): Promise<z.infer<typeof Answer>> {
  try {
    const response = await fetch(VERIFY, { method: 'POST', body, signal: AbortSignal.timeout(5000) });
    return Answer.parse(await response.json());
  } catch (e) {
    logError('turnstile.unreachable', { message: String(e) });
    throw new AppError(503, 'The check for robots cannot be reached: try again in a moment');
  }
}
