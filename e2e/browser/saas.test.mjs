import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looksRight, onPage, origin, quick, secret, withBrowser } from './page.mjs';

withBrowser();
looksRight([
  { path: '/' },
  ...(quick ? [] : [{ path: '/app' }, { path: '/docs', ready: 'details' }]),
  { path: '/nowhere', expected: [/404/] },
]);

/** Calls the API from within a page, as its scripts would. */
async function call(page, path, body, token = secret('DEV_TOKEN')) {
  const { status, answer } = await page.evaluate(
    async ([path, body, token]) => {
      const response = await fetch(path, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body && JSON.stringify(body),
      });
      return { status: response.status, answer: await response.json() };
    },
    [path, body, token],
  );
  assert.ok(status < 300, `${path}: ${status} ${JSON.stringify(answer)}`);
  return answer.data;
}

/** Opens a team's WebSocket in a page, and returns what waits for the next message that has the text. */
async function listen(page, team) {
  const { ticket } = await call(page, `/api/v1/teams/${team}/live/ticket`, {});
  await page.evaluate(
    ([team, ticket]) =>
      new Promise((open, failed) => {
        const url = new URL(`/api/v1/live/${team}?ticket=${ticket}`, location.href);
        url.protocol = url.protocol.replace('http', 'ws');
        const socket = new WebSocket(url);
        window.heard = [];
        socket.onopen = open;
        socket.onerror = () => failed(new Error('the WebSocket is refused'));
        socket.onmessage = ({ data }) => window.heard.push(data);
      }),
    [team, ticket],
  );
  return (text) => page.waitForFunction((t) => window.heard.some((h) => h.includes(t)), text);
}

test('what one page does another one hears at once', () =>
  onPage({}, async (page) => {
    await page.goto('/app');
    const me = await call(page, '/api/v1/me');
    assert.equal(me.name, 'dev');
    const team = await call(page, '/api/v1/teams', { name: 'Engines' });
    const other = await page.context().newPage();
    await other.goto('/app');
    const hears = await listen(other, team.id);
    const project = await call(page, `/api/v1/teams/${team.id}/projects`, { name: 'Difference Engine' });
    await hears(project.id);
  }));

test('a stranger’s page is told of no team but its own', () =>
  onPage({ expected: [/404/] }, async (page) => {
    await page.goto('/app');
    const team = await call(page, '/api/v1/teams', { name: 'Secrets' });
    const stranger = `${secret('DEV_TOKEN')}:stranger`;
    const { teams } = await call(page, '/api/v1/me', undefined, stranger);
    assert.deepEqual(
      teams.filter(({ id }) => id === team.id),
      [],
    );
    await assert.rejects(call(page, `/api/v1/teams/${team.id}/live/ticket`, {}, stranger), /404/);
  }));

test('the docs page shows every endpoint that the API describes', () =>
  onPage({}, async (page) => {
    const { paths } = await (await fetch(`${origin}/api/v1/doc`)).json();
    await page.goto('/docs');
    await page.waitForSelector('details');
    assert.equal(await page.locator('details').count(), Object.values(paths).flatMap(Object.keys).length);
  }));
