import { Hono } from 'hono';
import { AppError } from '../lib/errors';

/** Only types that a browser shows without running anything in them. */
const TYPES = new Set(['image/avif', 'image/gif', 'image/jpeg', 'image/png', 'image/webp']);

/** A day, and a week in which an old copy may be shown while a new one is fetched. */
const CACHE = 'public, max-age=86400, stale-while-revalidate=604800';

type Span = { offset: number; length: number };

const missing = () => new AppError(404, 'There is no such image');

/**
 * The part that a Range header asks for: null for the whole, 'none' where the
 * image does not reach. Lists of parts may be answered with the whole.
 */
export function span(header: string | undefined, size: number): Span | 'none' | null {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!parts || (parts[1] === '' && parts[2] === '')) return null;
  if (parts[1] === '') {
    const length = Math.min(Number(parts[2]), size);
    return length === 0 ? 'none' : { offset: size - length, length };
  }
  const offset = Number(parts[1]);
  const end = parts[2] === '' ? size - 1 : Math.min(Number(parts[2]), size - 1);
  if (parts[2] !== '' && Number(parts[2]) < offset) return null; // no range at all
  return offset >= size ? 'none' : { offset, length: end - offset + 1 };
}

function headers(object: R2Object): Headers {
  const type = object.httpMetadata?.contentType ?? '';
  // What was put there as something else is not shown at all.
  if (!TYPES.has(type)) throw missing();
  return new Headers({
    'content-type': type,
    'content-length': String(object.size),
    'cache-control': CACHE,
    etag: object.httpEtag,
    'last-modified': object.uploaded.toUTCString(),
    'accept-ranges': 'bytes',
  });
}

async function part(env: Env, key: string, range: string, ifRange: string | undefined): Promise<Response | null> {
  const object = await env.IMAGES.head(key);
  if (!object) throw missing();
  const found = headers(object);
  // With If-Range a part of another version is never wanted.
  const wanted = ifRange === undefined || ifRange === object.httpEtag ? span(range, object.size) : null;
  if (wanted === null) return null;
  if (wanted === 'none') return new Response(null, { status: 416, headers: { 'content-range': `bytes */${object.size}` } });
  const body = await env.IMAGES.get(key, { range: wanted, onlyIf: { etagMatches: object.etag } });
  if (!body || !('body' in body)) throw missing(); // replaced or deleted in between
  found.set('content-length', String(wanted.length));
  found.set('content-range', `bytes ${wanted.offset}-${wanted.offset + wanted.length - 1}/${object.size}`);
  return new Response(body.body, { status: 206, headers: found });
}

export const images = new Hono<{ Bindings: Env }>().get('/:key{.+}', async (c) => {
  const key = c.req.param('key');
  if (c.req.method === 'HEAD') {
    const object = await c.env.IMAGES.head(key);
    if (!object) throw missing();
    return new Response(null, { headers: headers(object) });
  }
  const range = c.req.header('range');
  if (range !== undefined) {
    const answer = await part(c.env, key, range, c.req.header('if-range'));
    if (answer) return answer;
  }
  // The address alone: whoever asks with other headers or a query asks for the same image.
  const name = new URL(c.req.url);
  name.search = '';
  const asked = new Request(name, { headers: pick(c.req.raw.headers, 'if-none-match', 'if-modified-since') });
  const kept = await caches.default.match(asked);
  if (kept) return new Response(kept.body, kept);
  const object = await c.env.IMAGES.get(key, { onlyIf: asked.headers });
  if (!object) throw missing();
  if (!('body' in object)) {
    const found = headers(object);
    found.delete('content-length');
    return new Response(null, { status: 304, headers: found });
  }
  const answer = new Response(object.body, { headers: headers(object) });
  c.executionCtx.waitUntil(caches.default.put(name.href, answer.clone()));
  return answer;
});

function pick(from: Headers, ...names: string[]): Headers {
  const out = new Headers();
  for (const name of names) {
    const value = from.get(name);
    if (value !== null) out.set(name, value);
  }
  return out;
}
