import { Hono } from 'hono';
import { nowIso } from '../lib/time';

type Check = { status: 'ok' | 'error' | 'timeout'; ms: number };

async function timed(probe: () => Promise<unknown>, budgetMs = 2000): Promise<Check> {
  const began = Date.now();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<'timeout'>((done) => {
    timer = setTimeout(() => done('timeout'), budgetMs);
  });
  try {
    const status = await Promise.race([probe().then(() => 'ok' as const), late]);
    return { status, ms: Date.now() - began };
  } catch (e) {
    // The reason goes to the log only: it may name things that are nobody's business.
    console.error(JSON.stringify({ level: 'error', event: 'health.failed', message: String(e) }));
    return { status: 'error', ms: Date.now() - began };
  } finally {
    clearTimeout(timer);
  }
}

function report(checks: Record<string, Check>) {
  const ok = Object.values(checks).every((c) => c.status === 'ok');
  return [{ status: ok ? 'ok' : 'degraded', timestamp: nowIso(), checks }, ok ? 200 : 503] as const;
}

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
