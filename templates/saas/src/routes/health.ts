import { Hono } from 'hono';
import { report, timed } from '../lib/checks';
import { nowIso } from '../lib/time';

const database = (env: Env) => timed(() => env.DB.prepare('SELECT 1').first());

export const health = new Hono<{ Bindings: Env }>()
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
    return c.json(...report({ db, cache, config, storage, backups }));
  });
