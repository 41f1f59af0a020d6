// The chat: a list of conversations, and one of them over a WebSocket (the frames
// are those of src/protocol.ts). Where no WebSocket can be had, messages go by HTTP.
// All text goes in as text, never as HTML.
const byId = (id) => document.getElementById(id);
const api = '/api/v1/conversations';

let current = null; // the id of the conversation that is shown
let socket = null;
let attempts = 0;
let timer = null;
let busy = false;
const shown = new Map(); // by id of a message: its data and its element
const waiting = new Map(); // messages that were sent and not heard of yet, by id

function element(tag, properties = {}, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

/** A ULID: what it looks like is checked by the server. */
function newId() {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let time = Date.now();
  let id = '';
  for (let i = 0; i < 10; i++) {
    id = digits[time % 32] + id;
    time = Math.floor(time / 32);
  }
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) id += digits[byte % 32];
  return id;
}

function say(text, well = false) {
  byId('state').textContent = text;
  byId('state').toggleAttribute('data-well', well);
}

async function call(path, method = 'GET', body = undefined) {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = response.status === 204 ? null : await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.error), { status: response.status });
  return answer;
}

// --- The messages ---------------------------------------------------------

const NOTES = {
  stopped: 'The answer was cut off.',
  interrupted: 'The answer was interrupted. Ask again.',
  failed: 'There was no answer. Try again in a while.',
};

/** Whether the newest message is in sight; only then do new ones move the list. */
function atEnd() {
  const box = byId('scroll');
  return box.scrollHeight - box.scrollTop - box.clientHeight < 80;
}

function toEnd() {
  const box = byId('scroll');
  box.scrollTop = box.scrollHeight;
}

function fill(item, message) {
  item.className = message.role;
  item.dataset.status = message.status;
  // A screen reader waits until the message is whole, and reads it once.
  item.setAttribute('aria-busy', String(message.status === 'streaming'));
  if (message.role === 'tool') {
    item.replaceChildren(
      element(
        'details',
        {},
        element('summary', { textContent: `Used ${message.tool.replaceAll('_', ' ')}` }),
        element('pre', { textContent: message.text, tabIndex: 0 }),
      ),
    );
    return;
  }
  const who = element('span', { className: 'hidden', textContent: message.role === 'user' ? 'You: ' : 'Assistant: ' });
  item.replaceChildren(who, element('p', { className: 'text', textContent: message.text }));
  if (NOTES[message.status]) item.append(element('p', { className: 'note', textContent: NOTES[message.status] }));
  // A step that only called tools said nothing.
  item.hidden = message.text === '' && !NOTES[message.status];
}

function show(message, place = 'append') {
  waiting.delete(message.id);
  const stay = atEnd();
  const known = shown.get(message.id);
  if (known) {
    known.message = message;
    fill(known.item, message);
  } else {
    const item = element('li');
    fill(item, message);
    shown.set(message.id, { message, item });
    byId('messages')[place](item);
  }
  byId('empty').hidden = true;
  if (stay && place === 'append') toEnd();
}

function grow(id, text) {
  const known = shown.get(id);
  if (!known) return;
  const stay = atEnd();
  known.message.text += text;
  known.item.hidden = false;
  known.item.querySelector('.text').append(text);
  if (stay) toEnd();
}

function setBusy(value) {
  busy = value;
  byId('send').hidden = value;
  byId('stop').hidden = !value || socket === null;
  if (value) say('Writing …', true);
  else if (socket?.readyState === WebSocket.OPEN) say('Connected', true);
  else say('Not connected; trying again');
}

/** The last message that is whole: what a new connection goes on from. */
function lastWhole() {
  const whole = [...shown.values()].filter(({ message }) => message.status !== 'streaming');
  return whole.at(-1)?.message.id ?? '';
}

