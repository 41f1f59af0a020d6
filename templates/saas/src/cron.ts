import { backup } from './backup';
import { nowIso } from './lib/time';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How long a finished job is remembered: longer than any message lives. */
const REMEMBERED_DAYS = 15;

export async function scheduled(controller: ScheduledController, env: Env): Promise<void> {
  switch (controller.cron) {
    case '0 * * * *': {
      const before = new Date(controller.scheduledTime - REMEMBERED_DAYS * DAY_MS).toISOString();
      await env.DB.prepare('DELETE FROM finished_jobs WHERE finished_at < ?').bind(before).run();
      return;
    }
    case '0 3 * * *':
      await backup(env, new Date(controller.scheduledTime).toISOString().slice(0, 10));
      return;
    default:
      console.error(JSON.stringify({ level: 'error', event: 'cron.unknown', cron: controller.cron, at: nowIso() }));
  }
}
