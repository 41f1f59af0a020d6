import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { needs } from '../auth';
import { SCOPES, type Bindings, type Called, type Scope } from '../context';
import { apiKeys as table } from '../db/schema';
import { AppError, found } from '../lib/errors';
import { hashKey, newKey } from '../lib/keys';
import { body, failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { nowIso } from '../lib/time';

export const Key = z
  .object({
    id: z.ulid(),
    account: z.string(),
    name: z.string(),
    prefix: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    revokedAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable(),
  })
  .openapi('Key');

export const NewKey = Key.extend({
  key: z.string().nullable().openapi({ description: 'The key itself. It is shown this once; a repeated request gets null.' }),
}).openapi('NewKey');

export const Input = z.object({
  name: z.string().trim().min(1).max(120),
  scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
  expiresAt: z.iso
    .datetime()
    .refine((t) => Date.parse(t) > Date.now(), 'It lies in the past')
    .nullable()
    .default(null),
});

const Rotation = z.object({
  graceSeconds: z
    .int()
    .min(0)
    .max(7 * 24 * 3600)
    .default(24 * 3600)
    .openapi({ description: 'How long the old key is good for still.' }),
});

const params = z.object({ id: z.ulid() });
const refusals = { 401: failure('A valid key is needed'), 403: failure('The key lacks a scope'), 429: failure('Too many requests') };
const missing = failure('There is no such key');
const invalid = failure('The request is not valid');

const list = createRoute({
  method: 'get',
  path: '/',
  summary: 'List the account’s keys',
  ...needs('keys:read'),
  request: { query: pageQuery },
  responses: { 200: many(Key, 'A page of keys'), 400: invalid, ...refusals },
});
const create = createRoute({
  method: 'post',
  path: '/',
  summary: 'Make a key',
  description: 'With at most the scopes of the key that asks.',
  ...needs('keys:write'),
  request: { body: body(Input) },
  responses: { 201: one(NewKey, 'The key'), 400: invalid, ...refusals },
});
const read = createRoute({
  method: 'get',
  path: '/{id}',
  summary: 'Read about a key',
  ...needs('keys:read'),
  request: { params },
  responses: { 200: one(Key, 'The key'), 404: missing, ...refusals },
});
const rotate = createRoute({
  method: 'post',
  path: '/{id}/rotate',
  summary: 'Replace a key',
  description: 'Makes a key with the same name, scopes and expiry; the old one expires after the grace.',
  ...needs('keys:write'),
  request: { params, body: body(Rotation) },
  responses: { 201: one(NewKey, 'The new key'), 400: invalid, 404: missing, ...refusals },
});
const revoke = createRoute({
  method: 'delete',
  path: '/{id}',
  summary: 'Revoke a key',
  ...needs('keys:write'),
  request: { params },
  responses: { 204: { description: 'Revoked, at once' }, 404: missing, ...refusals },
});

const shape = {
  id: table.id,
  account: table.account,
  name: table.name,
  prefix: table.prefix,
  scopes: table.scopes,
  createdAt: table.createdAt,
  expiresAt: table.expiresAt,
  revokedAt: table.revokedAt,
  lastUsedAt: table.lastUsedAt,
};

type Wanted = { id: string; account: string; name: string; scopes: Scope[]; expiresAt: string | null };

/** The statement that makes a key, and the key. Nobody has seen one that was made by a request that was cut off: its secret is made anew. */
export async function making(env: Bindings, wanted: Wanted) {
  const { key, prefix } = newKey();
  const hash = await hashKey(env, key);
  const insert = drizzle(env.DB)
    .insert(table)
    .values({ ...wanted, scopes: [...new Set(wanted.scopes)], prefix, hash })
    .onConflictDoUpdate({ target: table.id, set: { prefix, hash } })
    .returning(shape);
  return { key, insert };
}

const mine = (account: string, id: string) => and(eq(table.account, account), eq(table.id, id));

export const keys = router<Called>()
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const rows = await drizzle(c.env.DB)
      .select(shape)
      .from(table)
      .where(and(eq(table.account, c.get('caller').account), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  })
  .openapi(create, async (c) => {
    const caller = c.get('caller');
    const input = c.req.valid('json');
    const beyond = input.scopes.filter((s) => !caller.scopes.includes(s));
    if (beyond.length > 0) throw new AppError(403, `The key that asks has no scope ${beyond.join(', ')} to give`);
    const { key, insert } = await making(c.env, { id: c.get('newId'), account: caller.account, ...input });
    const data = found((await insert)[0], 'key');
    c.set('replay', { data: { ...data, key: null } });
    return c.json({ data: { ...data, key } }, 201);
  })
  .openapi(read, async (c) => {
    const [row] = await drizzle(c.env.DB)
      .select(shape)
      .from(table)
      .where(mine(c.get('caller').account, c.req.valid('param').id));
    return c.json({ data: found(row, 'key') }, 200);
  })
  .openapi(rotate, async (c) => {
    const caller = c.get('caller');
    const db = drizzle(c.env.DB);
    const which = and(mine(caller.account, c.req.valid('param').id), isNull(table.revokedAt));
    const old = found((await db.select().from(table).where(which))[0], 'key');
    if (old.expiresAt !== null && old.expiresAt <= nowIso()) throw new AppError(422, 'The key has expired; make a new one');
    if (old.scopes.some((s) => !caller.scopes.includes(s))) throw new AppError(403, 'The key that asks has not all of its scopes');
    const { name, scopes, expiresAt } = old;
    const { key, insert } = await making(c.env, { id: c.get('newId'), account: caller.account, name, scopes, expiresAt });
    const until = new Date(Date.now() + c.req.valid('json').graceSeconds * 1000).toISOString();
    const fade = db
      .update(table)
      .set({ expiresAt: sql`min(coalesce(${table.expiresAt}, ${until}), ${until})` })
      .where(eq(table.id, old.id));
    const [rows] = await db.batch([insert, fade]);
    const data = found(rows[0], 'key');
    c.set('replay', { data: { ...data, key: null } });
    return c.json({ data: { ...data, key } }, 201);
  })
  .openapi(revoke, async (c) => {
    const which = and(mine(c.get('caller').account, c.req.valid('param').id), isNull(table.revokedAt));
    const [row] = await drizzle(c.env.DB).update(table).set({ revokedAt: nowIso() }).where(which).returning({ id: table.id });
    found(row, 'key');
    return c.body(null, 204);
  });
