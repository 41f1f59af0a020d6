import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, fits, looksRight, onPage, picture, quick, reach, withBrowser } from './page.mjs';

withBrowser();
const pages = [{ path: '/', ready: '#state[data-well]' }];
if (!quick) pages.push({ path: '/docs', ready: 'details' }, { path: '/nowhere', expected: [/404/] });
looksRight(pages);

/** The frames that a page's WebSockets carry, from when it is opened. */
function frames(page) {
  const seen = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => seen.push(`> ${payload}`));
    socket.on('framereceived', ({ payload }) => seen.push(`< ${payload}`));
  });
  return seen;
}

/** Waits until the newest answer is whole, and returns it. */
async function answer(page, has) {
  const last = page.locator('#messages > li.assistant[data-status=done]:visible').filter({ hasText: has }).last();
  await last.waitFor();
  return last.innerText();
}

for (const [width, scheme] of quick
  ? [[360, 'light']]
  : [
      [360, 'light'],
      [1280, 'dark'],
    ]) {
  test(`a message is written, answered over a WebSocket and there after a reload, at ${width}`, () =>
    onPage({ width, scheme, hasTouch: width < 768 }, async (page) => {
      const heard = frames(page);
      await page.goto('/');
      await page.waitForSelector('#state[data-well]');
      await reach(page, '#text');
      await page.keyboard.type('Good morning, agent');
      await page.keyboard.press('Enter');
      await answer(page, 'Good morning, agent');
      await page.fill('#text', 'What time is it?');
      await page.click('#send');
      await page.waitForSelector('.tool details');
      assert.ok(
        heard.some((f) => f.startsWith('> ') && f.includes('Good morning')),
        `sent otherwise:\n${heard.join('\n')}`,
      );
      assert.ok(
        heard.some((f) => f.startsWith('< ') && f.includes('"delta"')),
        `answered otherwise:\n${heard.join('\n')}`,
      );
      await page.waitForSelector('#send:visible');
      await page.locator('.tool details').first().click();
      await picture(page, 'chat', String(width), scheme);
      await fits(page);
      await accessible(page);
      await page.reload();
      await answer(page, 'Good morning, agent');
    }));
}

if (!quick) {
  test('on a phone the conversations are behind a button, which the keyboard works', () =>
    onPage({ width: 360 }, async (page) => {
      await page.goto('/');
      await page.waitForSelector('#state[data-well]');
      await page.focus('body');
      await reach(page, '#menu');
      await page.keyboard.press('Enter');
      await page.waitForSelector('#side[data-open]');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'new');
      await page.waitForTimeout(300); // until it has slid in
      await picture(page, 'menu', '360');
      await accessible(page);
      await page.keyboard.press('Escape');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'menu');
    }));

  test('two pages of one visitor show the same conversation as it goes', () =>
    onPage({}, async (page) => {
      await page.goto('/');
      await page.waitForSelector('#state[data-well]');
      await page.fill('#text', 'Good evening');
      await page.keyboard.press('Enter');
      await answer(page, 'Good evening');
      const other = await page.context().newPage();
      await other.goto(page.url());
      await answer(other, 'Good evening');
      await page.fill('#text', 'And good night');
      await page.keyboard.press('Enter');
      await answer(other, 'And good night');
    }));

  test('where no WebSocket can be had, messages go and come all the same', () =>
    onPage({}, async (page) => {
      await page.routeWebSocket('**/socket**', (socket) => socket.close({ code: 1011 }));
      await page.goto('/');
      await page.waitForSelector('#state[data-well]');
      await page.fill('#text', 'By another way');
      await page.keyboard.press('Enter');
      await answer(page, 'By another way');
      await picture(page, 'no-socket');
    }));
}
