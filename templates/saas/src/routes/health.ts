import { Hono } from 'hono';
import { signIn } from '../auth';
import type { Public } from '../context';
import { emailIsOn } from '../integrations/email';
import { posthogIsOn } from '../integrations/posthog';
import { stripeIsOn } from '../integrations/stripe';
import { report, timed } from '../lib/checks';
import { nowIso } from '../lib/time';

const database = (env: Env) => timed(() => env.DB.prepare('SELECT 1').first());
const onOff = (on: boolean) => (on ? 'on' : 'off');

export const health = new Hono<Public>()
  .get('/', (c) => c.json({ status: 'ok', version: c.env.APP_VERSION, timestamp: nowIso() }))
  .get('/db', async (c) => c.json(...report({ db: await database(c.env) })))
  .get('/services', async (c) => {
    const [db, cache, config, storage, backups] = await Promise.all([
      database(c.env),
      timed(() => c.env.CACHE.get('health')),
      timed(() => c.env.CONFIG.get('health')),
      timed(() => c.env.STORAGE.head('health')),
      timed(() => c.env.BACKUPS.head('health')),
    ]);
    const thirdParties = {
      signIn: signIn(c.env, c.req.url),
      stripe: onOff(stripeIsOn(c.env)),
      email: onOff(emailIsOn(c.env)),
      posthog: onOff(posthogIsOn(c.env)),
      sentry: onOff(Boolean(c.env.SENTRY_DSN)),
    };
    return c.json(...report({ db, cache, config, storage, backups }, thirdParties));
  });
