import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { newId } from '../lib/ids';
import { nowIso } from '../lib/time';

const isoNow = sql`(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`;

const base = {
  id: text('id').primaryKey().$defaultFn(newId),
  createdAt: text('created_at').notNull().default(isoNow).$defaultFn(nowIso),
  updatedAt: text('updated_at').notNull().default(isoNow).$defaultFn(nowIso).$onUpdateFn(nowIso),
  deletedAt: text('deleted_at'),
};

/** People who wrote, each once. */
export const contacts = sqliteTable('contacts', { ...base, email: text('email').notNull(), name: text('name').notNull() }, (t) => [
  uniqueIndex('idx_contacts_email').on(t.email),
  index('idx_contacts_deleted_at').on(t.deletedAt),
]);

/** What they wrote, and how far the mail about it has come. */
export const formSubmissions = sqliteTable(
  'form_submissions',
  {
    ...base,
    contactId: text('contact_id')
      .notNull()
      .references(() => contacts.id),
    message: text('message').notNull(),
    mail: text('mail', { enum: ['off', 'pending', 'sent', 'failed'] }).notNull(),
    mailAttempts: integer('mail_attempts').notNull().default(0),
  },
  (t) => [
    index('idx_form_submissions_contact_id').on(t.contactId),
    index('idx_form_submissions_mail').on(t.mail),
    index('idx_form_submissions_created_at').on(t.createdAt),
    index('idx_form_submissions_deleted_at').on(t.deletedAt),
  ],
);

/** Views of each page a day: a number, and nothing about who looked. */
export const pageViews = sqliteTable(
  'page_views',
  { day: text('day').notNull(), path: text('path').notNull(), views: integer('views').notNull().default(0) },
  (t) => [primaryKey({ columns: [t.day, t.path] })],
);
