import { createRoute, z } from '@hono/zod-openapi';
import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import { requireAdmin } from '../auth';
import type { Public } from '../context';
import { database } from '../db';
import { deadLetters as table } from '../db/schema';
import { Kept, replay } from '../jobs';
import { AppError, found } from '../lib/errors';
import { failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { nowIso } from '../lib/time';

const security = [{ admin: [] }];
const common = { 400: failure('The request is not valid'), 401: failure('ADMIN_TOKEN is needed') };

const Letter = z
  .object({ id: z.ulid(), createdAt: z.iso.datetime(), replayedAt: z.iso.datetime().nullable(), body: z.unknown() })
  .openapi('DeadLetter');

const list = createRoute({
  method: 'get',
  path: '/dead-letters',
  tags: ['admin'],
  summary: 'Jobs that failed for good, the newest first',
  security,
  request: { query: pageQuery },
  responses: { 200: many(Letter, 'A page of jobs'), ...common },
});
const again = createRoute({
  method: 'post',
  path: '/dead-letters/{id}/replay',
  tags: ['admin'],
  summary: 'Send a job to the queue again; an invite gets a new link',
  security,
  request: { params: z.object({ id: z.ulid() }) },
  responses: {
    202: one(Letter, 'It is on its way'),
    404: failure('There is no such job, or it was sent again already'),
    409: failure('There is nothing left to do, such as for an invite that was taken back'),
    ...common,
  },
});

const shown = ({ id, createdAt, replayedAt, body }: typeof table.$inferSelect) => ({
  id,
  createdAt,
  replayedAt,
  body: JSON.parse(body) as unknown,
});

const app = router<Public>();
app.use('*', requireAdmin);

export const admin = app
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const rows = await database(c.env)
      .select()
      .from(table)
      .where(cursor ? lt(table.id, cursor) : undefined)
      .orderBy(desc(table.id))
      .limit(limit + 1);
    const { data, ...rest } = page(rows, limit);
    return c.json({ data: data.map(shown), ...rest }, 200);
  })
  .openapi(again, async (c) => {
    const db = database(c.env);
    const which = and(eq(table.id, c.req.valid('param').id), isNull(table.replayedAt));
    const letter = found(await db.select().from(table).where(which).get(), 'job that was not sent again already');
    const job = Kept.safeParse(JSON.parse(letter.body));
    // Sent first, then noted: cut off in between it goes twice, which does no harm.
    if (!job.success || !(await replay(c.env, job.data))) throw new AppError(409, 'There is nothing left to do');
    const replayedAt = nowIso();
    await db.update(table).set({ replayedAt }).where(which);
    return c.json({ data: shown({ ...letter, replayedAt }) }, 202);
  });
