import { createExecutionContext, createMessageBatch, createScheduledController, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { scheduled } from '../src/cron';
import worker from '../src/index';
import type { Job } from '../src/jobs';
import { nowIso } from '../src/lib/time';
import { backoff } from '../src/queue';
import { as, data, environment, founder } from './calls';
import { network } from './network';

const MAIL = { RESEND_API_KEY: 're_1', EMAIL_FROM: 'noreply@example.com', POSTHOG_API_KEY: 'phc_1' };

async function deliver(bodies: unknown[], attempts = 1) {
  const messages = bodies.map((body, i) => ({ id: String(i), timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch('jobs', messages);
  const ctx = createExecutionContext();
  await worker.queue!(batch, environment(MAIL), ctx);
  return getQueueResult(batch, ctx);
}

const event = (): Job => ({ type: 'event.capture', job: crypto.randomUUID(), user: 'u', event: 'tested', properties: { a: 'b' } });

async function inviteJob(): Promise<Extract<Job, { type: 'invite.email' }>> {
  const { who, path } = await founder();
  const dev = { ENVIRONMENT: 'development' };
  const { id, link } = await data<{ id: string; link: string }>(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }, dev), 201);
  return { type: 'invite.email', job: crypto.randomUUID(), invite: id, to: 'b@example.com', team: '<Team>', link };
}

describe('the queue', () => {
  it('sends an invite once, however often it is delivered', async () => {
    const job = await inviteJob();
    const sent = network(() => ({ id: 'email_1' }));
    expect((await deliver([job])).explicitAcks).toEqual(['0']);
    const again = await deliver([job, job], 2);
    expect(again.explicitAcks).toEqual(['0', '1']);
    expect(again.retryMessages).toEqual([]);
    expect(sent.map((s) => s.url)).toEqual(['https://api.resend.com/emails']);
    expect(sent[0]!.headers.get('idempotency-key')).toBe(job.job);
    const mail = JSON.parse(sent[0]!.body) as { to: string; text: string; html: string };
    expect(mail.to).toBe('b@example.com');
    expect(mail.text).toContain(job.link);
    expect(mail.html).not.toContain('<Team>');
  });

  it('sends nothing for an invite that was taken back', async () => {
    const job = await inviteJob();
    await env.DB.prepare('UPDATE invites SET deleted_at = ? WHERE id = ?').bind(nowIso(), job.invite).run();
    expect((await deliver([job])).explicitAcks).toEqual(['0']); // and the network would have refused
  });

  it('tells PostHog, by an id that counts once', async () => {
    const sent = network(() => ({ status: 1 }));
    const job = event();
    expect((await deliver([job])).explicitAcks).toEqual(['0']);
    expect(sent).toHaveLength(1);
    expect(sent[0]!.url).toContain('https://us.i.posthog.com/');
    expect(sent[0]!.body).toContain(job.job);
  });

  it('drops what is no job, and does the others', async () => {
    network(() => ({ status: 1 }));
    const result = await deliver([{ nonsense: true }, event()]);
    expect(result.explicitAcks).toEqual(['0', '1']);
  });

  it('tries a failed job again, later each time', async () => {
    network(() => Response.json({ name: 'internal_server_error', message: 'no' }, { status: 500 }));
    const result = await deliver([await inviteJob(), event()], 3);
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryMessages.map((m) => m.msgId)).toEqual(['0', '1']);
    expect([1, 2, 3, 10].map(backoff)).toEqual([30, 60, 120, 600]);
  });
});

describe('the clock', () => {
  it('forgets old jobs and webhooks hourly', async () => {
    const insert = (table: string, column: string) =>
      env.DB.prepare(`INSERT INTO ${table} VALUES ('old', ${column} '2026-01-01T00:00:00.000Z'), ('new', ${column} ?)`).bind(nowIso());
    await env.DB.batch([insert('finished_jobs', '1,'), insert('webhook_events', '')]);
    await scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: new Date() }), env);
    for (const table of ['finished_jobs', 'webhook_events']) {
      const { results } = await env.DB.prepare(`SELECT id FROM ${table} WHERE id IN ('old', 'new')`).all();
      expect(results, table).toEqual([{ id: 'new' }]);
    }
  });
});
