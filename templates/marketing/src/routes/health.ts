import { Hono } from 'hono';
import { mailIsOn } from '../integrations/email';
import { siteKey } from '../integrations/turnstile';
import { report, timed } from '../lib/checks';
import { nowIso } from '../lib/time';

const database = (env: Env) => timed(() => env.DB.prepare('SELECT 1').first());
const state = (on: boolean) => (on ? 'on' : 'off');

export const health = new Hono<{ Bindings: Env }>()
  .get('/', (c) => c.json({ status: 'ok', version: c.env.APP_VERSION, timestamp: nowIso() }))
  .get('/db', async (c) => c.json(...report({ db: await database(c.env) })))
  .get('/services', async (c) => {
    const [db, config, images, backups] = await Promise.all([
      database(c.env),
      timed(() => c.env.CONFIG.get('health')),
      timed(() => c.env.IMAGES.head('health')),
      timed(() => c.env.BACKUPS.head('health')),
    ]);
    const parties = { turnstile: state(siteKey(c.env) !== null), mail: state(mailIsOn(c.env)) };
    return c.json(...report({ db, config, images, backups }, parties));
  });
