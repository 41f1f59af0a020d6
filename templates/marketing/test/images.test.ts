import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import { span } from '../src/routes/images';
import { call } from './call';

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
const body = async (r: Response) => new Uint8Array(await r.arrayBuffer());

beforeAll(async () => {
  await env.IMAGES.put('team/ada.png', bytes, { httpMetadata: { contentType: 'image/png' } });
  await env.IMAGES.put('page.html', '<script>alert(1)</script>', { httpMetadata: { contentType: 'text/html' } });
  await env.IMAGES.put('drawing.svg', '<svg/>', { httpMetadata: { contentType: 'image/svg+xml' } });
  await env.IMAGES.put('untyped', bytes);
});

describe('an image', () => {
  it('comes whole, to be kept, under its type', async () => {
    const response = await call('/img/team/ada.png');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/png');
    expect(response.headers.get('content-length')).toBe('1000');
    expect(response.headers.get('cache-control')).toContain('public, max-age=86400');
    expect(response.headers.get('accept-ranges')).toBe('bytes');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await body(response)).toEqual(bytes);
  });

  it('is not sent again to whoever has it', async () => {
    const first = await call('/img/team/ada.png');
    await first.arrayBuffer();
    const again = await call('/img/team/ada.png', { headers: { 'if-none-match': first.headers.get('etag')! } });
    expect(again.status).toBe(304);
    expect((await body(again)).length).toBe(0);
    const other = await call('/img/team/ada.png', { headers: { 'if-none-match': '"other"' } });
    expect(other.status).toBe(200);
    await other.arrayBuffer();
  });

  it('comes from the cache the second time, as it was', async () => {
    await env.IMAGES.put('kept.webp', bytes, { httpMetadata: { contentType: 'image/webp' } });
    expect(await body(await call('/img/kept.webp'))).toEqual(bytes);
    await expect.poll(async () => (await caches.default.match('https://example.com/img/kept.webp'))?.status).toBe(200);
    await env.IMAGES.delete('kept.webp');
    const kept = await call('/img/kept.webp?cache=no');
    expect(kept.status).toBe(200);
    expect(kept.headers.get('content-type')).toBe('image/webp');
    expect(await body(kept)).toEqual(bytes);
  });

  it('comes in parts', async () => {
    for (const [range, from, to] of [
      ['bytes=0-99', 0, 99],
      ['bytes=990-', 990, 999],
      ['bytes=-10', 990, 999],
      ['bytes=900-5000', 900, 999],
    ] as const) {
      const response = await call('/img/team/ada.png', { headers: { range } });
      expect(response.status, range).toBe(206);
      expect(response.headers.get('content-range')).toBe(`bytes ${from}-${to}/1000`);
      expect(response.headers.get('content-length')).toBe(String(to - from + 1));
      expect(await body(response)).toEqual(bytes.slice(from, to + 1));
    }
    const beyond = await call('/img/team/ada.png', { headers: { range: 'bytes=1000-' } });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get('content-range')).toBe('bytes */1000');
  });

  it('comes whole where the part is of another version, or asked for in another way', async () => {
    const cases: Record<string, string>[] = [
      { range: 'bytes=0-9', 'if-range': '"other"' },
      { range: 'bytes=0-9,20-29' },
      { range: 'lines=1-2' },
    ];
    for (const headers of cases) {
      const response = await call('/img/team/ada.png', { headers });
      expect(response.status).toBe(200);
      expect((await body(response)).length).toBe(1000);
    }
  });

  it('tells its size to HEAD', async () => {
    const response = await call('/img/team/ada.png', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('1000');
    expect((await body(response)).length).toBe(0);
  });

  it('is nothing that a browser would run', async () => {
    for (const path of ['/img/page.html', '/img/drawing.svg', '/img/untyped', '/img/nothing.png']) {
      expect((await call(path)).status, path).toBe(404);
      expect((await call(path, { method: 'HEAD' })).status, path).toBe(404);
      expect((await call(path, { headers: { range: 'bytes=0-' } })).status, path).toBe(404);
    }
  });
});

describe('a range', () => {
  it('is read as the standard says', () => {
    const cases: [string | undefined, number, ReturnType<typeof span>][] = [
      [undefined, 10, null],
      ['bytes=-', 10, null],
      ['bytes=5-2', 10, null],
      ['bytes=a-b', 10, null],
      ['bytes=0-0', 10, { offset: 0, length: 1 }],
      ['bytes=-20', 10, { offset: 0, length: 10 }],
      ['bytes=-0', 10, 'none'],
      ['bytes=10-', 10, 'none'],
      ['bytes=0-', 0, 'none'],
    ];
    for (const [header, size, want] of cases) expect(span(header, size), `${header} of ${size}`).toEqual(want);
  });
});
