// The sections of a team's page. Each makes its content of what the API answers.
import { call, request } from './api.js';
import { button, busy, element, field, form, size, when } from './dom.js';

const admin = (team) => team.role !== 'member';

/** A list that grows page by page. */
async function listing(path, row, empty) {
  const list = element('ul', { className: 'list' });
  const more = button('Show more', () => next());
  let cursor = null;
  async function next() {
    const query = cursor ? `${path.includes('?') ? '&' : '?'}cursor=${cursor}` : '';
    const page = await call('GET', path + query);
    list.append(...page.data.map((item) => element('li', {}, ...row(item))));
    cursor = page.cursor;
    more.hidden = !page.hasMore;
    if (list.children.length === 0) list.append(element('li', { className: 'quiet', textContent: empty }));
  }
  await next();
  return [list, more];
}

const line = (main, ...quiet) =>
  element('div', { className: 'line' }, element('strong', {}, main), element('span', { className: 'quiet' }, ...quiet));
const card = (title, ...children) => element('section', { className: 'card' }, element('h2', { textContent: title }), ...children);
const sure = (text) => window.confirm(text);

function editProject(path, project, reload) {
  const name = field('Name', 'name', { required: true, maxLength: 120, value: project.name });
  const note = field('Note', 'note', { tag: 'textarea', maxLength: 2000, rows: 3, value: project.note });
  const e = form([name, note], 'Save', async (data) => {
    await call('PATCH', `${path}/${project.id}`, Object.fromEntries(data));
    await reload();
  });
  return element('details', {}, element('summary', { textContent: 'Edit' }), e);
}

const projects = {
  title: 'Projects',
  follows: ['project.'],
  async make({ team, me, reload }) {
    const path = `/teams/${team.id}/projects`;
    const add = form([field('Name', 'name', { required: true, maxLength: 120 })], 'Add project', async (data) => {
      await call('POST', path, Object.fromEntries(data));
      await reload();
    });
    const row = (p) => [
      line(p.name, p.note ? `${p.note} · ` : '', when(p.updatedAt)),
      editProject(path, p, reload),
      ...(p.createdBy === me.id || admin(team) ? [remove(`Delete ${p.name}?`, `${path}/${p.id}`, reload)] : []),
    ];
    return [add, ...(await listing(path, row, 'There is no project yet.'))];
  },
};

const remove = (question, path, reload, text = 'Delete') =>
  button(
    text,
    async () => {
      if (!sure(question)) return;
      await call('DELETE', path);
      await reload();
    },
    { className: 'danger' },
  );

