// Counts the view, and sends the form. Pages work without it.

/** A ticket that is younger than this is refused (src/lib/ticket.ts), with some room for the way. */
const SOONEST_MS = 3200;

/** Where else to write, for somebody whom the form lets down. */
const address = document.querySelector('a[href^="mailto:"]')?.href.slice('mailto:'.length);
const otherwise = address ? `, or write to ${address}` : '';

const FAILED = `That did not work; please try again in a minute${otherwise}`;

/** @param {string} path @param {unknown} [data] */
async function call(path, data) {
  const response = await fetch(
    path,
    data === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(data) },
  ).catch(() => {
    throw new Error(FAILED);
  });
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body.data;
  const fields = Object.keys(body.details?.fieldErrors ?? {});
  const text = response.status < 500 && body.error ? body.error : FAILED;
  throw Object.assign(new Error(text), { status: response.status, fields });
}

function count() {
  if (navigator.globalPrivacyControl || navigator.doNotTrack === '1') return;
  if (document.querySelector('meta[name=robots][content=noindex]')) return;
  navigator.sendBeacon('/api/v1/views', new Blob([JSON.stringify({ path: location.pathname })], { type: 'application/json' }));
}

/** @param {HTMLFormElement} form */
function contact(form) {
  const fieldset = form.querySelector('fieldset');
  const status = form.querySelector('.status');
  const notice = form.querySelector('.notice');
  const challenge = form.querySelector('.challenge');
  let opened = null; // a promise of the ticket and when it came, once somebody begins to write
  let widget = null;

  const say = (text, kind = '') => {
    status.textContent = text;
    status.className = `status ${kind}`;
  };

  async function robots(sitekey) {
    if (!sitekey || widget !== null) return;
    await new Promise((done, failed) => {
      const script = document.createElement('script');
      script.src = 'https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit';
      script.onload = done;
      script.onerror = () => failed(new Error(`The check for robots could not be loaded; please try again${otherwise}`));
      document.head.append(script);
    });
    widget = window.turnstile.render(challenge, { sitekey, action: 'contact', theme: 'auto' });
  }

  async function open() {
    const data = await call('/api/v1/contact');
    notice.textContent = data.notice ?? '';
    notice.hidden = !data.notice;
    await robots(data.siteKey);
    return { ticket: data.ticket, at: Date.now() };
  }

  const begin = () => {
    opened ??= open().catch((e) => {
      opened = null;
      say(e.message, 'bad');
      throw e;
    });
    return opened;
  };

  async function send() {
    const { ticket, at } = await begin();
    // Whoever is filled in by the browser is quicker than the server believes.
    await new Promise((done) => setTimeout(done, at + SOONEST_MS - Date.now()));
    const { name, email, message, website } = Object.fromEntries(new FormData(form));
    const turnstile = widget === null ? undefined : window.turnstile.getResponse(widget) || undefined;
    await call('/api/v1/contact', { ticket, name, email, message, website, turnstile });
  }

  fieldset.disabled = false;
  form.addEventListener('focusin', () => begin().catch(() => {}), { once: true });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = 'yes';
    say('Sending…');
    try {
      await send();
      form.reset();
      opened = null;
      say('Thank you. Your message has arrived.', 'good');
    } catch (e) {
      say(e.message, 'bad');
      if (e.fields?.length) form.elements[e.fields[0]]?.focus();
      // Otherwise the same ticket goes again, so that what arrived after all is kept once.
      if (e.status === 422) opened = null;
    } finally {
      delete form.dataset.busy;
      if (widget !== null) window.turnstile.reset(widget);
    }
  });
}

count();
document.querySelectorAll('form[action="/api/v1/contact"]').forEach(contact);
