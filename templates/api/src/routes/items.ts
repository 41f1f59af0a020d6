import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, gt, isNull, sql, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { needs } from '../auth';
import type { Called } from '../context';
import { items as table } from '../db/schema';
import { found } from '../lib/errors';
import { body, failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { nowIso } from '../lib/time';
import { announce, dispatch } from '../webhooks';

/** Most characters of an item's data, as JSON. */
const MOST = 16 * 1024;

const Item = z
  .object({
    id: z.ulid(),
    name: z.string(),
    data: z.record(z.string(), z.unknown()),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('Item');

const name = z.string().trim().min(1).max(120);
const data = z.record(z.string(), z.unknown()).refine((d) => JSON.stringify(d).length <= MOST, `At most ${MOST} characters of JSON`);
const Input = z.object({ name, data: data.default({}) });
const Patch = z.object({ name: name.optional(), data: data.optional() }).refine((p) => p.name !== undefined || p.data !== undefined, {
  message: 'Nothing to change',
});

const params = z.object({ id: z.ulid() });
const idempotencyKey = z.object({
  'idempotency-key': z.string().optional().openapi({ description: 'The same request with the same key is done once.' }),
});
const refusals = { 401: failure('A valid key is needed'), 403: failure('The key lacks a scope'), 429: failure('Too many requests') };
const missing = failure('There is no such item');
const invalid = failure('The request is not valid');

const list = createRoute({
  method: 'get',
  path: '/',
  summary: 'List items',
  ...needs('items:read'),
  request: { query: pageQuery },
  responses: { 200: many(Item, 'A page of items'), 400: invalid, ...refusals },
});
const create = createRoute({
  method: 'post',
  path: '/',
  summary: 'Make an item',
  ...needs('items:write'),
  request: { headers: idempotencyKey, body: body(Input) },
  responses: {
    201: one(Item, 'The item'),
    400: invalid,
    409: failure('The first request with this Idempotency-Key is still under way'),
    422: failure('This Idempotency-Key was used with another body'),
    ...refusals,
  },
});
const read = createRoute({
  method: 'get',
  path: '/{id}',
  summary: 'Read an item',
  ...needs('items:read'),
  request: { params },
  responses: { 200: one(Item, 'The item'), 404: missing, ...refusals },
});
const update = createRoute({
  method: 'patch',
  path: '/{id}',
  summary: 'Change an item',
  ...needs('items:write'),
  request: { params, body: body(Patch) },
  responses: { 200: one(Item, 'The item'), 400: invalid, 404: missing, ...refusals },
});
const remove = createRoute({
  method: 'delete',
  path: '/{id}',
  summary: 'Delete an item',
  ...needs('items:write'),
  request: { params },
  responses: { 204: { description: 'Deleted' }, 404: missing, ...refusals },
});

const shape = { id: table.id, name: table.name, data: table.data, createdAt: table.createdAt, updatedAt: table.updatedAt };

/** An item of the account that is not deleted. */
const alive = (account: string, id: string) => and(eq(table.account, account), eq(table.id, id), isNull(table.deletedAt));

/** What is told of an item, if it is as a change at this time has left it. */
const told = (id: string, at: string): { data: SQL; from: SQL } => ({
  data: sql`json_object('id', id, 'name', name, 'data', json(data), 'createdAt', created_at, 'updatedAt', updated_at)`,
  from: sql`items WHERE id = ${id} AND updated_at = ${at}`,
});

export const items = router<Called>()
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const rows = await drizzle(c.env.DB)
      .select(shape)
      .from(table)
      .where(and(eq(table.account, c.get('caller').account), isNull(table.deletedAt), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  })
  .openapi(create, async (c) => {
    const { account } = c.get('caller');
    const id = c.get('newId');
    const at = nowIso();
    const db = drizzle(c.env.DB);
    const news = await announce(db, account, 'item.created', at, told(id, at));
    // A request that is done again after it was cut off finds its item there, and announces nothing.
    const made = db
      .insert(table)
      .values({ id, account, ...c.req.valid('json'), createdAt: at, updatedAt: at })
      .onConflictDoNothing();
    const [, rows] = await db.batch([made, db.select(shape).from(table).where(alive(account, id)), ...news.statements]);
    dispatch(c, news.ids);
    return c.json({ data: found(rows[0], 'item') }, 201);
  })
  .openapi(read, async (c) => {
    const [row] = await drizzle(c.env.DB)
      .select(shape)
      .from(table)
      .where(alive(c.get('caller').account, c.req.valid('param').id));
    return c.json({ data: found(row, 'item') }, 200);
  })
  .openapi(update, async (c) => {
    const { account } = c.get('caller');
    const { id } = c.req.valid('param');
    const at = nowIso();
    const db = drizzle(c.env.DB);
    const news = await announce(db, account, 'item.updated', at, told(id, at));
    const changed = db
      .update(table)
      .set({ ...c.req.valid('json'), updatedAt: at })
      .where(alive(account, id))
      .returning(shape);
    const [rows] = await db.batch([changed, ...news.statements]);
    const row = found(rows[0], 'item');
    dispatch(c, news.ids);
    return c.json({ data: row }, 200);
  })
  .openapi(remove, async (c) => {
    const { account } = c.get('caller');
    const { id } = c.req.valid('param');
    const at = nowIso();
    const db = drizzle(c.env.DB);
    const news = await announce(db, account, 'item.deleted', at, told(id, at));
    const gone = db.update(table).set({ deletedAt: at, updatedAt: at }).where(alive(account, id)).returning({ id: table.id });
    const [rows] = await db.batch([gone, ...news.statements]);
    found(rows[0], 'item');
    dispatch(c, news.ids);
    return c.body(null, 204);
  });
