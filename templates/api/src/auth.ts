import { eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { later, type Bindings, type Called, type Public, type Scope } from './context';
import { apiKeys } from './db/schema';
import { AppError } from './lib/errors';
import { bearer, sameSecret } from './lib/guards';
import { hashKey, isKey, isStale, prefixOf } from './lib/keys';
import { nowIso } from './lib/time';
import { meter } from './usage';

function tooMany(c: Context, text: string): never {
  c.header('Retry-After', '60');
  throw new AppError(429, text);
}

/** Refuses, and whoever is refused again and again is soon not even told why. */
async function refuse(c: Context): Promise<never> {
  const { success } = await (c.env as Bindings).AUTH_LIMITER.limit({ key: c.req.header('cf-connecting-ip') ?? 'local' });
  if (!success) tooMany(c, 'Too many wrong keys');
  c.header('WWW-Authenticate', 'Bearer');
  throw new AppError(401, 'A valid key is needed');
}

async function keyOf(c: Context<Called>) {
  const key = bearer(c);
  const prefix = prefixOf(key);
  if (prefix === undefined) return undefined;
  const db = drizzle(c.env.DB);
  const [row] = await db.select().from(apiKeys).where(eq(apiKeys.prefix, prefix));
  if (!row || !(await isKey(c.env, key, row.hash))) return undefined;
  if (row.revokedAt !== null || (row.expiresAt !== null && row.expiresAt <= nowIso())) return undefined;
  if (isStale(c.env, row.hash)) {
    later(
      c,
      db
        .update(apiKeys)
        .set({ hash: await hashKey(c.env, key) })
        .where(eq(apiKeys.id, row.id)),
    );
  }
  return row;
}

/** Asks for a key, holds it to its limit, and counts the request. */
export const authenticate = createMiddleware<Called>(async (c, next) => {
  const row = (await keyOf(c)) ?? (await refuse(c));
  c.set('caller', { key: row.id, account: row.account, scopes: row.scopes });
  const began = Date.now();
  const { success } = await c.env.KEY_LIMITER.limit({ key: row.id });
  if (!success) tooMany(c, 'Too many requests with this key');
  await next();
  meter(c, Date.now() - began);
});

const requireScope = (scope: Scope) =>
  createMiddleware<Called>(async (c, next) => {
    if (!c.get('caller').scopes.includes(scope)) throw new AppError(403, `The key needs the scope ${scope}`);
    await next();
  });

/** What a route declares that asks for a scope. */
export const needs = (scope: Scope) => ({ security: [{ key: [scope] }], middleware: requireScope(scope) });

/** Asks for ADMIN_TOKEN; where there is none, nobody is let in. */
export const requireAdmin = createMiddleware<Public>(async (c, next) => {
  const wanted = c.env.ADMIN_TOKEN;
  if (!wanted || !(await sameSecret(bearer(c), wanted))) await refuse(c);
  await next();
});
