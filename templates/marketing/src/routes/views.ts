import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { pageViews } from '../db/schema';
import { body, failure, router } from '../lib/openapi';
import { nowIso } from '../lib/time';
import { PAGES } from '../site';

const count = createRoute({
  method: 'post',
  path: '/',
  summary: 'Count a view of a page',
  description: 'Kept as a number for each day and page. Nothing about the visitor is stored.',
  request: { body: body(z.object({ path: z.enum(PAGES) })) },
  responses: { 204: { description: 'Counted' }, 400: failure('There is no such page') },
});

export const views = router<{ Bindings: Env; Variables: { requestId: string } }>().openapi(count, async (c) => {
  await drizzle(c.env.DB)
    .insert(pageViews)
    .values({ day: nowIso().slice(0, 10), path: c.req.valid('json').path, views: 1 })
    .onConflictDoUpdate({ target: [pageViews.day, pageViews.path], set: { views: sql`${pageViews.views} + 1` } });
  return c.body(null, 204);
});
