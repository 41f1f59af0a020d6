import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import { z } from 'zod';
import { later, type Bindings, type Called } from './context';
import { logError } from './lib/errors';
import { newId } from './lib/ids';
import { nowIso } from './lib/time';

/** One request of a key, as it stands in the queue. */
export const Usage = z.object({
  type: z.literal('usage'),
  id: z.ulid(),
  at: z.iso.datetime(),
  key: z.ulid(),
  account: z.string(),
  requestId: z.string(),
  method: z.string(),
  route: z.string(),
  status: z.int(),
  ms: z.int(),
  logged: z.boolean(),
});
export type Usage = z.infer<typeof Usage>;

/** The share of requests that are logged; those that fail here always are. */
const share = (env: Bindings): number => Math.min(Math.max(Number(env.REQUEST_LOG_SHARE) || 0, 0), 1);

/** Counts the request by way of the queue: no request waits for it, and none fails with it. */
export function meter(c: Context<Called>, ms: number): void {
  const { key, account } = c.get('caller');
  const { status } = c.res;
  const usage: Usage = {
    type: 'usage',
    id: newId(),
    at: nowIso(),
    key,
    account,
    requestId: c.get('requestId'),
    method: c.req.method,
    // The route, not the path: ids in it would make every request one of its own.
    route: matchedRoutes(c).findLast((r) => !r.path.endsWith('*'))?.path ?? 'none',
    status,
    ms,
    logged: status >= 500 || Math.random() < share(c.env),
  };
  later(
    c,
    c.env.JOBS.send(usage).catch((e: unknown) => logError('usage.lost', { key, message: String(e) })),
  );
}

/**
 * Counts requests in one transaction. Each is kept by its id first and counted from
 * there, so that delivered again it is known already.
 */
export async function count(env: Bindings, events: Usage[]): Promise<void> {
  if (events.length === 0) return;
  const all = JSON.stringify(events.map((e) => ({ ...e, failed: e.status >= 400 ? 1 : 0, logged: e.logged ? 1 : 0 })));
  const ids = "(SELECT value ->> 'id' FROM json_each(?1))";
  const from = "FROM json_each(?1) WHERE value ->> 'key' IN (SELECT id FROM api_keys)";
  const run = (text: string) => env.DB.prepare(text).bind(all);
  await env.DB.batch([
    run(`INSERT INTO usage_events (id, key_id, at, failed)
         SELECT value ->> 'id', value ->> 'key', value ->> 'at', value ->> 'failed' ${from} ON CONFLICT (id) DO NOTHING`),
    run(`INSERT INTO usage_days (key_id, day, requests, failures)
         SELECT key_id, substr(at, 1, 10), count(*), sum(failed) FROM usage_events WHERE counted = 0 AND id IN ${ids} GROUP BY 1, 2
         ON CONFLICT (key_id, day) DO UPDATE SET requests = requests + excluded.requests, failures = failures + excluded.failures`),
    run(`UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, ''), e.at)
         FROM (SELECT key_id, max(at) AS at FROM usage_events WHERE counted = 0 AND id IN ${ids} GROUP BY 1) AS e WHERE e.key_id = api_keys.id`),
    run(`UPDATE usage_events SET counted = 1 WHERE id IN ${ids}`),
    run(`INSERT INTO request_logs (id, created_at, request_id, account, key_id, method, route, status, ms)
         SELECT value ->> 'id', value ->> 'at', value ->> 'requestId', value ->> 'account', value ->> 'key', value ->> 'method',
                value ->> 'route', value ->> 'status', value ->> 'ms' ${from} AND value ->> 'logged' = 1 ON CONFLICT (id) DO NOTHING`),
  ]);
}
