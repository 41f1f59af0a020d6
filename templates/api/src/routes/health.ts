import { Hono } from 'hono';
import type { Public } from '../context';
import { report, timed } from '../lib/checks';
import { nowIso } from '../lib/time';

const database = (env: Env) => timed(() => env.DB.prepare('SELECT 1').first());
const state = (secret: string | undefined) => (secret ? 'on' : 'off');

export const health = new Hono<Public>()
  .get('/', (c) => c.json({ status: 'ok', version: c.env.APP_VERSION, timestamp: nowIso() }))
  .get('/db', async (c) => c.json(...report({ db: await database(c.env) })))
  .get('/services', async (c) => {
    const [db, cache, backups] = await Promise.all([
      database(c.env),
      timed(() => c.env.CACHE.get('health')),
      timed(() => c.env.BACKUPS.head('health')),
    ]);
    const off = { pepper: state(c.env.API_KEY_PEPPER), admin: state(c.env.ADMIN_TOKEN) };
    return c.json(...report({ db, cache, backups }, off));
  });
