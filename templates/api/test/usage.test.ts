import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { scheduled } from '../src/cron';
import { newId } from '../src/lib/ids';
import { backoff } from '../src/queue';
import type { Usage } from '../src/usage';
import { ask, deliver, having, newKey, queued, take, type Data, type Key, type Page } from './call';

let me: Key;
beforeEach(async () => {
  me = await newKey();
  queued.length = 0;
});

type Report = { requests: number; failures: number; days: { day: string; key: string; requests: number; failures: number }[] };
const report = async (query = '') => (await (await ask(me.key, 'GET', `/api/v1/usage${query}`)).json<Data<Report>>()).data;
const day = (id: string) =>
  env.DB.prepare('SELECT sum(requests) AS requests, sum(failures) AS failures FROM usage_days WHERE key_id = ?').bind(id).first();
const event = (more: Partial<Usage> = {}): Usage => ({
  type: 'usage',
  id: newId(),
  at: '2026-11-22T10:00:00.000Z',
  key: me.id,
  account: me.account,
  requestId: 'r',
  method: 'GET',
  route: '/api/v1/items',
  status: 200,
  ms: 3,
  logged: false,
  ...more,
});

describe('usage', () => {
  it('of every request with a key goes into the queue, and nothing else does', async () => {
    await ask(me.key, 'GET', '/api/v1/items/01ARZ3NDEKTSV4RRFFQ69G5FAV');
    await ask(me.key, 'GET', '/api/v1/items/nothing/there');
    await ask('wrong', 'GET', '/api/v1/items');
    const sent = take<Usage>('usage');
    expect(sent.map((u) => [u.key, u.method, u.route, u.status])).toEqual([
      [me.id, 'GET', '/api/v1/items/:id', 404],
      [me.id, 'GET', 'none', 404],
    ]);
    expect(JSON.stringify(sent)).not.toContain(me.key);
  });

  it('that cannot be queued fails no request', async () => {
    const JOBS = { send: () => Promise.reject(new Error('full')) };
    expect((await ask(me.key, 'GET', '/api/v1/items', undefined, { bindings: having({ JOBS }) })).status).toBe(200);
  });

  it('is counted once, however often it is delivered', async () => {
    const events = [event(), event({ status: 404 }), event({ at: '2026-11-23T00:00:00.000Z', status: 500 })];
    expect(await deliver(events)).toMatchObject({ acked: 3, retried: [] });
    expect(await deliver([events[1], event(), events[1]], { attempts: 2 })).toMatchObject({ acked: 3, retried: [] });
    const { requests, failures, days } = await report('?from=2026-11-01&to=2026-11-30');
    expect({ requests, failures }).toEqual({ requests: 4, failures: 2 });
    expect(days).toEqual([
      { day: '2026-11-22', key: me.id, requests: 3, failures: 1 },
      { day: '2026-11-23', key: me.id, requests: 1, failures: 1 },
    ]);
    const { data } = await (await ask(me.key, 'GET', `/api/v1/keys/${me.id}`)).json<Data<Key>>();
    expect(data.lastUsedAt).toBe('2026-11-23T00:00:00.000Z');
  });

  it('that is no usage is dropped, and the rest is counted', async () => {
    const result = await deliver([{ nonsense: true }, event({ key: newId() }), event()]);
    expect(result).toMatchObject({ acked: 3, retried: [] });
    expect(await day(me.id)).toEqual({ requests: 1, failures: 0 });
  });

  it('that cannot be counted is tried again, later each time, and is then counted once', async () => {
    const DB = { prepare: env.DB.prepare.bind(env.DB), batch: () => Promise.reject(new Error('down')) };
    const events = [event(), event()];
    const result = await deliver(events, { attempts: 3, bindings: having({ DB }) });
    expect(result).toMatchObject({ acked: 0, retried: [120, 120] });
    expect(await day(me.id)).toEqual({ requests: null, failures: null });
    await deliver(events, { attempts: 4 });
    expect(await day(me.id)).toEqual({ requests: 2, failures: 0 });
    expect([1, 2, 3, 20].map(backoff)).toEqual([30, 60, 120, 3600]);
  });

  it('is reported from the cache for a minute, to its account only', async () => {
    await deliver([event()]);
    const ask1 = () => ask(me.key, 'GET', '/api/v1/usage?from=2026-11-22&to=2026-11-22');
    expect((await ask1()).headers.get('x-cache')).toBe('MISS');
    expect((await ask1()).headers.get('x-cache')).toBe('HIT');
    me = await newKey();
    const other = await ask1();
    expect(other.headers.get('x-cache')).toBe('MISS');
    expect((await other.json<Data<Report>>()).data.requests).toBe(0);
    for (const bad of ['?from=2026-11-22&to=2026-11-01', '?from=2025-01-01&to=2026-11-01', '?from=yesterday']) {
      expect((await ask(me.key, 'GET', `/api/v1/usage${bad}`)).status, bad).toBe(400);
    }
  });
});

