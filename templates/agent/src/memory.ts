import type { ToolCall, Turn } from './ai/model';
import { newId } from './lib/ids';
import { nowIso } from './lib/time';

export type Status = 'done' | 'streaming' | 'stopped' | 'interrupted' | 'failed';

export interface Message {
  id: string;
  role: 'user' | 'assistant' | 'tool';
  text: string;
  status: Status;
  /** Of an assistant: the tools that it called. */
  calls: ToolCall[];
  /** Of a tool: its name, and the id of the call that it answers. */
  tool: string | null;
  call: string | null;
  createdAt: string;
}

type Row = Omit<Message, 'calls' | 'createdAt'> & { seq: number; calls: string; created_at: string };

const read = ({ seq: _, calls, created_at, ...row }: Row): Message => ({
  ...row,
  calls: JSON.parse(calls) as ToolCall[],
  createdAt: created_at,
});

/** Tables of one conversation. Each statement may run again on what is there. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    text TEXT NOT NULL,
    status TEXT NOT NULL,
    calls TEXT NOT NULL,
    tool TEXT,
    call TEXT,
    created_at TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS summaries (id TEXT PRIMARY KEY, until_seq INTEGER NOT NULL, text TEXT NOT NULL, created_at TEXT NOT NULL);
`;

/** Most facts of one conversation; the one that was touched longest ago goes first. */
const MAX_FACTS = 100;

/** Earlier summaries are kept beside the last one, so that a bad one can be seen. */
const MAX_SUMMARIES = 5;

/** What one conversation knows, in the SQLite database of its Durable Object. */
export class Memory {
  constructor(private readonly sql: SqlStorage) {
    sql.exec(TABLES);
  }

  private rows(query: string, ...values: (string | number | null)[]): Message[] {
    return this.sql
      .exec(query, ...values)
      .toArray()
      .map((row) => read(row as unknown as Row));
  }

  private one<T>(query: string, ...values: (string | number | null)[]): T | null {
    return (this.sql.exec(query, ...values).toArray()[0] as T | undefined) ?? null;
  }

  add(message: Pick<Message, 'role' | 'text'> & Partial<Message>): Message {
    const whole: Message = { id: newId(), status: 'done', calls: [], tool: null, call: null, createdAt: nowIso(), ...message };
    this.sql.exec(
      'INSERT INTO messages (id, role, text, status, calls, tool, call, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      whole.id,
      whole.role,
      whole.text,
      whole.status,
      JSON.stringify(whole.calls),
      whole.tool,
      whole.call,
      whole.createdAt,
    );
    return whole;
  }

  /** Writes what a message has become. */
  save({ id, text, status, calls }: Message): void {
    this.sql.exec('UPDATE messages SET text = ?, status = ?, calls = ? WHERE id = ?', text, status, JSON.stringify(calls), id);
  }

  has(id: string): boolean {
    return this.one('SELECT 1 FROM messages WHERE id = ?', id) !== null;
  }

  count(): number {
    return this.one<{ n: number }>('SELECT count(*) AS n FROM messages')?.n ?? 0;
  }

  /** The messages after that one, oldest first; the last ones, where it is not known. */
  after(id: string | null, limit: number): Message[] {
    const seq = id === null ? null : this.one<{ seq: number }>('SELECT seq FROM messages WHERE id = ?', id);
    return this.rows('SELECT * FROM messages WHERE seq > ? ORDER BY seq DESC LIMIT ?', seq?.seq ?? 0, limit).reverse();
  }

  /** A page of messages, newest first, before that one. */
  before(id: string | null, limit: number): Message[] {
    return this.rows(
      `SELECT * FROM messages WHERE seq < coalesce((SELECT seq FROM messages WHERE id = ?), ${Number.MAX_SAFE_INTEGER}) ORDER BY seq DESC LIMIT ?`,
      id,
      limit,
    );
  }

  /** Answers that an eviction broke off: nobody writes them any more. */
  interrupt(): void {
    this.sql.exec("UPDATE messages SET status = 'interrupted' WHERE status = 'streaming'");
  }

