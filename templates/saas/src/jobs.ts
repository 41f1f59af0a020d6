import { and, eq, gt, isNull } from 'drizzle-orm';
import { z } from 'zod';
import type { Bindings } from './context';
import { database } from './db';
import { invites, teams } from './db/schema';
import { posthogIsOn } from './integrations/posthog';
import { digest, newToken } from './lib/guards';
import { nowIso } from './lib/time';

const job = z.uuid();

/** What may stand in the queue. job names one piece of work, however often it is delivered. */
export const Job = z.discriminatedUnion('type', [
  z.object({ type: z.literal('invite.email'), job, invite: z.ulid(), to: z.email(), team: z.string(), link: z.url() }),
  z.object({ type: z.literal('event.capture'), job, user: z.string(), event: z.string(), properties: z.record(z.string(), z.string()) }),
]);
export type Job = z.infer<typeof Job>;

/** What is kept of a job that failed for good: all but the link of an invite, whose token is stored nowhere. */
export const Kept = z.discriminatedUnion('type', [z.object({ type: z.literal('invite.email'), invite: z.ulid() }), Job.options[1]]);
export type Kept = z.infer<typeof Kept>;

/** Tells PostHog, where it is on, by way of the queue: no request waits for it, and none fails with it. */
export async function track(env: Bindings, user: string, event: string, properties: Record<string, string>): Promise<void> {
  if (!posthogIsOn(env)) return;
  await env.JOBS.send({ type: 'event.capture', job: crypto.randomUUID(), user, event, properties } satisfies Job);
}

/** How long an invite is good. */
const DAYS = 7;

/** A new token, and what is stored of it. Behind the #, so that no server, log or Referer sees the token. */
export async function inviteToken(origin: string) {
  const token = newToken();
  const expiresAt = new Date(Date.now() + DAYS * 24 * 60 * 60 * 1000).toISOString();
  return { link: `${origin}/app#invite=${token}`, stored: { tokenHash: await digest(token), expiresAt } };
}

export const inviteIsOpen = () => and(isNull(invites.acceptedAt), isNull(invites.deletedAt), gt(invites.expiresAt, nowIso()));

export const mailInvite = (env: Bindings, invite: string, to: string, team: string, link: string): Promise<unknown> =>
  env.JOBS.send({ type: 'invite.email', job: crypto.randomUUID(), invite, to, team, link } satisfies Job);

/** Mails an invite again, with a new link: the old one is known to nobody here, and ends. False says it is not open. */
export async function mailInviteAgain(env: Bindings, id: string): Promise<boolean> {
  const db = database(env);
  const { link, stored } = await inviteToken(env.APP_ORIGIN);
  const [row] = await db
    .update(invites)
    .set(stored)
    .where(and(eq(invites.id, id), inviteIsOpen()))
    .returning();
  const team =
    row &&
    (await db
      .select()
      .from(teams)
      .where(and(eq(teams.id, row.teamId), isNull(teams.deletedAt)))
      .get());
  if (!row || !team) return false;
  await mailInvite(env, id, row.email, team.name, link);
  return true;
}

/** Sends what failed for good to the queue once more. False says that there is nothing left to do. */
export async function replay(env: Bindings, kept: Kept): Promise<boolean> {
  if (kept.type === 'invite.email') return mailInviteAgain(env, kept.invite);
  await env.JOBS.send(kept);
  return true;
}
