import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { ask, having, newKey, take, type Data, type Failure, type Key, type Page } from './call';

type Item = { id: string; name: string; data: Record<string, unknown>; createdAt: string; updatedAt: string };

let me: Key;
beforeEach(async () => {
  me = await newKey();
});

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask(me.key, method, `/api/v1/items${path}`, body, { headers });

async function make(name: string): Promise<Item> {
  const response = await send('POST', '', { name, data: { colour: 'red' } });
  expect(response.status).toBe(201);
  return (await response.json<Data<Item>>()).data;
}

describe('items', () => {
  it('are made, read, changed and deleted', async () => {
    const made = await make('  First ');
    expect(made).toMatchObject({ name: 'First', data: { colour: 'red' } });
    expect(made.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect((await (await send('GET', `/${made.id}`)).json<Data<Item>>()).data).toEqual(made);
    const changed = await (await send('PATCH', `/${made.id}`, { data: { size: 2 } })).json<Data<Item>>();
    expect(changed.data).toMatchObject({ name: 'First', data: { size: 2 }, createdAt: made.createdAt });
    expect((await send('DELETE', `/${made.id}`)).status).toBe(204);
    expect((await send('DELETE', `/${made.id}`)).status).toBe(404);
    expect((await send('PATCH', `/${made.id}`, { name: 'again' })).status).toBe(404);
    expect((await send('GET', `/${made.id}`)).status).toBe(404);
    const row = await env.DB.prepare('SELECT deleted_at FROM items WHERE id = ?').bind(made.id).first<{ deleted_at: string }>();
    expect(row?.deleted_at).toMatch(/Z$/);
  });

  it('are listed page by page, each once', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await make(`I${i}`)).id);
    await send('DELETE', `/${made[2]}`);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Page<Item> = await (await send('GET', `?limit=2${cursor ? `&cursor=${cursor}` : ''}`)).json<Page<Item>>();
      seen.push(...page.data.map((p) => p.id));
      expect(page.hasMore).toBe(page.cursor !== null);
      cursor = page.cursor;
    } while (cursor);
    expect(seen).toEqual(made.filter((_, i) => i !== 2));
  });

  it('of another account are as if they were not there', async () => {
    const { id } = await make('mine');
    const other = await newKey();
    for (const [method, body] of [['GET'], ['PATCH', { name: 'theirs' }], ['DELETE']] as const) {
      expect((await ask(other.key, method, `/api/v1/items/${id}`, body)).status).toBe(404);
    }
    expect((await (await ask(other.key, 'GET', '/api/v1/items')).json<Page<Item>>()).data).toEqual([]);
    expect((await send('GET', `/${id}`)).status).toBe(200);
  });

  it('have a limit', async () => {
    expect((await send('POST', '', { name: 'big', data: { text: 'x'.repeat(17_000) } })).status).toBe(400);
  });
});

describe('an Idempotency-Key', () => {
  const key = (k: string) => ({ 'idempotency-key': k });
  const count = async () => (await (await send('GET', '?limit=100')).json<Page<Item>>()).data.length;

  it('has the same request done once', async () => {
    const first = await send('POST', '', { name: 'once' }, key('k-1'));
    const again = await send('POST', '', { name: 'once' }, key('k-1'));
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toBe('application/json');
    expect(await again.json()).toEqual(await first.json());
    expect((await send('POST', '', { name: 'once' }, key('k-2'))).headers.get('idempotent-replayed')).toBeNull();
    expect(await count()).toBe(2);
  });

  it('is the account’s own', async () => {
    await send('POST', '', { name: 'mine' }, key('k'));
    me = await newKey();
    const response = await send('POST', '', { name: 'mine' }, key('k'));
    expect(response.headers.get('idempotent-replayed')).toBeNull();
  });

  it('with another body is refused', async () => {
    await send('POST', '', { name: 'one' }, key('k'));
    const response = await send('POST', '', { name: 'other' }, key('k'));
    expect(response.status).toBe(422);
    expect((await response.json<Failure>()).code).toBe('UNPROCESSABLE');
  });

  it('has a form', async () => {
    expect((await send('POST', '', { name: 'x' }, key('k'.repeat(256)))).status).toBe(400);
  });

  it('repeats what was refused, and does again what failed here', async () => {
    expect((await send('POST', '', { name: '' }, key('bad'))).status).toBe(400);
    expect((await send('POST', '', { name: '' }, key('bad'))).headers.get('idempotent-replayed')).toBe('true');
    const DB = { prepare: env.DB.prepare.bind(env.DB), batch: () => Promise.reject(new Error('down')) };
    const broken = { bindings: having({ DB }), headers: key('down') };
    expect((await ask(me.key, 'POST', '/api/v1/items', { name: 'late' }, broken)).status).toBe(500);
    const after = await send('POST', '', { name: 'late' }, key('down'));
    expect(after.status).toBe(201);
    expect(after.headers.get('idempotent-replayed')).toBeNull();
  });

  it('makes a second request wait for the first, and goes on with one that was cut off', async () => {
    const hook = { url: 'https://hooks.example.org/', events: ['item.created'] };
    expect((await ask(me.key, 'POST', '/api/v1/webhooks', hook)).status).toBe(201);
    const first = await (await send('POST', '', { name: 'cut' }, key('cut'))).json<Data<Item>>();
    // As if the first had been cut off after it had made the item, before it could say so.
    const undo = (locked: number) =>
      env.DB.prepare('UPDATE idempotency_keys SET status = NULL, answer = NULL, locked_at = ? WHERE new_id = ?')
        .bind(new Date(Date.now() - locked).toISOString(), first.data.id)
        .run();
    await undo(5_000);
    const early = await send('POST', '', { name: 'cut' }, key('cut'));
    expect(early.status).toBe(409);
    expect(early.headers.get('retry-after')).toBe('2');
    await undo(61_000);
    const late = await send('POST', '', { name: 'cut' }, key('cut'));
    expect(late.status).toBe(201);
    expect(await late.json()).toEqual(first);
    expect(await count()).toBe(1);
    const told = 'SELECT count(*) AS n FROM webhook_deliveries JOIN webhooks w ON w.id = webhook_id WHERE w.account = ?';
    expect(await env.DB.prepare(told).bind(me.account).first('n')).toBe(1);
  });

  it('shows no secret a second time', async () => {
    const body = { name: 'k', scopes: ['items:read'] };
    const make = () => ask(me.key, 'POST', '/api/v1/keys', body, { headers: key('secret') });
    const first = (await (await make()).json<Data<Key>>()).data;
    const again = (await (await make()).json<Data<Key>>()).data;
    expect(again).toEqual({ ...first, key: null });
    const { results } = await env.DB.prepare('SELECT answer FROM idempotency_keys').all();
    expect(JSON.stringify(results)).not.toContain(first.key);
    take('usage');
  });
});
