import { env, exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import app from '../src/app';

const call = (path: string, init?: RequestInit) => exports.default.fetch(new Request(`https://example.com${path}`, init));
const send = (method: string, body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

type Project = { id: string; name: string; note: string; createdAt: string; updatedAt: string };
type Page = { data: Project[]; cursor: string | null; hasMore: boolean };
type Failure = { error: string; code: string; requestId: string; details?: unknown };

async function make(name: string): Promise<Project> {
  const response = await call('/api/v1/projects', send('POST', { name }));
  expect(response.status).toBe(201);
  return (await response.json<{ data: Project }>()).data;
}

describe('health', () => {
  it('answers the three probes', async () => {
    for (const path of ['/health', '/health/db', '/health/services']) {
      const response = await call(path);
      expect(response.status, path).toBe(200);
      const body = await response.json<{ status: string; timestamp: string }>();
      expect(body.status).toBe('ok');
      expect(body.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  });

  it('is degraded, and says no more, when a service fails', async () => {
    const broken = { ...env, STORAGE: { head: () => Promise.reject(new Error('secret reason')) } } as unknown as Env;
    const response = await app.request('/health/services', {}, broken);
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(text).toContain('"status":"degraded"');
    expect(text).not.toContain('secret reason');
  });
});

describe('answers', () => {
  it('carry security headers and a request id', async () => {
    const response = await call('/health');
    expect(response.headers.get('strict-transport-security')).toContain('max-age=63072000');
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('x-request-id')).toBeTruthy();
  });

  it('hide what went wrong inside', async () => {
    const broken = { ...env, CONFIG: { get: () => Promise.reject(new Error('secret internals')) } } as unknown as Env;
    const response = await app.request('/api/v1/config', {}, broken);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('INTERNAL_ERROR');
    expect(text).not.toContain('secret internals');
  });

  it('have one form for every error', async () => {
    const cases: [string, RequestInit | undefined, number, string][] = [
      ['/api/v1/nothing', undefined, 404, 'NOT_FOUND'],
      ['/api/v1/projects', send('POST', { name: '' }), 400, 'VALIDATION_ERROR'],
      ['/api/v1/projects', { ...send('POST', {}), body: '{' }, 400, 'VALIDATION_ERROR'],
      ['/api/v1/projects?limit=1000', undefined, 400, 'VALIDATION_ERROR'],
      ['/api/v1/projects/01ARZ3NDEKTSV4RRFFQ69G5FAV', undefined, 404, 'NOT_FOUND'],
      ['/api/v1/uploads', { method: 'POST', headers: { 'content-type': 'text/html' }, body: '<script>' }, 400, 'VALIDATION_ERROR'],
    ];
    for (const [path, init, status, code] of cases) {
      const response = await call(path, init);
      expect(response.status, path).toBe(status);
      const body = await response.json<Failure>();
      expect(body.code, path).toBe(code);
      expect(body.requestId).toBe(response.headers.get('x-request-id'));
    }
  });

  it('allow the own origin only', async () => {
    const own = await call('/api/v1/config', { headers: { origin: env.APP_ORIGIN } });
    expect(own.headers.get('access-control-allow-origin')).toBe(env.APP_ORIGIN);
    const other = await call('/api/v1/config', { headers: { origin: 'https://elsewhere.example' } });
    expect(other.headers.get('access-control-allow-origin')).not.toBe('https://elsewhere.example');
  });

  it('refuse too many requests', async () => {
    const busy = { ...env, LIMITER: { limit: () => Promise.resolve({ success: false }) } } as unknown as Env;
    const response = await app.request('/api/v1/config', {}, busy);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('60');
  });
});

describe('projects', () => {
  it('are made, read, changed and deleted', async () => {
    const made = await make('First');
    expect(made.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    const path = `/api/v1/projects/${made.id}`;
    expect((await (await call(path)).json<{ data: Project }>()).data).toEqual(made);
    const changed = await (await call(path, send('PATCH', { note: 'noted' }))).json<{ data: Project }>();
    expect(changed.data.note).toBe('noted');
    expect(changed.data.name).toBe('First');
    expect((await call(path, send('PATCH', {}))).status).toBe(400);
    expect((await call(path, { method: 'DELETE' })).status).toBe(204);
    expect((await call(path, { method: 'DELETE' })).status).toBe(404);
    expect((await call(path)).status).toBe(404);
    const row = await env.DB.prepare('SELECT deleted_at FROM projects WHERE id = ?').bind(made.id).first<{ deleted_at: string }>();
    expect(row?.deleted_at).toMatch(/Z$/);
  });

  it('are listed page by page, each once', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await make(`P${i}`)).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const response: Response = await call(`/api/v1/projects?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      const page: Page = await response.json<Page>();
      seen.push(...page.data.map((p) => p.id));
      expect(page.hasMore).toBe(page.cursor !== null);
      cursor = page.cursor;
    } while (cursor);
    expect(seen).toEqual([...seen].sort());
    expect(seen.filter((id) => made.includes(id))).toEqual(made);
  });

  it('come from the cache until something changes', async () => {
    await make('cached');
    expect((await call('/api/v1/projects')).headers.get('x-cache')).toBe('MISS');
    expect((await call('/api/v1/projects')).headers.get('x-cache')).toBe('HIT');
    const { id } = await make('another');
    const response = await call('/api/v1/projects');
    expect(response.headers.get('x-cache')).toBe('MISS');
    expect((await response.json<Page>()).data.map((p) => p.id)).toContain(id);
  });
});

describe('uploads', () => {
  it('come back as they went', async () => {
    const up = await call('/api/v1/uploads', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'hello' });
    expect(up.status).toBe(201);
    const { data } = await up.json<{ data: { id: string; size: number } }>();
    expect(data.size).toBe(5);
    const down = await call(`/api/v1/uploads/${data.id}`);
    expect(await down.text()).toBe('hello');
    expect(down.headers.get('content-type')).toBe('text/plain');
    const again = await call(`/api/v1/uploads/${data.id}`, { headers: { 'if-none-match': down.headers.get('etag')! } });
    expect(again.status).toBe(304);
    expect((await call('/api/v1/uploads/nothing')).status).toBe(404);
  });
});

describe('the rest', () => {
  it('describes itself', async () => {
    const doc = await (await call('/api/v1/doc')).json<{ openapi: string; info: { title: string }; paths: Record<string, unknown> }>();
    expect(doc.openapi).toBe('3.1.0');
    expect(doc.info.title).toBe(env.APP_NAME);
    expect(Object.keys(doc.paths)).toContain('/api/v1/projects/{id}');
  });

  it('gives the configuration', async () => {
    await env.CONFIG.put('app', JSON.stringify({ signup: true }));
    expect(await (await call('/api/v1/config')).json()).toEqual({ data: { signup: true } });
  });

  it('serves the pages', async () => {
    const page = await env.ASSETS.fetch('https://example.com/');
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<title>');
  });
});
