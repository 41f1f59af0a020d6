import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, gt, sql } from 'drizzle-orm';
import { need } from '../auth';
import { later, type InTeam } from '../context';
import { auditWhere, database, type Database } from '../db';
import { memberships, ROLES, users } from '../db/schema';
import { AppError, found } from '../lib/errors';
import { tell } from '../lib/live';
import { body, failure, many, one, page, pageQuery, router } from '../lib/openapi';

const Member = z
  .object({
    id: z.ulid(),
    userId: z.ulid(),
    name: z.string(),
    email: z.string().nullable(),
    role: z.enum(ROLES),
    createdAt: z.iso.datetime(),
  })
  .openapi('Member');
const params = z.object({ team: z.ulid(), user: z.ulid() });
const common = { 401: failure('Nobody is signed in'), 404: failure('There is no such team or member') };
const refused = { 403: failure('For admins; only an owner makes or unmakes owners'), 409: failure('A team keeps at least one owner') };

const list = createRoute({
  method: 'get',
  path: '/',
  tags: ['members'],
  summary: 'Who is in the team',
  request: { params: params.pick({ team: true }), query: pageQuery },
  responses: { 200: many(Member, 'A page of members'), 400: failure('The request is not valid'), ...common },
});
const update = createRoute({
  method: 'patch',
  path: '/{user}',
  tags: ['members'],
  summary: 'Give a member another role',
  request: { params, body: body(z.object({ role: z.enum(ROLES) })) },
  responses: { 200: one(Member, 'The member'), 400: failure('The request is not valid'), ...refused, ...common },
});
const remove = createRoute({
  method: 'delete',
  path: '/{user}',
  tags: ['members'],
  summary: 'Take a member out of the team, or leave it',
  request: { params },
  responses: { 204: { description: 'Taken out' }, ...refused, ...common },
});

const shape = {
  id: memberships.id,
  userId: memberships.userId,
  name: users.name,
  email: users.email,
  role: memberships.role,
  createdAt: memberships.createdAt,
};

const member = (db: Database, team: string, user: string) =>
  db
    .select(shape)
    .from(memberships)
    .innerJoin(users, eq(users.id, memberships.userId))
    .where(and(eq(memberships.teamId, team), eq(memberships.userId, user)))
    .get();

/** The membership, unless it is that of the last owner. It is part of each change: two owners may leave at the same time. */
const replaceable = (id: string, team: string) =>
  and(
    eq(memberships.id, id),
    sql`(${memberships.role} <> 'owner' OR 1 < (SELECT count(*) FROM memberships o WHERE o.team_id = ${team} AND o.role = 'owner'))`,
  );

function keptAnOwner(changed: unknown[]): void {
  if (changed.length === 0) throw new AppError(409, 'A team keeps at least one owner');
}

export const members = router<InTeam>()
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const rows = await database(c.env)
      .select(shape)
      .from(memberships)
      .innerJoin(users, eq(users.id, memberships.userId))
      .where(and(eq(memberships.teamId, c.get('team').id), cursor ? gt(memberships.id, cursor) : undefined))
      .orderBy(memberships.id)
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  })
  .openapi(update, async (c) => {
    const team = c.get('team');
    const db = database(c.env);
    const row = found(await member(db, team.id, c.req.valid('param').user), 'member');
    const { role } = c.req.valid('json');
    need(team.role, role === 'owner' || row.role === 'owner' ? 'owner' : 'admin');
    const which = role === 'owner' ? eq(memberships.id, row.id) : replaceable(row.id, team.id);
    const entry = { teamId: team.id, actorId: c.get('user').id, action: `member.made_${role}`, subject: row.userId };
    const [, changed] = await db.batch([
      auditWhere(db, entry, memberships, which),
      db.update(memberships).set({ role }).where(which).returning({ id: memberships.id }),
    ]);
    keptAnOwner(changed);
    tell(c, 'member.changed', { userId: row.userId, role });
    return c.json({ data: { ...row, role } }, 200);
  })
  .openapi(remove, async (c) => {
    const team = c.get('team');
    const me = c.get('user').id;
    const db = database(c.env);
    const row = found(await member(db, team.id, c.req.valid('param').user), 'member');
    if (row.userId !== me) need(team.role, row.role === 'owner' ? 'owner' : 'admin');
    const which = replaceable(row.id, team.id);
    const entry = { teamId: team.id, actorId: me, action: row.userId === me ? 'member.left' : 'member.removed', subject: row.userId };
    const [, gone] = await db.batch([
      auditWhere(db, entry, memberships, which),
      db.delete(memberships).where(which).returning({ id: memberships.id }),
    ]);
    keptAnOwner(gone);
    later(c, c.env.ROOMS.getByName(team.id).expel(row.userId));
    tell(c, 'member.removed', { userId: row.userId });
    return c.body(null, 204);
  });
