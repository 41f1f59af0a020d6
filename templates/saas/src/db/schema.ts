import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { newId } from '../lib/ids';
import { nowIso } from '../lib/time';

const isoNow = sql`(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`;

const base = {
  id: text('id').primaryKey().$defaultFn(newId),
  createdAt: text('created_at').notNull().default(isoNow).$defaultFn(nowIso),
  updatedAt: text('updated_at').notNull().default(isoNow).$defaultFn(nowIso).$onUpdateFn(nowIso),
};

export const projects = sqliteTable(
  'projects',
  {
    ...base,
    name: text('name').notNull(),
    note: text('note').notNull().default(''),
    deletedAt: text('deleted_at'),
  },
  (t) => [index('idx_projects_deleted_at').on(t.deletedAt)],
);

export const auditLog = sqliteTable(
  'audit_log',
  {
    ...base,
    projectId: text('project_id')
      .notNull()
      .references(() => projects.id),
    action: text('action').notNull(),
  },
  (t) => [index('idx_audit_log_project_id').on(t.projectId)],
);

/** Jobs that were done, so that one delivered twice is done once. */
export const finishedJobs = sqliteTable(
  'finished_jobs',
  {
    id: text('id').primaryKey(),
    attempts: integer('attempts').notNull(),
    finishedAt: text('finished_at').notNull().default(isoNow).$defaultFn(nowIso),
  },
  (t) => [index('idx_finished_jobs_finished_at').on(t.finishedAt)],
);
