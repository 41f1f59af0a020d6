import { drizzle } from 'drizzle-orm/d1';
import { auditLog } from './schema';

export const database = (env: Env) => drizzle(env.DB);
export type Database = ReturnType<typeof database>;

/** An entry of the audit log, to be written in one batch with what it tells of. */
export const audit = (db: Database, entry: { teamId: string; actorId: string | null; action: string; subject: string }) =>
  db.insert(auditLog).values(entry);

/** Whether a statement failed because the table has such a row already. */
export function isDuplicate(e: unknown, column: string): boolean {
  const text = e instanceof Error ? `${e.message} ${e.cause instanceof Error ? e.cause.message : ''}` : String(e);
  return text.includes(`UNIQUE constraint failed: ${column}`);
}
