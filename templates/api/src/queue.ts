import { drizzle } from 'drizzle-orm/d1';
import { z } from 'zod';
import type { Bindings } from './context';
import { deadLetters } from './db/schema';
import { logError } from './lib/errors';
import { count, Usage } from './usage';
import { deliver, Delivery, giveUp } from './webhooks';

export const Job = z.discriminatedUnion('type', [Usage, Delivery]);

/** Seconds before the next try: doubling from half a minute, at most an hour. */
export const backoff = (attempts: number): number => Math.min(30 * 2 ** (attempts - 1), 3600);

/** Does the work of a batch, message by message, but what is counted all at once. */
async function work(batch: MessageBatch<unknown>, env: Bindings): Promise<void> {
  const done = (message: Message<unknown>, doing: Promise<void>) =>
    doing.then(
      () => message.ack(),
      (e: unknown) => {
        logError('job.failed', { id: message.id, attempts: message.attempts, message: String(e) });
        message.retry({ delaySeconds: backoff(message.attempts) });
      },
    );
  const usage: [Message<unknown>, Usage][] = [];
  const under: Promise<void>[] = [];
  for (const message of batch.messages) {
    const parsed = Job.safeParse(message.body);
    if (!parsed.success) {
      // It will never be valid; trying again would only fill the dead-letter queue.
      logError('job.invalid', { id: message.id });
      message.ack();
    } else if (parsed.data.type === 'usage') usage.push([message, parsed.data]);
    else under.push(done(message, deliver(env, parsed.data.delivery)));
  }
  const counted = count(
    env,
    usage.map(([, u]) => u),
  );
  await Promise.all([...under, ...usage.map(([message]) => done(message, counted))]);
}

/** Keeps messages that failed for good, which a queue would drop after some days. */
async function bury(batch: MessageBatch<unknown>, env: Bindings): Promise<void> {
  const db = drizzle(env.DB);
  for (const message of batch.messages) {
    try {
      const job = Job.safeParse(message.body);
      if (job.success && job.data.type === 'webhook') await giveUp(env, job.data.delivery);
      // One that is delivered twice is kept once.
      await db
        .insert(deadLetters)
        .values({ id: message.id, body: JSON.stringify(message.body) })
        .onConflictDoNothing();
      logError('job.dead', { id: message.id });
      message.ack();
    } catch (e) {
      logError('job.unburied', { id: message.id, message: String(e) });
      message.retry({ delaySeconds: backoff(message.attempts) });
    }
  }
}

export const queue = (batch: MessageBatch<unknown>, env: Bindings): Promise<void> =>
  batch.queue.endsWith('-dlq') ? bury(batch, env) : work(batch, env);
