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

/** Whose conversations there are. What was said is in the Durable Object with the conversation's id as its name. */
export const conversations = sqliteTable(
  'conversations',
  {
    ...base,
    visitorId: text('visitor_id').notNull(),
    title: text('title').notNull().default(''),
    messageCount: integer('message_count').notNull().default(0),
    lastMessageAt: text('last_message_at'),
    deletedAt: text('deleted_at'),
    /** When the Durable Object of a deleted conversation was cleared. */
    clearedAt: text('cleared_at'),
  },
  (t) => [index('idx_conversations_visitor_id').on(t.visitorId, t.id), index('idx_conversations_deleted_at').on(t.deletedAt)],
);

/** What each answer cost. */
export const answers = sqliteTable(
  'answers',
  {
    ...base,
    conversationId: text('conversation_id')
      .notNull()
      .references(() => conversations.id),
    model: text('model').notNull(),
    ending: text('ending').notNull(),
    steps: integer('steps').notNull(),
    tokens: integer('tokens').notNull(),
    ms: integer('ms').notNull(),
  },
  (t) => [index('idx_answers_conversation_id').on(t.conversationId), index('idx_answers_created_at').on(t.createdAt)],
);
