import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { scheduled } from '../src/cron';
import { ask, deliver, having, newKey, queued, take, type Data, type Key, type Page } from './call';
import { network } from './network';

type Webhook = { id: string; url: string; events: string[]; enabled: boolean; secret: string | null };
type Delivery = { id: string; event: string; status: string; attempts: number; answer: number | null };
type Message = { type: 'webhook'; delivery: string };

let me: Key;
beforeEach(async () => {
  me = await newKey();
  queued.length = 0;
});

const send = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
  const response = await ask(me.key, method, `/api/v1${path}`, body);
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return response.status === 204 ? (undefined as T) : ((await response.json<Data<T>>()).data as T);
};
const hook = (events = ['item.created', 'item.updated', 'item.deleted'], url = 'https://hooks.example.org/in') =>
  send<Webhook>('POST', '/webhooks', { url, events });
const item = (name = 'thing') => send<{ id: string }>('POST', '/items', { name, data: { n: [1, null, 'x'] } });
const deliveries = async (id: string) =>
  (await (await ask(me.key, 'GET', `/api/v1/webhooks/${id}/deliveries`)).json<Page<Delivery>>()).data;

/** Checks a message as its receiver would, with nothing of ours. */
async function proves(secret: string, headers: Headers, body: string): Promise<boolean> {
  const raw = Uint8Array.from(atob(secret.replace('whsec_', '')), (c) => c.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  const [version, signature = ''] = headers.get('webhook-signature')!.split(',');
  const given = Uint8Array.from(atob(signature), (c) => c.charCodeAt(0));
  const signed = `${headers.get('webhook-id')}.${headers.get('webhook-timestamp')}.${body}`;
  return version === 'v1' && crypto.subtle.verify('HMAC', key, given, new TextEncoder().encode(signed));
}

describe('a webhook', () => {
  it('is made, changed and deleted; its secret is shown once, and is not in the database', async () => {
    const made = await hook();
    expect(made.secret).toMatch(/^whsec_.{44}$/);
    const row = JSON.stringify(await env.DB.prepare('SELECT * FROM webhooks WHERE id = ?').bind(made.id).first());
    expect(row).not.toContain(made.secret!.slice(6));
    const [shown] = (await (await ask(me.key, 'GET', '/api/v1/webhooks')).json<Page<Webhook>>()).data;
    expect({ ...shown, secret: made.secret }).toEqual(made);
    expect(shown).not.toHaveProperty('secret');
    const changed = await send<Webhook>('PATCH', `/webhooks/${made.id}`, { events: ['item.deleted'], enabled: false });
    expect(changed).toMatchObject({ events: ['item.deleted'], enabled: false });
    const other = await newKey();
    expect((await ask(other.key, 'PATCH', `/api/v1/webhooks/${made.id}`, { enabled: true })).status).toBe(404);
    await send('DELETE', `/webhooks/${made.id}`);
    expect((await ask(me.key, 'DELETE', `/api/v1/webhooks/${made.id}`)).status).toBe(404);
  });

  it('leads to a public host, and not back here', async () => {
    for (const url of [
      'http://hooks.example.org/',
      'https://localhost/',
      'https://127.0.0.1/',
      'https://2130706433/',
      'https://[::1]/',
      'https://10.0.0.8/',
      'https://metadata.google.internal/',
      'https://printer.local./',
      'https://intranet/',
      'https://user:word@example.org/',
      'https://api.example.com/api/v1/items',
      `${env.APP_ORIGIN}/`,
      'ftp://example.org/',
    ]) {
      expect((await ask(me.key, 'POST', '/api/v1/webhooks', { url, events: ['item.created'] })).status, url).toBe(400);
    }
    const bindings = having({ ENVIRONMENT: 'development' });
    const local = await ask(me.key, 'POST', '/api/v1/webhooks', { url: 'http://localhost:9000/', events: ['item.created'] }, { bindings });
    expect(local.status).toBe(201);
    const { id } = await hook();
    expect((await ask(me.key, 'PATCH', `/api/v1/webhooks/${id}`, { url: 'https://10.0.0.8/' })).status).toBe(400);
  });

  it('is one of twenty at most', async () => {
    for (let i = 0; i < 20; i++) await hook();
    expect((await ask(me.key, 'POST', '/api/v1/webhooks', { url: 'https://example.org', events: ['item.created'] })).status).toBe(409);
  });
});

describe('a change', () => {
  it('is told to who wants it, signed, as it has left the item', async () => {
    const all = await hook();
    const deletions = await hook(['item.deleted']);
    const made = await item();
    await send('PATCH', `/items/${made.id}`, { name: 'renamed' });
    await send('DELETE', `/items/${made.id}`);
    const sent = network(() => new Response(null, { status: 204 }));
    expect(await deliver(take<Message>('webhook'))).toMatchObject({ acked: 4, retried: [] });

    const told = sent.map((s) => ({ ...s, json: JSON.parse(s.body) as { type: string; data: Record<string, unknown> } }));
    expect(told.map((t) => t.json.type).sort()).toEqual(['item.created', 'item.deleted', 'item.deleted', 'item.updated']);
    expect(told.find((t) => t.json.type === 'item.created')!.json.data).toEqual(made);
    expect(told.find((t) => t.json.type === 'item.updated')!.json.data).toMatchObject({
      id: made.id,
      name: 'renamed',
      data: { n: [1, null, 'x'] },
    });
    for (const t of told) {
      expect(t.url).toBe('https://hooks.example.org/in');
      const proofs = await Promise.all([all, deletions].map((w) => proves(w.secret!, t.headers, t.body)));
      expect(proofs.filter(Boolean)).toHaveLength(1);
      expect(await proves(all.secret!, t.headers, t.body + ' ')).toBe(false);
      expect(Math.abs(Number(t.headers.get('webhook-timestamp')) - Date.now() / 1000)).toBeLessThan(60);
    }
    expect((await deliveries(deletions.id)).map((d) => [d.event, d.status, d.attempts, d.answer])).toEqual([
      ['item.deleted', 'delivered', 1, 204],
    ]);
  });

  it('that is delivered twice is sent once', async () => {
    await hook();
    await item();
    const sent = network(() => new Response(null, { status: 200 }));
    const [message] = take<Message>('webhook');
    await deliver([message]);
    expect(await deliver([message], { attempts: 2 })).toMatchObject({ acked: 1, retried: [] });
    expect(sent).toHaveLength(1);
  });

  it('that did not happen is told to nobody', async () => {
    const { id } = await hook();
    expect((await ask(me.key, 'PATCH', '/api/v1/items/01ARZ3NDEKTSV4RRFFQ69G5FAV', { name: 'x' })).status).toBe(404);
    expect((await ask(me.key, 'DELETE', '/api/v1/items/01ARZ3NDEKTSV4RRFFQ69G5FAV')).status).toBe(404);
    expect(await deliveries(id)).toEqual([]);
    expect(take('webhook')).toEqual([]);
  });

  it('of another account is told to nobody here', async () => {
    const { id } = await hook();
    const mine = me;
    me = await newKey();
    await item();
    me = mine;
    expect(await deliveries(id)).toEqual([]);
  });

  it('stays noted when the queue is down, and is found by the clock', async () => {
    const { id } = await hook();
    const JOBS = { send: async () => {}, sendBatch: () => Promise.reject(new Error('down')) };
    expect((await ask(me.key, 'POST', '/api/v1/items', { name: 'x' }, { bindings: having({ JOBS }) })).status).toBe(201);
    const [noted] = await deliveries(id);
    const hour = (n: number) =>
      scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: new Date(Date.now() + n * 3600_000) }), having({}));
    await hour(0);
    expect(take('webhook')).toEqual([]); // it may be under way still
    await hour(1.1);
    expect(take<Message>('webhook').map((m) => m.delivery)).toContain(noted!.id);
  });
});