async function earlier() {
  const [first] = shown.keys();
  const { data, hasMore } = await call(`${api}/${current}/messages?limit=50${first ? `&cursor=${first}` : ''}`);
  const box = byId('scroll');
  const below = box.scrollHeight - box.scrollTop;
  const later = [...shown];
  shown.clear();
  for (const message of data.toReversed()) shown.set(message.id, { message, item: element('li') });
  const items = [...shown.values()];
  for (const { message, item } of items) fill(item, message);
  byId('messages').prepend(...items.map(({ item }) => item));
  for (const [id, entry] of later) shown.set(id, entry);
  box.scrollTop = box.scrollHeight - below;
  byId('older').hidden = !hasMore;
}

// --- The connection -------------------------------------------------------

function hear(frame) {
  switch (frame.type) {
    case 'ready':
      attempts = 0;
      if (shown.size === 0) {
        byId('empty').hidden = frame.messages.length > 0;
        byId('older').hidden = frame.messages.length < 50;
      }
      for (const message of frame.messages) show(message);
      setBusy(frame.busy);
      for (const [id, text] of waiting) transmit(id, text);
      return;
    case 'message':
      show(frame.message);
      if (frame.message.role === 'user') setBusy(true);
      return;
    case 'delta':
      grow(frame.id, frame.text);
      return;
    case 'end':
      setBusy(false);
      if (['steps', 'tokens', 'time'].includes(frame.ending)) say('The answer reached a limit', true);
      refresh();
      return;
    case 'error':
      if (frame.id && waiting.has(frame.id)) giveBack(frame.id);
      say(frame.error);
      if (frame.code !== 'CONFLICT') setTimeout(() => setBusy(busy), 4000);
  }
}

/** A message that was not taken goes back to where it can be sent again. */
function giveBack(id) {
  const field = byId('text');
  if (field.value === '') field.value = waiting.get(id);
  waiting.delete(id);
}

