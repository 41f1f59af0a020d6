import { startBackup } from './backup';
import type { Bindings } from './context';
import { logError } from './lib/errors';
import { findForgotten } from './webhooks';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Days after which rows are deleted, by the column that says how old they are. */
const KEPT: [table: string, column: string, days: number][] = [
  ['idempotency_keys', 'created_at', 1],
  ['usage_events', 'at', 15], // longer than any message lives
  ['request_logs', 'created_at', 30],
  ['webhook_deliveries', 'created_at', 30],
  ['dead_letters', 'created_at', 90],
];

/** Rows that are deleted at once, and how often in an hour: a statement must not take too long. */
const CHUNK = 5000;
const ROUNDS = 20;

async function forget(env: Bindings, now: number): Promise<void> {
  for (const [table, column, days] of KEPT) {
    const before = new Date(now - days * DAY_MS).toISOString();
    const statement = env.DB.prepare(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${column} < ? LIMIT ${CHUNK})`);
    for (let round = 0; round < ROUNDS; round++) {
      const { meta } = await statement.bind(before).run();
      if (meta.changes < CHUNK) break;
    }
  }
}

export async function scheduled(controller: ScheduledController, env: Bindings): Promise<void> {
  const now = controller.scheduledTime;
  switch (controller.cron) {
    case '0 * * * *':
      await findForgotten(env, now);
      await forget(env, now);
      return;
    case '0 3 * * *':
      await startBackup(env, new Date(now).toISOString().slice(0, 10));
      return;
    default:
      logError('cron.unknown', { cron: controller.cron });
  }
}
