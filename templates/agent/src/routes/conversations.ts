import { createRoute, z } from '@hono/zod-openapi';
import { getAgentByName } from 'agents';
import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Hono } from 'hono';
import { conversations as table } from '../db/schema';
import { AppError, found } from '../lib/errors';
import { body, failure, json, many, one, page, pageQuery, router } from '../lib/openapi';
import { nowIso } from '../lib/time';
import { Text } from '../protocol';
import type { SessionEnv } from '../session';

const Conversation = z
  .object({
    id: z.ulid(),
    title: z.string(),
    messageCount: z.number().int(),
    lastMessageAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('Conversation');

const Message = z
  .object({
    id: z.ulid(),
    role: z.enum(['user', 'assistant', 'tool']),
    text: z.string(),
    status: z.enum(['done', 'streaming', 'stopped', 'interrupted', 'failed']),
    calls: z.array(z.object({ id: z.string(), name: z.string(), args: z.unknown() })),
    tool: z.string().nullable(),
    call: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .openapi('Message');

const Reply = z.object({
  data: z.array(Message),
  /** Null where the message was known already, so that nothing was answered. */
  outcome: z
    .object({
      ending: z.enum(['done', 'steps', 'tokens', 'time', 'stopped', 'failed']),
      steps: z.number().int(),
      tokens: z.number().int(),
    })
    .nullable(),
});

const Title = z.object({ title: z.string().trim().max(120) });
const params = z.object({ id: z.ulid() });
const missing = failure('There is no such conversation');
const invalid = failure('The request is not valid');
const others = failure('It belongs to another visitor');
const nobody = failure('A session is needed');

const shape = {
  id: table.id,
  title: table.title,
  messageCount: table.messageCount,
  lastMessageAt: table.lastMessageAt,
  createdAt: table.createdAt,
  updatedAt: table.updatedAt,
};

/** The conversation, if it is there and this visitor's. */
async function own(env: Env, visitor: string, id: string): Promise<z.infer<typeof Conversation>> {
  const [row] = await drizzle(env.DB)
    .select({ ...shape, visitorId: table.visitorId })
    .from(table)
    .where(and(eq(table.id, id), isNull(table.deletedAt)));
  const { visitorId, ...conversation } = found(row, 'conversation');
  if (visitorId !== visitor) throw new AppError(403, 'That is another visitor’s conversation');
  return conversation;
}

const agent = (env: Env, id: string) => getAgentByName(env.ASSISTANT, id);

/** Where a visitor comes from; whatever a browser sends, Cloudflare writes this header itself. */
const address = (header: (name: string) => string | undefined) => header('cf-connecting-ip') ?? 'local';

/** Clears the Durable Object and says so in D1; src/cron.ts tries again where it fails. */
export async function clear(env: Env, id: string): Promise<void> {
  await (await agent(env, id)).clear();
  await drizzle(env.DB).update(table).set({ clearedAt: nowIso() }).where(eq(table.id, id));
}

export const conversations = router<SessionEnv>()
  .openapi(
    createRoute({
      method: 'get',
      path: '/',
      summary: 'The visitor’s conversations, newest first',
      request: { query: pageQuery },
      responses: { 200: many(Conversation, 'A page of conversations'), 400: invalid, 401: nobody },
    }),
    async (c) => {
      const { limit, cursor } = c.req.valid('query');
      const mine = and(eq(table.visitorId, c.get('visitor')), isNull(table.deletedAt), cursor ? lt(table.id, cursor) : undefined);
      const rows = await drizzle(c.env.DB)
        .select(shape)
        .from(table)
        .where(mine)
        .orderBy(desc(table.id))
        .limit(limit + 1);
      return c.json(page(rows, limit), 200);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/',
      summary: 'A new conversation',
      request: { body: body(Title.partial()) },
      responses: { 201: one(Conversation, 'The conversation'), 400: invalid, 401: nobody },
    }),
    async (c) => {
      const values = { visitorId: c.get('visitor'), title: c.req.valid('json').title ?? '' };
      const [row] = await drizzle(c.env.DB).insert(table).values(values).returning(shape);
      return c.json({ data: found(row, 'conversation') }, 201);
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/{id}',
      summary: 'One conversation',
      request: { params },
      responses: { 200: one(Conversation, 'The conversation'), 401: nobody, 403: others, 404: missing },
    }),
    async (c) => c.json({ data: await own(c.env, c.get('visitor'), c.req.valid('param').id) }, 200),
  )
  .openapi(
    createRoute({
      method: 'patch',
      path: '/{id}',
      summary: 'Give a conversation another title',
      request: { params, body: body(Title) },
      responses: { 200: one(Conversation, 'The conversation'), 400: invalid, 401: nobody, 403: others, 404: missing },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await own(c.env, c.get('visitor'), id);
      const [row] = await drizzle(c.env.DB).update(table).set(c.req.valid('json')).where(eq(table.id, id)).returning(shape);
      return c.json({ data: found(row, 'conversation') }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'delete',
      path: '/{id}',
      summary: 'Delete the conversation, and all that was said in it for good',
      request: { params },
      responses: { 204: { description: 'Deleted' }, 401: nobody, 403: others, 404: missing },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await own(c.env, c.get('visitor'), id);
      await drizzle(c.env.DB).update(table).set({ deletedAt: nowIso() }).where(eq(table.id, id));
      await clear(c.env, id);
      return c.body(null, 204);
    },
  )
  .openapi(
    createRoute({
      method: 'get',
      path: '/{id}/messages',
      summary: 'What was said, newest first',
      request: { params, query: pageQuery },
      responses: { 200: many(Message, 'A page of messages'), 401: nobody, 403: others, 404: missing },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await own(c.env, c.get('visitor'), id);
      const { limit, cursor } = c.req.valid('query');
      const rows: z.infer<typeof Message>[] = await (await agent(c.env, id)).history(cursor ?? null, limit + 1);
      return c.json(page(rows, limit), 200);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/{id}/messages',
      summary: 'Say something and wait for the answer, where no WebSocket can be had',
      // An id makes it safe to send the message again: it is taken once.
      request: { params, body: body(z.object({ text: Text, id: z.ulid().optional() })) },
      responses: {
        200: json(Reply, 'The message and what came of it'),
        400: invalid,
        401: nobody,
        403: others,
        404: missing,
        409: failure('An answer is still being written'),
        429: failure('Too many messages'),
      },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      await own(c.env, c.get('visitor'), id);
      const input = c.req.valid('json');
      const visitor = { id: c.get('visitor'), ip: address((name) => c.req.header(name)) };
      const reply = await (await agent(c.env, id)).say(visitor, input.text, input.id);
      if ('refused' in reply) {
        if (reply.refused.status === 429) c.header('Retry-After', '60');
        throw new AppError(reply.refused.status, reply.refused.message);
      }
      const { messages, outcome }: { messages: z.infer<typeof Message>[]; outcome: z.infer<typeof Reply>['outcome'] } = reply;
      return c.json({ data: messages, outcome }, 200);
    },
  );

/**
 * The WebSocket of a conversation. It stands apart, because the answer to an
 * upgrade must reach the visitor as the Durable Object made it.
 */
export const socket = new Hono<SessionEnv>().get('/:id/socket', async (c) => {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') throw new AppError(400, 'This address is for WebSockets');
  const { id } = params.parse(c.req.param());
  await own(c.env, c.get('visitor'), id);
  const request = new Request(c.req.raw);
  request.headers.set('x-visitor-id', c.get('visitor'));
  request.headers.delete('cookie');
  request.headers.delete('authorization');
  return (await agent(c.env, id)).fetch(request);
});
