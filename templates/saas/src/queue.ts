import { drizzle } from 'drizzle-orm/d1';
import { z } from 'zod';
import { auditLog, finishedJobs } from './db/schema';

export const Job = z.object({ type: z.literal('project.created'), job: z.ulid(), project: z.ulid(), at: z.iso.datetime() });

/** Seconds before the next try: doubling from half a minute, at most ten. */
export const backoff = (attempts: number): number => Math.min(30 * 2 ** (attempts - 1), 600);

const log = (event: string, fields: Record<string, unknown>) => console.error(JSON.stringify({ level: 'error', event, ...fields }));

async function work(env: Env, job: z.infer<typeof Job>, attempts: number): Promise<void> {
  const db = drizzle(env.DB);
  // One transaction: a job that is delivered twice fails on its id the second time.
  await db.batch([
    db.insert(finishedJobs).values({ id: job.job, attempts }),
    db.insert(auditLog).values({ projectId: job.project, action: 'indexed' }),
  ]);
}

const isRepeat = (e: unknown): boolean => {
  const text = e instanceof Error ? `${e.message} ${e.cause instanceof Error ? e.cause.message : ''}` : String(e);
  return text.includes('UNIQUE constraint failed: finished_jobs.id');
};

export async function queue(batch: MessageBatch<unknown>, env: Env): Promise<void> {
  for (const message of batch.messages) {
    const parsed = Job.safeParse(message.body);
    if (!parsed.success) {
      // It will never be valid; trying again would only fill the dead-letter queue.
      log('job.invalid', { id: message.id });
      message.ack();
      continue;
    }
    try {
      await work(env, parsed.data, message.attempts);
      message.ack();
    } catch (e) {
      if (isRepeat(e)) {
        message.ack();
        continue;
      }
      log('job.failed', { id: message.id, attempts: message.attempts, message: String(e) });
      message.retry({ delaySeconds: backoff(message.attempts) });
    }
  }
}
