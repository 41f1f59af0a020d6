/** Rows that are read at once. */
const PAGE = 500;

/** Tables in the order in which they can be put back. */
const TABLES = ['projects', 'audit_log'] as const;

/**
 * Copies every table into BACKUPS, one object of JSON lines per page of rows and
 * a manifest last: a copy without a manifest is not whole. It is no snapshot:
 * rows that change meanwhile are copied as they are found.
 */
export async function backup(env: Env, day: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of TABLES) {
    let after = 0;
    let part = 0;
    counts[table] = 0;
    for (;;) {
      const { results } = await env.DB.prepare(`SELECT rowid AS _rowid, * FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE}`)
        .bind(after)
        .all<Record<string, unknown> & { _rowid: number }>();
      const last = results.at(-1);
      if (!last) break;
      after = last._rowid;
      counts[table] += results.length;
      const lines = results.map(({ _rowid, ...row }) => JSON.stringify(row)).join('\n') + '\n';
      await env.BACKUPS.put(`daily/${day}/${table}-${String(part++).padStart(5, '0')}.ndjson`, lines);
    }
  }
  await env.BACKUPS.put(`daily/${day}/manifest.json`, JSON.stringify({ day, version: env.APP_VERSION, counts }));
  return counts;
}
