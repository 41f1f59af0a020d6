import { logError } from './errors';
import { nowIso } from './time';

export type Check = { status: 'ok' | 'error' | 'timeout'; ms: number };

/** Tries a service. It has two seconds; why it failed goes to the log only, for it may name what is nobody's business. */
export async function timed(probe: () => Promise<unknown>, budgetMs = 2000): Promise<Check> {
  const began = Date.now();
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<'timeout'>((done) => {
    timer = setTimeout(() => done('timeout'), budgetMs);
  });
  try {
    const status = await Promise.race([probe().then(() => 'ok' as const), late]);
    return { status, ms: Date.now() - began };
  } catch (e) {
    logError('health.failed', { message: String(e) });
    return { status: 'error', ms: Date.now() - began };
  } finally {
    clearTimeout(timer);
  }
}

/** The answer to a probe, and its status: 503 where a check fails. A third party that is off fails nothing. */
export function report(checks: Record<string, Check>, thirdParties?: Record<string, string>) {
  const ok = Object.values(checks).every((c) => c.status === 'ok');
  const body = { status: ok ? 'ok' : 'degraded', timestamp: nowIso(), checks, ...(thirdParties ? { thirdParties } : {}) };
  return [body, ok ? 200 : 503] as const;
}
