import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import { sign, verify } from 'hono/jwt';
import { AppError } from './lib/errors';
import { bearer } from './lib/guards';
import { newId } from './lib/ids';

export type SessionEnv = { Bindings: Env; Variables: { requestId: string; visitor: string } };

const DAY_SECONDS = 24 * 60 * 60;
const LIFETIME_SECONDS = 90 * DAY_SECONDS;

/** A token that is older than this is replaced when the visitor comes back. */
const RENEW_SECONDS = 7 * DAY_SECONDS;

export interface Session {
  visitor: string;
  /** Seconds since 1970. */
  issued: number;
  expires: number;
}

/** Signs with SESSION_KEY; a key that is missing or short is a mistake in the setup, not in the request. */
function key(env: Env): string {
  const found: string | undefined = env.SESSION_KEY;
  if (!found || found.length < 32) throw new Error('SESSION_KEY is missing or shorter than 32 characters');
  return found;
}

export async function newSession(env: Env, visitor: string = newId()): Promise<Session & { token: string }> {
  const issued = Math.floor(Date.now() / 1000);
  const expires = issued + LIFETIME_SECONDS;
  return { visitor, issued, expires, token: await sign({ sub: visitor, iat: issued, exp: expires }, key(env), 'HS256') };
}

/** The session of a token, or null where it is not ours, was changed, or is over. */
export async function readSession(env: Env, token: string): Promise<Session | null> {
  const secret = key(env);
  try {
    const { sub, iat, exp } = await verify(token, secret, 'HS256');
    return typeof sub === 'string' && iat && exp ? { visitor: sub, issued: iat, expires: exp } : null;
  } catch {
    return null;
  }
}

/** __Host- binds a cookie to this one host, but browsers take it over https only. */
const cookieName = (c: Context) => (new URL(c.req.url).protocol === 'https:' ? '__Host-session' : 'session');

/** The session of a request: of its cookie, or of "Authorization: Bearer" for a client without cookies. */
export async function sessionOf(c: Context<SessionEnv>): Promise<Session | null> {
  const token = bearer(c) || getCookie(c, cookieName(c));
  return token ? readSession(c.env, token) : null;
}

/** Gives the visitor a session, or a fresh token for the one that there is. */
export async function keepSession(c: Context<SessionEnv>): Promise<Session> {
  const old = await sessionOf(c);
  if (old && Date.now() / 1000 - old.issued < RENEW_SECONDS) return old;
  const session = await newSession(c.env, old?.visitor);
  setCookie(c, cookieName(c), session.token, {
    path: '/',
    httpOnly: true,
    secure: new URL(c.req.url).protocol === 'https:',
    sameSite: 'Strict',
    maxAge: LIFETIME_SECONDS,
  });
  return session;
}

export const requireSession = createMiddleware<SessionEnv>(async (c, next) => {
  const session = await sessionOf(c);
  if (!session) throw new AppError(401, 'A session is needed; POST /api/v1/session gives one');
  c.set('visitor', session.visitor);
  await next();
});

/**
 * Refuses what another site's page sends: cookies alone would not tell it from
 * our own. Browsers say Origin on every request that changes something and on WebSockets.
 */
export const sameOrigin = createMiddleware<SessionEnv>(async (c, next) => {
  const origin = c.req.header('origin');
  const safe = (c.req.method === 'GET' || c.req.method === 'HEAD') && c.req.header('upgrade') === undefined;
  if (!safe && origin !== undefined && origin !== c.env.APP_ORIGIN && origin !== new URL(c.req.url).origin) {
    throw new AppError(403, 'Another site may not do that');
  }
  await next();
});
