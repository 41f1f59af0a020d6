import { and, eq, isNull, lte, or } from 'drizzle-orm';
import { Hono } from 'hono';
import type Stripe from 'stripe';
import type { UserJSON } from '@clerk/backend';
import { closing } from '../account';
import { later, type Bindings, type Public } from '../context';
import { audit, database, isDuplicate, type Statement } from '../db';
import { subscriptions, users, webhookEvents } from '../db/schema';
import { clerkEvent } from '../integrations/clerk';
import { stripe, stripeEvent } from '../integrations/stripe';
import { AppError, logError } from '../lib/errors';
import { announce } from '../lib/live';
import { isLive } from '../lib/plans';
import { nowIso } from '../lib/time';
import { teamExists } from './teams';

const isoOf = (seconds: number) => new Date(seconds * 1000).toISOString();

async function seen(env: Bindings, id: string): Promise<boolean> {
  return (await database(env).select({ id: webhookEvents.id }).from(webhookEvents).where(eq(webhookEvents.id, id)).get()) !== undefined;
}

/** Writes what an event changes together with the note of it: both or neither, and once. False says it was there. */
async function record(env: Bindings, id: string, changes: Statement[]): Promise<boolean> {
  try {
    const db = database(env);
    await db.batch([db.insert(webhookEvents).values({ id }), ...changes]);
    return true;
  } catch (e) {
    if (isDuplicate(e, 'webhook_events.id')) return false;
    throw e;
  }
}

/** The subscription that an event is about, if it is about one. */
function subscriptionId(event: Stripe.Event): string | null {
  const idOf = (s: string | { id: string } | null | undefined) => (typeof s === 'string' ? s : (s?.id ?? null));
  switch (event.type) {
    case 'checkout.session.completed':
      return idOf(event.data.object.subscription);
    case 'customer.subscription.created':
    case 'customer.subscription.updated':
    case 'customer.subscription.deleted':
    case 'customer.subscription.paused':
    case 'customer.subscription.resumed':
      return event.data.object.id;
    case 'invoice.paid':
    case 'invoice.payment_failed':
      return idOf(event.data.object.parent?.subscription_details?.subscription);
    default:
      return null;
  }
}

/**
 * What is to be written for a subscription. Events come in any order, so Stripe is
 * asked how it stands now instead of believing the event.
 */
async function subscriptionChanges(env: Bindings, id: string): Promise<{ team: string; status: string; changes: Statement[] } | null> {
  if (!env.STRIPE_API_KEY) throw new AppError(422, 'Set STRIPE_API_KEY: Stripe has to be asked how the subscription stands');
  const now = await stripe(env).subscriptions.retrieve(id);
  const customerId = typeof now.customer === 'string' ? now.customer : now.customer.id;
  const db = database(env);
  const row = await db.select().from(subscriptions).where(eq(subscriptions.customerId, customerId)).get();
  const teamId = row?.teamId ?? now.metadata.team_id;
  if (!teamId || !(row || (await teamExists(env, teamId)))) {
    logError('webhook.unknown_team', { subscription: id });
    return null;
  }
  // News of an ended subscription takes nothing from the one that came after it.
  if (row?.subscriptionId && row.subscriptionId !== id && isLive(row.status) && !isLive(now.status)) return null;
  const item = now.items.data[0];
  const state = {
    customerId,
    subscriptionId: id,
    status: now.status,
    priceId: item?.price.id ?? null,
    periodEnd: item ? isoOf(item.current_period_end) : null,
    cancelAtPeriodEnd: now.cancel_at_period_end,
  };
  const changes = [
    db
      .insert(subscriptions)
      .values({ teamId, ...state })
      .onConflictDoUpdate({ target: subscriptions.teamId, set: { ...state, updatedAt: nowIso() } }),
    audit(db, { teamId, actorId: null, action: `subscription.${now.status}`, subject: id }),
  ];
  return { team: teamId, status: now.status, changes };
}

function userChanges(env: Bindings, user: UserJSON): Statement[] {
  const email = user.email_addresses.find((e) => e.id === user.primary_email_address_id)?.email_address ?? null;
  const name = [user.first_name, user.last_name].filter(Boolean).join(' ');
  const syncedAt = new Date(user.updated_at).toISOString();
  return [
    database(env)
      .insert(users)
      .values({ clerkId: user.id, email, name, syncedAt })
      .onConflictDoUpdate({
        target: users.clerkId,
        set: { email, name, syncedAt, updatedAt: nowIso() },
        setWhere: and(isNull(users.deletedAt), or(isNull(users.syncedAt), lte(users.syncedAt, syncedAt))),
      }),
  ];
}

export const webhooks = new Hono<Public>()
  .post('/stripe', async (c) => {
    if (!c.env.STRIPE_WEBHOOK_SECRET) throw new AppError(404, 'Billing is off');
    const event = await stripeEvent(c.env, await c.req.text(), c.req.header('stripe-signature') ?? '');
    const id = `stripe:${event.id}`;
    if (await seen(c.env, id)) return c.json({ received: true, duplicate: true });
    const subscription = subscriptionId(event);
    const news = subscription ? await subscriptionChanges(c.env, subscription) : null;
    const fresh = await record(c.env, id, news?.changes ?? []);
    if (fresh && news) announce(c, news.team, null, 'billing.changed', { status: news.status });
    return c.json({ received: true, duplicate: !fresh });
  })
  .post('/clerk', async (c) => {
    if (!c.env.CLERK_WEBHOOK_SECRET) throw new AppError(404, 'Sign-in with Clerk is off');
    const event = await clerkEvent(c.env, c.req.raw);
    const id = `clerk:${c.req.header('svix-id')}`;
    if (await seen(c.env, id)) return c.json({ received: true, duplicate: true });
    const closed = event.type === 'user.deleted' && event.data.id ? await closing(c.env, event.data.id) : null;
    const changed = event.type === 'user.created' || event.type === 'user.updated' ? userChanges(c.env, event.data) : [];
    const fresh = await record(c.env, id, closed?.changes ?? changed);
    if (fresh && closed) later(c, closed.after());
    return c.json({ received: true, duplicate: !fresh });
  });
