import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { ask, call, having, newKey, type Failure } from './call';

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

  it('says which secrets are missing, and none of them', async () => {
    const on = await (await call('/health/services')).text();
    expect(on).toContain('"thirdParties":{"pepper":"on","admin":"on"}');
    expect(on).not.toContain('"pepper":"pepper"');
    const off = await call('/health/services', {}, having({ API_KEY_PEPPER: undefined, ADMIN_TOKEN: '' }));
    expect(await off.text()).toContain('{"pepper":"off","admin":"off"}');
  });

  it('is degraded, and says no more, when a service fails', async () => {
    const broken = having({ BACKUPS: { head: () => Promise.reject(new Error('secret reason')) } });
    const response = await call('/health/services', {}, broken);
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

  it('have one form for every error', async () => {
    const { key } = await newKey();
    const none = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    const cases: [Response, number, string][] = [
      [await call('/nothing'), 404, 'NOT_FOUND'],
      [await call('/api/v1/items'), 401, 'UNAUTHORIZED'],
      [await ask(key, 'GET', `/api/v1/items/${none}`), 404, 'NOT_FOUND'],
      [await ask(key, 'GET', '/api/v1/items/no-id'), 400, 'VALIDATION_ERROR'],
      [await ask(key, 'GET', '/api/v1/items?limit=1000'), 400, 'VALIDATION_ERROR'],
      [await ask(key, 'POST', '/api/v1/items', { name: '' }), 400, 'VALIDATION_ERROR'],
      [await ask(key, 'PATCH', `/api/v1/items/${none}`, {}), 400, 'VALIDATION_ERROR'],
    ];
    for (const [response, status, code] of cases) {
      expect(response.status).toBe(status);
      const body = await response.json<Failure>();
      expect(body.code).toBe(code);
      expect(body.requestId).toBe(response.headers.get('x-request-id'));
    }
  });

  it('hide what went wrong inside', async () => {
    const { key } = await newKey();
    const broken = having({ CACHE: { get: () => Promise.reject(new Error('secret internals')) } });
    const response = await ask(key, 'GET', '/api/v1/usage', undefined, { bindings: broken });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('INTERNAL_ERROR');
    expect(text).not.toContain('secret internals');
  });

  it('allow the own origin only', async () => {
    const own = await call('/api/v1/doc', { headers: { origin: env.APP_ORIGIN } });
    expect(own.headers.get('access-control-allow-origin')).toBe(env.APP_ORIGIN);
    const other = await call('/api/v1/doc', { headers: { origin: 'https://elsewhere.example' } });
    expect(other.headers.get('access-control-allow-origin')).not.toBe('https://elsewhere.example');
  });
});

describe('the description', () => {
  type Operation = { security?: Record<string, string[]>[]; responses: Record<string, unknown>; summary?: string };
  type Doc = {
    openapi: string;
    info: { title: string };
    paths: Record<string, Record<string, Operation>>;
    components: { securitySchemes: Record<string, unknown> };
  };

  it('says of every operation what it does, what it needs and how it may end', async () => {
    const doc = await (await call('/api/v1/doc')).json<Doc>();
    expect(doc.openapi).toBe('3.1.0');
    expect(doc.info.title).toBe(env.APP_NAME);
    const operations = Object.entries(doc.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, o]) => [`${method} ${path}`, o] as const),
    );
    expect(operations.length).toBeGreaterThan(20);
    for (const [name, o] of operations) {
      expect(o.summary, name).toBeTruthy();
      expect(Object.keys(doc.components.securitySchemes), name).toContain(Object.keys(o.security![0]!)[0]);
      expect(Object.keys(o.responses), name).toEqual(expect.arrayContaining(['401', '429']));
    }
  });

  it('has a page', async () => {
    expect(await (await env.ASSETS.fetch('https://example.com/docs')).text()).toContain('/docs.js');
    expect((await env.ASSETS.fetch('https://example.com/')).status).toBe(200);
  });
});
