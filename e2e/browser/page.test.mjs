// That the checks of page.mjs find what they are for: each is shown a page with the fault.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessible, fits, newPage, reach, withBrowser } from './page.mjs';

withBrowser();

const HEAD = '<!doctype html><html lang="en"><head><title>Faulty</title><link rel="icon" href="data:," /></head>';
const POLICY = "default-src 'none'; img-src 'self' data:; script-src 'self'";

/** Shows a page that says what is given, under a policy, and returns its faults. */
async function shown(body, more = {}, play = async () => {}) {
  const { page, faults, close } = await newPage({ width: 360, baseURL: 'http://faulty.example', ...more });
  await page.route('**/*', (route) =>
    route.request().isNavigationRequest()
      ? route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': POLICY }, body: `${HEAD}<body><main>${body}</main></body></html>` })
      : route.fulfill({ status: 404 }),
  );
  await page.goto('/', { waitUntil: 'networkidle' });
  await play(page);
  await close();
  return faults;
}

test('a page without a fault has none', async () =>
  assert.deepEqual(await shown('<h1>Good</h1><a href="#">On</a>', {}, async (page) => Promise.all([fits(page), accessible(page)])), []));

test('a picture that is not there is a fault, unless it is expected', async () => {
  const missing = '<img src="/missing.png" alt="Missing" />';
  assert.match((await shown(missing)).join(), /404 GET .*missing\.png/);
  assert.deepEqual(await shown(missing, { expected: [/404/] }), []);
});

test('what the policy forbids is a fault', async () =>
  assert.match((await shown('<script>document.title = "changed"</script>')).join(), /forbidden by the policy: script-src/));

test('what is wider than the window is found, by its name', () =>
  shown('<div id="wide">Far</div>', {}, async (page) => {
    await page.evaluate(() => (document.getElementById('wide').style.width = '500px'));
    await assert.rejects(fits(page), /div#wide/);
  }));

test('a field without a name is found', () => shown('<input />', {}, (page) => assert.rejects(accessible(page), /label/)));

test('what the Tab key does not reach, or does not show, is found', () =>
  shown('<a href="#">On</a><button tabindex="-1" id="never">Never</button>', {}, async (page) => {
    await assert.rejects(reach(page, '#never', 5), /not reached/);
    await page.evaluate(() => (document.querySelector('a').style.outline = 'none'));
    await assert.rejects(reach(page, 'a', 5), /not to be seen/);
  }));
