import { createRoute, z } from '@hono/zod-openapi';
import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import { need } from '../auth';
import { later, type InTeam, type SignedIn } from '../context';
import { audit, database } from '../db';
import { auditLog, memberships, ROLES, teams as table } from '../db/schema';
import { track } from '../jobs';
import { newId } from '../lib/ids';
import { body, failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { tell } from '../lib/live';
import { endSubscription } from '../lib/plans';
import { nowIso } from '../lib/time';

const Team = z.object({ id: z.ulid(), name: z.string(), role: z.enum(ROLES) }).openapi('Team');
const Entry = z
  .object({ id: z.ulid(), createdAt: z.iso.datetime(), actorId: z.ulid().nullable(), action: z.string(), subject: z.string() })
  .openapi('AuditEntry');
const Input = z.object({ name: z.string().trim().min(1).max(80) });
const params = z.object({ team: z.ulid() });
const common = { 401: failure('Nobody is signed in'), 404: failure('There is no such team') };

const create = createRoute({
  method: 'post',
  path: '/',
  tags: ['teams'],
  summary: 'Make a team; the caller owns it',
  request: { body: body(Input) },
  responses: { 201: one(Team, 'The team'), 400: failure('The request is not valid'), 401: common[401] },
});
const read = createRoute({
  method: 'get',
  path: '/',
  tags: ['teams'],
  summary: 'One team, and the role of the caller in it',
  request: { params },
  responses: { 200: one(Team, 'The team'), ...common },
});
const update = createRoute({
  method: 'patch',
  path: '/',
  tags: ['teams'],
  summary: 'Rename the team',
  request: { params, body: body(Input) },
  responses: { 200: one(Team, 'The team'), 400: failure('The request is not valid'), 403: failure('For admins'), ...common },
});
const remove = createRoute({
  method: 'delete',
  path: '/',
  tags: ['teams'],
  summary: 'Delete the team and end its subscription',
  request: { params },
  responses: { 204: { description: 'Deleted' }, 403: failure('For owners'), ...common },
});
const history = createRoute({
  method: 'get',
  path: '/audit',
  tags: ['teams'],
  summary: 'Who did what in the team, the newest first',
  request: { params, query: pageQuery },
  responses: {
    200: many(Entry, 'A page of the audit log'),
    400: failure('The request is not valid'),
    403: failure('For admins'),
    ...common,
  },
});

export const teams = router<SignedIn>().openapi(create, async (c) => {
  const user = c.get('user');
  const db = database(c.env);
  const id = newId();
  const { name } = c.req.valid('json');
  await db.batch([
    db.insert(table).values({ id, name }),
    db.insert(memberships).values({ teamId: id, userId: user.id, role: 'owner' }),
    audit(db, { teamId: id, actorId: user.id, action: 'team.created', subject: id }),
  ]);
  later(c, track(c.env, user.id, 'team created', { team: id }));
  return c.json({ data: { id, name, role: 'owner' as const } }, 201);
});

export const team = router<InTeam>()
  .openapi(read, (c) => c.json({ data: c.get('team') }, 200))
  .openapi(update, async (c) => {
    const { id, role } = c.get('team');
    need(role, 'admin');
    const db = database(c.env);
    const { name } = c.req.valid('json');
    await db.batch([
      db.update(table).set({ name }).where(eq(table.id, id)),
      audit(db, { teamId: id, actorId: c.get('user').id, action: 'team.renamed', subject: id }),
    ]);
    tell(c, 'team.renamed', { name });
    return c.json({ data: { id, name, role } }, 200);
  })
  .openapi(remove, async (c) => {
    const { id, role } = c.get('team');
    need(role, 'owner');
    const db = database(c.env);
    await endSubscription(c.env, id);
    await db.batch([
      db.update(table).set({ deletedAt: nowIso() }).where(eq(table.id, id)),
      audit(db, { teamId: id, actorId: c.get('user').id, action: 'team.deleted', subject: id }),
    ]);
    later(c, c.env.ROOMS.getByName(id).close());
    return c.body(null, 204);
  })
  .openapi(history, async (c) => {
    const { id, role } = c.get('team');
    need(role, 'admin');
    const { limit, cursor } = c.req.valid('query');
    const rows = await database(c.env)
      .select({
        id: auditLog.id,
        createdAt: auditLog.createdAt,
        actorId: auditLog.actorId,
        action: auditLog.action,
        subject: auditLog.subject,
      })
      .from(auditLog)
      .where(and(eq(auditLog.teamId, id), cursor ? lt(auditLog.id, cursor) : undefined))
      .orderBy(desc(auditLog.id))
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  });

/** Whether a team that is not deleted has this id. */
export const teamExists = async (env: Env, id: string): Promise<boolean> =>
  (await database(env)
    .select({ id: table.id })
    .from(table)
    .where(and(eq(table.id, id), isNull(table.deletedAt)))
    .get()) !== undefined;
