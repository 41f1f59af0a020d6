import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { PAGES } from '../src/site';

const asset = (path: string) => env.ASSETS.fetch(`https://example.com${path}`);
const text = async (path: string) => (await asset(path)).text();

/** Most bytes of a page with all it loads, gzipped. */
const BUDGET = 14 * 1024;

/** What the browser loads with every page. */
const PARTS = ['/style.css', '/site.js', '/favicon.svg'];

/** Pairs of colours that stand on each other, and the contrast they need (WCAG 2.2: 4.5 for text, 3 for edges). */
const PAIRS: [string, string, number][] = [
  ['ink', 'paper', 7],
  ['ink', 'raised', 7],
  ['ink', 'sunken', 7],
  ['soft', 'paper', 4.5],
  ['soft', 'raised', 4.5],
  ['soft', 'sunken', 4.5],
  ['accent', 'paper', 4.5],
  ['accent', 'raised', 4.5],
  ['accent', 'sunken', 4.5],
  ['on-accent', 'accent', 4.5],
  ['good', 'raised', 4.5],
  ['bad', 'raised', 4.5],
  ['edge', 'raised', 3],
  ['edge', 'paper', 3],
];

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

const contrast = (a: string, b: string) => {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light! + 0.05) / (dark! + 0.05);
};

type Page = { counts: Record<string, number>; links: string[]; ids: string[]; inline: string[]; nameless: string[]; description: string };

async function read(path: string): Promise<Page> {
  const page: Page = { counts: {}, links: [], ids: [], inline: [], nameless: [], description: '' };
  const labelled = new Set<string>();
  const fields: string[] = [];
  await new HTMLRewriter()
    .on('*', {
      element(e) {
        page.counts[e.tagName] = (page.counts[e.tagName] ?? 0) + 1;
        const id = e.getAttribute('id');
        if (id) page.ids.push(id);
        for (const [name = ''] of e.attributes) if (name === 'style' || name.startsWith('on')) page.inline.push(`${e.tagName} ${name}`);
        if (e.tagName === 'style' || (e.tagName === 'script' && !e.hasAttribute('src'))) page.inline.push(e.tagName);
        for (const name of ['href', 'src']) {
          const target = e.getAttribute(name);
          if (target) page.links.push(target);
        }
        if (e.tagName === 'label') labelled.add(e.getAttribute('for') ?? '');
        if (['input', 'textarea'].includes(e.tagName)) fields.push(id ?? '');
        if (e.tagName === 'svg' && e.getAttribute('aria-hidden') !== 'true') page.nameless.push('svg');
        if (e.tagName === 'img' && !e.hasAttribute('alt')) page.nameless.push('img');
        if (e.tagName === 'meta' && e.getAttribute('name') === 'description') page.description = e.getAttribute('content') ?? '';
      },
    })
    .transform(await asset(path))
    .arrayBuffer();
  page.nameless.push(...fields.filter((f) => !labelled.has(f)));
  return page;
}

async function gzipped(content: string): Promise<number> {
  return (await new Response(new Response(content).body!.pipeThrough(new CompressionStream('gzip'))).arrayBuffer()).byteLength;
}

describe.each([...PAGES, '/404'])('the page %s', (path) => {
  it('is whole: language, title, landmarks, one heading above all, a name for everything', async () => {
    const html = await text(path);
    expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(html).toMatch(/<title>[^<]+<\/title>/);
    const page = await read(path);
    for (const once of ['header', 'main', 'h1', 'title']) expect(page.counts[once], once).toBe(1);
    expect(page.description.length).toBeGreaterThan(20);
    expect(page.nameless).toEqual([]);
    expect(new Set(page.ids).size).toBe(page.ids.length);
    expect(page.ids).toContain('main');
  });

  it('has nothing inline that the security policy forbids, and loads nothing from elsewhere', async () => {
    const page = await read(path);
    expect(page.inline).toEqual([]);
    const loaded = page.links.filter((l) => /^(https?:)?\/\//.test(l));
    // Only links that are followed or told to others may name a host: here, the page's own address.
    expect(loaded.filter((l) => !l.startsWith(`${env.APP_ORIGIN}/`))).toEqual([]);
  });

  it('links to what is there', async () => {
    const page = await read(path);
    for (const link of page.links.filter((l) => l.startsWith('/') || l.startsWith('#'))) {
      const { pathname, hash } = new URL(link, `https://example.com${path}`);
      expect((await asset(pathname)).status, link).toBe(200);
      if (hash) expect((await read(pathname)).ids, link).toContain(hash.slice(1));
    }
  });

  it('is light', async () => {
    const all = await Promise.all([path, ...PARTS].map(async (p) => gzipped(await text(p))));
    expect(all.reduce((a, b) => a + b)).toBeLessThan(BUDGET);
  });
});

describe('the site', () => {
  it('can be read in light and in dark', async () => {
    const css = await text('/style.css');
    const colours = new Map(
      [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map((m) => [m[1]!, [m[2]!, m[3]!] as const]),
    );
    for (const [front, back, least] of PAIRS) {
      for (const scheme of [0, 1] as const) {
        const ratio = contrast(colours.get(front)![scheme], colours.get(back)![scheme]);
        expect(ratio, `${front} on ${back}, ${scheme ? 'dark' : 'light'}`).toBeGreaterThanOrEqual(least);
      }
    }
  });

  it('shows a page of its own for what is not there', async () => {
    const response = await asset('/no/such/page');
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('There is nothing here');
  });

  it('has a manifest, an icon, and a picture for others to show', async () => {
    const manifest = await (await asset('/site.webmanifest')).json<{ name: string; icons: { src: string }[] }>();
    expect(manifest.name).toBe(env.APP_NAME);
    for (const { src } of manifest.icons) expect((await asset(src)).headers.get('content-type')).toBe('image/svg+xml');
    expect((await asset('/og.png')).headers.get('content-type')).toBe('image/png');
  });

  it('shows the API’s description', async () => {
    expect(await text('/docs')).toContain('/docs.js');
  });
});
