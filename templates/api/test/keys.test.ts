import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ask, call, having, limiter, newKey, type Data, type Failure, type Key, type Page } from './call';

const stored = (id: string) => env.DB.prepare('SELECT * FROM api_keys WHERE id = ?').bind(id).first<Record<string, string | null>>();
const works = async (key: string, bindings = having({})) => (await ask(key, 'GET', '/api/v1/items', undefined, { bindings })).status;

describe('a key', () => {
  it('is shown once and stored as a hash', async () => {
    const made = await newKey();
    expect(made.key).toMatch(/^ak_[a-z2-7]{12}_[\w-]{43}$/);
    const row = await stored(made.id);
    expect(row!.hash).toMatch(/^hmac:/);
    expect(JSON.stringify(row)).not.toContain(made.key.split('_').at(-1));
    const read = await (await ask(made.key, 'GET', `/api/v1/keys/${made.id}`)).text();
    expect(read).toContain(made.prefix);
    expect(read).not.toContain(made.key);
    expect(read).not.toContain('hash');
  });

  it('opens nothing when it is missing, malformed, unknown, wrong, expired or revoked', async () => {
    const made = await newKey();
    const wrong = made.key.slice(0, -1) + (made.key.endsWith('A') ? 'B' : 'A');
    const unknown = made.key.replace(made.prefix, 'a'.repeat(12));
    const later = new Date(Date.now() + 60_000).toISOString();
    const expired = await newKey({ expiresAt: later });
    expect(await works(expired.key)).toBe(200);
    await env.DB.prepare("UPDATE api_keys SET expires_at = '2026-01-01T00:00:00.000Z' WHERE id = ?").bind(expired.id).run();
    const revoked = await newKey();
    expect((await ask(revoked.key, 'DELETE', `/api/v1/keys/${revoked.id}`)).status).toBe(204);
    for (const key of ['', 'nonsense', wrong, unknown, expired.key, revoked.key]) expect(await works(key), key).toBe(401);
    const response = await call('/api/v1/items');
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await works(made.key)).toBe(200);
  });

  it('is of no use without the pepper that it was made with', async () => {
    const { key } = await newKey();
    expect(await works(key, having({ API_KEY_PEPPER: 'another' }))).toBe(401);
    expect(await works(key, having({ API_KEY_PEPPER: undefined }))).toBe(401);
  });

  it('that was made without a pepper is hashed anew with one when it is used', async () => {
    const bindings = having({ API_KEY_PEPPER: undefined });
    const made = await newKey({}, bindings);
    expect((await stored(made.id))!.hash).toMatch(/^sha256:/);
    expect(await works(made.key, bindings)).toBe(200);
    expect(await works(made.key)).toBe(200);
    expect((await stored(made.id))!.hash).toMatch(/^hmac:/);
    expect(await works(made.key)).toBe(200);
  });

  it('does what its scopes allow, and no more', async () => {
    const { key } = await newKey({ scopes: ['items:read'] });
    expect(await works(key)).toBe(200);
    for (const [method, path, body] of [
      ['POST', '/api/v1/items', { name: 'x' }],
      ['GET', '/api/v1/keys', undefined],
      ['GET', '/api/v1/usage', undefined],
      ['POST', '/api/v1/webhooks', { url: 'https://example.org', events: ['item.created'] }],
    ] as const) {
      const response = await ask(key, method, path, body);
      expect(response.status, path).toBe(403);
      expect((await response.json<Failure>()).error).toContain('needs the scope');
    }
  });

  it('makes keys with at most its own scopes, for its own account', async () => {
    const made = await newKey({ scopes: ['keys:write', 'items:read'] });
    const more = await ask(made.key, 'POST', '/api/v1/keys', { name: 'more', scopes: ['items:read', 'items:write'] });
    expect(more.status).toBe(403);
    const less = await ask(made.key, 'POST', '/api/v1/keys', { name: 'less', scopes: ['items:read', 'items:read'], account: 'other' });
    const { data } = await less.json<Data<Key>>();
    expect(data).toMatchObject({ account: made.account, scopes: ['items:read'] });
    expect(await works(data.key)).toBe(200);
    const past = { name: 'past', scopes: ['items:read'], expiresAt: '2026-01-01T00:00:00Z' };
    expect((await ask(made.key, 'POST', '/api/v1/keys', past)).status).toBe(400);
  });

  it('of another account is as if it were not there', async () => {
    const [mine, other] = [await newKey(), await newKey()];
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/rotate'],
    ] as const) {
      const response = await ask(mine.key, method, `/api/v1/keys/${other.id}${path}`, method === 'POST' ? {} : undefined);
      expect(response.status, method).toBe(404);
    }
    const { data } = await (await ask(mine.key, 'GET', '/api/v1/keys')).json<Page<Key>>();
    expect(data.map((k) => k.id)).toEqual([mine.id]);
  });

  it('is replaced, and the old one stays good for the grace', async () => {
    const old = await newKey();
    const rotate = (key: string, graceSeconds: number) => ask(key, 'POST', `/api/v1/keys/${old.id}/rotate`, { graceSeconds });
    const { data } = await (await rotate(old.key, 60)).json<Data<Key>>();
    expect(data.scopes).toEqual(old.scopes);
    expect([await works(old.key), await works(data.key)]).toEqual([200, 200]);
    const until = Date.parse((await stored(old.id))!.expires_at!);
    expect(until - Date.now()).toBeGreaterThan(50_000);
    expect((await rotate(data.key, 3600)).status).toBe(201); // never longer than was said first
    expect(Date.parse((await stored(old.id))!.expires_at!)).toBe(until);
    expect((await rotate(data.key, 0)).status).toBe(201);
    expect(await works(old.key)).toBe(401);
    expect((await rotate(data.key, 0)).status).toBe(422);
    expect(await works(data.key)).toBe(200);
  });
});

