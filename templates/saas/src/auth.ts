import { and, eq, isNull } from 'drizzle-orm';
import { createMiddleware } from 'hono/factory';
import { isDevelopment, type Bindings, type InTeam, type Public, type SignedIn, type User } from './context';
import { database } from './db';
import { memberships, ROLES, teams, users, type Role } from './db/schema';
import { clerkIsOn, clerkUser } from './integrations/clerk';
import { AppError, found } from './lib/errors';
import { bearer, sameSecret } from './lib/guards';

const LOCAL = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * How people sign in. DEV_TOKEN counts on this machine only, where .dev.vars says
 * ENVIRONMENT=development as well: put on Cloudflare by mistake, it opens nothing.
 */
export function signIn(env: Bindings, url: string): 'clerk' | 'dev' | 'off' {
  if (clerkIsOn(env)) return 'clerk';
  return isDevelopment(env) && env.DEV_TOKEN && LOCAL.has(new URL(url).hostname) ? 'dev' : 'off';
}

/** "TOKEN" signs in as dev, "TOKEN:name" as somebody else: teams are no fun alone. */
async function devUser(env: Bindings, token: string): Promise<string> {
  const [, secret, name] = /^(.*?)(?::([a-z0-9]{1,20}))?$/.exec(token) ?? [];
  if (!(await sameSecret(secret ?? '', env.DEV_TOKEN!))) throw new AppError(401, 'The token is not that of .dev.vars');
  return `dev_${name ?? 'dev'}`;
}

/** The row of somebody who is signed in. It is made here when that comes before Clerk's webhook. */
async function userOf(env: Bindings, clerkId: string): Promise<User> {
  const db = database(env);
  const read = () =>
    db
      .select({ id: users.id, email: users.email, name: users.name, deletedAt: users.deletedAt })
      .from(users)
      .where(eq(users.clerkId, clerkId))
      .get();
  let row = await read();
  if (!row) {
    const dev = clerkId.startsWith('dev_') ? { name: clerkId.slice(4), email: `${clerkId.slice(4)}@localhost` } : {};
    await db
      .insert(users)
      .values({ clerkId, ...dev })
      .onConflictDoNothing();
    row = await read();
  }
  if (!row || row.deletedAt !== null) throw new AppError(401, 'This account is closed');
  return { id: row.id, email: row.email, name: row.name };
}

export const requireUser = createMiddleware<SignedIn>(async (c, next) => {
  const token = bearer(c);
  const how = signIn(c.env, c.req.url);
  if (how === 'off') throw new AppError(401, 'Sign-in is not set up');
  if (!token) throw new AppError(401, 'Sign in first');
  const clerkId = how === 'clerk' ? await clerkUser(c.env, token) : await devUser(c.env, token);
  c.set('user', await userOf(c.env, clerkId));
  await next();
});

/** Lets in whoever runs the service: by ADMIN_TOKEN, or on this machine without one by DEV_TOKEN. */
export const requireAdmin = createMiddleware<Public>(async (c, next) => {
  const wanted = c.env.ADMIN_TOKEN || (signIn(c.env, c.req.url) === 'dev' ? c.env.DEV_TOKEN : '');
  if (!wanted || !(await sameSecret(bearer(c), wanted))) throw new AppError(401, 'ADMIN_TOKEN is needed');
  await next();
});

/** Lets members of the team in the path in. To anybody else there is no such team. */
export const requireTeam = createMiddleware<InTeam>(async (c, next) => {
  const row = await database(c.env)
    .select({ id: teams.id, name: teams.name, role: memberships.role })
    .from(teams)
    .innerJoin(memberships, eq(memberships.teamId, teams.id))
    .where(and(eq(teams.id, c.req.param('team') ?? ''), eq(memberships.userId, c.get('user').id), isNull(teams.deletedAt)))
    .get();
  c.set('team', found(row, 'team'));
  await next();
});

export const reaches = (role: Role, least: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(least);

/** Ends the request unless the caller's role in the team reaches that far. */
export function need(role: Role, least: Role): void {
  if (!reaches(role, least))
    throw new AppError(403, `Only ${least === 'owner' ? 'an owner' : 'an admin or owner'} of the team may do that`);
}
