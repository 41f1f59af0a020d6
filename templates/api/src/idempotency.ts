import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Called } from './context';
import { idempotencyKeys as table } from './db/schema';
import { AppError } from './lib/errors';
import { digest } from './lib/guards';
import { newId } from './lib/ids';
import { nowIso } from './lib/time';

/** After this long a request that never ended is taken for dead, in milliseconds. */
const ABANDONED_MS = 60 * 1000;

type Entry = typeof table.$inferSelect;

/** Takes the entry of a request, or says what stands in the way; one with a status was answered before. */
async function take(c: Context<Called>, given: string): Promise<Entry> {
  const db = drizzle(c.env.DB);
  const id = await digest(JSON.stringify([c.get('caller').account, c.req.path, given]));
  const bodyHash = await digest(await c.req.text());
  const lockedAt = nowIso();
  const [fresh] = await db.insert(table).values({ id, bodyHash, lockedAt }).onConflictDoNothing().returning();
  if (fresh) return fresh;
  const [there] = await db.select().from(table).where(eq(table.id, id));
  if (there && there.bodyHash !== bodyHash) throw new AppError(422, 'This Idempotency-Key was used with another body');
  if (there && there.status !== null) return there;
  if (there && there.lockedAt < new Date(Date.now() - ABANDONED_MS).toISOString()) {
    const mine = and(eq(table.id, id), eq(table.lockedAt, there.lockedAt));
    const [taken] = await db.update(table).set({ lockedAt }).where(mine).returning();
    if (taken) return taken;
  }
  c.header('Retry-After', '2');
  throw new AppError(409, 'The first request with this Idempotency-Key is still under way');
}

/** Does a POST with an Idempotency-Key once, and answers it as often as it comes. */
export const idempotent = createMiddleware<Called>(async (c, next) => {
  c.set('newId', newId());
  const given = c.req.header('idempotency-key');
  if (c.req.method !== 'POST' || given === undefined) return next();
  if (!/^[\x21-\x7e]{1,255}$/.test(given)) throw new AppError(400, 'An Idempotency-Key has 1 to 255 visible ASCII characters');
  const entry = await take(c, given);
  if (entry.status !== null) {
    const headers = { 'content-type': 'application/json', 'idempotent-replayed': 'true' };
    return new Response(entry.answer, { status: entry.status, headers });
  }
  c.set('newId', entry.newId);
  await next();
  const db = drizzle(c.env.DB);
  // What went wrong here may go well the next time.
  if (c.res.status >= 500) return void (await db.delete(table).where(eq(table.id, entry.id)));
  const replay = c.get('replay');
  const answer = replay === undefined ? await c.res.clone().text() : JSON.stringify(replay);
  await db.update(table).set({ status: c.res.status, answer }).where(eq(table.id, entry.id));
});