  remember(key: string, value: string): void {
    this.sql.exec(
      'INSERT INTO facts (key, value, updated_at) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at',
      key,
      value,
      nowIso(),
    );
    this.sql.exec('DELETE FROM facts WHERE key NOT IN (SELECT key FROM facts ORDER BY updated_at DESC, rowid DESC LIMIT ?)', MAX_FACTS);
  }

  recall(key?: string): { key: string; value: string }[] {
    return this.sql
      .exec<{ key: string; value: string }>(
        'SELECT key, value FROM facts WHERE ? IS NULL OR key = ? ORDER BY key',
        key ?? null,
        key ?? null,
      )
      .toArray();
  }

  search(words: string, limit: number): { role: string; text: string; at: string }[] {
    const pattern = `%${words.replace(/[\\%_]/g, '\\$&')}%`;
    return this.sql
      .exec<{ role: string; text: string; at: string }>(
        "SELECT role, substr(text, 1, 300) AS text, created_at AS at FROM messages WHERE role <> 'tool' AND status <> 'streaming' AND text LIKE ? ESCAPE '\\' ORDER BY seq DESC LIMIT ?",
        pattern,
        limit,
      )
      .toArray();
  }

  summary(): { text: string; until: number } | null {
    return this.one('SELECT text, until_seq AS until FROM summaries ORDER BY id DESC LIMIT 1');
  }

  /** What no summary tells yet, but for the newest messages, as text; null while that is little. */
  unsummarised(keep: number, least: number): { text: string; until: number } | null {
    const from = this.summary()?.until ?? 0;
    const rows = this.sql
      .exec<{ seq: number; role: string; text: string }>(
        "SELECT seq, role, substr(text, 1, 1000) AS text FROM messages WHERE seq > ? AND seq <= (SELECT max(seq) FROM messages) - ? AND role <> 'tool' AND text <> '' ORDER BY seq LIMIT 200",
        from,
        keep,
      )
      .toArray();
    const last = rows.at(-1);
    if (!last || rows.length < least) return null;
    return { text: rows.map((r) => `${r.role}: ${r.text}`).join('\n'), until: last.seq };
  }

  addSummary(text: string, until: number): void {
    this.sql.exec('INSERT INTO summaries (id, until_seq, text, created_at) VALUES (?, ?, ?, ?)', newId(), until, text, nowIso());
    this.sql.exec('DELETE FROM summaries WHERE id NOT IN (SELECT id FROM summaries ORDER BY id DESC LIMIT ?)', MAX_SUMMARIES);
  }

  oldest(): string | null {
    return this.one<{ at: string | null }>('SELECT min(created_at) AS at FROM messages')?.at ?? null;
  }

  /** Forgets messages from before then, and says how many they were. Facts and summaries stay. */
  forget(before: string): number {
    return this.sql.exec('DELETE FROM messages WHERE created_at < ?', before).rowsWritten;
  }

  /** The newest messages as a model wants them: begun by a visitor, and every call with its result. */
  turns(limit: number): Turn[] {
    const rows = this.after(null, limit);
    const begin = rows.findIndex((m) => m.role === 'user');
    const answered = new Set(rows.map((m) => m.call));
    const turns: Turn[] = [];
    const asked = new Set<string>();
    for (const m of begin < 0 ? [] : rows.slice(begin)) {
      if (m.role === 'user') turns.push({ role: 'user', text: m.text });
      else if (m.role === 'tool') {
        if (asked.has(m.call ?? '')) turns.push({ role: 'tool', call: m.call ?? '', name: m.tool ?? '', text: m.text });
      } else {
        const calls = m.calls.every((c) => answered.has(c.id)) ? m.calls : [];
        for (const c of calls) asked.add(c.id);
        if (m.text !== '' || calls.length > 0) turns.push({ role: 'assistant', text: m.text, calls });
      }
    }
    return turns;
  }
}
