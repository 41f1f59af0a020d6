import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, fits, looksRight, onPage, origin, picture, quick, reach, secret, withBrowser } from './page.mjs';

withBrowser();
looksRight(quick ? [{ path: '/' }] : [{ path: '/' }, { path: '/docs', ready: 'details' }]);

/** The part of the docs page that a method and path name. */
const endpoint = (page, method, path) =>
  page
    .locator('details')
    .filter({ has: page.locator('summary b', { hasText: new RegExp(`^${method}$`) }) })
    .filter({ has: page.locator('summary code', { hasText: new RegExp(`^${path}$`) }) });

test('the docs page shows every endpoint that the API describes', () =>
  onPage({}, async (page) => {
    const { paths } = await (await fetch(`${origin}/api/v1/doc`)).json();
    const described = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((m) => `${m.toUpperCase()} ${path}`));
    await page.goto('/docs');
    await page.waitForSelector('details');
    const shown = await page.$$eval('details > summary', (all) =>
      all.map((s) => `${s.querySelector('b').textContent} ${s.querySelector('code').textContent}`),
    );
    assert.ok(described.length > 10);
    assert.deepEqual(shown.toSorted(), described.toSorted());
  }));

test('a key is made and an item stored from the docs page', () =>
  onPage({ width: 768 }, async (page) => {
    await page.goto('/docs');
    await page.waitForSelector('details');
    await reach(page, '#token');
    await page.keyboard.type(secret('ADMIN_TOKEN'));
    const keys = endpoint(page, 'POST', '/api/v1/admin/keys');
    await keys.locator('summary').click();
    await keys.locator('textarea').fill(JSON.stringify({ account: 'acme', name: 'first', scopes: ['items:read', 'items:write'] }));
    await keys.locator('button').click();
    const made = JSON.parse((await shown(keys)).replace(/^201.*\n/, ''));
    await page.fill('#token', made.data.key);
    const items = endpoint(page, 'POST', '/api/v1/items');
    await items.locator('summary').focus();
    await page.keyboard.press('Enter');
    await items.locator('button').click();
    assert.match(await shown(items), /^201/);
    await picture(page, 'docs', 'tried');
    await fits(page);
    await accessible(page);
  }));

async function shown(part) {
  const result = part.locator('pre:visible').filter({ hasText: /^\d{3}/ });
  await result.waitFor();
  return result.innerText();
}
