import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from 'cloudflare:workers';

export type BackupParams = { day: string };

/** Rows that are read at once. */
const PAGE = 500;

/** Characters after which an object is full, so that a big table never stands in memory as a whole. */
const FULL = 8 * 1024 * 1024;

const RETRY = { retries: { limit: 3, delay: '5 seconds', backoff: 'exponential' }, timeout: '10 minutes' } as const;

type Item = { type: string; name: string; sql: string };
type Part = { rows: number; after: number; done: boolean };

/** What D1 gives for a BLOB stands as base64 in a copy; everything else is JSON already. */
function encode(_key: string, value: unknown): unknown {
  if (!Array.isArray(value) && !(value instanceof ArrayBuffer)) return value;
  const bytes = new Uint8Array(value);
  let text = '';
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return { $blob: btoa(text) };
}

async function gzip(text: string): Promise<ArrayBuffer> {
  return new Response(new Response(text).body!.pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
}

/** Copies the rows of a table from one rowid on until an object is full. */
async function copyPart(env: Env, table: string, key: string, from: number): Promise<Part> {
  const lines: string[] = [];
  let size = 0;
  let after = from;
  for (;;) {
    const { results } = await env.DB.prepare(`SELECT rowid AS _rowid, * FROM "${table}" WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE}`)
      .bind(after)
      .all<Record<string, unknown> & { _rowid: number }>();
    for (const { _rowid, ...row } of results) {
      after = _rowid;
      const line = JSON.stringify(row, encode);
      lines.push(line);
      size += line.length + 1;
    }
    const done = results.length < PAGE;
    if (!done && size < FULL) continue;
    if (lines.length > 0)
      await env.BACKUPS.put(key, await gzip(lines.join('\n') + '\n'), { httpMetadata: { contentType: 'application/gzip' } });
    return { rows: lines.length, after, done };
  }
}

/**
 * Copies every table of DB into BACKUPS below daily/DAY/: gzipped JSON lines, some
 * MiB an object, and a manifest last. A copy without a manifest is not whole. It
 * is no snapshot: rows that change meanwhile are copied as they are found.
 * scripts/restore.mjs puts a copy back. Tables WITHOUT ROWID are not supported.
 */
export class BackupWorkflow extends WorkflowEntrypoint<Env, BackupParams> {
  override async run(event: Readonly<WorkflowEvent<BackupParams>>, step: WorkflowStep) {
    const { day } = event.payload;
    const schema = await step.do('read the schema', RETRY, async () => {
      const { results } = await this.env.DB.prepare(
        `SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL
           AND substr(name, 1, 7) <> 'sqlite_' AND substr(name, 1, 4) <> '_cf_' ORDER BY name`,
      ).all<Item>();
      return results.map(({ type, name, sql }) => ({ type, name, sql }));
    });

    const rows: Record<string, number> = {};
    const objects: { table: string; key: string; rows: number }[] = [];
    for (const { name } of schema.filter((s) => s.type === 'table')) {
      rows[name] = 0;
      let part: Part = { rows: 0, after: Number.MIN_SAFE_INTEGER, done: false };
      for (let n = 0; !part.done; n++) {
        const key = `daily/${day}/${name}-${String(n).padStart(5, '0')}.ndjson.gz`;
        const from = part.after;
        part = await step.do(`copy ${name} ${n}`, RETRY, () => copyPart(this.env, name, key, from));
        rows[name] += part.rows;
        if (part.rows > 0) objects.push({ table: name, key, rows: part.rows });
      }
    }

    await step.do('write the manifest', RETRY, async () => {
      const manifest = { format: 1, day, version: this.env.APP_VERSION, schema, rows, objects };
      await this.env.BACKUPS.put(`daily/${day}/manifest.json`, JSON.stringify(manifest), {
        httpMetadata: { contentType: 'application/json' },
      });
    });
    return { day, rows };
  }
}

/** Starts the copy of a day, once: where it runs or has run already, nothing happens. */
export async function startBackup(env: Env, day: string): Promise<void> {
  const [instance] = await env.BACKUP_WORKFLOW.createBatch([{ id: `backup-${day}`, params: { day } }]);
  console.log(JSON.stringify({ level: 'info', event: 'backup.started', day, fresh: instance !== undefined }));
}
