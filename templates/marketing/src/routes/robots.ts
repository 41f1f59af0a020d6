import { Hono } from 'hono';
import { origin, PAGES } from '../site';

const DAY = { 'cache-control': 'public, max-age=86400' };

const escape = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** robots.txt and sitemap.xml. */
export const robots = new Hono<{ Bindings: Env }>()
  .get('/robots.txt', (c) => {
    const home = origin(c.env, c.req.url);
    // Under any other name, as on workers.dev, the site is a copy that is not to be found.
    const lines = new URL(c.req.url).host === new URL(home).host ? ['Disallow: /api/', `Sitemap: ${home}/sitemap.xml`] : ['Disallow: /'];
    return c.text(['User-agent: *', ...lines, ''].join('\n'), 200, DAY);
  })
  .get('/sitemap.xml', (c) => {
    const home = origin(c.env, c.req.url);
    const urls = PAGES.map((path) => `  <url><loc>${escape(home + path)}</loc></url>\n`).join('');
    const text = `<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n${urls}</urlset>\n`;
    return c.body(text, 200, { ...DAY, 'content-type': 'application/xml; charset=utf-8' });
  });
