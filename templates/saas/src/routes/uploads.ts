import { Hono } from 'hono';
import type { InTeam } from '../context';
import { audit, database } from '../db';
import { AppError, found } from '../lib/errors';
import { newId } from '../lib/ids';
import { tell } from '../lib/live';

const MAX_BYTES = 10 * 1024 * 1024;

/** Only types that a browser shows without running anything in them, and the bytes with which each begins. */
const TYPES: Record<string, number[][]> = {
  'image/png': [[0x89, 0x50, 0x4e, 0x47]],
  'image/jpeg': [[0xff, 0xd8, 0xff]],
  'image/webp': [[0x52, 0x49, 0x46, 0x46]],
  'image/gif': [[0x47, 0x49, 0x46, 0x38]],
  'application/pdf': [[0x25, 0x50, 0x44, 0x46]],
  'text/plain': [[]],
};

const keyOf = (team: string, id: string) => `teams/${team}/${id}`;

/** A file stands alone as the body, or as the field "file" of a form. */
async function received(request: Request): Promise<{ type: string; bytes: ArrayBuffer }> {
  const plain = (value: string) => value.split(';')[0]!.trim().toLowerCase();
  const type = plain(request.headers.get('content-type') ?? '');
  if (type !== 'multipart/form-data') return { type, bytes: await request.arrayBuffer() };
  const file = (await request.formData()).get('file');
  if (!(file instanceof File)) throw new AppError(400, 'The form has no file in its field "file"');
  return { type: plain(file.type), bytes: await file.arrayBuffer() };
}

function check(type: string, bytes: ArrayBuffer): void {
  const beginnings = TYPES[type];
  if (!beginnings) throw new AppError(400, `The content type must be one of ${Object.keys(TYPES).join(', ')}`);
  if (bytes.byteLength > MAX_BYTES) throw new AppError(413, 'At most 10 MiB');
  if (bytes.byteLength === 0) throw new AppError(400, 'The file is empty');
  const head = new Uint8Array(bytes, 0, Math.min(8, bytes.byteLength));
  if (!beginnings.some((b) => b.every((byte, i) => head[i] === byte))) throw new AppError(400, `The file is not ${type}`);
}

export const uploads = new Hono<InTeam>()
  .post('/', async (c) => {
    // The form around a file takes some hundred bytes more.
    if (Number(c.req.header('content-length') ?? '0') > MAX_BYTES + 4096) throw new AppError(413, 'At most 10 MiB');
    const { type, bytes } = await received(c.req.raw);
    check(type, bytes);
    const [team, user, id] = [c.get('team').id, c.get('user').id, newId()];
    await c.env.STORAGE.put(keyOf(team, id), bytes, { httpMetadata: { contentType: type }, customMetadata: { user } });
    await audit(database(c.env), { teamId: team, actorId: user, action: 'upload.created', subject: id });
    tell(c, 'upload.created', { id, type, size: bytes.byteLength });
    return c.json({ data: { id, size: bytes.byteLength, type } }, 201);
  })
  .get('/:id', async (c) => {
    const object = found(await c.env.STORAGE.get(keyOf(c.get('team').id, c.req.param('id')), { onlyIf: c.req.raw.headers }), 'upload');
    const headers = new Headers({ etag: object.httpEtag, 'cache-control': 'private, max-age=3600', 'x-content-type-options': 'nosniff' });
    object.writeHttpMetadata(headers);
    if (!('body' in object)) return new Response(null, { status: 304, headers });
    return new Response(object.body, { headers });
  })
  .delete('/:id', async (c) => {
    const [team, id] = [c.get('team').id, c.req.param('id')];
    found(await c.env.STORAGE.head(keyOf(team, id)), 'upload');
    await c.env.STORAGE.delete(keyOf(team, id));
    await audit(database(c.env), { teamId: team, actorId: c.get('user').id, action: 'upload.deleted', subject: id });
    return c.body(null, 204);
  });
