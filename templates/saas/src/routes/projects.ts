import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi';
import { and, eq, gt, isNull } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { auditLog, projects as table } from '../db/schema';
import { AppError } from '../lib/errors';
import { newId } from '../lib/ids';
import { nowIso } from '../lib/time';

const Project = z
  .object({ id: z.ulid(), name: z.string(), note: z.string(), createdAt: z.iso.datetime(), updatedAt: z.iso.datetime() })
  .openapi('Project');

const Input = z.object({ name: z.string().trim().min(1).max(120), note: z.string().max(2000).default('') });
const Patch = z
  .object({ name: z.string().trim().min(1).max(120).optional(), note: z.string().max(2000).optional() })
  .refine((p) => p.name !== undefined || p.note !== undefined, 'Nothing to change');

const Failure = z.object({ error: z.string(), code: z.string(), requestId: z.string(), details: z.unknown().optional() }).openapi('Error');
const json = <T extends z.ZodType>(schema: T, description: string) => ({ description, content: { 'application/json': { schema } } });
const params = z.object({ id: z.ulid() });
const one = json(z.object({ data: Project }), 'The project');
const missing = json(Failure, 'There is no such project');
const invalid = json(Failure, 'The request is not valid');
const Page = z.object({ data: z.array(Project), cursor: z.string().nullable(), hasMore: z.boolean() });

const query = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20), cursor: z.ulid().optional() });

const list = createRoute({
  method: 'get',
  path: '/',
  request: { query },
  responses: { 200: json(Page, 'A page of projects'), 400: invalid },
});
const create = createRoute({
  method: 'post',
  path: '/',
  request: { body: { required: true, content: { 'application/json': { schema: Input } } } },
  responses: { 201: one, 400: invalid },
});
const read = createRoute({ method: 'get', path: '/{id}', request: { params }, responses: { 200: one, 404: missing } });
const update = createRoute({
  method: 'patch',
  path: '/{id}',
  request: { params, body: { required: true, content: { 'application/json': { schema: Patch } } } },
  responses: { 200: one, 400: invalid, 404: missing },
});
const remove = createRoute({
  method: 'delete',
  path: '/{id}',
  request: { params },
  responses: { 204: { description: 'Deleted' }, 404: missing },
});

const shape = { id: table.id, name: table.name, note: table.note, createdAt: table.createdAt, updatedAt: table.updatedAt };
const alive = (id: string) => and(eq(table.id, id), isNull(table.deletedAt));

/** The first page is asked for most, so it is kept until something changes. */
const FIRST_PAGE = 'projects:first-page:20';

function found<T>(row: T | undefined): T {
  if (row === undefined) throw new AppError(404, 'There is no such project');
  return row;
}

export const projects = new OpenAPIHono<{ Bindings: Env; Variables: { requestId: string } }>({
  defaultHook: (result) => {
    if (!result.success) throw result.error;
  },
})
  .openapi(list, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const cached = limit === 20 && cursor === undefined;
    const hit = cached ? await c.env.CACHE.get<z.infer<typeof Page>>(FIRST_PAGE, 'json') : null;
    c.header('X-Cache', hit ? 'HIT' : 'MISS');
    if (hit) return c.json(hit, 200);
    const rows = await drizzle(c.env.DB)
      .select(shape)
      .from(table)
      .where(and(isNull(table.deletedAt), cursor ? gt(table.id, cursor) : undefined))
      .orderBy(table.id)
      .limit(limit + 1);
    const data = rows.slice(0, limit);
    const hasMore = rows.length > limit;
    const page = { data, cursor: hasMore ? (data.at(-1)?.id ?? null) : null, hasMore };
    if (cached) c.executionCtx.waitUntil(c.env.CACHE.put(FIRST_PAGE, JSON.stringify(page), { expirationTtl: 60 }));
    return c.json(page, 200);
  })
  .openapi(create, async (c) => {
    const id = newId();
    const db = drizzle(c.env.DB);
    const [rows] = await db.batch([
      db
        .insert(table)
        .values({ id, ...c.req.valid('json') })
        .returning(shape),
      db.insert(auditLog).values({ projectId: id, action: 'created' }),
    ]);
    await Promise.all([
      c.env.CACHE.delete(FIRST_PAGE),
      c.env.JOBS.send({ type: 'project.created', job: newId(), project: id, at: nowIso() }),
    ]);
    return c.json({ data: found(rows[0]) }, 201);
  })
  .openapi(read, async (c) => {
    const [row] = await drizzle(c.env.DB)
      .select(shape)
      .from(table)
      .where(alive(c.req.valid('param').id));
    return c.json({ data: found(row) }, 200);
  })
  .openapi(update, async (c) => {
    const { id } = c.req.valid('param');
    const [row] = await drizzle(c.env.DB).update(table).set(c.req.valid('json')).where(alive(id)).returning(shape);
    const data = found(row);
    await c.env.CACHE.delete(FIRST_PAGE);
    return c.json({ data }, 200);
  })
  .openapi(remove, async (c) => {
    const { id } = c.req.valid('param');
    const db = drizzle(c.env.DB);
    const [row] = await db.update(table).set({ deletedAt: nowIso() }).where(alive(id)).returning({ id: table.id });
    found(row);
    await Promise.all([c.env.CACHE.delete(FIRST_PAGE), db.insert(auditLog).values({ projectId: id, action: 'deleted' })]);
    return c.body(null, 204);
  });
