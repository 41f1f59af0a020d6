import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, gt, isNull } from 'drizzle-orm';
import { need } from '../auth';
import { isDevelopment, later, type InTeam, type SignedIn } from '../context';
import { audit, database, isDuplicate } from '../db';
import { invites as table, memberships, ROLES, teams } from '../db/schema';
import { emailIsOn } from '../integrations/email';
import { track, type Job } from '../jobs';
import { AppError, found } from '../lib/errors';
import { digest, newToken } from '../lib/guards';
import { newId } from '../lib/ids';
import { body, failure, json, many, one, page, pageQuery, router } from '../lib/openapi';
import { checkRoom } from '../lib/plans';
import { nowIso } from '../lib/time';

const DAYS = 7;

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
  responses: { 200: many(Invite, 'A page of invites'), ...common },
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
    404: json(z.unknown(), 'The invite is used, taken back or too old'),
    409: failure('The caller is a member already'),
  },
});

const shape = { id: table.id, email: table.email, role: table.role, expiresAt: table.expiresAt, createdAt: table.createdAt };
const isOpen = () => and(isNull(table.acceptedAt), isNull(table.deletedAt), gt(table.expiresAt, nowIso()));

export const invites = router<InTeam>()
  .openapi(list, async (c) => {
    const { id, role } = c.get('team');
    need(role, 'admin');
    const { limit, cursor } = c.req.valid('query');
    const rows = await database(c.env)
      .select(shape)
      .from(table)
      .where(and(eq(table.teamId, id), isOpen(), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  })
  .openapi(create, async (c) => {
    const team = c.get('team');
    const user = c.get('user');
    need(team.role, 'admin');
    const mail = emailIsOn(c.env);
    if (!mail && !isDevelopment(c.env)) throw new AppError(422, 'Invites need a mail service: set RESEND_API_KEY and EMAIL_FROM');
    await checkRoom(c.env, team.id, 'members');
    const { email, role } = c.req.valid('json');
    const token = newToken();
    const invite = {
      id: newId(),
      email,
      role,
      createdAt: nowIso(),
      expiresAt: new Date(Date.now() + DAYS * 24 * 60 * 60 * 1000).toISOString(),
    };
    const db = database(c.env);
    await db.batch([
      db.insert(table).values({ ...invite, teamId: team.id, invitedBy: user.id, tokenHash: await digest(token) }),
      audit(db, { teamId: team.id, actorId: user.id, action: 'invite.created', subject: invite.id }),
    ]);
    // Behind the #, so that no server, log or Referer sees the token.
    const link = `${mail ? c.env.APP_ORIGIN : new URL(c.req.url).origin}/app#invite=${token}`;
    if (!mail) return c.json({ data: { ...invite, link } }, 201);
    const job: Job = { type: 'invite.email', job: crypto.randomUUID(), invite: invite.id, to: email, team: team.name, link };
    await c.env.JOBS.send(job);
    return c.json({ data: invite }, 201);
  })
  .openapi(remove, async (c) => {
    const team = c.get('team');
    need(team.role, 'admin');
    const { id } = c.req.valid('param');
    const db = database(c.env);
    const mine = and(eq(table.id, id), eq(table.teamId, team.id), isOpen());
    found((await db.update(table).set({ deletedAt: nowIso() }).where(mine).returning({ id: table.id }))[0], 'invite');
    await audit(db, { teamId: team.id, actorId: c.get('user').id, action: 'invite.revoked', subject: id });
    return c.body(null, 204);
  });

export const acceptance = router<SignedIn>().openapi(accept, async (c) => {
  const user = c.get('user');
  const db = database(c.env);
  const open = await db
    .select({ id: table.id, team: teams.id, name: teams.name, role: table.role })
    .from(table)
    .innerJoin(teams, eq(teams.id, table.teamId))
    .where(and(eq(table.tokenHash, await digest(c.req.valid('json').token)), isOpen(), isNull(teams.deletedAt)))
    .get();
  const invite = found(open, 'invite, or it was used already');
  await checkRoom(c.env, invite.team, 'members');
  try {
    await db.batch([
      db.insert(memberships).values({ teamId: invite.team, userId: user.id, role: invite.role }),
      db.update(table).set({ acceptedAt: nowIso() }).where(eq(table.id, invite.id)),
      audit(db, { teamId: invite.team, actorId: user.id, action: 'invite.accepted', subject: invite.id }),
    ]);
  } catch (e) {
    if (isDuplicate(e, 'memberships.team_id')) throw new AppError(409, 'You are in this team already');
    throw e;
  }
  const happening = { type: 'member.joined', actor: user.id, at: nowIso(), data: { userId: user.id, name: user.name } };
  later(c, c.env.ROOMS.getByName(invite.team).publish(happening));
  later(c, track(c.env, user.id, 'invite accepted', { team: invite.team }));
  return c.json({ data: { id: invite.team, name: invite.name, role: invite.role } }, 200);
});
