import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { scheduled } from '../src/cron';
import { PAGES } from '../src/site';
import { bare, call, having, post, type Failure } from './call';

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

  it('says which third parties are off', async () => {
    const { thirdParties } = await (await call('/health/services')).json<{ thirdParties: unknown }>();
    expect(thirdParties).toEqual({ turnstile: 'off', mail: 'off' });
  });

  it('is degraded, and says no more, when a service fails', async () => {
    const broken = having({ IMAGES: { head: () => Promise.reject(new Error('secret reason')) } });
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
    const cases: [Response, number, string][] = [
      [await call('/api/v1/nothing'), 404, 'NOT_FOUND'],
      [await post('/api/v1/contact', { email: 'no address' }), 400, 'VALIDATION_ERROR'],
      [
        await call('/api/v1/contact', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }),
        400,
        'VALIDATION_ERROR',
      ],
      [await call('/img/nothing.png'), 404, 'NOT_FOUND'],
    ];
    for (const [response, status, code] of cases) {
      expect(response.status).toBe(status);
      const body = await response.json<Failure>();
      expect(body.code).toBe(code);
      expect(body.requestId).toBe(response.headers.get('x-request-id'));
    }
  });

  it('hide what went wrong inside', async () => {
    const broken = having({ CONFIG: { get: () => Promise.reject(new Error('secret internals')) } });
    const response = await call('/api/v1/contact', {}, broken);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(text).toContain('INTERNAL_ERROR');
    expect(text).not.toContain('secret internals');
  });

  it('refuse too many requests', async () => {
    const busy = having({ LIMITER: { limit: () => Promise.resolve({ success: false }) } });
    const response = await call('/api/v1/contact', {}, busy);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('60');
  });

  it('describe the API', async () => {
    const doc = await (await call('/api/v1/doc')).json<{ openapi: string; info: { title: string }; paths: Record<string, unknown> }>();
    expect(doc.openapi).toBe('3.1.0');
    expect(doc.info.title).toBe(env.APP_NAME);
    expect(Object.keys(doc.paths)).toEqual(['/api/v1/contact', '/api/v1/views']);
  });
});

describe('views', () => {
  it('are counted by day and page, and only for pages that exist', async () => {
    for (const path of ['/', '/about', '/about']) expect((await post('/api/v1/views', { path })).status).toBe(204);
    expect((await post('/api/v1/views', { path: '/made-up' })).status).toBe(400);
    const { results } = await env.DB.prepare('SELECT path, views FROM page_views WHERE day = ? ORDER BY path')
      .bind(new Date().toISOString().slice(0, 10))
      .all();
    expect(results).toEqual([
      { path: '/', views: 1 },
      { path: '/about', views: 2 },
    ]);
  });
});

describe('for search engines', () => {
  const at = (origin: string) => having({ APP_ORIGIN: origin });

  it('the sitemap lists every page under the site’s own name', async () => {
    const response = await call('https://elsewhere.example/sitemap.xml', {}, at('https://site.example'));
    expect(response.headers.get('content-type')).toContain('application/xml');
    const found = [...(await response.text()).matchAll(/<loc>(.*?)<\/loc>/g)].map((m) => m[1]);
    expect(found).toEqual(PAGES.map((p) => `https://site.example${p}`));
  });

  it('without a name of its own the site is where it was asked', async () => {
    const text = await (await call('https://x.workers.example/sitemap.xml', {}, at(''))).text();
    expect(text).toContain('<loc>https://x.workers.example/about</loc>');
  });

  it('robots.txt keeps copies under other names out', async () => {
    const own = await (await call('https://site.example/robots.txt', {}, at('https://site.example'))).text();
    expect(own).toBe('User-agent: *\nDisallow: /api/\nSitemap: https://site.example/sitemap.xml\n');
    const copy = await (await call('https://x.workers.example/robots.txt', {}, at('https://site.example'))).text();
    expect(copy).toBe('User-agent: *\nDisallow: /\n');
  });
});

describe('cron', () => {
  it('forgets after a year', async () => {
    const old = '2025-01-01T00:00:00.000Z';
    await env.DB.batch([
      env.DB.prepare(
        "INSERT INTO contacts (id, email, name, updated_at) VALUES ('c-old', 'old@example.com', 'o', ?), ('c-new', 'new@example.com', 'n', ?)",
      ).bind(old, old),
      env.DB.prepare(
        "INSERT INTO form_submissions (id, contact_id, message, mail, created_at) VALUES ('s-old', 'c-old', 'm', 'off', ?)",
      ).bind(old),
      env.DB.prepare("INSERT INTO form_submissions (id, contact_id, message, mail) VALUES ('s-new', 'c-new', 'm', 'off')"),
      env.DB.prepare("INSERT INTO page_views VALUES ('2025-01-01', '/', 5)"),
    ]);
    await scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: new Date() }), bare);
    const ids = async (table: string) => (await env.DB.prepare(`SELECT id FROM ${table}`).all<{ id: string }>()).results.map((r) => r.id);
    expect(await ids('form_submissions')).toEqual(['s-new']);
    expect(await ids('contacts')).toEqual(['c-new']);
    expect(await env.DB.prepare("SELECT 1 FROM page_views WHERE day = '2025-01-01'").first()).toBeNull();
  });
});
