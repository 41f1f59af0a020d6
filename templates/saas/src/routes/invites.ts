import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, gt, isNull, sql } from 'drizzle-orm';
import { need } from '../auth';
import { isDevelopment, later, type InTeam, type SignedIn } from '../context';
import { audit, auditWhere, database, isDuplicate } from '../db';
import { invites as table, memberships, ROLES, teams } from '../db/schema';
import { emailIsOn } from '../integrations/email';
import { inviteIsOpen, inviteToken, mailInvite, mailInviteAgain, track } from '../jobs';
import { AppError, found } from '../lib/errors';
import { digest } from '../lib/guards';
import { newId } from '../lib/ids';
import { announce, tell } from '../lib/live';
import { body, failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { checkRoom } from '../lib/plans';
import { nowIso } from '../lib/time';

const Invite = z
  .object({
    id: z.ulid(),
    email: z.email(),
    role: z.enum(['member', 'admin']),
    expiresAt: z.iso.datetime(),
    createdAt: z.iso.datetime(),
  })
  .openapi('Invite');
const Made = Invite.extend({ link: z.url().optional().openapi({ description: 'Only in development without a mail service' }) });
const Joined = z.object({ id: z.ulid(), name: z.string(), role: z.enum(ROLES) });
const params = z.object({ team: z.ulid() });
const common = { 401: failure('Nobody is signed in'), 403: failure('For admins'), 404: failure('There is no such team or invite') };

const list = createRoute({
  method: 'get',
  path: '/',
  tags: ['invites'],
  summary: 'Invites that are still open',
  request: { params, query: pageQuery },
  responses: { 200: many(Invite, 'A page of invites'), 400: failure('The request is not valid'), ...common },
});
const create = createRoute({
  method: 'post',
  path: '/',
  tags: ['invites'],
  summary: 'Invite somebody by mail',
  request: { params, body: body(z.object({ email: z.email().max(254), role: z.enum(['member', 'admin']).default('member') })) },
  responses: {
    201: one(Made, 'The invite'),
    400: failure('The request is not valid'),
    422: failure('No mail service is set up'),
    ...common,
  },
});
const remove = createRoute({
  method: 'delete',
  path: '/{id}',
  tags: ['invites'],
  summary: 'Take an invite back',
  request: { params: z.object({ team: z.ulid(), id: z.ulid() }) },
  responses: { 204: { description: 'Taken back' }, ...common },
});
const resend = createRoute({
  method: 'post',
  path: '/{id}/resend',
  tags: ['invites'],
  summary: 'Mail an invite again, with a new link; the old one ends',
  request: { params: z.object({ team: z.ulid(), id: z.ulid() }) },
  responses: { 202: { description: 'It is on its way' }, 422: failure('No mail service is set up'), ...common },
});
const accept = createRoute({
  method: 'post',
  path: '/accept',
  tags: ['invites'],
  summary: 'Join a team with the token of an invite',
  request: { body: body(z.object({ token: z.string().min(20).max(100) })) },
  responses: {
    200: one(Joined, 'The team'),
    400: failure('The request is not valid'),
    401: common[401],
    404: failure('The invite is used, taken back or too old'),
    403: failure('The plan has no room'),
    409: failure('The caller is a member already'),
  },
});

const shape = { id: table.id, email: table.email, role: table.role, expiresAt: table.expiresAt, createdAt: table.createdAt };
const mine = (team: string, id: string) => and(eq(table.id, id), eq(table.teamId, team), inviteIsOpen());
const NO_MAIL = 'Invites need a mail service: set RESEND_API_KEY and EMAIL_FROM';

export const invites = router<InTeam>()
  .openapi(list, async (c) => {
    const { id, role } = c.get('team');
    need(role, 'admin');
    const { limit, cursor } = c.req.valid('query');
    const rows = await database(c.env)
      .select(shape)
      .from(table)
      .where(and(eq(table.teamId, id), inviteIsOpen(), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  })
  .openapi(create, async (c) => {
    const team = c.get('team');
    const user = c.get('user');
    need(team.role, 'admin');
    const mail = emailIsOn(c.env);
    if (!mail && !isDevelopment(c.env)) throw new AppError(422, NO_MAIL);
    await checkRoom(c.env, team.id, 'members');
    const { email, role } = c.req.valid('json');
    const { link, stored } = await inviteToken(mail ? c.env.APP_ORIGIN : new URL(c.req.url).origin);
    const invite = { id: newId(), email, role, createdAt: nowIso(), expiresAt: stored.expiresAt };
    const db = database(c.env);
    await db.batch([
      db.insert(table).values({ ...invite, ...stored, teamId: team.id, invitedBy: user.id }),
      audit(db, { teamId: team.id, actorId: user.id, action: 'invite.created', subject: invite.id }),
    ]);
    tell(c, 'invite.created', { id: invite.id });
    if (!mail) return c.json({ data: { ...invite, link } }, 201);
    await mailInvite(c.env, invite.id, email, team.name, link);
    return c.json({ data: invite }, 201);
  })
  .openapi(resend, async (c) => {
    const team = c.get('team');
    need(team.role, 'admin');
    if (!emailIsOn(c.env)) throw new AppError(422, NO_MAIL);
    const { id } = c.req.valid('param');
    const db = database(c.env);
    found(await db.select({ id: table.id }).from(table).where(mine(team.id, id)).get(), 'invite');
    if (!(await mailInviteAgain(c.env, id))) throw new AppError(404, 'There is no such invite');
    await audit(db, { teamId: team.id, actorId: c.get('user').id, action: 'invite.resent', subject: id });
    return c.body(null, 202);
  })
  .openapi(remove, async (c) => {
    const team = c.get('team');
    need(team.role, 'admin');
    const { id } = c.req.valid('param');
    const db = database(c.env);
    const [, gone] = await db.batch([
      auditWhere(db, { teamId: team.id, actorId: c.get('user').id, action: 'invite.revoked', subject: id }, table, mine(team.id, id)),
      db.update(table).set({ deletedAt: nowIso() }).where(mine(team.id, id)).returning({ id: table.id }),
    ]);
    found(gone[0], 'invite');
    tell(c, 'invite.revoked', { id });
    return c.body(null, 204);
  });

export const acceptance = router<SignedIn>().openapi(accept, async (c) => {
  const user = c.get('user');
  const db = database(c.env);
  const open = await db
    .select({ id: table.id, team: teams.id, name: teams.name, role: table.role })
    .from(table)
    .innerJoin(teams, eq(teams.id, table.teamId))
    .where(and(eq(table.tokenHash, await digest(c.req.valid('json').token)), inviteIsOpen(), isNull(teams.deletedAt)))
    .get();
  const invite = found(open, 'invite, or it was used already');
  await checkRoom(c.env, invite.team, 'members');
  const which = and(eq(table.id, invite.id), inviteIsOpen());
  const [id, at] = [newId(), nowIso()];
  // All on the condition that the invite is open still: two may come with it at the same time.
  const joined = await db
    .batch([
      auditWhere(db, { teamId: invite.team, actorId: user.id, action: 'invite.accepted', subject: invite.id }, table, which),
      db.insert(memberships).select(sql`SELECT ${id}, ${at}, ${at}, team_id, ${user.id}, role FROM ${table} WHERE ${which}`),
      db.update(table).set({ acceptedAt: at, acceptedBy: user.id }).where(which).returning({ id: table.id }),
    ])
    .catch((e: unknown) => {
      throw isDuplicate(e, 'memberships.team_id') ? new AppError(409, 'You are in this team already') : e;
    });
  found(joined[2][0], 'invite, or it was used already');
  announce(c, invite.team, user.id, 'member.joined', { userId: user.id, name: user.name });
  later(c, track(c.env, user.id, 'invite accepted', { team: invite.team }));
  return c.json({ data: { id: invite.team, name: invite.name, role: invite.role } }, 200);
});
