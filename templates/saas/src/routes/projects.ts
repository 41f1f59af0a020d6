import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, gt, isNull } from 'drizzle-orm';
import { need } from '../auth';
import { later, type InTeam } from '../context';
import { audit, auditWhere, database } from '../db';
import { projects as table } from '../db/schema';
import { track } from '../jobs';
import { found } from '../lib/errors';
import { newId } from '../lib/ids';
import { tell } from '../lib/live';
import { body, failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { checkRoom } from '../lib/plans';
import { nowIso } from '../lib/time';

const Project = z
  .object({
    id: z.ulid(),
    name: z.string(),
    note: z.string(),
    createdBy: z.ulid(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .openapi('Project');

const Input = z.object({ name: z.string().trim().min(1).max(120), note: z.string().max(2000).default('') });
const Patch = z
  .object({ name: z.string().trim().min(1).max(120).optional(), note: z.string().max(2000).optional() })
  .refine((p) => p.name !== undefined || p.note !== undefined, 'Nothing to change');

const inTeam = z.object({ team: z.ulid() });
const params = inTeam.extend({ id: z.ulid() });
const common = { 401: failure('Nobody is signed in'), 404: failure('There is no such team or project') };
const invalid = { 400: failure('The request is not valid') };

const list = createRoute({
  method: 'get',
  path: '/',
  tags: ['projects'],
  summary: 'Projects of the team, the oldest first',
  request: { params: inTeam, query: pageQuery },
  responses: { 200: many(Project, 'A page of projects'), ...invalid, ...common },
});
const create = createRoute({
  method: 'post',
  path: '/',
  tags: ['projects'],
  summary: 'Make a project',
  request: { params: inTeam, body: body(Input) },
  responses: { 201: one(Project, 'The project'), 403: failure('The plan has no room'), ...invalid, ...common },
});
const read = createRoute({
  method: 'get',
  path: '/{id}',
  tags: ['projects'],
  summary: 'One project',
  request: { params },
  responses: { 200: one(Project, 'The project'), ...common },
});
const update = createRoute({
  method: 'patch',
  path: '/{id}',
  tags: ['projects'],
  summary: 'Change a project',
  request: { params, body: body(Patch) },
  responses: { 200: one(Project, 'The project'), ...invalid, ...common },
});
const remove = createRoute({
  method: 'delete',
  path: '/{id}',
  tags: ['projects'],
  summary: 'Delete a project; whoever made it may, and admins',
  request: { params },
  responses: { 204: { description: 'Deleted' }, 403: failure('For admins and whoever made it'), ...common },
});

const shape = {
  id: table.id,
  name: table.name,
  note: table.note,
  createdBy: table.createdBy,
  createdAt: table.createdAt,
  updatedAt: table.updatedAt,
};
type Row = z.infer<typeof Project>;
const alive = (team: string, id: string) => and(eq(table.id, id), eq(table.teamId, team), isNull(table.deletedAt));

/** A team's first page is asked for most, so it is kept until something changes, or a minute. */
const firstPage = (team: string) => `projects:${team}:first-page:20`;

export const projects = router<InTeam>()
  .openapi(list, async (c) => {
    const team = c.get('team').id;
    const { limit, cursor } = c.req.valid('query');
    const cached = limit === 20 && cursor === undefined;
    const hit = cached ? await c.env.CACHE.get<ReturnType<typeof page<Row>>>(firstPage(team), 'json') : null;
    c.header('X-Cache', hit ? 'HIT' : 'MISS');
    if (hit) return c.json(hit, 200);
    const rows = await database(c.env)
      .select(shape)
      .from(table)
      .where(and(eq(table.teamId, team), isNull(table.deletedAt), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    const result = page(rows, limit);
    if (cached) later(c, c.env.CACHE.put(firstPage(team), JSON.stringify(result), { expirationTtl: 60 }));
    return c.json(result, 200);
  })
  .openapi(create, async (c) => {
    const [team, user, id] = [c.get('team').id, c.get('user').id, newId()];
    await checkRoom(c.env, team, 'projects');
    const db = database(c.env);
    const [rows] = await db.batch([
      db
        .insert(table)
        .values({ id, teamId: team, createdBy: user, ...c.req.valid('json') })
        .returning(shape),
      audit(db, { teamId: team, actorId: user, action: 'project.created', subject: id }),
    ]);
    const data = found(rows[0], 'project');
    await c.env.CACHE.delete(firstPage(team));
    tell(c, 'project.created', data);
    later(c, track(c.env, user, 'project created', { team }));
    return c.json({ data }, 201);
  })
  .openapi(read, async (c) => {
    const row = await database(c.env)
      .select(shape)
      .from(table)
      .where(alive(c.get('team').id, c.req.valid('param').id))
      .get();
    return c.json({ data: found(row, 'project') }, 200);
  })
  .openapi(update, async (c) => {
    const [team, { id }] = [c.get('team').id, c.req.valid('param')];
    const db = database(c.env);
    const [, rows] = await db.batch([
      auditWhere(db, { teamId: team, actorId: c.get('user').id, action: 'project.changed', subject: id }, table, alive(team, id)),
      db.update(table).set(c.req.valid('json')).where(alive(team, id)).returning(shape),
    ]);
    const data = found(rows[0], 'project');
    await c.env.CACHE.delete(firstPage(team));
    tell(c, 'project.changed', data);
    return c.json({ data }, 200);
  })
  .openapi(remove, async (c) => {
    const [team, user, { id }] = [c.get('team'), c.get('user').id, c.req.valid('param')];
    const db = database(c.env);
    const row = found(await db.select(shape).from(table).where(alive(team.id, id)).get(), 'project');
    if (row.createdBy !== user) need(team.role, 'admin');
    await db.batch([
      auditWhere(db, { teamId: team.id, actorId: user, action: 'project.deleted', subject: id }, table, alive(team.id, id)),
      db.update(table).set({ deletedAt: nowIso() }).where(alive(team.id, id)),
    ]);
    await c.env.CACHE.delete(firstPage(team.id));
    tell(c, 'project.deleted', { id });
    return c.body(null, 204);
  });
