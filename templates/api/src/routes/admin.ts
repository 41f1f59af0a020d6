import { createRoute, z } from '@hono/zod-openapi';
import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { requireAdmin } from '../auth';
import type { Public } from '../context';
import { deadLetters, webhookDeliveries } from '../db/schema';
import { found } from '../lib/errors';
import { newId } from '../lib/ids';
import { body, failure, many, one, page, router } from '../lib/openapi';
import { nowIso } from '../lib/time';
import { Job } from '../queue';
import { Input, making, NewKey } from './keys';

const security = [{ admin: [] }];
const refusals = { 401: failure('ADMIN_TOKEN is needed'), 429: failure('Too many requests') };

const createKey = createRoute({
  method: 'post',
  path: '/keys',
  summary: 'Make a key for any account, as its first one',
  security,
  request: { body: body(Input.extend({ account: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/) })) },
  responses: { 201: one(NewKey, 'The key'), 400: failure('The request is not valid'), ...refusals },
});

const Letter = z
  .object({ id: z.string(), createdAt: z.iso.datetime(), replayedAt: z.iso.datetime().nullable(), body: z.unknown() })
  .openapi('DeadLetter');

// Their ids are the queue's: no ULIDs, but as good for a cursor.
const list = createRoute({
  method: 'get',
  path: '/dead-letters',
  summary: 'Messages that failed for good',
  security,
  request: { query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20), cursor: z.string().max(64).optional() }) },
  responses: { 200: many(Letter, 'A page of messages'), ...refusals },
});

const replay = createRoute({
  method: 'post',
  path: '/dead-letters/{id}/replay',
  summary: 'Send a message again',
  security,
  request: { params: z.object({ id: z.string().max(64) }) },
  responses: { 202: one(Letter, 'It is on its way'), 404: failure('There is no such message, or it was sent again already'), ...refusals },
});

const shown = ({ id, createdAt, replayedAt, body }: typeof deadLetters.$inferSelect) => ({
  id,
  createdAt,
  replayedAt,
  body: JSON.parse(body) as unknown,
});

const app = router<Public>();
app.use('*', requireAdmin);

export const admin = app
  .openapi(createKey, async (c) => {
    const { key, insert } = await making(c.env, { id: newId(), ...c.req.valid('json') });
    return c.json({ data: { ...found((await insert)[0], 'key'), key } }, 201);
  })
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const rows = await drizzle(c.env.DB)
      .select()
      .from(deadLetters)
      .where(cursor ? lt(deadLetters.id, cursor) : undefined)
      .orderBy(desc(deadLetters.id))
      .limit(limit + 1);
    const { data, ...rest } = page(rows, limit);
    return c.json({ data: data.map(shown), ...rest }, 200);
  })
  .openapi(replay, async (c) => {
    const db = drizzle(c.env.DB);
    const which = and(eq(deadLetters.id, c.req.valid('param').id), isNull(deadLetters.replayedAt));
    const letter = found((await db.select().from(deadLetters).where(which))[0], 'message');
    const job = Job.parse(JSON.parse(letter.body));
    if (job.type === 'webhook') {
      await db.update(webhookDeliveries).set({ status: 'pending' }).where(eq(webhookDeliveries.id, job.delivery));
    }
    // Sent first, then noted: cut off in between it goes twice, which does no harm.
    await c.env.JOBS.send(job);
    const [row] = await db.update(deadLetters).set({ replayedAt: nowIso() }).where(which).returning();
    return c.json({ data: shown(row ?? letter) }, 202);
  });
