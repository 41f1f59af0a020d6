import { and, desc, eq, isNull, ne, sql } from 'drizzle-orm';
import type { Bindings } from './context';
import { audit, database, type Statement } from './db';
import { memberships, teams, users } from './db/schema';
import { endSubscription } from './lib/plans';
import { nowIso } from './lib/time';

type Leaving = { changes: Statement[]; left: string[]; ended: string[] };

/** Who owns a team once its only owner is gone: of those with the highest role, whoever is there longest. */
const heirOf = (env: Bindings, team: string, gone: string) =>
  database(env)
    .select({ id: memberships.id, userId: memberships.userId, role: memberships.role })
    .from(memberships)
    .where(and(eq(memberships.teamId, team), ne(memberships.userId, gone)))
    .orderBy(desc(sql`CASE ${memberships.role} WHEN 'owner' THEN 2 WHEN 'admin' THEN 1 ELSE 0 END`), memberships.id)
    .limit(1)
    .get();

async function leave(env: Bindings, user: string): Promise<Leaving> {
  const db = database(env);
  const mine = await db
    .select({ team: teams.id, role: memberships.role })
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(and(eq(memberships.userId, user), isNull(teams.deletedAt)));
  const out: Leaving = { changes: [], left: [], ended: [] };
  for (const { team, role } of mine) {
    out.changes.push(audit(db, { teamId: team, actorId: user, action: 'member.left', subject: user }));
    const heir = await heirOf(env, team, user);
    if (!heir) {
      await endSubscription(env, team);
      out.ended.push(team);
      out.changes.push(
        db.update(teams).set({ deletedAt: nowIso() }).where(eq(teams.id, team)),
        audit(db, { teamId: team, actorId: null, action: 'team.deleted', subject: team }),
      );
      continue;
    }
    out.left.push(team);
    if (role === 'owner' && heir.role !== 'owner') {
      out.changes.push(
        db.update(memberships).set({ role: 'owner' }).where(eq(memberships.id, heir.id)),
        audit(db, { teamId: team, actorId: null, action: 'member.made_owner', subject: heir.userId }),
      );
    }
  }
  return out;
}

/**
 * What is to be written when somebody's account is closed: they are in no team any
 * more, no team stays without an owner, one of theirs alone is deleted, and nothing
 * that tells who they were stays. Then their sockets are to be closed.
 */
export async function closing(env: Bindings, clerkId: string): Promise<{ changes: Statement[]; after: () => Promise<unknown> }> {
  const db = database(env);
  const gone = { email: null, name: '', deletedAt: nowIso() };
  const row = await db.select({ id: users.id }).from(users).where(eq(users.clerkId, clerkId)).get();
  const close = db
    .insert(users)
    .values({ clerkId, ...gone })
    .onConflictDoUpdate({ target: users.clerkId, set: gone });
  if (!row) return { changes: [close], after: () => Promise.resolve() };
  const { changes, left, ended } = await leave(env, row.id);
  return {
    changes: [close, ...changes, db.delete(memberships).where(eq(memberships.userId, row.id))],
    after: () =>
      Promise.all([
        ...left.map((team) => env.ROOMS.getByName(team).expel(row.id)),
        ...ended.map((team) => env.ROOMS.getByName(team).close()),
      ]),
  };
}
