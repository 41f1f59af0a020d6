import { sql, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { newId } from '../lib/ids';
import { nowIso } from '../lib/time';
import { auditLog } from './schema';

export const database = (env: Env) => drizzle(env.DB);
export type Database = ReturnType<typeof database>;
export type Statement = Parameters<Database['batch']>[0][number];

type Entry = { teamId: string; actorId: string | null; action: string; subject: string };

/** An entry of the audit log, to be written in one batch with what it tells of. */
export const audit = (db: Database, entry: Entry) => db.insert(auditLog).values(entry);

/** The same, written only where a table has such a row: it stands before a change that is made on that condition. */
export function auditWhere(db: Database, { teamId, actorId, action, subject }: Entry, table: SQLiteTable, condition: SQL | undefined) {
  const at = nowIso();
  return db
    .insert(auditLog)
    .select(sql`SELECT ${newId()}, ${at}, ${at}, ${teamId}, ${actorId}, ${action}, ${subject} FROM ${table} WHERE ${condition}`);
}

/** Whether a statement failed because the table has such a row already. */
export function isDuplicate(e: unknown, column: string): boolean {
  const text = e instanceof Error ? `${e.message} ${e.cause instanceof Error ? e.cause.message : ''}` : String(e);
  return text.includes(`UNIQUE constraint failed: ${column}`);
}
