#!/usr/bin/env node
// Puts a daily copy of the database (src/backup.ts) into an empty D1 database:
//
//   node scripts/restore.mjs --day 2026-11-22 --database my-restored-db --remote
//
// --day       which copy, as YYYY-MM-DD
// --database  the empty database: its name, or a binding of wrangler.jsonc
// --remote    on Cloudflare; without it, what `npm run dev` keeps on this machine
// --from DIR  read the copy from files in DIR instead of the bucket BACKUPS
// --out FILE  write the SQL there and run nothing
import { execFileSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { restoreSql } from './restore-sql.mjs';

const { values: options } = parseArgs({
  options: {
    day: { type: 'string' },
    database: { type: 'string' },
    remote: { type: 'boolean', default: false },
    from: { type: 'string' },
    out: { type: 'string' },
    'persist-to': { type: 'string' },
  },
});

function fail(message) {
  console.error(`restore: ${message}`);
  process.exit(1);
}

const place = options.remote ? ['--remote'] : ['--local', ...(options['persist-to'] ? ['--persist-to', options['persist-to']] : [])];

function wrangler(...args) {
  const bin = path.join(import.meta.dirname, '..', 'node_modules', 'wrangler', 'bin', 'wrangler.js');
  return execFileSync(process.execPath, [bin, ...args, ...place], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** wrangler.jsonc without its comments and trailing commas. */
function config() {
  const text = readFileSync(path.join(import.meta.dirname, '..', 'wrangler.jsonc'), 'utf8');
  const bare = text.replace(/("(?:\\.|[^"\\])*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (_, string) => string ?? '');
  return JSON.parse(bare.replace(/("(?:\\.|[^"\\])*")|,(?=\s*[\]}])/g, (_, string) => string ?? ''));
}

if (!/^\d{4}-\d\d-\d\d$/.test(options.day ?? '')) fail('say which copy with --day YYYY-MM-DD');
if (!options.database && !options.out) fail('say which database with --database NAME, or write the SQL with --out FILE');

const work = mkdtempSync(path.join(tmpdir(), 'restore-'));
try {
  const bucket = options.from ? '' : config().r2_buckets.find((b) => b.binding === 'BACKUPS').bucket_name;
  const read = (key) => {
    if (options.from) return readFileSync(path.join(options.from, path.basename(key)));
    const file = path.join(work, path.basename(key));
    wrangler('r2', 'object', 'get', `${bucket}/${key}`, '--file', file);
    return readFileSync(file);
  };

  if (options.database && !options.out) {
    const query = "SELECT count(*) AS n FROM sqlite_master WHERE substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, 4) <> '_cf_'";
    const answer = JSON.parse(wrangler('d1', 'execute', options.database, '--json', '--command', query));
    if (answer[0].results[0].n > 0) fail(`${options.database} is not empty; a copy is put into an empty database only`);
  }

  const manifest = JSON.parse(read(`daily/${options.day}/manifest.json`).toString());
  const rowsOf = ({ key }) =>
    gunzipSync(read(key))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  const file = options.out ?? path.join(work, 'restore.sql');
  const out = createWriteStream(file);
  for await (const statement of restoreSql(manifest, rowsOf)) {
    if (!out.write(`${statement}\n`)) await new Promise((drained) => out.once('drain', drained));
  }
  await new Promise((done, failed) => out.end((e) => (e ? failed(e) : done())));

  if (!options.out) wrangler('d1', 'execute', options.database, '--yes', '--file', file);
  const total = Object.values(manifest.rows).reduce((a, b) => a + b, 0);
  console.log(`${total} rows of ${Object.keys(manifest.rows).length} tables from ${options.day} are in ${options.out ?? options.database}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