describe('the request log', () => {
  const logged = async (query = '') =>
    (await ask(me.key, 'GET', `/api/v1/usage/requests${query}`)).json<Page<{ status: number; route: string }>>();

  it('has the share that is asked for, and all that failed here', async () => {
    for (const [share, wanted] of [
      ['0', false],
      ['1', true],
      ['nonsense', false],
    ] as const) {
      await ask(me.key, 'GET', '/api/v1/items', undefined, { bindings: having({ REQUEST_LOG_SHARE: share }) });
      expect(take<Usage>('usage')[0]!.logged, share).toBe(wanted);
    }
    const broken = having({ CACHE: { get: () => Promise.reject(new Error('down')) } });
    await ask(me.key, 'GET', '/api/v1/usage', undefined, { bindings: broken });
    const [failed] = take<Usage>('usage');
    expect(failed).toMatchObject({ logged: true, status: 500, route: '/api/v1/usage' });
    await deliver([failed, event()]);
    await deliver([failed]);
    expect((await logged()).data.map((r) => [r.status, r.route])).toEqual([[500, '/api/v1/usage']]);
  });

  it('is read page by page, the latest first', async () => {
    await deliver([1, 2, 3].map((n) => event({ logged: true, status: 200 + n })));
    const first = await logged('?limit=2');
    expect(first.data.map((r) => r.status)).toEqual([203, 202]);
    const rest = await logged(`?limit=2&cursor=${first.cursor}`);
    expect(rest.data.map((r) => r.status)).toEqual([201]);
    expect(rest.hasMore).toBe(false);
  });
});

describe('cron', () => {
  it('forgets what is old, and keeps the counts', async () => {
    const old = '2026-01-01T00:00:00.000Z';
    const now = new Date('2026-11-25T12:00:00Z');
    const webhook = newId();
    await deliver([event({ at: old, logged: true }), event({ at: now.toISOString(), logged: true })]);
    const insert = (text: string, ...values: unknown[]) =>
      env.DB.prepare(text)
        .bind(...values)
        .run();
    await insert("INSERT INTO webhooks (id, account, url, events, salt) VALUES (?, 'a', 'https://example.org', '[]', 'plain:s')", webhook);
    for (const at of [old, now.toISOString()]) {
      await insert(
        "INSERT INTO idempotency_keys (id, created_at, body_hash, new_id, locked_at) VALUES (?, ?, 'h', 'n', ?)",
        newId(),
        at,
        at,
      );
      await insert("INSERT INTO dead_letters (id, created_at, body) VALUES (?, ?, '{}')", newId(), at);
      await insert(
        "INSERT INTO webhook_deliveries (id, created_at, webhook_id, event, payload, status) VALUES (?, ?, ?, 'ping', '{}', 'failed')",
        newId(),
        at,
        webhook,
      );
    }
    await scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: now }), having({}));
    for (const [table, column] of [
      ['usage_events', 'at'],
      ['request_logs', 'created_at'],
      ['idempotency_keys', 'created_at'],
      ['dead_letters', 'created_at'],
      ['webhook_deliveries', 'created_at'],
    ] as const) {
      const { results } = await env.DB.prepare(`SELECT ${column} AS at FROM ${table}`).all<{ at: string }>();
      expect(
        results.map((r) => r.at),
        table,
      ).not.toContain(old);
      expect(results.length, table).toBeGreaterThan(0);
    }
    expect(await day(me.id)).toEqual({ requests: 2, failures: 0 });
  });
});
