import { startBackup } from './backup';
import { mailPending } from './integrations/email';
import { logError } from './lib/errors';

const DAY_MS = 24 * 60 * 60 * 1000;

/** How long messages and numbers are kept. public/privacy.html promises it. */
const KEPT_DAYS = 365;

const before = (now: number) => new Date(now - KEPT_DAYS * DAY_MS).toISOString();

async function forget(env: Env, now: number): Promise<void> {
  const past = before(now);
  await env.DB.batch([
    env.DB.prepare('DELETE FROM form_submissions WHERE created_at < ?').bind(past),
    env.DB.prepare('DELETE FROM contacts WHERE updated_at < ? AND id NOT IN (SELECT contact_id FROM form_submissions)').bind(past),
    env.DB.prepare('DELETE FROM page_views WHERE day < ?').bind(past.slice(0, 10)),
  ]);
}

export async function scheduled(controller: ScheduledController, env: Env): Promise<void> {
  const now = controller.scheduledTime;
  switch (controller.cron) {
    case '0 * * * *':
      await mailPending(env, now);
      await forget(env, now);
      return;
    case '0 3 * * *':
      await startBackup(env, new Date(now).toISOString().slice(0, 10));
      return;
    default:
      logError('cron.unknown', { cron: controller.cron });
  }
}
