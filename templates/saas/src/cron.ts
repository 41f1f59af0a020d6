import { startBackup } from './backup';
import { logError } from './lib/errors';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How long finished jobs and webhooks are remembered: longer than any is delivered again. */
const REMEMBERED_DAYS = 15;

export async function scheduled(controller: ScheduledController, env: Env): Promise<void> {
  switch (controller.cron) {
    case '0 * * * *': {
      const before = new Date(controller.scheduledTime - REMEMBERED_DAYS * DAY_MS).toISOString();
      await env.DB.batch([
        env.DB.prepare('DELETE FROM finished_jobs WHERE finished_at < ?').bind(before),
        env.DB.prepare('DELETE FROM webhook_events WHERE received_at < ?').bind(before),
      ]);
      return;
    }
    case '0 3 * * *':
      await startBackup(env, new Date(controller.scheduledTime).toISOString().slice(0, 10));
      return;
    default:
      logError('cron.unknown', { cron: controller.cron });
  }
}