describe('limits', () => {
  it('hold for each address', async () => {
    const busy = having({ LIMITER: { limit: () => Promise.resolve({ success: false }) } });
    const response = await call('/api/v1/doc', {}, busy);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('60');
  });

  it('hold for each key, wherever it comes from', async () => {
    const [one, other] = [await newKey(), await newKey()];
    const bindings = having({ KEY_LIMITER: limiter(3) });
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push(await works(one.key, bindings));
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await ask(one.key, 'GET', '/api/v1/items', undefined, { bindings });
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(await refused.json<Failure>()).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await works(other.key, bindings)).toBe(200);
  });

  it('hold for who tries wrong keys, and let the right one through', async () => {
    const { key } = await newKey();
    const more = { headers: { 'cf-connecting-ip': '198.51.100.9' }, bindings: having({ AUTH_LIMITER: limiter(3) }) };
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask('wrong', 'GET', '/api/v1/items', undefined, more)).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
    expect((await ask('wrong', 'GET', '/api/v1/admin/dead-letters', undefined, more)).status).toBe(429);
    expect((await ask(key, 'GET', '/api/v1/items', undefined, more)).status).toBe(200);
    const elsewhere = { ...more, headers: { 'cf-connecting-ip': '198.51.100.10' } };
    expect((await ask('wrong', 'GET', '/api/v1/items', undefined, elsewhere)).status).toBe(401);
  });

  it('are those of wrangler.jsonc', async () => {
    // Twice the limit and more, in case a minute ends meanwhile.
    const answers = await Promise.all(Array.from({ length: 250 }, () => env.KEY_LIMITER.limit({ key: 'one' })));
    const passed = answers.filter((a) => a.success).length;
    expect(passed).toBeGreaterThanOrEqual(120);
    expect(passed).toBeLessThanOrEqual(240);
  });
});

describe('the administrator', () => {
  it('is nobody without the token, and nobody at all where there is none', async () => {
    const { key } = await newKey();
    for (const token of [key, '', 'Admin']) expect((await ask(token, 'GET', '/api/v1/admin/dead-letters')).status).toBe(401);
    const off = having({ ADMIN_TOKEN: '' });
    for (const token of ['', 'admin', 'undefined']) {
      expect((await ask(token, 'POST', '/api/v1/admin/keys', {}, { bindings: off })).status).toBe(401);
    }
    expect((await ask('admin', 'POST', '/api/v1/admin/keys', { account: 'No Slug', name: 'x', scopes: ['items:read'] })).status).toBe(400);
  });
});
