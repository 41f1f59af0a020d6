// Turns a copy of the database, as src/backup.ts writes it, into SQL for an empty one.

/** Bytes that D1 takes in one statement are 100,000; a character has up to three of them, or is one of two with four. */
const PIECE = 24_000;

const quote = (name) => `"${name.replaceAll('"', '""')}"`;

function literal(value) {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value.$blob === 'string') return `X'${hex(value.$blob)}'`;
  throw new Error(`a value that no column can hold: ${JSON.stringify(value)}`);
}

function hex(base64) {
  return Array.from(atob(base64), (c) => c.charCodeAt(0).toString(16).padStart(2, '0')).join('');
}

/** The pieces of a value that is too long for one statement, each as SQL that appends it. */
function* append(column, value) {
  if (typeof value === 'string') {
    for (let at = 0; at < value.length;) {
      let end = Math.min(at + PIECE, value.length);
      if (end < value.length && /[\ud800-\udbff]/.test(value[end - 1])) end -= 1; // keep both halves of a character together
      yield `${column} = ${column} || ${literal(value.slice(at, end))}`;
      at = end;
    }
    return;
  }
  const digits = hex(value.$blob);
  for (let at = 0; at < digits.length; at += 2 * PIECE) {
    yield `${column} = CAST(${column} || X'${digits.slice(at, at + 2 * PIECE)}' AS BLOB)`;
  }
}

/** The statements that put one row back: an INSERT, and an UPDATE for each further piece of what is long. */
export function* rowSql(table, row) {
  const long = (v) => (typeof v === 'string' ? v.length > PIECE : v?.$blob !== undefined && v.$blob.length > PIECE);
  const columns = Object.keys(row);
  const total = columns.reduce((n, c) => n + (typeof row[c] === 'string' ? row[c].length : 0), 0);
  const deferred = columns.filter((c) => long(row[c]) || (total > PIECE && typeof row[c] === 'string' && row[c].length > 1000));
  const values = columns.map((c) => (deferred.includes(c) ? (typeof row[c] === 'string' ? "''" : "X''") : literal(row[c])));
  yield `INSERT INTO ${quote(table)} (${columns.map(quote).join(', ')}) VALUES (${values.join(', ')});`;
  for (const column of deferred) {
    for (const set of append(quote(column), row[column])) {
      yield `UPDATE ${quote(table)} SET ${set} WHERE rowid = last_insert_rowid();`;
    }
  }
}

/** Tables so that each comes after those it refers to; a circle is left to defer_foreign_keys. */
export function inOrder(tables) {
  const byName = new Map(tables.map((t) => [t.name, t]));
  const done = new Set();
  const visit = (table) => {
    if (done.has(table.name)) return;
    done.add(table.name);
    for (const [, name] of table.sql.matchAll(/REFERENCES\s+["`[]?(\w+)/gi)) {
      const other = byName.get(name);
      if (other) visit(other);
    }
    result.push(table);
  };
  const result = [];
  tables.forEach(visit);
  return result;
}

/**
 * Every statement that makes an empty database the one that was copied.
 * rowsOf(object) gives the rows of one object of the copy.
 */
export async function* restoreSql(manifest, rowsOf) {
  if (manifest.format !== 1) throw new Error(`this script reads copies of format 1, not ${manifest.format}`);
  const tables = inOrder(manifest.schema.filter((s) => s.type === 'table'));
  yield 'PRAGMA defer_foreign_keys = true;';
  for (const { sql } of tables) yield `${sql};`;
  for (const { name } of tables) {
    let count = 0;
    for (const object of manifest.objects.filter((o) => o.table === name)) {
      for (const row of await rowsOf(object)) {
        count++;
        yield* rowSql(name, row);
      }
    }
    if (count !== manifest.rows[name]) throw new Error(`${name} has ${count} rows here and had ${manifest.rows[name]} when it was copied`);
  }
  // Triggers last: putting rows back is nothing that they should see.
  for (const type of ['index', 'view', 'trigger']) {
    for (const { sql } of manifest.schema.filter((s) => s.type === type)) yield `${sql};`;
  }
}
