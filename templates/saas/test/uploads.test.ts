import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { scheduled } from '../src/cron';
import { as, code, data, founder, join, request, sessionToken } from './calls';

type Upload = { id: string; name: string; type: string; size: number };
type Page = { data: Upload[]; cursor: string | null; hasMore: boolean };

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 1]);

async function upload(who: string, path: string, type: string, body: BodyInit, query = ''): Promise<Response> {
  const headers = { authorization: `Bearer ${await sessionToken(who)}`, ...(type ? { 'content-type': type } : {}) };
  return request(`${path}/uploads${query}`, { method: 'POST', headers, body });
}

const bytesOf = async (team: string, id: string) => (await env.STORAGE.head(`teams/${team}/${id}`)) !== null;

describe('uploads', () => {
  it('come back as they went', async () => {
    const { who, path } = await founder();
    const up = await data<Upload>(upload(who, path, 'text/plain', 'hello', '?name=it%27s%20(1).txt'), 201);
    expect(up).toMatchObject({ name: "it's (1).txt", size: 5, type: 'text/plain' });
    const down = await as(who, 'GET', `${path}/uploads/${up.id}`);
    expect(await down.text()).toBe('hello');
    expect(down.headers.get('content-type')).toBe('text/plain');
    expect(down.headers.get('content-disposition')).toBe("inline; filename*=UTF-8''it%27s%20%281%29.txt");
    expect(down.headers.get('x-content-type-options')).toBe('nosniff');
    expect(down.headers.get('content-security-policy')).toContain("default-src 'none'");
    const headers = { authorization: `Bearer ${await sessionToken(who)}`, 'if-none-match': down.headers.get('etag')! };
    expect((await request(`${path}/uploads/${up.id}`, { headers })).status).toBe(304);
  });

  it('are listed page by page, and gone once deleted', async () => {
    const { who, path } = await founder();
    const made: string[] = [];
    for (const text of ['a', 'b', 'c']) made.push((await data<Upload>(upload(who, path, 'text/plain', text), 201)).id);
    const page = async (query: string) => (await as(who, 'GET', `${path}/uploads?limit=2${query}`)).json<Page>();
    const first = await page('');
    const second = await page(`&cursor=${first.cursor}`);
    expect([...first.data, ...second.data].map((u) => u.id)).toEqual(made);
    expect([first.hasMore, second.hasMore]).toEqual([true, false]);
    expect((await as(who, 'DELETE', `${path}/uploads/${made[0]}`)).status).toBe(204);
    expect(await code(as(who, 'DELETE', `${path}/uploads/${made[0]}`))).toBe('404 NOT_FOUND');
    expect(await code(as(who, 'GET', `${path}/uploads/${made[0]}`))).toBe('404 NOT_FOUND');
    expect((await page('')).data.map((u) => u.id)).toEqual(made.slice(1));
    expect(await code(as(who, 'GET', `${path}/uploads/no-ulid`))).toBe('400 VALIDATION_ERROR');
  });

  it('are nobody else’s, not even with the right id', async () => {
    const { who, path } = await founder();
    const { id } = await data<Upload>(upload(who, path, 'text/plain', 'mine'), 201);
    const other = await founder();
    for (const at of [`${path}/uploads/${id}`, `${other.path}/uploads/${id}`]) {
      expect(await code(as(other.who, 'GET', at))).toBe('404 NOT_FOUND');
      expect(await code(as(other.who, 'DELETE', at))).toBe('404 NOT_FOUND');
    }
    expect(await code(upload(other.who, path, 'text/plain', 'theirs'))).toBe('404 NOT_FOUND');
  });

  it('are deleted by whoever made them, and by admins', async () => {
    const { who, path } = await founder();
    const [a, b] = [`${who}_a`, `${who}_b`];
    await join(path, who, a);
    await join(path, who, b);
    const one = await data<Upload>(upload(a, path, 'text/plain', '1'), 201);
    const two = await data<Upload>(upload(a, path, 'text/plain', '2'), 201);
    expect(await code(as(b, 'DELETE', `${path}/uploads/${one.id}`))).toBe('403 FORBIDDEN');
    expect((await as(a, 'DELETE', `${path}/uploads/${one.id}`)).status).toBe(204);
    expect((await as(who, 'DELETE', `${path}/uploads/${two.id}`)).status).toBe(204);
  });

  it('may stand in a form', async () => {
    const { who, path } = await founder();
    const form = new FormData();
    form.set('file', new File([PNG], 'a.png', { type: 'image/png' }));
    expect(await data(upload(who, path, '', form), 201)).toMatchObject({ name: 'a.png', type: 'image/png', size: 5 });
    expect(await code(upload(who, path, '', new FormData()))).toBe('400 VALIDATION_ERROR');
    expect(await code(upload(who, path, 'multipart/form-data; boundary=x', 'no form'))).toBe('400 VALIDATION_ERROR');
  });

  it('are of the types and sizes that are allowed', async () => {
    const { who, path } = await founder();
    expect(await code(upload(who, path, 'text/html', '<script>'))).toBe('400 VALIDATION_ERROR');
    expect(await code(upload(who, path, 'image/svg+xml', '<svg/>'))).toBe('400 VALIDATION_ERROR');
    expect(await code(upload(who, path, 'image/png', '<html>'))).toBe('400 VALIDATION_ERROR');
    expect(await code(upload(who, path, 'text/plain', ''))).toBe('400 VALIDATION_ERROR');
    expect(await code(upload(who, path, 'text/plain', 'x'.repeat(10 * 1024 * 1024 + 1)))).toBe('413 PAYLOAD_TOO_LARGE');
    const form = new FormData();
    form.set('file', new File(['<svg onload="alert(1)"/>'], 'a.png', { type: 'image/png' }));
    expect(await code(upload(who, path, '', form))).toBe('400 VALIDATION_ERROR');
  });

  it('lie in the trash for a while, then their bytes are gone', async () => {
    const { who, path, team } = await founder();
    const ended = await founder();
    const [old, fresh, kept] = await Promise.all(
      ['old', 'fresh', 'kept'].map(async (text) => (await data<Upload>(upload(who, path, 'text/plain', text), 201)).id),
    );
    const { id: of } = await data<Upload>(upload(ended.who, ended.path, 'text/plain', 'x'), 201);
    for (const id of [old, fresh]) await as(who, 'DELETE', `${path}/uploads/${id}`);
    await env.DB.batch([
      env.DB.prepare("UPDATE uploads SET deleted_at = '2026-01-01T00:00:00.000Z' WHERE id = ?").bind(old),
      env.DB.prepare("UPDATE teams SET deleted_at = '2026-01-01T00:00:00.000Z' WHERE id = ?").bind(ended.team),
    ]);
    await scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: new Date() }), env);
    expect(await Promise.all([old, fresh, kept].map((id) => bytesOf(team, id!)))).toEqual([false, true, true]);
    expect(await bytesOf(ended.team, of)).toBe(false);
    const { results } = await env.DB.prepare('SELECT id FROM uploads WHERE id IN (?, ?, ?, ?)').bind(old, fresh, kept, of).all();
    expect(results).toHaveLength(2);
  });
});
