import { createRoute, z } from '@hono/zod-openapi';
import { and, desc, eq, gte, lt, lte } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { needs } from '../auth';
import { later, type Called } from '../context';
import { apiKeys, requestLogs, usageDays } from '../db/schema';
import { failure, json, many, page, pageQuery, router } from '../lib/openapi';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Most days of one report. */
const MOST_DAYS = 92;

/** How long a report is kept, in seconds: the least that KV allows. */
const KEPT = 60;

const Day = z.object({ day: z.iso.date(), key: z.ulid(), requests: z.int(), failures: z.int() }).openapi('UsageDay');
const Report = z
  .object({ from: z.iso.date(), to: z.iso.date(), requests: z.int(), failures: z.int(), days: z.array(Day) })
  .openapi('Usage');
const Logged = z
  .object({
    id: z.ulid(),
    createdAt: z.iso.datetime(),
    requestId: z.string(),
    key: z.ulid(),
    method: z.string(),
    route: z.string(),
    status: z.int(),
    ms: z.int(),
  })
  .openapi('LoggedRequest');

const range = z
  .object({ from: z.iso.date().optional(), to: z.iso.date().optional() })
  .transform(({ from, to }) => {
    const end = to ?? new Date().toISOString().slice(0, 10);
    return { from: from ?? new Date(Date.parse(end) - 29 * DAY_MS).toISOString().slice(0, 10), to: end };
  })
  .refine(
    ({ from, to }) => from <= to && Date.parse(to) - Date.parse(from) < MOST_DAYS * DAY_MS,
    `At most ${MOST_DAYS} days, the first one first`,
  );

const refusals = { 401: failure('A valid key is needed'), 403: failure('The key lacks a scope'), 429: failure('Too many requests') };

const report = createRoute({
  method: 'get',
  path: '/',
  summary: 'Requests of each key a day',
  description: 'Counted some seconds after the request, and kept for a minute.',
  ...needs('usage:read'),
  request: { query: range },
  responses: { 200: json(z.object({ data: Report }), 'The report'), 400: failure('The days are not valid'), ...refusals },
});
const requests = createRoute({
  method: 'get',
  path: '/requests',
  summary: 'A sample of requests, the latest first',
  ...needs('usage:read'),
  request: { query: pageQuery },
  responses: { 200: many(Logged, 'A page of requests'), 400: failure('The request is not valid'), ...refusals },
});

export const usage = router<Called>()
  .openapi(report, async (c) => {
    const { from, to } = c.req.valid('query');
    const { account } = c.get('caller');
    const name = `usage:${account}:${from}:${to}`;
    const kept = await c.env.CACHE.get<z.infer<typeof Report>>(name, 'json');
    c.header('X-Cache', kept ? 'HIT' : 'MISS');
    if (kept) return c.json({ data: kept }, 200);
    const days = await drizzle(c.env.DB)
      .select({ day: usageDays.day, key: usageDays.keyId, requests: usageDays.requests, failures: usageDays.failures })
      .from(usageDays)
      .innerJoin(apiKeys, eq(apiKeys.id, usageDays.keyId))
      .where(and(eq(apiKeys.account, account), gte(usageDays.day, from), lte(usageDays.day, to)))
      .orderBy(usageDays.day, usageDays.keyId);
    const sum = (of: 'requests' | 'failures') => days.reduce((n, d) => n + d[of], 0);
    const data = { from, to, requests: sum('requests'), failures: sum('failures'), days };
    later(c, c.env.CACHE.put(name, JSON.stringify(data), { expirationTtl: KEPT }));
    return c.json({ data }, 200);
  })
  .openapi(requests, async (c) => {
    const { limit, cursor } = c.req.valid('query');
    const { id, createdAt, requestId, keyId, method, route, status, ms } = requestLogs;
    const rows = await drizzle(c.env.DB)
      .select({ id, createdAt, requestId, key: keyId, method, route, status, ms })
      .from(requestLogs)
      .where(and(eq(requestLogs.account, c.get('caller').account), cursor ? lt(id, cursor) : undefined))
      .orderBy(desc(id))
      .limit(limit + 1);
    return c.json(page(rows, limit), 200);
  });
