import { z } from 'zod';
import type { Bindings } from './context';
import { posthogIsOn } from './integrations/posthog';

const job = z.uuid();

/** What may stand in the queue. job names one piece of work, however often it is delivered. */
export const Job = z.discriminatedUnion('type', [
  z.object({ type: z.literal('invite.email'), job, invite: z.ulid(), to: z.email(), team: z.string(), link: z.url() }),
  z.object({ type: z.literal('event.capture'), job, user: z.string(), event: z.string(), properties: z.record(z.string(), z.string()) }),
]);
export type Job = z.infer<typeof Job>;

/** Tells PostHog, where it is on, by way of the queue: no request waits for it, and none fails with it. */
export async function track(env: Bindings, user: string, event: string, properties: Record<string, string>): Promise<void> {
  if (!posthogIsOn(env)) return;
  await env.JOBS.send({ type: 'event.capture', job: crypto.randomUUID(), user, event, properties } satisfies Job);
}
