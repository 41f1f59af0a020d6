import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { as, code, data, founder, request, type Settings } from './calls';

type Project = { id: string; name: string; note: string };
type Page = { data: Project[]; cursor: string | null; hasMore: boolean };
type Failure = { error: string; code: string; requestId: string };

describe('health', () => {
  it('answers the three probes', async () => {
    for (const path of ['/health', '/health/db', '/health/services']) {
      const response = await request(path);
      expect(response.status, path).toBe(200);
      const body = await response.json<{ status: string; timestamp: string }>();
      expect(body.status).toBe('ok');
      expect(body.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
  });

  it('says which third parties are off', async () => {
    const services = async (settings?: Settings) =>
      (await (await request('/health/services', undefined, settings)).json<{ thirdParties: Record<string, string> }>()).thirdParties;
    expect(await services()).toEqual({ signIn: 'clerk', stripe: 'off', email: 'off', posthog: 'off', sentry: 'off' });
    const on = { STRIPE_PRICE_ID: 'price_1', RESEND_API_KEY: 're_1', EMAIL_FROM: 'a@b.example', POSTHOG_API_KEY: 'phc_1' };
    expect(await services(on)).toEqual({ signIn: 'clerk', stripe: 'on', email: 'on', posthog: 'on', sentry: 'off' });
  });

  it('is degraded, and says no more, when a service fails', async () => {
    const broken = { head: () => Promise.reject(new Error('secret reason')) } as unknown as R2Bucket;
    const response = await request('/health/services', undefined, { STORAGE: broken });
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(text).toContain('"status":"degraded"');
    expect(text).not.toContain('secret reason');
  });
});

describe('answers', () => {
  it('carry security headers and a request id', async () => {
    const response = await request('/health');
    expect(response.headers.get('strict-transport-security')).toContain('max-age=63072000');
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('x-request-id')).toBeTruthy();
  });

  it('hide what went wrong inside', async () => {
    const broken = { get: () => Promise.reject(new Error('secret internals')) } as unknown as KVNamespace;
    const response = await request('/api/v1/config', undefined, { CONFIG: broken });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('INTERNAL_ERROR');
    expect(text).not.toContain('secret internals');
  });

  it('have one form for every error', async () => {
    const { who, path } = await founder();
    const cases: [string, string, unknown, number, string][] = [
      ['GET', '/api/v1/nothing', undefined, 404, 'NOT_FOUND'],
      ['POST', `${path}/projects`, { name: '' }, 400, 'VALIDATION_ERROR'],
      ['GET', `${path}/projects?limit=1000`, undefined, 400, 'VALIDATION_ERROR'],
      ['GET', `${path}/projects/01ARZ3NDEKTSV4RRFFQ69G5FAV`, undefined, 404, 'NOT_FOUND'],
      ['GET', `/api/v1/teams/01ARZ3NDEKTSV4RRFFQ69G5FAV`, undefined, 404, 'NOT_FOUND'],
      ['POST', `${path}/uploads`, { no: 'file' }, 400, 'VALIDATION_ERROR'],
      ['POST', `${path}/billing/checkout`, {}, 422, 'UNPROCESSABLE'],
    ];
    for (const [method, at, body, status, expected] of cases) {
      const response = await as(who, method, at, body);
      expect(response.status, at).toBe(status);
      const failure = await response.json<Failure>();
      expect(failure.code, at).toBe(expected);
      expect(failure.requestId).toBe(response.headers.get('x-request-id'));
    }
    const broken = await request('/webhooks/stripe', { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) });
    expect(await code(broken)).toBe('413 PAYLOAD_TOO_LARGE');
  });

  it('allow the own origin only', async () => {
    const own = await request('/api/v1/config', { headers: { origin: env.APP_ORIGIN } });
    expect(own.headers.get('access-control-allow-origin')).toBe(env.APP_ORIGIN);
    const other = await request('/api/v1/config', { headers: { origin: 'https://elsewhere.example' } });
    expect(other.headers.get('access-control-allow-origin')).not.toBe('https://elsewhere.example');
  });

  it('refuse too many requests', async () => {
    const none = { limit: () => Promise.resolve({ success: false }) };
    for (const path of ['/api/v1/config', '/api/v1/live/x']) {
      const response = await request(path, undefined, { LIMITER: none });
      expect(response.status, path).toBe(429);
      expect(response.headers.get('retry-after')).toBe('60');
    }
    expect((await request('/webhooks/stripe', { method: 'POST' }, { WEBHOOK_LIMITER: none })).status).toBe(429);
  });
});

