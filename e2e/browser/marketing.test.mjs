import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figures } from './figures.mjs';
import { looksRight, onPage, picture, quick, reach, withBrowser } from './page.mjs';

const PORT = Number(process.env.CFBOOT_DEVTOOLS_PORT);

withBrowser(`--remote-debugging-port=${PORT}`);
looksRight([
  { path: '/' },
  ...(quick ? [] : [{ path: '/about' }, { path: '/privacy' }, { path: '/docs', ready: 'details' }]),
  { path: '/nowhere', expected: [/404/] },
]);

async function fillIn(page) {
  await page.goto('/');
  await page.fill('#name', 'Ada Lovelace');
  await page.fill('#email', 'ada@example.com');
  await page.fill('#message', 'Could your engine play chess?');
}

/** What the form says in the end, and a picture of it. */
async function said(page, kind, name) {
  const status = page.locator(`.status.${kind}`);
  await status.waitFor();
  await picture(page.locator('#contact'), 'form', name);
  return status.innerText();
}

test('the form is reached and sent with the keyboard alone', () =>
  onPage({}, async (page) => {
    await page.goto('/');
    await reach(page, '.hero a[href="#contact"]');
    await page.keyboard.press('Enter');
    await reach(page, '#name');
    for (const text of ['Ada Lovelace', 'ada@example.com', 'Could your engine play chess?']) {
      await page.keyboard.type(text);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    assert.match(await said(page, 'good', 'sent'), /arrived/);
  }));

test('a field that is wrong is said to be, and goes nowhere', () =>
  onPage({}, async (page) => {
    await fillIn(page);
    await page.fill('#email', 'nobody');
    await page.click('button[type=submit]');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'email');
  }));

// Whether Turnstile is on is the server's to say; here it says so.
const turnstile = (page) =>
  page.route('**/api/v1/contact', async (route) => {
    if (route.request().method() !== 'GET') return route.fallback();
    const response = await route.fetch();
    const body = await response.json();
    body.data.siteKey = '1x00000000000000000000AA';
    await route.fulfill({ response, json: body });
  });

test('without Turnstile’s script the form says so, and where else to write', () =>
  onPage({ expected: [/ERR_BLOCKED_BY_CLIENT/] }, async (page) => {
    await turnstile(page);
    await page.route('https://challenges.cloudflare.com/**', (route) => route.abort('blockedbyclient'));
    await fillIn(page);
    await page.click('button[type=submit]');
    assert.match(await said(page, 'bad', 'no-turnstile'), /check for robots.*hello@/s);
    assert.equal(await page.inputValue('#message'), 'Could your engine play chess?');
  }));

test('where the server does not answer the form says so, and keeps what was written', () =>
  onPage({ expected: [/ERR_INTERNET_DISCONNECTED/] }, async (page) => {
    await page.route('**/api/v1/contact', (route) => route.abort('internetdisconnected'));
    await fillIn(page);
    await page.click('button[type=submit]');
    assert.match(await said(page, 'bad', 'no-answer'), /did not work/);
    assert.equal(await page.inputValue('#message'), 'Could your engine play chess?');
  }));

test('without scripts the page is whole, and the form names an address', () =>
  onPage({ javaScriptEnabled: false }, async (page) => {
    await page.goto('/');
    const instead = page.locator('noscript p');
    assert.ok(await instead.isVisible());
    assert.match(await instead.innerText(), /hello@/);
    assert.ok(await page.locator('#name').isDisabled());
    await picture(page.locator('#contact'), 'form', 'no-script');
  }));

if (!quick) {
  const rows = figures(PORT, ['/', '/about', '/privacy']);

  test('what the page says of itself is true', () =>
    onPage({}, async (page) => {
      await page.goto('/');
      const facts = await page.locator('.facts dd').allInnerTexts();
      const [requests, kilobytes] = facts.map((f) => Number(/\d+/.exec(f)?.[0]));
      assert.equal(rows['/'].requests, requests);
      assert.ok(rows['/'].bytes <= kilobytes * 1000, `${rows['/'].bytes} bytes`);
      assert.deepEqual(await page.context().cookies(), []);
    }));
}
