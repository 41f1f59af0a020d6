import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { Event, Scope } from '../context';
import { newId } from '../lib/ids';
import { nowIso } from '../lib/time';

const isoNow = sql`(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`;

const base = {
  id: text('id').primaryKey().$defaultFn(newId),
  createdAt: text('created_at').notNull().default(isoNow).$defaultFn(nowIso),
  updatedAt: text('updated_at').notNull().default(isoNow).$defaultFn(nowIso).$onUpdateFn(nowIso),
};

/** Keys of accounts. Of a key itself only a hash is kept, and a prefix to find it by. */
export const apiKeys = sqliteTable(
  'api_keys',
  {
    ...base,
    account: text('account').notNull(),
    name: text('name').notNull(),
    prefix: text('prefix').notNull(),
    hash: text('hash').notNull(),
    scopes: text('scopes', { mode: 'json' }).$type<Scope[]>().notNull(),
    expiresAt: text('expires_at'),
    revokedAt: text('revoked_at'),
    /** As the queue has counted so far, so some seconds late. */
    lastUsedAt: text('last_used_at'),
  },
  (t) => [uniqueIndex('idx_api_keys_prefix').on(t.prefix), index('idx_api_keys_account').on(t.account)],
);

const keyId = () =>
  text('key_id')
    .notNull()
    .references(() => apiKeys.id);

/** Requests of each key a day. */
export const usageDays = sqliteTable(
  'usage_days',
  {
    keyId: keyId(),
    day: text('day').notNull(),
    requests: integer('requests').notNull().default(0),
    failures: integer('failures').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.keyId, t.day] })],
);

/** Requests that were counted, so that one delivered twice counts once. Forgotten after some days. */
export const usageEvents = sqliteTable(
  'usage_events',
  {
    id: text('id').primaryKey(),
    keyId: keyId(),
    at: text('at').notNull(),
    failed: integer('failed').notNull(),
    counted: integer('counted').notNull().default(0),
  },
  (t) => [index('idx_usage_events_key_id').on(t.keyId), index('idx_usage_events_at').on(t.at)],
);

/** A sample of requests, and every one that went wrong here. No bodies, no queries, no addresses. */
export const requestLogs = sqliteTable(
  'request_logs',
  {
    id: text('id').primaryKey(),
    createdAt: text('created_at').notNull(),
    requestId: text('request_id').notNull(),
    account: text('account').notNull(),
    keyId: keyId(),
    method: text('method').notNull(),
    route: text('route').notNull(),
    status: integer('status').notNull(),
    ms: integer('ms').notNull(),
  },
  (t) => [
    index('idx_request_logs_account').on(t.account, t.id),
    index('idx_request_logs_key_id').on(t.keyId),
    index('idx_request_logs_created_at').on(t.createdAt),
  ],
);

/** The example of what the API is about: begin your own here. */
export const items = sqliteTable(
  'items',
  {
    ...base,
    account: text('account').notNull(),
    name: text('name').notNull(),
    data: text('data', { mode: 'json' }).$type<Record<string, unknown>>().notNull(),
    deletedAt: text('deleted_at'),
  },
  (t) => [index('idx_items_account').on(t.account, t.id), index('idx_items_deleted_at').on(t.deletedAt)],
);

/** What POSTs with an Idempotency-Key were answered; without a status they are under way. */
export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    id: text('id').primaryKey(),
    createdAt: text('created_at').notNull().$defaultFn(nowIso),
    /** SHA-256 of the body: another one under the same key is a mistake. */
    bodyHash: text('body_hash').notNull(),
    newId: text('new_id').notNull().$defaultFn(newId),
    lockedAt: text('locked_at').notNull(),
    status: integer('status'),
    answer: text('answer'),
  },
  (t) => [index('idx_idempotency_keys_created_at').on(t.createdAt)],
);

/** Where an account wants to be told what happens. The secret is made of salt (src/lib/keys.ts). */
export const webhooks = sqliteTable(
  'webhooks',
  {
    ...base,
    account: text('account').notNull(),
    url: text('url').notNull(),
    events: text('events', { mode: 'json' }).$type<Event[]>().notNull(),
    salt: text('salt').notNull(),
    disabledAt: text('disabled_at'),
    deletedAt: text('deleted_at'),
  },
  (t) => [index('idx_webhooks_account').on(t.account, t.id), index('idx_webhooks_deleted_at').on(t.deletedAt)],
);

/** What is told to whom. Written in one transaction with what it tells of. */
export const webhookDeliveries = sqliteTable(
  'webhook_deliveries',
  {
    ...base,
    webhookId: text('webhook_id')
      .notNull()
      .references(() => webhooks.id),
    event: text('event').notNull(),
    payload: text('payload').notNull(),
    status: text('status', { enum: ['pending', 'delivered', 'failed', 'canceled'] })
      .notNull()
      .default('pending'),
    attempts: integer('attempts').notNull().default(0),
    /** Of the last answer; nothing where there was none. */
    answer: integer('answer'),
  },
  (t) => [
    index('idx_webhook_deliveries_webhook_id').on(t.webhookId, t.id),
    index('idx_webhook_deliveries_status').on(t.status, t.updatedAt),
    index('idx_webhook_deliveries_created_at').on(t.createdAt),
  ],
);

/** Messages that failed for good. They can be sent again. */
export const deadLetters = sqliteTable('dead_letters', { ...base, body: text('body').notNull(), replayedAt: text('replayed_at') }, (t) => [
  index('idx_dead_letters_created_at').on(t.createdAt),
]);
