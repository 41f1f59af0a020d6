import { createScheduledController, introspectWorkflowInstance } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { inOrder, restoreSql, rowSql } from '../scripts/restore-sql.mjs';
import { scheduled } from '../src/cron';

type Copy = {
  rows: Record<string, number>;
  objects: { table: string; key: string; rows: number }[];
  schema: { type: string; name: string; sql: string }[];
};

async function copyOf(day: string): Promise<Copy> {
  await using instance = await introspectWorkflowInstance(env.BACKUP_WORKFLOW, `backup-${day}`);
  const at = createScheduledController({ cron: '0 3 * * *', scheduledTime: new Date(`${day}T03:00:00Z`) });
  await scheduled(at, env);
  await instance.waitForStatus('complete');
  await scheduled(at, env); // the second time it is there already
  return (await env.BACKUPS.get(`daily/${day}/manifest.json`))!.json<Copy>();
}

async function rowsOf({ key }: { key: string }): Promise<Record<string, unknown>[]> {
  const object = await env.BACKUPS.get(key);
  const text = await new Response(object!.body.pipeThrough(new DecompressionStream('gzip'))).text();
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const everything = async (db: D1Database, table: string) =>
  (await db.prepare(`SELECT rowid, * FROM "${table}" ORDER BY rowid`).all()).results;

describe('the daily copy', () => {
  it('put back into an empty database gives the same rows', async () => {
    const long = `it's "long" \u{1f600} `.repeat(9000);
    await env.DB.prepare('CREATE TABLE odd (id INTEGER PRIMARY KEY, words TEXT, bytes BLOB, number REAL, nil TEXT)').run();
    const odd = env.DB.prepare('INSERT INTO odd VALUES (?, ?, ?, ?, NULL)');
    await env.DB.batch([
      odd.bind(-5, long, new Uint8Array([0, 1, 255]).buffer, 1.5),
      odd.bind(7, "O'Hara;\n--", new Uint8Array(60_000).fill(7).fill(0, 100, 200).buffer, -0.1),
    ]);
    await env.DB.batch(Array.from({ length: 1203 }, (_, i) => odd.bind(100 + i, `row ${i}`, null, i)));

    const copy = await copyOf('2026-11-22');
    expect(copy.rows.odd).toBe(1205);

    const statements: string[] = [];
    for await (const statement of restoreSql({ format: 1, ...copy }, rowsOf)) {
      expect(new TextEncoder().encode(statement).length).toBeLessThan(100_000);
      statements.push(statement);
    }
    await env.RESTORED.batch(statements.map((s) => env.RESTORED.prepare(s)));

    const tables = copy.schema.filter((s) => s.type === 'table').map((s) => s.name);
    expect(tables).toContain('d1_migrations'); // so that later migrations know where to go on
    for (const table of tables) expect(await everything(env.RESTORED, table), table).toEqual(await everything(env.DB, table));
    const listing = "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND substr(name, 1, 4) <> '_cf_' ORDER BY name";
    expect((await env.RESTORED.prepare(listing).all()).results).toEqual((await env.DB.prepare(listing).all()).results);
  });

  it('that lacks rows is refused', async () => {
    const copy = await copyOf('2026-11-23');
    copy.rows.d1_migrations! += 1;
    const all = async () => {
      for await (const statement of restoreSql({ format: 1, ...copy }, rowsOf)) expect(statement).toBeTruthy();
    };
    await expect(all()).rejects.toThrow(/d1_migrations has \d+ rows here/);
  });
});

describe('restoring', () => {
  it('puts tables after those they refer to', () => {
    const names = inOrder([
      { name: 'a', sql: 'CREATE TABLE a (b REFERENCES `b`(`id`), a REFERENCES a(id))' },
      { name: 'b', sql: 'CREATE TABLE b (c, FOREIGN KEY (c) REFERENCES "c"("id"))' },
      { name: 'c', sql: 'CREATE TABLE c (id)' },
    ]).map((t: { name: string }) => t.name);
    expect(names).toEqual(['c', 'b', 'a']);
  });

  it('refuses a value that no column can hold', () => {
    expect(() => [...rowSql('t', { a: { b: 1 } })]).toThrow('no column can hold');
  });
});
