import { and, eq, isNotNull, inArray, lt, or } from 'drizzle-orm';
import { startBackup } from './backup';
import { database } from './db';
import { teams, uploads } from './db/schema';
import { logError } from './lib/errors';
import { keyOf } from './lib/files';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Days after which rows are forgotten, by the column that says how old they are. */
const KEPT: [table: string, column: string, days: number][] = [
  ['finished_jobs', 'finished_at', 15], // longer than any job is delivered again
  ['webhook_events', 'received_at', 15], // and any webhook
  ['dead_letters', 'created_at', 90],
];

/** Days for which deleted files, and those of deleted teams, can still be brought back by hand. */
const TRASH_DAYS = 30;

/** Rows that are deleted at once, and how often in an hour: a statement must not take too long. */
const CHUNK = 500;
const ROUNDS = 20;

const ago = (now: number, days: number) => new Date(now - days * DAY_MS).toISOString();

async function forget(env: Env, now: number): Promise<void> {
  for (const [table, column, days] of KEPT) {
    const statement = env.DB.prepare(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${column} < ? LIMIT ${CHUNK})`);
    for (let round = 0; round < ROUNDS; round++) {
      const { meta } = await statement.bind(ago(now, days)).run();
      if (meta.changes < CHUNK) break;
    }
  }
}

/** Empties the trash: first the bytes, then the row, so that no bytes are left that nobody knows of. */
async function emptyTrash(env: Env, now: number): Promise<void> {
  const before = ago(now, TRASH_DAYS);
  const db = database(env);
  const old = or(lt(uploads.deletedAt, before), and(isNotNull(teams.deletedAt), lt(teams.deletedAt, before)));
  for (let round = 0; round < ROUNDS; round++) {
    const rows = await db
      .select({ id: uploads.id, team: uploads.teamId })
      .from(uploads)
      .innerJoin(teams, eq(teams.id, uploads.teamId))
      .where(old)
      .limit(90); // as many values as one statement of D1 may have, less some
    if (rows.length === 0) return;
    await env.STORAGE.delete(rows.map((r) => keyOf(r.team, r.id)));
    await db.delete(uploads).where(
      inArray(
        uploads.id,
        rows.map((r) => r.id),
      ),
    );
  }
}

export async function scheduled(controller: ScheduledController, env: Env): Promise<void> {
  const now = controller.scheduledTime;
  switch (controller.cron) {
    case '0 * * * *':
      await forget(env, now);
      await emptyTrash(env, now);
      return;
    case '0 3 * * *':
      await startBackup(env, new Date(now).toISOString().slice(0, 10));
      return;
    default:
      logError('cron.unknown', { cron: controller.cron });
  }
}
