// What the page is made of. All text goes in as text, never as HTML.
export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes('-') || name === 'role' || name === 'for') e.setAttribute(name, value);
    else e[name] = value;
  }
  e.append(...children.filter((c) => c !== null && c !== undefined));
  return e;
}

/** A button that is off while what it does is under way. Failures are shown by whoever listens to the window. */
export function button(text, act, properties = {}) {
  const e = element('button', { type: 'button', textContent: text, ...properties });
  e.addEventListener('click', () => busy(e, act));
  return e;
}

export async function busy(e, act) {
  e.disabled = true;
  try {
    await act();
  } catch (failure) {
    fail(failure);
  } finally {
    e.disabled = false;
  }
}

let hide;
/** Says for some seconds what went wrong. */
export function fail(failure) {
  byId('alert').textContent = failure.message;
  clearTimeout(hide);
  hide = setTimeout(() => (byId('alert').textContent = ''), 8000);
}

let fields = 0;
/** A labelled field of a form. */
export function field(label, name, properties = {}) {
  const { tag = 'input', options, ...rest } = properties;
  const id = `field-${++fields}`;
  const e = element(tag, { id, name, ...rest }, ...(options ?? []).map((o) => element('option', { value: o, textContent: o })));
  return element('div', { className: 'field' }, element('label', { for: id, textContent: label }), e);
}

/** A form that is sent at most once at a time, and emptied when that went well. */
export function form(fieldsOfIt, submit, act) {
  const send = element('button', { textContent: submit });
  const e = element('form', {}, ...fieldsOfIt, send);
  e.addEventListener('submit', (event) => {
    event.preventDefault();
    void busy(send, async () => {
      await act(new FormData(e));
      e.reset();
    });
  });
  return e;
}

export const when = (iso) =>
  element('time', { dateTime: iso, textContent: new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) });

export const size = (bytes) =>
  bytes < 1024 ? `${bytes} B` : bytes < 1024 ** 2 ? `${Math.round(bytes / 1024)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