/** A file takes the token to be read, so that it is fetched here and opened from memory. */
async function open(path, name) {
  const url = URL.createObjectURL(await (await request('GET', path)).blob());
  element('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

const files = {
  title: 'Files',
  follows: ['upload.'],
  async make({ team, me, reload }) {
    const path = `/teams/${team.id}/uploads`;
    const input = element('input', {
      id: 'file',
      type: 'file',
      accept: 'image/png,image/jpeg,image/webp,image/gif,application/pdf,text/plain',
    });
    input.addEventListener('change', () =>
      busy(input, async () => {
        const [file] = input.files;
        if (!file) return;
        await request('POST', `${path}?name=${encodeURIComponent(file.name.slice(0, 200))}`, file, { 'content-type': file.type });
        await reload();
      }),
    );
    const choose = element(
      'div',
      { className: 'field' },
      element('label', { for: 'file', textContent: 'Upload an image, a PDF or a text, up to 10 MiB' }),
      input,
    );
    const row = (f) => [
      line(f.name || f.id, `${size(f.size)} · `, when(f.createdAt)),
      button('Download', () => open(`${path}/${f.id}`, f.name || f.id)),
      ...(f.createdBy === me.id || admin(team) ? [remove(`Delete ${f.name || 'this file'}?`, `${path}/${f.id}`, reload)] : []),
    ];
    return [choose, ...(await listing(path, row, 'There is no file yet.'))];
  },
};

function roleOf(member, path, team, reload) {
  const roles = team.role === 'owner' ? ['member', 'admin', 'owner'] : ['member', 'admin'];
  const select = element(
    'select',
    { 'aria-label': `Role of ${member.name || member.email}` },
    ...roles.map((r) => element('option', { value: r, textContent: r })),
  );
  select.value = member.role;
  select.addEventListener('change', () =>
    busy(select, async () => {
      try {
        await call('PATCH', path, { role: select.value });
      } finally {
        await reload();
      }
    }),
  );
  return select;
}

async function invites(team, config, reload) {
  const path = `/teams/${team.id}/invites`;
  const link = element('p', { className: 'notice', role: 'status', hidden: true });
  const fields = [
    field('Address', 'email', { type: 'email', required: true }),
    field('Role', 'role', { tag: 'select', options: ['member', 'admin'] }),
  ];
  const open = element('div');
  const fill = async () => open.replaceChildren(...(await listing(path, row, 'No invite is open.')));
  const row = (i) => [
    line(i.email, `${i.role}, until `, when(i.expiresAt)),
    ...(config.mail ? [button('Send again', () => call('POST', `${path}/${i.id}/resend`))] : []),
    remove(`Take the invite of ${i.email} back?`, `${path}/${i.id}`, reload, 'Take back'),
  ];
  const ask = form(fields, 'Invite', async (data) => {
    const made = await call('POST', path, Object.fromEntries(data));
    // Only on a machine of one's own the link comes back; its host is that of this page.
    if (made.link)
      link.replaceChildren(
        'Give this link to whoever is invited: ',
        element('code', { textContent: `${location.origin}/app${new URL(made.link).hash}` }),
      );
    link.hidden = !made.link;
    await fill();
  });
  await fill();
  return card('Invites', ask, link, open);
}

const members = {
  title: 'Members',
  follows: ['member.'],
  async make({ team, me, config, reload }) {
    const path = `/teams/${team.id}/members`;
    const row = (m) => {
      const mine = m.userId === me.id;
      const may = admin(team) && (m.role !== 'owner' || team.role === 'owner');
      return [
        line(m.name || m.email || 'Somebody', mine ? 'you, ' : '', m.role),
        ...(may && !mine ? [roleOf(m, `${path}/${m.userId}`, team, reload)] : []),
        ...(may || mine
          ? [
              remove(
                mine ? `Leave ${team.name}?` : `Take ${m.name || m.email} out?`,
                `${path}/${m.userId}`,
                reload,
                mine ? 'Leave' : 'Take out',
              ),
            ]
          : []),
      ];
    };
    const list = await listing(path, row, '');
    return [...list, ...(admin(team) ? [await invites(team, config, reload)] : [])];
  },
};

async function billing({ team, config }) {
  if (!config.billing) return null;
  const { plan, status, periodEnd, cancelAtPeriodEnd, limits } = await call('GET', `/teams/${team.id}/billing`);
  const go = (path) => async () => location.assign((await call('POST', `/teams/${team.id}/billing/${path}`)).url);
  const text = `Plan ${plan}: up to ${limits.projects} projects and ${limits.members} members.`;
  const until = periodEnd ? element('p', { className: 'quiet' }, cancelAtPeriodEnd ? 'Ends ' : 'Renews ', when(periodEnd)) : null;
  const act = !admin(team) ? null : plan === 'free' ? button('Subscribe', go('checkout')) : button('Change or end it', go('portal'));
  return card(
    'Billing',
    element('p', { textContent: text }),
    status === 'past_due' ? element('p', { textContent: 'A payment has failed.' }) : null,
    until,
    act,
  );
}

const settings = {
  title: 'Settings',
  follows: ['billing.'],
  newTeam: (reload) =>
    form([field('Name of a new team', 'name', { required: true, maxLength: 80 })], 'Make a team', async (data) => {
      const { id } = await call('POST', '/teams', Object.fromEntries(data));
      await reload(id);
    }),
  async make(page) {
    const { team, reload } = page;
    const rename = form([field('Name', 'name', { required: true, maxLength: 80, value: team.name })], 'Rename', async (data) => {
      await call('PATCH', `/teams/${team.id}`, Object.fromEntries(data));
      await reload();
    });
    return [
      admin(team) ? card('Team', rename) : null,
      await billing(page),
      card('Another team', settings.newTeam(reload)),
      team.role === 'owner'
        ? card('Delete', remove(`Delete ${team.name} and all that is in it?`, `/teams/${team.id}`, reload, 'Delete this team'))
        : null,
    ].filter(Boolean);
  },
};

const history = {
  title: 'History',
  shown: admin,
  follows: [''],
  async make({ team }) {
    const { data } = await call('GET', `/teams/${team.id}/members?limit=100`);
    const names = new Map(data.map((m) => [m.userId, m.name || m.email]));
    const who = (id) => (id === null ? '' : `${names.get(id) ?? 'somebody who left'}, `);
    return listing(
      `/teams/${team.id}/audit`,
      (e) => [line(e.action.replace(/[._]/g, ' '), who(e.actorId), when(e.createdAt))],
      'Nothing yet.',
    );
  },
};

export const sections = { projects, files, members, history, settings };
