import { createExecutionContext, createMessageBatch, createScheduledController, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { scheduled } from '../src/cron';
import worker from '../src/index';
import type { Job } from '../src/jobs';
import { nowIso } from '../src/lib/time';
import { backoff } from '../src/queue';
import { as, code, data, environment, founder, request, type Settings } from './calls';
import { network } from './network';

const MAIL = { RESEND_API_KEY: 're_1', EMAIL_FROM: 'noreply@example.com', POSTHOG_API_KEY: 'phc_1' };

async function deliver(bodies: unknown[], attempts = 1, name = 'jobs') {
  const messages = bodies.map((body, i) => ({ id: String(i), timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch(name, messages);
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

type Letter = { id: string; replayedAt: string | null; body: { type: string } };

describe('dead letters', () => {
  const ADMIN_TOKEN = 'a-token-of-whoever-runs-it';
  const asked = (method: string, path: string, settings: Settings = {}, token = ADMIN_TOKEN) =>
    request(`/api/v1/admin${path}`, { method, headers: { authorization: `Bearer ${token}` } }, { ADMIN_TOKEN, ...settings });
  const letters = async () => (await (await asked('GET', '/dead-letters?limit=100')).json<{ data: Letter[] }>()).data;
  const newest = async () => (await letters())[0]!;
  const catching = () => {
    const sent: Job[] = [];
    return { sent, settings: { JOBS: { send: (job: Job) => Promise.resolve(sent.push(job)) } as unknown as Queue } };
  };

  it('are kept once, without the link of an invite', async () => {
    const job = await inviteJob();
    for (let i = 0; i < 2; i++) expect((await deliver([job], 4, 'my-jobs-dlq')).explicitAcks).toEqual(['0']);
    expect((await letters()).map((l) => l.body)).toEqual([{ type: 'invite.email', invite: job.invite }]);
    const all = JSON.stringify((await env.DB.prepare('SELECT * FROM dead_letters').all()).results);
    expect(all).not.toContain(job.link.split('#invite=')[1]);
  });

  it('are sent again once: an invite with a new link', async () => {
    const job = await inviteJob();
    await env.DB.prepare('DELETE FROM dead_letters').run();
    await deliver([job], 4, 'my-jobs-dlq');
    const { id } = await newest();
    const { sent, settings } = catching();
    expect((await asked('POST', `/dead-letters/${id}/replay`, settings)).status).toBe(202);
    expect(sent).toMatchObject([{ type: 'invite.email', invite: job.invite, to: 'b@example.com' }]);
    expect((sent[0] as { link: string }).link).not.toBe(job.link);
    expect((await newest()).replayedAt).toMatch(/Z$/);
    expect(await code(asked('POST', `/dead-letters/${id}/replay`, settings))).toBe('404 NOT_FOUND');
    expect(sent).toHaveLength(1);
  });

  it('are sent again as they were, or not at all where nothing is left to do', async () => {
    const capture = event();
    const back = await inviteJob();
    await env.DB.prepare('DELETE FROM dead_letters').run();
    await env.DB.prepare('UPDATE invites SET deleted_at = ? WHERE id = ?').bind(nowIso(), back.invite).run();
    await deliver([capture, back, { nonsense: 'secret' }], 4, 'my-jobs-dlq');
    const all = await letters();
    const { sent, settings } = catching();
    const again = (type: string) => asked('POST', `/dead-letters/${all.find((l) => l.body.type === type)!.id}/replay`, settings);
    expect((await again('event.capture')).status).toBe(202);
    expect(sent).toEqual([capture]);
    expect(await code(again('invite.email'))).toBe('409 CONFLICT');
    expect(await code(again('unknown'))).toBe('409 CONFLICT');
    expect(JSON.stringify(all)).not.toContain('secret');
  });

  it('stay in their queue while the database fails', async () => {
    const down = { prepare: () => { throw new Error('down'); } } as unknown as D1Database; // prettier-ignore
    const batch = createMessageBatch('my-jobs-dlq', [{ id: 'x', timestamp: new Date(), attempts: 1, body: event() }]);
    const ctx = createExecutionContext();
    await worker.queue!(batch, environment({ DB: down }), ctx);
    const result = await getQueueResult(batch, ctx);
    expect([result.explicitAcks, result.retryMessages.length]).toEqual([[], 1]);
  });

  it('are shown page by page, to whoever runs the service', async () => {
    await env.DB.prepare('DELETE FROM dead_letters').run();
    await deliver([event(), event(), event()], 4, 'my-jobs-dlq');
    type Page = { data: Letter[]; cursor: string | null };
    const first = await (await asked('GET', '/dead-letters?limit=2')).json<Page>();
    const second = await (await asked('GET', `/dead-letters?limit=2&cursor=${first.cursor}`)).json<Page>();
    expect([first.data.length, second.data.length, second.cursor]).toEqual([2, 1, null]);
    expect(await code(asked('GET', '/dead-letters?limit=0'))).toBe('400 VALIDATION_ERROR');
    expect(await code(asked('GET', '/dead-letters', {}, 'another'))).toBe('401 UNAUTHORIZED');
    expect(await code(asked('GET', '/dead-letters', { ADMIN_TOKEN: '' }, ''))).toBe('401 UNAUTHORIZED');
    expect(await code(as('user_any', 'GET', '/api/v1/admin/dead-letters', undefined, { ADMIN_TOKEN }))).toBe('401 UNAUTHORIZED');
  });

  it('are shown to DEV_TOKEN on this machine only', async () => {
    const dev = { CLERK_JWT_KEY: '', ENVIRONMENT: 'development', DEV_TOKEN: 'dev', ADMIN_TOKEN: '' };
    const at = (host: string, settings: Settings) =>
      request(`http://${host}/api/v1/admin/dead-letters`, { headers: { authorization: 'Bearer dev' } }, settings);
    expect((await at('localhost:8787', dev)).status).toBe(200);
    expect((await at('example.com', dev)).status).toBe(401);
    expect((await at('localhost:8787', { ...dev, ENVIRONMENT: 'production' })).status).toBe(401);
    expect((await at('localhost:8787', { ...dev, ADMIN_TOKEN })).status).toBe(401);
  });
});

describe('the clock', () => {
  it('forgets what is old hourly', async () => {
    const insert = (table: string, columns: string, more = '') =>
      env.DB.prepare(
        `INSERT INTO ${table} (id, ${columns}) VALUES ('old', '2026-01-01T00:00:00.000Z'${more}), ('new', ?${more.replaceAll('m', 'n')})`,
      ).bind(nowIso());
    await env.DB.batch([
      insert('finished_jobs', 'finished_at, attempts', ', 1'),
      insert('webhook_events', 'received_at'),
      insert('dead_letters', 'created_at, message_id, body', ", 'm', '{}'"),
    ]);
    await scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: new Date() }), env);
    for (const table of ['finished_jobs', 'webhook_events', 'dead_letters']) {
      const { results } = await env.DB.prepare(`SELECT id FROM ${table} WHERE id IN ('old', 'new')`).all();
      expect(results, table).toEqual([{ id: 'new' }]);
    }
  });
});
