import { sql } from 'drizzle-orm';
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { newId } from '../lib/ids';
import { nowIso } from '../lib/time';

const isoNow = sql`(strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))`;

const base = {
  id: text('id').primaryKey().$defaultFn(newId),
  createdAt: text('created_at').notNull().default(isoNow).$defaultFn(nowIso),
  updatedAt: text('updated_at').notNull().default(isoNow).$defaultFn(nowIso).$onUpdateFn(nowIso),
};

/** From the least to the most that a member may do. */
export const ROLES = ['member', 'admin', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** People, as Clerk knows them; its webhooks keep the rows. */
export const users = sqliteTable(
  'users',
  {
    ...base,
    clerkId: text('clerk_id').notNull(),
    email: text('email'),
    name: text('name').notNull().default(''),
    /** When Clerk changed what stands here, so that a webhook that comes late undoes nothing. */
    syncedAt: text('synced_at'),
    deletedAt: text('deleted_at'),
  },
  (t) => [uniqueIndex('idx_users_clerk_id').on(t.clerkId), index('idx_users_deleted_at').on(t.deletedAt)],
);

export const teams = sqliteTable('teams', { ...base, name: text('name').notNull(), deletedAt: text('deleted_at') }, (t) => [
  index('idx_teams_deleted_at').on(t.deletedAt),
]);

const teamId = () =>
  text('team_id')
    .notNull()
    .references(() => teams.id);

export const memberships = sqliteTable(
  'memberships',
  {
    ...base,
    teamId: teamId(),
    userId: text('user_id')
      .notNull()
      .references(() => users.id),
    role: text('role', { enum: ROLES }).notNull(),
  },
  (t) => [uniqueIndex('idx_memberships_team_id_user_id').on(t.teamId, t.userId), index('idx_memberships_user_id').on(t.userId)],
);

export const invites = sqliteTable(
  'invites',
  {
    ...base,
    teamId: teamId(),
    email: text('email').notNull(),
    role: text('role', { enum: ['member', 'admin'] }).notNull(),
    /** SHA-256 of the token in the link; the token itself is kept nowhere. */
    tokenHash: text('token_hash').notNull(),
    invitedBy: text('invited_by')
      .notNull()
      .references(() => users.id),
    expiresAt: text('expires_at').notNull(),
    acceptedAt: text('accepted_at'),
    acceptedBy: text('accepted_by').references(() => users.id),
    deletedAt: text('deleted_at'),
  },
  (t) => [
    uniqueIndex('idx_invites_token_hash').on(t.tokenHash),
    index('idx_invites_team_id').on(t.teamId),
    index('idx_invites_invited_by').on(t.invitedBy),
    index('idx_invites_accepted_by').on(t.acceptedBy),
    index('idx_invites_deleted_at').on(t.deletedAt),
  ],
);

/** A team's customer and subscription at Stripe, as Stripe last told it. */
export const subscriptions = sqliteTable(
  'subscriptions',
  {
    ...base,
    teamId: teamId(),
    customerId: text('customer_id').notNull(),
    subscriptionId: text('subscription_id'),
    status: text('status').notNull().default('none'),
    priceId: text('price_id'),
    periodEnd: text('period_end'),
    cancelAtPeriodEnd: integer('cancel_at_period_end', { mode: 'boolean' }).notNull().default(false),
  },
  (t) => [
    uniqueIndex('idx_subscriptions_team_id').on(t.teamId),
    uniqueIndex('idx_subscriptions_customer_id').on(t.customerId),
    uniqueIndex('idx_subscriptions_subscription_id').on(t.subscriptionId),
  ],
);

/** The example of what a team works on: begin your own product here. */
export const projects = sqliteTable(
  'projects',
  {
    ...base,
    teamId: teamId(),
    createdBy: text('created_by')
      .notNull()
      .references(() => users.id),
    name: text('name').notNull(),
    note: text('note').notNull().default(''),
    deletedAt: text('deleted_at'),
  },
  (t) => [
    index('idx_projects_team_id').on(t.teamId),
    index('idx_projects_created_by').on(t.createdBy),
    index('idx_projects_deleted_at').on(t.deletedAt),
  ],
);

/** Files of a team. Their bytes stand in STORAGE below teams/TEAM/ID. */
export const uploads = sqliteTable(
  'uploads',
  {
    ...base,
    teamId: teamId(),
    createdBy: text('created_by')
      .notNull()
      .references(() => users.id),
    name: text('name').notNull().default(''),
    type: text('type').notNull(),
    size: integer('size').notNull(),
    deletedAt: text('deleted_at'),
  },
  (t) => [
    index('idx_uploads_team_id').on(t.teamId),
    index('idx_uploads_created_by').on(t.createdBy),
    index('idx_uploads_deleted_at').on(t.deletedAt),
  ],
);

/** Who did what. Rows are only ever added. */
export const auditLog = sqliteTable(
  'audit_log',
  {
    ...base,
    teamId: teamId(),
    /** Nobody, where a service such as Stripe did it. */
    actorId: text('actor_id').references(() => users.id),
    action: text('action').notNull(),
    subject: text('subject').notNull(),
  },
  (t) => [index('idx_audit_log_team_id').on(t.teamId), index('idx_audit_log_actor_id').on(t.actorId)],
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

/** Jobs that failed for good, kept until somebody sends them again or they are forgotten. */
export const deadLetters = sqliteTable(
  'dead_letters',
  {
    ...base,
    /** The queue's id, so that a message delivered twice is kept once. */
    messageId: text('message_id').notNull(),
    body: text('body').notNull(),
    replayedAt: text('replayed_at'),
  },
  (t) => [uniqueIndex('idx_dead_letters_message_id').on(t.messageId), index('idx_dead_letters_created_at').on(t.createdAt)],
);

/** Webhooks that were taken in, so that one sent twice counts once. */
export const webhookEvents = sqliteTable(
  'webhook_events',
  {
    id: text('id').primaryKey(),
    receivedAt: text('received_at').notNull().default(isoNow).$defaultFn(nowIso),
  },
  (t) => [index('idx_webhook_events_received_at').on(t.receivedAt)],
);
