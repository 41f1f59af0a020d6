import { Hono } from 'hono';
import { AppError } from '../lib/errors';
import { newId } from '../lib/ids';

const MAX_BYTES = 10 * 1024 * 1024;

/** Only types that a browser shows without running anything in them. */
const TYPES = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'application/pdf', 'text/plain']);

export const uploads = new Hono<{ Bindings: Env }>()
  .post('/', async (c) => {
    const type = (c.req.header('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
    if (!TYPES.has(type)) throw new AppError(400, `The content type must be one of ${[...TYPES].join(', ')}`);
    if (Number(c.req.header('content-length') ?? '0') > MAX_BYTES) throw new AppError(413, 'At most 10 MiB');
    const body = await c.req.arrayBuffer();
    if (body.byteLength > MAX_BYTES) throw new AppError(413, 'At most 10 MiB');
    if (body.byteLength === 0) throw new AppError(400, 'The body is empty');
    const id = newId();
    await c.env.STORAGE.put(`uploads/${id}`, body, { httpMetadata: { contentType: type } });
    return c.json({ data: { id, size: body.byteLength, type } }, 201);
  })
  .get('/:id', async (c) => {
    const object = await c.env.STORAGE.get(`uploads/${c.req.param('id')}`, { onlyIf: c.req.raw.headers });
    if (!object) throw new AppError(404, 'There is no such upload');
    const headers = new Headers({ etag: object.httpEtag, 'cache-control': 'private, max-age=3600', 'x-content-type-options': 'nosniff' });
    object.writeHttpMetadata(headers);
    if (!('body' in object)) return new Response(null, { status: 304, headers });
    return new Response(object.body, { headers });
  });
