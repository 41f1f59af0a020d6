import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, gt, isNull } from 'drizzle-orm';
import { need } from '../auth';
import type { InTeam } from '../context';
import { audit, auditWhere, database } from '../db';
import { uploads as table } from '../db/schema';
import { found } from '../lib/errors';
import { checkFile, keyOf, received, TYPES } from '../lib/files';
import { newId } from '../lib/ids';
import { tell } from '../lib/live';
import { failure, many, one, page, pageQuery, router } from '../lib/openapi';
import { nowIso } from '../lib/time';

const Upload = z
  .object({ id: z.ulid(), name: z.string(), type: z.string(), size: z.number(), createdBy: z.ulid(), createdAt: z.iso.datetime() })
  .openapi('Upload');
const inTeam = z.object({ team: z.ulid() });
const params = inTeam.extend({ id: z.ulid() });
const common = {
  400: failure('The request is not valid'),
  401: failure('Nobody is signed in'),
  404: failure('There is no such team or file'),
};

const bytes = { schema: { type: 'string', format: 'binary' } } as const;
const form = { schema: { type: 'object' as const, required: ['file'], properties: { file: bytes.schema } } };
const anyType = Object.fromEntries(Object.keys(TYPES).map((type) => [type, bytes]));

const list = createRoute({
  method: 'get',
  path: '/',
  tags: ['uploads'],
  summary: 'Files of the team, the oldest first',
  request: { params: inTeam, query: pageQuery },
  responses: { 200: many(Upload, 'A page of files'), ...common },
});
const create = createRoute({
  method: 'post',
  path: '/',
  tags: ['uploads'],
  summary: 'Upload a file of at most 10 MiB: as the body, or as the field "file" of a form',
  request: {
    params: inTeam,
    query: z.object({ name: z.string().trim().max(200).default('') }),
    body: { required: true, content: { ...anyType, 'multipart/form-data': form } },
  },
  responses: { 201: one(Upload, 'The file'), 413: failure('It is larger'), ...common },
});
const read = createRoute({
  method: 'get',
  path: '/{id}',
  tags: ['uploads'],
  summary: 'The file itself',
  request: { params },
  responses: { 200: { description: 'Its bytes', content: anyType }, 304: { description: 'It is as it was' }, ...common },
});
const remove = createRoute({
  method: 'delete',
  path: '/{id}',
  tags: ['uploads'],
  summary: 'Delete a file; whoever uploaded it may, and admins',
  request: { params },
  responses: { 204: { description: 'Deleted' }, 403: failure('For admins and whoever uploaded it'), ...common },
});

const shape = {
  id: table.id,
  name: table.name,
  type: table.type,
  size: table.size,
  createdBy: table.createdBy,
  createdAt: table.createdAt,
};
const alive = (team: string, id: string) => and(eq(table.id, id), eq(table.teamId, team), isNull(table.deletedAt));

export const uploads = router<InTeam>()
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const rows = await database(c.env)
      .select(shape)
      .from(table)
      .where(and(eq(table.teamId, c.get('team').id), isNull(table.deletedAt), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  })
  .openapi(create, async (c) => {
    const file = await received(c.req.raw, c.req.valid('query').name);
    checkFile(file);
    const [team, user, id] = [c.get('team').id, c.get('user').id, newId()];
    const { name, type } = file;
    // The bytes come first: a row whose bytes are missing would be a broken promise.
    await c.env.STORAGE.put(keyOf(team, id), file.bytes, { httpMetadata: { contentType: type }, customMetadata: { user } });
    const db = database(c.env);
    const [rows] = await db.batch([
      db.insert(table).values({ id, teamId: team, createdBy: user, name, type, size: file.bytes.byteLength }).returning(shape),
      audit(db, { teamId: team, actorId: user, action: 'upload.created', subject: id }),
    ]);
    const data = found(rows[0], 'file');
    tell(c, 'upload.created', data);
    return c.json({ data }, 201);
  })
  .openapi(read, async (c) => {
    const [team, { id }] = [c.get('team').id, c.req.valid('param')];
    const row = found(await database(c.env).select(shape).from(table).where(alive(team, id)).get(), 'file');
    const object = found(await c.env.STORAGE.get(keyOf(team, id), { onlyIf: c.req.raw.headers }), 'file');
    const headers = new Headers({
      etag: object.httpEtag,
      'cache-control': 'private, max-age=3600',
      'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent(row.name || id).replace(/['()*]/g, (ch) => `%${ch.charCodeAt(0).toString(16)}`)}`,
    });
    object.writeHttpMetadata(headers);
    if (!('body' in object)) return new Response(null, { status: 304, headers });
    return new Response(object.body, { headers });
  })
  .openapi(remove, async (c) => {
    const [team, user, { id }] = [c.get('team'), c.get('user').id, c.req.valid('param')];
    const db = database(c.env);
    const row = found(await db.select(shape).from(table).where(alive(team.id, id)).get(), 'file');
    if (row.createdBy !== user) need(team.role, 'admin');
    await db.batch([
      auditWhere(db, { teamId: team.id, actorId: user, action: 'upload.deleted', subject: id }, table, alive(team.id, id)),
      db.update(table).set({ deletedAt: nowIso() }).where(alive(team.id, id)), // its bytes go later (src/cron.ts)
    ]);
    tell(c, 'upload.deleted', { id });
    return c.body(null, 204);
  });