describe('a delivery', () => {
  it('that fails is tried again, later each time, and goes through once the other side is back', async () => {
    const { id } = await hook();
    await item();
    const [message] = take<Message>('webhook');
    for (const [attempt, answer] of [500, 302, 429].entries()) {
      network(() => new Response(null, { status: answer, headers: { location: 'https://elsewhere.example' } }));
      expect(await deliver([message], { attempts: attempt + 1 })).toMatchObject({ acked: 0, retried: [30 * 2 ** attempt] });
      expect((await deliveries(id))[0]).toMatchObject({ status: 'pending', attempts: attempt + 1, answer });
    }
    network(() => {
      throw new Error('no route');
    });
    await deliver([message], { attempts: 4 });
    expect((await deliveries(id))[0]).toMatchObject({ status: 'pending', attempts: 4, answer: null });
    network(() => new Response(null, { status: 200 }));
    await deliver([message], { attempts: 5 });
    expect((await deliveries(id))[0]).toMatchObject({ status: 'delivered', attempts: 5, answer: 200 });
  });

  it('goes to nowhere else than was agreed', async () => {
    await hook();
    await item();
    const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 200 }));
    await deliver(take('webhook'));
    expect(fetched.mock.calls[0]![1]).toMatchObject({ redirect: 'manual' });
    fetched.mockRestore();
  });

  it('that is answered with Gone switches the webhook off', async () => {
    const { id } = await hook();
    await item();
    network(() => new Response(null, { status: 410 }));
    expect(await deliver(take('webhook'))).toMatchObject({ acked: 1, retried: [] });
    expect((await deliveries(id))[0]).toMatchObject({ status: 'failed', answer: 410 });
    await item();
    expect(take('webhook')).toEqual([]);
    expect((await ask(me.key, 'POST', `/api/v1/webhooks/${id}/ping`)).status).toBe(404);
  });

  it('to a webhook that is gone is canceled', async () => {
    const { id } = await hook();
    await item();
    await send('PATCH', `/webhooks/${id}`, { enabled: false });
    const sent = network(() => new Response(null, { status: 200 }));
    expect(await deliver(take('webhook'))).toMatchObject({ acked: 1 });
    expect(sent).toEqual([]);
    expect((await deliveries(id))[0]).toMatchObject({ status: 'canceled', attempts: 0 });
  });

  it('can be tried', async () => {
    const { id } = await hook();
    const other = await hook();
    const { delivery } = await send<{ delivery: string }>('POST', `/webhooks/${id}/ping`);
    const sent = network(() => new Response(null, { status: 200 }));
    await deliver(take('webhook'));
    expect(JSON.parse(sent[0]!.body)).toMatchObject({ type: 'ping', data: { webhook: id } });
    expect((await deliveries(id))[0]).toMatchObject({ id: delivery, status: 'delivered' });
    expect(await deliveries(other.id)).toEqual([]);
  });
});

