import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import app from '../src/app';
import { newSession, readSession } from '../src/session';
import { Visitor, type Conversation, type Failure } from './visitor';

interface Page {
  data: Conversation[];
  cursor: string | null;
  hasMore: boolean;
}

describe('health', () => {
  it('is well', async () => {
    const visitor = new Visitor();
    for (const path of ['/health', '/health/db', '/health/services']) {
      const response = await visitor.call(path);
      expect(response.status, path).toBe(200);
      const body = await response.json<{ status: string; timestamp: string }>();
      expect(body.status).toBe('ok');
      expect(body.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    const services = await (await visitor.call('/health/services')).json();
    expect(services).toMatchObject({ checks: { agents: { status: 'ok' } }, thirdParties: { ai: 'echo' } });
  });

  it('is degraded, and says no more, when a service fails', async () => {
    const broken = { ...env, BACKUPS: { head: () => Promise.reject(new Error('secret reason')) } } as unknown as Env;
    const response = await app.request('/health/services', {}, broken);
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(text).toContain('"status":"degraded"');
    expect(text).not.toContain('secret reason');
  });

  it('is degraded without a key to sign sessions with', async () => {
    for (const key of [undefined, 'short']) {
      const response = await app.request('/health/services', {}, { ...env, SESSION_KEY: key } as unknown as Env);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({ checks: { sessions: { status: 'error' }, db: { status: 'ok' } } });
    }
  });
});

describe('answers', () => {
  it('carry security headers and a request id', async () => {
    const response = await new Visitor().call('/health');
    expect(response.headers.get('strict-transport-security')).toContain('max-age=63072000');
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('x-request-id')).toBeTruthy();
  });

  it('have one form for every error', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    const cases: [string, string, string | undefined, number, string][] = [
      ['GET', '/api/v1/nothing', undefined, 404, 'NOT_FOUND'],
      ['GET', '/api/v1/conversations?limit=1000', undefined, 400, 'VALIDATION_ERROR'],
      ['GET', '/api/v1/conversations/nonsense', undefined, 400, 'VALIDATION_ERROR'],
      ['GET', '/api/v1/conversations/01ARZ3NDEKTSV4RRFFQ69G5FAV', undefined, 404, 'NOT_FOUND'],
      ['GET', `/api/v1/conversations/${id}/socket`, undefined, 400, 'VALIDATION_ERROR'],
      ['POST', '/api/v1/conversations', '{', 400, 'VALIDATION_ERROR'],
      ['PATCH', `/api/v1/conversations/${id}`, '{}', 400, 'VALIDATION_ERROR'],
      ['POST', `/api/v1/conversations/${id}/messages`, '{"text":"  "}', 400, 'VALIDATION_ERROR'],
      ['POST', `/api/v1/conversations/${id}/messages`, JSON.stringify({ text: 'x'.repeat(8001) }), 400, 'VALIDATION_ERROR'],
    ];
    for (const [method, path, body, status, code] of cases) {
      const response = await visitor.call(path, { method, body, headers: { 'content-type': 'application/json' } });
      expect(response.status, path).toBe(status);
      const failure = await response.json<Failure>();
      expect(failure.code, path).toBe(code);
      expect(failure.requestId, path).toBeTruthy();
      if (!path.endsWith('/socket')) expect(failure.requestId).toBe(response.headers.get('x-request-id'));
    }
  });

  it('hide what went wrong inside', async () => {
    const broken = {
      ...env,
      DB: {
        prepare: () => {
          throw new Error('secret internals');
        },
      },
    } as unknown as Env;
    const { token } = await newSession(env);
    const response = await app.request('/api/v1/conversations', { headers: { authorization: `Bearer ${token}` } }, broken);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('INTERNAL_ERROR');
    expect(text).not.toContain('secret internals');
  });

  it('refuse too many requests', async () => {
    const busy = { ...env, LIMITER: { limit: () => Promise.resolve({ success: false }) } } as unknown as Env;
    for (const path of ['/api/v1/doc', '/api/v1/conversations/01ARZ3NDEKTSV4RRFFQ69G5FAV/socket']) {
      const response = await app.request(path, {}, busy);
      expect(response.status).toBe(429);
      expect(response.headers.get('retry-after')).toBe('60');
      expect((await response.json<Failure>()).code).toBe('RATE_LIMITED');
    }
  });

  it('allow the own origin only', async () => {
    const visitor = await Visitor.arrive();
    const from = (origin: string) => visitor.call('/api/v1/doc', { headers: { origin } });
    expect((await from(env.APP_ORIGIN)).headers.get('access-control-allow-origin')).toBe(env.APP_ORIGIN);
    expect((await from('https://elsewhere.example')).headers.get('access-control-allow-origin')).not.toBe('https://elsewhere.example');
  });
});

