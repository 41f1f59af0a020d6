import { createRoute, z } from '@hono/zod-openapi';
import { signIn } from '../auth';
import type { Public } from '../context';
import { emailIsOn } from '../integrations/email';
import { stripeIsOn } from '../integrations/stripe';
import { one, router } from '../lib/openapi';

const Config = z
  .object({
    name: z.string(),
    signIn: z.enum(['clerk', 'dev', 'off']),
    clerkKey: z.string(),
    billing: z.boolean(),
    mail: z.boolean(),
    settings: z.unknown().openapi({ description: 'The key "app" of CONFIG' }),
  })
  .openapi('Config');

const read = createRoute({
  method: 'get',
  path: '/',
  tags: ['config'],
  summary: 'What a page must know before anybody is signed in',
  security: [],
  responses: { 200: one(Config, 'The configuration') },
});

export const config = router<Public>().openapi(read, async (c) => {
  const settings: unknown = (await c.env.CONFIG.get('app', { type: 'json', cacheTtl: 60 })) ?? {};
  const how = signIn(c.env, c.req.url);
  const clerkKey = how === 'clerk' ? c.env.CLERK_PUBLISHABLE_KEY : '';
  const data = { name: c.env.APP_NAME, signIn: how, clerkKey, billing: stripeIsOn(c.env), mail: emailIsOn(c.env), settings };
  return c.json({ data }, 200);
});
