import { PostHog } from 'posthog-node';
import type { Bindings } from '../context';

export const posthogIsOn = (env: Bindings): boolean => Boolean(env.POSTHOG_API_KEY);

/** Tells PostHog of an event; the same uuid counts once. */
export async function capture(env: Bindings, uuid: string, distinctId: string, event: string, properties: Record<string, string>) {
  const client = new PostHog(env.POSTHOG_API_KEY, {
    host: env.POSTHOG_HOST,
    flushAt: 1,
    flushInterval: 0,
    fetchRetryCount: 0, // the queue tries again
    disableGeoip: true,
    fetch: (url, options) => fetch(url, options as RequestInit),
  });
  let failure: unknown;
  client.on('error', (e: unknown) => (failure = e));
  await client.captureImmediate({ uuid, distinctId, event, properties });
  await client.shutdown();
  if (failure !== undefined) throw new Error(`PostHog did not take ${event}`);
}
