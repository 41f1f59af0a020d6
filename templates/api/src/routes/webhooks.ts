import { createRoute, z } from '@hono/zod-openapi';
import { and, desc, eq, gt, isNull, lt, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { needs } from '../auth';
import { EVENTS, type Called } from '../context';
import { webhookDeliveries, webhooks as table } from '../db/schema';
import { AppError, found } from '../lib/errors';
import { newSalt, webhookSecret } from '../lib/keys';
import { body, failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { nowIso } from '../lib/time';
import { announce, dispatch, requirePublic } from '../webhooks';

/** Most webhooks of an account: each change tells every one of them. */
const MOST = 20;

const Webhook = z
  .object({
    id: z.ulid(),
    url: z.url(),
    events: z.array(z.enum(EVENTS)),
    enabled: z.boolean(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('Webhook');
const NewWebhook = Webhook.extend({
  secret: z
    .string()
    .nullable()
    .openapi({ description: 'With which messages are signed. It is shown this once; a repeated request gets null.' }),
}).openapi('NewWebhook');
const Delivery = z
  .object({
    id: z.ulid(),
    event: z.string(),
    status: z.enum(['pending', 'delivered', 'failed', 'canceled']),
    attempts: z.int(),
    answer: z.int().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('Delivery');

const url = z.url().max(2000);
const events = z.array(z.enum(EVENTS)).min(1).max(EVENTS.length);
const Input = z.object({ url, events });
const Patch = z
  .object({ url: url.optional(), events: events.optional(), enabled: z.boolean().optional() })
  .refine((p) => Object.values(p).some((v) => v !== undefined), 'Nothing to change');

const params = z.object({ id: z.ulid() });
const refusals = { 401: failure('A valid key is needed'), 403: failure('The key lacks a scope'), 429: failure('Too many requests') };
const missing = failure('There is no such webhook');
const invalid = failure('The request is not valid');

const list = createRoute({
  method: 'get',
  path: '/',
  summary: 'List webhooks',
  ...needs('webhooks:read'),
  request: { query: pageQuery },
  responses: { 200: many(Webhook, 'A page of webhooks'), 400: invalid, ...refusals },
});
const create = createRoute({
  method: 'post',
  path: '/',
  summary: 'Make a webhook',
  description: 'Messages are signed as https://www.standardwebhooks.com describes.',
  ...needs('webhooks:write'),
  request: { body: body(Input) },
  responses: { 201: one(NewWebhook, 'The webhook'), 400: invalid, 409: failure('There are too many'), ...refusals },
});
const update = createRoute({
  method: 'patch',
  path: '/{id}',
  summary: 'Change a webhook',
  ...needs('webhooks:write'),
  request: { params, body: body(Patch) },
  responses: { 200: one(Webhook, 'The webhook'), 400: invalid, 404: missing, ...refusals },
});
const remove = createRoute({
  method: 'delete',
  path: '/{id}',
  summary: 'Delete a webhook',
  ...needs('webhooks:write'),
  request: { params },
  responses: { 204: { description: 'Deleted' }, 404: missing, ...refusals },
});
const ping = createRoute({
  method: 'post',
  path: '/{id}/ping',
  summary: 'Send a message to try it',
  ...needs('webhooks:write'),
  request: { params },
  responses: { 202: one(z.object({ delivery: z.ulid() }), 'It is on its way'), 404: missing, ...refusals },
});
const listDeliveries = createRoute({
  method: 'get',
  path: '/{id}/deliveries',
  summary: 'What was sent, the latest first',
  ...needs('webhooks:read'),
  request: { params, query: pageQuery },
  responses: { 200: many(Delivery, 'A page of deliveries'), 400: invalid, 404: missing, ...refusals },
});

const shape = {
  id: table.id,
  url: table.url,
  events: table.events,
  enabled: sql<boolean>`${table.disabledAt} IS NULL`.mapWith(Boolean),
  createdAt: table.createdAt,
  updatedAt: table.updatedAt,
};

const alive = (account: string, id?: string) =>
  and(eq(table.account, account), isNull(table.deletedAt), id === undefined ? undefined : eq(table.id, id));

export const webhooks = router<Called>()
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const rows = await drizzle(c.env.DB)
      .select(shape)
      .from(table)
      .where(and(alive(c.get('caller').account), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  })
  .openapi(create, async (c) => {
    const { account } = c.get('caller');
    const input = c.req.valid('json');
    requirePublic(c, input.url);
    const db = drizzle(c.env.DB);
    if ((await db.$count(table, alive(account))) >= MOST) throw new AppError(409, `An account has at most ${MOST} webhooks`);
    const salt = newSalt(c.env);
    const [row] = await db
      .insert(table)
      .values({ id: c.get('newId'), account, ...input, salt })
      .onConflictDoUpdate({ target: table.id, set: { salt } })
      .returning(shape);
    const data = found(row, 'webhook');
    c.set('replay', { data: { ...data, secret: null } });
    return c.json({ data: { ...data, secret: await webhookSecret(c.env, data.id, salt) } }, 201);
  })
  .openapi(update, async (c) => {
    const { enabled, ...rest } = c.req.valid('json');
    if (rest.url !== undefined) requirePublic(c, rest.url);
    const [row] = await drizzle(c.env.DB)
      .update(table)
      .set({ ...rest, ...(enabled === undefined ? {} : { disabledAt: enabled ? null : nowIso() }) })
      .where(alive(c.get('caller').account, c.req.valid('param').id))
      .returning(shape);
    return c.json({ data: found(row, 'webhook') }, 200);
  })
  .openapi(remove, async (c) => {
    const [row] = await drizzle(c.env.DB)
      .update(table)
      .set({ deletedAt: nowIso() })
      .where(alive(c.get('caller').account, c.req.valid('param').id))
      .returning({ id: table.id });
    found(row, 'webhook');
    return c.body(null, 204);
  })
  .openapi(ping, async (c) => {
    const { account } = c.get('caller');
    const { id } = c.req.valid('param');
    const db = drizzle(c.env.DB);
    const row = { data: sql`json_object('webhook', id)`, from: sql`webhooks WHERE id = ${id}` };
    const news = await announce(db, account, 'ping', nowIso(), row, id);
    const delivery = found(news.ids[0], 'webhook that is enabled');
    for (const statement of news.statements) await statement;
    dispatch(c, news.ids);
    return c.json({ data: { delivery } }, 202);
  })
  .openapi(listDeliveries, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const db = drizzle(c.env.DB);
    const [webhook] = await db
      .select({ id: table.id })
      .from(table)
      .where(alive(c.get('caller').account, c.req.valid('param').id));
    const which = eq(webhookDeliveries.webhookId, found(webhook, 'webhook').id);
    const { id, event, status, attempts, answer, createdAt, updatedAt } = webhookDeliveries;
    const rows = await db
      .select({ id, event, status, attempts, answer, createdAt, updatedAt })
      .from(webhookDeliveries)
      .where(and(which, cursor ? lt(id, cursor) : undefined))
      .orderBy(desc(id))
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  });
