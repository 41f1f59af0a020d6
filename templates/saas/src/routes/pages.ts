import { Hono } from 'hono';
import type { Public } from '../context';
import { clerkOrigin } from '../integrations/clerk';

/**
 * The application's page. It is a static file like the others, whose headers stand
 * in public/_headers; only where Clerk is on, its script and its API are let in.
 */
export const pages = new Hono<Public>().get('/app/*', async (c) => {
  const page = await c.env.ASSETS.fetch(c.req.raw);
  const clerk = clerkOrigin(c.env.CLERK_PUBLISHABLE_KEY);
  if (!clerk || !page.ok) return page;
  const headers = new Headers(page.headers);
  headers.set(
    'Content-Security-Policy',
    `default-src 'self'; script-src 'self' ${clerk}; connect-src 'self' ${clerk}; img-src 'self' https://img.clerk.com; ` +
      `worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
  );
  return new Response(page.body, { status: page.status, headers });
});
