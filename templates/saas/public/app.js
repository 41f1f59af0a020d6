// The application: who is signed in, which team is looked at, and its sections.
import { call } from './api.js';
import { byId, element, fail } from './dom.js';
import { listen } from './live.js';
import { sections } from './sections.js';
import { forget, signIn } from './signin.js';

const CHOSEN = 'team';

let config;
let me;
let team;
let stop = () => {};

const tabs = () => Object.entries(sections).filter(([, s]) => !s.shown || s.shown(team, config));
const current = () => (tabs().find(([name]) => `#${name}` === location.hash) ?? tabs()[0])[0];

/** Shows the section of the address, made anew. */
async function show() {
  if (!team) return welcome();
  const name = current();
  byId('tabs').replaceChildren(
    ...tabs().map(([n, { title }]) =>
      element('a', { href: `#${n}`, textContent: title, ...(n === name ? { 'aria-current': 'page' } : {}) }),
    ),
  );
  byId('tabs').hidden = false;
  document.title = `${sections[name].title} · ${team.name}`;
  const content = await sections[name].make({ team, me, config, reload });
  if (current() === name) byId('main').replaceChildren(element('h1', { textContent: sections[name].title }), ...content);
}

function welcome() {
  byId('tabs').hidden = true;
  document.title = config.name;
  byId('main').replaceChildren(
    element(
      'section',
      { className: 'card narrow' },
      element('h1', { textContent: `Welcome${me.name ? `, ${me.name}` : ''}` }),
      element('p', { className: 'quiet', textContent: 'Work happens in a team. Make one, or ask somebody for an invite.' }),
      sections.settings.newTeam(reload),
    ),
  );
}

/** Asks anew who is here and in which teams, and shows the chosen one, or the first. */
async function reload(chosen = localStorage.getItem(CHOSEN)) {
  me = await call('GET', '/me');
  const before = team?.id;
  team = me.teams.find((t) => t.id === chosen) ?? me.teams[0];
  byId('me').textContent = me.name || me.email || '';
  byId('bar').hidden = false;
  byId('team').replaceChildren(
    ...me.teams.map((t) => element('option', { value: t.id, textContent: t.name, selected: t.id === team?.id })),
  );
  byId('team').parentElement.hidden = me.teams.length === 0;
  if (team) localStorage.setItem(CHOSEN, team.id);
  if (team?.id !== before) follow();
  await show();
}

/** Listens to the team that is looked at, and shows anew what has changed in it. */
function follow() {
  stop();
  byId('live').textContent = '';
  if (!team) return;
  let soon;
  stop = listen(team.id, {
    connected: (is) => {
      byId('live').dataset.on = is;
      byId('live').textContent = is ? '' : 'Connecting…';
    },
    happened: ({ type, data }) => {
      if (type === 'presence') {
        byId('live').textContent = data.users > 1 ? `${data.users} here` : 'Live';
        return;
      }
      // Who may do what, and what the team is called, stands in the whole page.
      const whole = ['team.renamed', 'team.left', 'member.changed'].includes(type);
      if (!whole && !sections[current()].follows?.some((f) => type.startsWith(f))) return;
      clearTimeout(soon);
      soon = setTimeout(() => (whole ? reload() : redraw()).catch(fail), 150);
    },
  });
}

/** Shows a section anew, unless somebody is writing in it. */
async function redraw() {
  const at = document.activeElement;
  const writing =
    at?.closest('form') && at.closest('main') && [...at.closest('form').querySelectorAll('input, textarea')].some((e) => e.value);
  if (!writing) await show();
}

/** Joins the team of an invite, whose token is in the address behind the #. */
async function accept() {
  const token = /^#invite=(.+)$/.exec(location.hash)?.[1];
  if (!token) return undefined;
  history.replaceState(null, '', location.pathname);
  try {
    const joined = await call('POST', '/invites/accept', { token });
    byId('notice').textContent = `You are in ${joined.name} now.`;
    byId('notice').hidden = false;
    return joined.id;
  } catch (failure) {
    fail(failure);
    return undefined;
  }
}

async function main() {
  config = await call('GET', '/config');
  byId('brand').textContent = config.name;
  document.title = config.name;
  if (config.settings?.notice) {
    byId('notice').textContent = config.settings.notice;
    byId('notice').hidden = false;
  }
  const signOut = await enter();
  byId('leave').addEventListener('click', async () => {
    await signOut();
    localStorage.removeItem(CHOSEN);
    location.replace('/app');
  });
  byId('team').addEventListener('change', () => reload(byId('team').value).catch(fail));
  window.addEventListener('hashchange', async () => {
    const joined = await accept();
    await (joined ? reload(joined) : show()).catch(fail);
  });
}

/** Asks who is there until it is somebody, and shows the page. */
async function enter() {
  for (;;) {
    const signOut = await signIn(config);
    try {
      await reload(await accept());
      return signOut;
    } catch (failure) {
      if (failure.status !== 401) throw failure;
      forget();
      fail(failure);
      if (config.signIn !== 'dev') throw failure; // asking Clerk again would only come back here
    }
  }
}

main().catch(fail);