describe('sessions', () => {
  it('come in a cookie that scripts and other sites do not get', async () => {
    const response = await new Visitor().call('/api/v1/session', { method: 'POST' });
    expect(response.status).toBe(200);
    expect(response.headers.get('set-cookie')).toMatch(/^__Host-session=[\w.-]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    expect(JSON.stringify(await response.json())).not.toContain('token');
  });

  it('are kept', async () => {
    const visitor = await Visitor.arrive();
    const who = async () =>
      (await (await visitor.call('/api/v1/session', { method: 'POST' })).json<{ data: { visitor: string } }>()).data.visitor;
    expect(await who()).toBe(await who());
  });

  it('come as a token for a client without cookies', async () => {
    const visitor = new Visitor();
    const made = await visitor.call('/api/v1/session/token', { method: 'POST' });
    expect(made.status).toBe(201);
    expect(made.headers.get('set-cookie')).toBeNull();
    const { token } = (await made.json<{ data: { token: string } }>()).data;
    const listed = await visitor.call('/api/v1/conversations', { headers: { authorization: `Bearer ${token}` } });
    expect(listed.status).toBe(200);
  });

  it('are needed, and cannot be made up', async () => {
    const { token } = await newSession(env, 'somebody');
    const [head, , signature] = token.split('.');
    const other = btoa(JSON.stringify({ sub: 'somebody else', iat: 1, exp: 9_999_999_999 })).replaceAll('=', '');
    const forged = [head, other, signature].join('.');
    const unsigned = `${btoa('{"alg":"none","typ":"JWT"}').replaceAll('=', '')}.${other}.`;
    const foreign = (await newSession({ ...env, SESSION_KEY: 'another key that is long enough too' } as Env)).token;
    for (const bad of ['', 'nonsense', forged, unsigned, foreign]) {
      const response = await new Visitor().call('/api/v1/conversations', bad ? { headers: { authorization: `Bearer ${bad}` } } : {});
      expect(response.status, bad).toBe(401);
    }
    expect(await readSession(env, token)).toMatchObject({ visitor: 'somebody' });
  });

  it('are not used by another site', async () => {
    const visitor = await Visitor.arrive();
    const headers = { origin: 'https://elsewhere.example', 'content-type': 'application/json' };
    const response = await visitor.call('/api/v1/conversations', { method: 'POST', headers, body: '{}' });
    expect(response.status).toBe(403);
    const id = await visitor.begin();
    const upgrade = await visitor.call(`/api/v1/conversations/${id}/socket`, { headers: { ...headers, upgrade: 'websocket' } });
    expect(upgrade.status).toBe(403);
  });
});

describe('conversations', () => {
  it('are made, read, renamed and deleted', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin('First');
    expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    const path = `/api/v1/conversations/${id}`;
    expect(await (await visitor.call(path)).json()).toMatchObject({ data: { id, title: 'First', messageCount: 0, lastMessageAt: null } });
    expect(await (await visitor.send('PATCH', path, { title: 'Renamed' })).json()).toMatchObject({ data: { title: 'Renamed' } });
    expect((await visitor.call(path, { method: 'DELETE' })).status).toBe(204);
    expect((await visitor.call(path, { method: 'DELETE' })).status).toBe(404);
    expect((await visitor.call(path)).status).toBe(404);
    const row = await env.DB.prepare('SELECT deleted_at, cleared_at FROM conversations WHERE id = ?').bind(id).first();
    expect(row).toEqual({ deleted_at: expect.stringMatching(/Z$/), cleared_at: expect.stringMatching(/Z$/) });
  });

  it('are listed page by page, newest first, each once', async () => {
    const visitor = await Visitor.arrive();
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push(await visitor.begin());
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const response: Response = await visitor.call(`/api/v1/conversations?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      const page: Page = await response.json<Page>();
      seen.push(...page.data.map((p) => p.id));
      expect(page.hasMore).toBe(page.cursor !== null);
      cursor = page.cursor;
    } while (cursor);
    expect(seen).toEqual(made.reverse());
  });

  it('belong to their visitor', async () => {
    const [owner, other] = [await Visitor.arrive(), await Visitor.arrive()];
    const id = await owner.begin('private');
    const path = `/api/v1/conversations/${id}`;
    const tries = [
      await other.call(path),
      await other.send('PATCH', path, { title: 'mine' }),
      await other.call(path, { method: 'DELETE' }),
      await other.call(`${path}/messages`),
      await other.send('POST', `${path}/messages`, { text: 'hello' }),
      await other.call(`${path}/socket`, { headers: { upgrade: 'websocket' } }),
    ];
    for (const response of tries) {
      expect(response.status).toBe(403);
      expect((await response.json<Failure>()).code).toBe('FORBIDDEN');
    }
    expect((await (await other.call('/api/v1/conversations')).json<Page>()).data).toEqual([]);
    expect((await owner.call(path)).status).toBe(200);
  });
});

describe('the rest', () => {
  it('describes itself', async () => {
    const response = await new Visitor().call('/api/v1/doc');
    const doc = await response.json<{ openapi: string; info: { title: string }; paths: Record<string, unknown> }>();
    expect(doc.openapi).toBe('3.1.0');
    expect(doc.info.title).toBe(env.APP_NAME);
    expect(Object.keys(doc.paths)).toContain('/api/v1/conversations/{id}/messages');
  });

  it('serves the pages', async () => {
    const page = await env.ASSETS.fetch('https://example.com/');
    expect(page.status).toBe(200);
    const text = await page.text();
    expect(text).toContain('<title>');
    // The policy of public/_headers allows neither.
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
  });
});
