// Shows the API's description (/api/v1/doc) and lets its calls be tried. All text
// goes in as text, never as HTML.
const byId = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const e = Object.assign(document.createElement(tag), properties);
  e.append(...children);
  return e;
}

/** The schema itself, where only a reference to it is given. */
function resolved(doc, schema) {
  const path = schema?.$ref?.split('/').slice(1);
  return path
    ? resolved(
        doc,
        path.reduce((at, key) => at[key], doc),
      )
    : (schema ?? {});
}

/** What a value of this schema looks like. */
function example(doc, given, depth = 0) {
  const s = resolved(doc, given);
  if (s.example !== undefined) return s.example;
  if (s.default !== undefined) return s.default;
  if (s.enum) return s.enum[0];
  if (s.anyOf || s.oneOf) return example(doc, (s.anyOf ?? s.oneOf)[0], depth);
  const type = Array.isArray(s.type) ? s.type[0] : s.type;
  if (type === 'array') return depth > 5 ? [] : [example(doc, s.items, depth + 1)];
  if (type === 'object' || s.properties) {
    return Object.fromEntries(Object.entries(s.properties ?? {}).map(([k, v]) => [k, depth > 5 ? null : example(doc, v, depth + 1)]));
  }
  if (type === 'integer' || type === 'number') return s.minimum ?? 0;
  if (type === 'boolean') return true;
  return s.format === 'date-time' ? '2026-11-22T12:00:00.000Z' : 'text';
}

function typeName(doc, given) {
  const s = resolved(doc, given);
  return s.enum ? s.enum.join(' | ') : [s.type ?? 'any', s.format].flat().filter(Boolean).join(' ');
}

const pretty = (value) => JSON.stringify(value, null, 2);

function rows(head, lines) {
  const cells = (tag, values) => element('tr', {}, ...values.map((v) => element(tag, {}, v)));
  return element('table', {}, element('thead', {}, cells('th', head)), element('tbody', {}, ...lines.map((l) => cells('td', l))));
}

async function send(method, path, fields, body) {
  let url = path;
  const query = new URLSearchParams();
  for (const [parameter, input] of fields) {
    if (parameter.in === 'path') url = url.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    else if (parameter.in === 'query' && input.value) query.set(parameter.name, input.value);
  }
  const headers = {};
  if (byId('token').value) headers.authorization = `Bearer ${byId('token').value}`;
  if (body) headers['content-type'] = 'application/json';
  const response = await fetch(query.size ? `${url}?${query}` : url, { method, headers, body: body?.value });
  const text = await response.text();
  let shown = text;
  try {
    shown = pretty(JSON.parse(text));
  } catch {
    // not JSON: shown as it is
  }
  return `${response.status} ${response.statusText}\n${shown}`;
}

/** A path that may be broken before each of its parts, and nowhere else if it can be helped. */
const breakable = (path) => element('code', {}, ...path.split(/(?=\/)/).flatMap((part) => [element('wbr'), part]));

function operation(doc, method, path, op) {
  const parameters = (op.parameters ?? []).map((p) => resolved(doc, p));
  const fields = parameters.map((p) => [p, element('input', { ariaLabel: p.name, placeholder: p.required ? 'needed' : '' })]);
  const schema = op.requestBody?.content?.['application/json']?.schema;
  const body = schema && element('textarea', { ariaLabel: 'Body', rows: 6, value: pretty(example(doc, schema)) });
  const result = element('pre', { hidden: true, tabIndex: 0 });
  const button = element('button', { type: 'button', textContent: 'Send' });
  button.addEventListener('click', async () => {
    result.hidden = false;
    result.textContent = await send(method.toUpperCase(), path, fields, body).catch((e) => String(e));
  });
  const content = element('div');
  if (fields.length > 0) {
    content.append(
      rows(
        ['Parameter', 'In', 'Type', 'Value'],
        fields.map(([p, input]) => [p.name, p.in, typeName(doc, p.schema), input]),
      ),
    );
  }
  if (body) content.append(body);
  content.append(
    rows(
      ['Status', 'Answer'],
      Object.entries(op.responses ?? {}).map(([status, r]) => [status, resolved(doc, r).description ?? '']),
    ),
    button,
    result,
  );
  const summary = element('summary', {}, element('b', { textContent: method.toUpperCase() }), breakable(path));
  if (op.summary) summary.append(element('span', { textContent: op.summary }));
  return element('details', {}, summary, content);
}

async function main() {
  const response = await fetch('/api/v1/doc');
  if (!response.ok) throw new Error(`/api/v1/doc answers ${response.status}`);
  const doc = await response.json();
  document.title = `${doc.info.title} API`;
  byId('title').textContent = doc.info.title;
  byId('about').replaceChildren(
    `Version ${doc.info.version}, described in OpenAPI ${doc.openapi} at `,
    element('a', { href: '/api/v1/doc' }, '/api/v1/doc'),
    '.',
  );
  const groups = new Map();
  for (const [path, methods] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const name = op.tags?.[0] ?? path.split('/')[3] ?? 'API';
      groups.set(name, [...(groups.get(name) ?? []), operation(doc, method, path, op)]);
    }
  }
  byId('operations').replaceChildren(...[...groups].flatMap(([name, list]) => [element('h2', { textContent: name }), ...list]));
}

main().catch((e) => {
  byId('about').textContent = String(e);
});
