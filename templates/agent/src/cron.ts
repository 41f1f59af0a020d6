import { and, isNotNull, isNull, lt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { startBackup } from './backup';
import { answers, conversations } from './db/schema';
import { logError } from './lib/errors';
import { clear } from './routes/conversations';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Conversations that are cleared in one run. */
const BATCH = 50;

/** Clears what a deletion could not. */
async function clearDeleted(env: Env): Promise<void> {
  const rows = await drizzle(env.DB)
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(isNotNull(conversations.deletedAt), isNull(conversations.clearedAt)))
    .limit(BATCH);
  for (const { id } of rows) {
    await clear(env, id).catch((e: unknown) => logError('clear.failed', { conversation: id, message: String(e) }));
  }
}

export async function scheduled(controller: ScheduledController, env: Env): Promise<void> {
  switch (controller.cron) {
    case '0 * * * *': {
      await clearDeleted(env);
      const before = new Date(controller.scheduledTime - env.RETENTION_DAYS * DAY_MS).toISOString();
      await drizzle(env.DB).delete(answers).where(lt(answers.createdAt, before));
      return;
    }
    case '0 3 * * *':
      await startBackup(env, new Date(controller.scheduledTime).toISOString().slice(0, 10));
      return;
    default:
      logError('cron.unknown', { cron: controller.cron });
  }
}
