import { Hono } from 'hono';
import { report, timed } from '../lib/checks';
import { nowIso } from '../lib/time';
import { newSession, readSession } from '../session';

const database = (env: Env) => timed(() => env.DB.prepare('SELECT 1').first());

/** Signs and reads back: fails where SESSION_KEY is missing. */
async function session(env: Env): Promise<void> {
  const { token } = await newSession(env, 'health');
  if (!(await readSession(env, token))) throw new Error('a session cannot be read back');
}

export const health = new Hono<{ Bindings: Env }>()
  .get('/', (c) => c.json({ status: 'ok', version: c.env.APP_VERSION, timestamp: nowIso() }))
  .get('/db', async (c) => c.json(...report({ db: await database(c.env) })))
  .get('/services', async (c) => {
    const [db, backups, sessions, agents] = await Promise.all([
      database(c.env),
      timed(() => c.env.BACKUPS.head('health')),
      timed(() => session(c.env)),
      // One agent for all probes; it holds no conversation.
      timed(() => c.env.ASSISTANT.getByName('health').history(null, 1)),
    ]);
    // Nothing is asked of the model: a probe must not cost anything.
    return c.json(...report({ db, backups, sessions, agents }, { ai: c.env.AI_MODE }));
  });
