import { and, eq, isNull, lt, sql, type SQL } from 'drizzle-orm';
import { drizzle, type DrizzleD1Database } from 'drizzle-orm/d1';
import type { Context } from 'hono';
import { z } from 'zod';
import { isDevelopment, later, type Bindings, type Called, type Event } from './context';
import { webhookDeliveries as deliveries, webhooks } from './db/schema';
import { AppError, logError } from './lib/errors';
import { newId } from './lib/ids';
import { signature } from './lib/keys';

/** A delivery, as it stands in the queue. */
export const Delivery = z.object({ type: z.literal('webhook'), delivery: z.ulid() });

/** How long another server may take to answer, in milliseconds. */
const PATIENCE_MS = 10_000;

/** A delivery that nobody tried for this long has lost its message, in milliseconds. */
const FORGOTTEN_MS = 60 * 60 * 1000;

const isLocal = (host: string) => host === 'localhost' || host === '127.0.0.1';

/** Refuses addresses that lead back here or to no public host. */
export function requirePublic(c: Context<Called>, address: string): void {
  const url = new URL(address);
  if (isDevelopment(c.env) && isLocal(url.hostname)) return;
  const own = [c.req.url, c.env.APP_ORIGIN].map((o) => o && new URL(o).host);
  const host = url.hostname.replace(/\.$/, '');
  const name = /^([a-z0-9_]([a-z0-9_-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;
  const bad =
    url.protocol !== 'https:' ||
    url.username ||
    url.password ||
    own.includes(url.host) ||
    !name.test(host) ||
    /\.(local|localhost|internal)$/.test(host);
  if (bad) throw new AppError(400, 'The address must be https, of a public host by name, and not this API itself');
}

/** The statements that note an event for everybody who wants it, and a way to send what was noted. */
export async function announce(
  db: DrizzleD1Database,
  account: string,
  event: Event | 'ping',
  at: string,
  row: { data: SQL; from: SQL },
  only?: string,
) {
  const mine = and(eq(webhooks.account, account), isNull(webhooks.deletedAt), isNull(webhooks.disabledAt));
  const all = await db.select({ id: webhooks.id, events: webhooks.events }).from(webhooks).where(mine);
  const ids: string[] = [];
  const statements = all
    .filter((w) => (only === undefined ? w.events.some((e) => e === event) : w.id === only))
    .map((w) => {
      const id = newId();
      ids.push(id);
      // Noted only if the row is as this request has left it, and with what then stands in it.
      return db.insert(deliveries).select(
        sql`SELECT ${id}, ${at}, ${at}, ${w.id}, ${event}, json_object('type', ${event}, 'timestamp', ${at}, 'data', ${row.data}),
                   'pending', 0, NULL FROM ${row.from}`,
      );
    });
  return { statements, ids };
}

/** Hands deliveries to the queue. Where that fails they are found by the clock. */
export function dispatch(c: Context<Called>, ids: string[]): void {
  if (ids.length === 0) return;
  later(
    c,
    enqueue(c.env, ids).catch((e: unknown) => logError('webhook.unsent', { deliveries: ids.length, message: String(e) })),
  );
}

const enqueue = (env: Bindings, ids: string[]) => env.JOBS.sendBatch(ids.map((delivery) => ({ body: { type: 'webhook', delivery } })));

/** Makes one delivery. An error means: again, later. */
export async function deliver(env: Bindings, id: string): Promise<void> {
  const db = drizzle(env.DB);
  const [row] = await db
    .select({ delivery: deliveries, webhook: webhooks })
    .from(deliveries)
    .innerJoin(webhooks, eq(webhooks.id, deliveries.webhookId))
    .where(eq(deliveries.id, id));
  if (!row || row.delivery.status !== 'pending') return;
  const { delivery, webhook } = row;
  const note = (to: Partial<typeof deliveries.$inferInsert>) => db.update(deliveries).set(to).where(eq(deliveries.id, id));
  if (webhook.deletedAt !== null || webhook.disabledAt !== null) return void (await note({ status: 'canceled' }));

  const attempts = delivery.attempts + 1;
  const answer = await post(env, webhook, id, delivery.payload);
  if (answer !== null && answer >= 200 && answer < 300) return void (await note({ status: 'delivered', attempts, answer }));
  if (answer === 410) {
    // Gone: it asks not to be told any more.
    const disable = db.update(webhooks).set({ disabledAt: new Date().toISOString() }).where(eq(webhooks.id, webhook.id));
    return void (await db.batch([note({ status: 'failed', attempts, answer }), disable]));
  }
  await note({ attempts, answer });
  throw new Error(answer === null ? 'no answer' : `answered ${answer}`);
}

async function post(
  env: Bindings,
  webhook: { id: string; salt: string; url: string },
  id: string,
  payload: string,
): Promise<number | null> {
  const signed = await signature(env, webhook, id, payload, Math.floor(Date.now() / 1000));
  try {
    const response = await fetch(webhook.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': `${env.APP_NAME}/${env.APP_VERSION}`, ...signed },
      body: payload,
      // To where it would lead nobody has agreed.
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await response.body?.cancel();
    return response.status;
  } catch {
    return null;
  }
}

/** Gives up a delivery whose message is dead. */
export const giveUp = (env: Bindings, id: string) =>
  drizzle(env.DB)
    .update(deliveries)
    .set({ status: 'failed' })
    .where(and(eq(deliveries.id, id), eq(deliveries.status, 'pending')));

/** Hands deliveries to the queue that it has lost. */
export async function findForgotten(env: Bindings, now: number): Promise<void> {
  const before = new Date(now - FORGOTTEN_MS).toISOString();
  const lost = and(eq(deliveries.status, 'pending'), lt(deliveries.updatedAt, before));
  const db = drizzle(env.DB);
  const rows = await db.select({ id: deliveries.id }).from(deliveries).where(lost).limit(100);
  if (rows.length > 0)
    await enqueue(
      env,
      rows.map((r) => r.id),
    );
}