describe('a dead letter', () => {
  const letters = async () =>
    (
      await (
        await ask('admin', 'GET', '/api/v1/admin/dead-letters?limit=100')
      ).json<Page<{ id: string; body: Message; replayedAt: string | null }>>()
    ).data;

  it('is kept once, gives its delivery up, and can be sent again', async () => {
    const { id } = await hook();
    await item();
    const [message] = take<Message>('webhook');
    const { ids, acked } = await deliver([message], { name: 'my-api-jobs-dlq' });
    expect(acked).toBe(1);
    expect((await deliveries(id))[0]).toMatchObject({ status: 'failed' });
    const kept = (await letters()).find((l) => l.id === ids[0])!;
    expect(kept).toMatchObject({ body: message, replayedAt: null });

    const replay = () => ask('admin', 'POST', `/api/v1/admin/dead-letters/${kept.id}/replay`);
    expect((await replay()).status).toBe(202);
    expect((await replay()).status).toBe(404);
    network(() => new Response(null, { status: 200 }));
    expect(take('webhook')).toEqual([message]);
    await deliver([message]);
    expect((await deliveries(id))[0]).toMatchObject({ status: 'delivered' });
  });

  it('that cannot be kept is tried again', async () => {
    const DB = { prepare: () => ({ bind: () => ({ run: () => Promise.reject(new Error('down')) }) }) };
    expect(await deliver([{ anything: 1 }], { name: 'x-jobs-dlq', bindings: having({ DB }) })).toMatchObject({ acked: 0, retried: [30] });
    const { acked } = await deliver([{ anything: 1 }], { name: 'x-jobs-dlq' });
    expect(acked).toBe(1);
  });
});
