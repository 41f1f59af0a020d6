import { and, count, eq, isNull } from 'drizzle-orm';
import type { Bindings } from '../context';
import { database } from '../db';
import { memberships, projects, subscriptions } from '../db/schema';
import { stripe, stripeIsOn } from '../integrations/stripe';
import { AppError } from './errors';

/** What a team may have without paying, and with. */
export const LIMITS = {
  free: { projects: 3, members: 3 },
  pro: { projects: 1000, members: 100 },
} as const;
export type Plan = keyof typeof LIMITS;

/** Stripe tries a failed payment again for days; until it gives up, nothing is taken away. */
export const isLive = (status: string): boolean => ['active', 'trialing', 'past_due'].includes(status);

/** The team's plan. While billing is off, everybody has everything. */
export async function planOf(env: Bindings, teamId: string): Promise<Plan> {
  if (!stripeIsOn(env)) return 'pro';
  const row = await database(env)
    .select({ status: subscriptions.status })
    .from(subscriptions)
    .where(eq(subscriptions.teamId, teamId))
    .get();
  return isLive(row?.status ?? 'none') ? 'pro' : 'free';
}

/** Ends what a team pays for, before the team is deleted: so none ever goes on paying after it is gone. */
export async function endSubscription(env: Bindings, teamId: string): Promise<void> {
  const row = await database(env).select().from(subscriptions).where(eq(subscriptions.teamId, teamId)).get();
  if (row?.subscriptionId && isLive(row.status) && env.STRIPE_API_KEY) await stripe(env).subscriptions.cancel(row.subscriptionId);
}

/** Ends the request where the plan allows no further project or member. */
export async function checkRoom(env: Bindings, teamId: string, what: 'projects' | 'members'): Promise<void> {
  const plan = await planOf(env, teamId);
  const db = database(env);
  const row =
    what === 'projects'
      ? await db
          .select({ n: count() })
          .from(projects)
          .where(and(eq(projects.teamId, teamId), isNull(projects.deletedAt)))
          .get()
      : await db.select({ n: count() }).from(memberships).where(eq(memberships.teamId, teamId)).get();
  const limit = LIMITS[plan][what];
  if ((row?.n ?? 0) >= limit) throw new AppError(403, `The plan ${plan} has room for ${limit} ${what}`, { plan, limit });
}