function connect() {
  clearTimeout(timer);
  const id = current;
  const url = new URL(`${api}/${id}/socket`, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  url.searchParams.set('after', lastWhole());
  const mine = new WebSocket(url);
  socket = mine;
  say('Connecting …');
  mine.addEventListener('message', ({ data }) => {
    if (socket === mine) hear(JSON.parse(data));
  });
  mine.addEventListener('close', ({ code }) => {
    if (socket !== mine) return;
    socket = null;
    if (code === 4404) return void open(null);
    attempts += 1;
    setBusy(false);
    say('Not connected; trying again');
    if (attempts === 2) withoutSocket().catch((e) => say(e.message));
    // Half a second first, then twice as long each time, and never all pages at once.
    timer = setTimeout(connect, Math.min(500 * 2 ** (attempts - 1), 20_000) * (0.75 + Math.random() / 2));
  });
}

/** The newest messages by HTTP, and what waits to be sent, for as long as there is no WebSocket. */
async function withoutSocket() {
  const { data, hasMore } = await call(`${api}/${current}/messages?limit=50`);
  if (shown.size === 0) {
    byId('older').hidden = !hasMore;
    byId('empty').hidden = data.length > 0;
  }
  for (const message of data.reverse()) show(message);
  for (const [id, text] of waiting) await transmitByHttp(id, text);
}

function transmit(id, text) {
  socket.send(JSON.stringify({ type: 'send', id, text }));
}

async function transmitByHttp(id, text) {
  setBusy(true);
  try {
    const { data } = await call(`${api}/${current}/messages`, 'POST', { id, text });
    for (const message of data) show(message);
    setBusy(false);
    refresh();
  } catch (e) {
    setBusy(false);
    giveBack(id);
    say(e.message);
  }
}

async function send(text) {
  if (busy || text === '') return;
  byId('text').value = '';
  if (current === null) await open((await call(api, 'POST', {})).data.id);
  const id = newId();
  waiting.set(id, text);
  toEnd();
  if (socket?.readyState === WebSocket.OPEN) transmit(id, text);
  // A connection that is being made takes the message along once it is there.
  else if (socket === null || attempts > 1) await transmitByHttp(id, text);
}

// --- The conversations ----------------------------------------------------

function entry({ id, title }) {
  const name = title || 'New conversation';
  const choose = element('button', { className: 'plain', type: 'button', textContent: name });
  choose.setAttribute('aria-current', String(id === current));
  choose.addEventListener('click', () => open(id));
  const remove = element('button', { className: 'plain', type: 'button', textContent: '×' });
  remove.setAttribute('aria-label', `Delete ${name}`);
  remove.addEventListener('click', async () => {
    if (!confirm(`Delete “${name}” and all that was said in it?`)) return;
    await call(`${api}/${id}`, 'DELETE').catch((e) => say(e.message));
    if (id === current) await open(null);
    await refresh();
  });
  return element('li', {}, choose, remove);
}

async function refresh() {
  const { data, cursor } = await call(`${api}?limit=30`);
  byId('conversations').replaceChildren(...data.map(entry));
  byId('more').hidden = cursor === null;
  byId('more').dataset.cursor = cursor ?? '';
  return data;
}

async function open(id) {
  clearTimeout(timer);
  const old = socket;
  socket = null;
  old?.close();
  attempts = 0;
  current = id;
  shown.clear();
  waiting.clear();
  byId('messages').replaceChildren();
  byId('older').hidden = true;
  byId('empty').hidden = id !== null;
  setBusy(false);
  const url = new URL(location.href);
  url.hash = id ?? '';
  history.replaceState(null, '', url);
  for (const button of byId('conversations').querySelectorAll('[aria-current]')) button.setAttribute('aria-current', 'false');
  menu(false);
  if (id === null) say('Ready', true);
  else {
    connect();
    await refresh();
  }
  // On a phone, the keyboard would cover what was opened.
  if (matchMedia('(hover: hover)').matches) byId('text').focus();
}

function menu(shownNow) {
  byId('side').toggleAttribute('data-open', shownNow);
  byId('menu').setAttribute('aria-expanded', String(shownNow));
  if (shownNow) byId('new').focus();
}

// --- What a visitor does --------------------------------------------------

byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  send(byId('text').value.trim()).catch((e) => say(e.message));
});
byId('text').addEventListener('keydown', (event) => {
  // While a word is being composed, Enter is the composer's.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  byId('form').requestSubmit();
});
byId('stop').addEventListener('click', () => socket?.send('{"type":"stop"}'));
byId('new').addEventListener('click', () => open(null));
byId('older').addEventListener('click', () => earlier().catch((e) => say(e.message)));
byId('more').addEventListener('click', async () => {
  const { data, cursor } = await call(`${api}?limit=30&cursor=${byId('more').dataset.cursor}`);
  byId('conversations').append(...data.map(entry));
  byId('more').hidden = cursor === null;
  byId('more').dataset.cursor = cursor ?? '';
});
byId('menu').addEventListener('click', () => menu(byId('menu').getAttribute('aria-expanded') !== 'true'));
for (const idea of document.querySelectorAll('.idea'))
  idea.addEventListener('click', () => send(idea.textContent).catch((e) => say(e.message)));
document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape') return;
  if (byId('side').hasAttribute('data-open')) {
    menu(false);
    byId('menu').focus();
  } else if (busy) socket?.send('{"type":"stop"}');
});
document.addEventListener('click', ({ target }) => {
  if (!byId('side').contains(target) && !byId('menu').contains(target)) menu(false);
});
// A laptop that was asleep need not wait for its turn.
addEventListener('online', () => current !== null && socket === null && connect());

try {
  await call('/api/v1/session', 'POST');
  const wanted = location.hash.slice(1);
  const conversations = await refresh();
  await open(conversations.some((c) => c.id === wanted) ? wanted : (conversations[0]?.id ?? null));
} catch (e) {
  byId('empty').hidden = false;
  say(e.message);
}