describe('projects', () => {
  it('are made, read, changed and deleted', async () => {
    const { who, path } = await founder();
    const made = await data<Project>(as(who, 'POST', `${path}/projects`, { name: ' First ' }), 201);
    expect(made.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(made.name).toBe('First');
    const at = `${path}/projects/${made.id}`;
    expect(await data(as(who, 'GET', at))).toEqual(made);
    const changed = await data<Project>(as(who, 'PATCH', at, { note: 'noted' }));
    expect([changed.name, changed.note]).toEqual(['First', 'noted']);
    expect((await as(who, 'PATCH', at, {})).status).toBe(400);
    expect((await as(who, 'DELETE', at)).status).toBe(204);
    expect((await as(who, 'DELETE', at)).status).toBe(404);
    expect((await as(who, 'GET', at)).status).toBe(404);
    const row = await env.DB.prepare('SELECT deleted_at FROM projects WHERE id = ?').bind(made.id).first<{ deleted_at: string }>();
    expect(row?.deleted_at).toMatch(/Z$/);
  });

  it('are listed page by page, each once', async () => {
    const { who, path } = await founder();
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await data<Project>(as(who, 'POST', `${path}/projects`, { name: `P${i}` }), 201)).id);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const response: Response = await as(who, 'GET', `${path}/projects?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      const page: Page = await response.json<Page>();
      seen.push(...page.data.map((p) => p.id));
      expect(page.hasMore).toBe(page.cursor !== null);
      cursor = page.cursor;
    } while (cursor);
    expect(seen).toEqual(made);
  });

  it('come from the cache until something changes', async () => {
    const { who, path } = await founder();
    const from = async () => (await as(who, 'GET', `${path}/projects`)).headers.get('x-cache');
    expect(await from()).toBe('MISS');
    expect(await from()).toBe('HIT');
    const { id } = await data<Project>(as(who, 'POST', `${path}/projects`, { name: 'another' }), 201);
    const response = await as(who, 'GET', `${path}/projects`);
    expect(response.headers.get('x-cache')).toBe('MISS');
    expect((await response.json<Page>()).data.map((p) => p.id)).toEqual([id]);
  });
});

describe('the rest', () => {
  it('gives the configuration', async () => {
    await env.CONFIG.put('app', JSON.stringify({ signup: true }));
    const config = await data(request('/api/v1/config', undefined, { CLERK_PUBLISHABLE_KEY: 'pk_test_1' }));
    expect(config).toEqual({
      name: env.APP_NAME,
      signIn: 'clerk',
      clerkKey: 'pk_test_1',
      billing: false,
      mail: false,
      settings: { signup: true },
    });
  });

  it('serves the pages, and lets Clerk in where it is on', async () => {
    const landing = await env.ASSETS.fetch('https://example.com/');
    expect(await landing.text()).toContain('<title>');
    const policy = async (key: string) => {
      const page = await request('/app', undefined, { CLERK_PUBLISHABLE_KEY: key });
      expect(page.status).toBe(200);
      expect(page.headers.get('x-frame-options')).toBe('DENY');
      return page.headers.get('content-security-policy');
    };
    expect(await policy('')).not.toContain('clerk');
    expect(await policy('not a key')).not.toContain('not a key');
    const on = await policy(`pk_test_${btoa('happy-bee-1.clerk.accounts.dev$')}`);
    expect(on).toContain("script-src 'self' https://happy-bee-1.clerk.accounts.dev;");
    expect(on).not.toContain('unsafe');
  });
});
