import { and, eq, isNull } from 'drizzle-orm';
import type { Bindings } from './context';
import { database } from './db';
import { deadLetters, finishedJobs, invites } from './db/schema';
import { sendInvite } from './integrations/email';
import { capture } from './integrations/posthog';
import { Job, type Kept } from './jobs';
import { logError } from './lib/errors';

/** Seconds before the next try: doubling from half a minute, at most ten. */
export const backoff = (attempts: number): number => Math.min(30 * 2 ** (attempts - 1), 600);

async function carryOut(env: Bindings, job: Job): Promise<void> {
  switch (job.type) {
    case 'invite.email': {
      const open = and(eq(invites.id, job.invite), isNull(invites.deletedAt), isNull(invites.acceptedAt));
      if (await database(env).select({ id: invites.id }).from(invites).where(open).get()) {
        await sendInvite(env, job.job, job.to, job.team, job.link);
      }
      return;
    }
    case 'event.capture':
      await capture(env, job.job, job.user, job.event, job.properties);
  }
}

/**
 * Does a job that was not done yet. Cut off between the work and the note of it,
 * the work is asked for again, and both third parties know it by the job's id.
 */
async function once(env: Bindings, job: Job, attempts: number): Promise<void> {
  const db = database(env);
  if (await db.select({ id: finishedJobs.id }).from(finishedJobs).where(eq(finishedJobs.id, job.job)).get()) return;
  await carryOut(env, job);
  await db.insert(finishedJobs).values({ id: job.job, attempts }).onConflictDoNothing();
}

async function work(batch: MessageBatch<unknown>, env: Bindings): Promise<void> {
  for (const message of batch.messages) {
    const parsed = Job.safeParse(message.body);
    if (!parsed.success) {
      // It will never be valid; trying again would only fill the dead-letter queue.
      logError('job.invalid', { id: message.id });
      message.ack();
      continue;
    }
    try {
      await once(env, parsed.data, message.attempts);
      message.ack();
    } catch (e) {
      logError('job.failed', { id: message.id, type: parsed.data.type, attempts: message.attempts, message: String(e) });
      message.retry({ delaySeconds: backoff(message.attempts) });
    }
  }
}

/** What is kept of a message: never the link of an invite. */
function kept(body: unknown): Kept | { type: string } {
  const parsed = Job.safeParse(body);
  if (!parsed.success) return { type: 'unknown' };
  return parsed.data.type === 'invite.email' ? { type: 'invite.email', invite: parsed.data.invite } : parsed.data;
}

/** Keeps jobs that failed for good, which a queue would drop after some days. /api/v1/admin/dead-letters sends them again. */
async function bury(batch: MessageBatch<unknown>, env: Bindings): Promise<void> {
  for (const message of batch.messages) {
    try {
      const body = kept(message.body);
      await database(env)
        .insert(deadLetters)
        .values({ messageId: message.id, body: JSON.stringify(body) })
        .onConflictDoNothing();
      logError('job.dead', { id: message.id, type: body.type });
      message.ack();
    } catch (e) {
      logError('job.unburied', { id: message.id, message: String(e) });
      message.retry({ delaySeconds: backoff(message.attempts) });
    }
  }
}

export const queue = (batch: MessageBatch<unknown>, env: Bindings): Promise<void> =>
  batch.queue.endsWith('-dlq') ? bury(batch, env) : work(batch, env);
