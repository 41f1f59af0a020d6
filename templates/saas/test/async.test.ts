import { createExecutionContext, createMessageBatch, createScheduledController, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import worker from '../src/index';
import { newId } from '../src/lib/ids';
import { nowIso } from '../src/lib/time';
import { backoff } from '../src/queue';

async function project(): Promise<string> {
  const id = newId();
  await env.DB.prepare('INSERT INTO projects (id, name) VALUES (?, ?)').bind(id, 'p').run();
  return id;
}

async function deliver(bodies: unknown[], attempts = 1) {
  const messages = bodies.map((body, i) => ({ id: String(i), timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch('jobs', messages);
  const ctx = createExecutionContext();
  await worker.queue(batch, env);
  return getQueueResult(batch, ctx);
}

const indexed = async (id: string) =>
  (await env.DB.prepare("SELECT count(*) AS n FROM audit_log WHERE action = 'indexed' AND project_id = ?").bind(id).first<{ n: number }>())
    ?.n;

describe('queue', () => {
  it('does a job once, however often it is delivered', async () => {
    const id = await project();
    const job = { type: 'project.created', job: newId(), project: id, at: nowIso() };
    expect((await deliver([job])).explicitAcks).toEqual(['0']);
    const again = await deliver([job, job], 2);
    expect(again.explicitAcks).toEqual(['0', '1']);
    expect(again.retryMessages).toEqual([]);
    expect(await indexed(id)).toBe(1);
  });

  it('drops what is no job, and does the others', async () => {
    const id = await project();
    const result = await deliver([{ nonsense: true }, { type: 'project.created', job: newId(), project: id, at: nowIso() }]);
    expect(result.explicitAcks).toEqual(['0', '1']);
    expect(await indexed(id)).toBe(1);
  });

  it('tries a failed job again, later each time', async () => {
    const job = { type: 'project.created', job: newId(), project: newId(), at: nowIso() }; // there is no such project
    const result = await deliver([job], 3);
    expect(result.explicitAcks).toEqual([]);
    expect(result.retryMessages.map((m) => m.msgId)).toEqual(['0']);
    expect([1, 2, 3, 10].map(backoff)).toEqual([30, 60, 120, 600]);
  });
});

describe('cron', () => {
  it('forgets old jobs hourly', async () => {
    await env.DB.prepare(
      "INSERT INTO finished_jobs (id, attempts, finished_at) VALUES ('old', 1, '2026-01-01T00:00:00.000Z'), ('new', 1, ?)",
    )
      .bind(nowIso())
      .run();
    await worker.scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: new Date() }), env);
    const { results } = await env.DB.prepare("SELECT id FROM finished_jobs WHERE id IN ('old', 'new')").all();
    expect(results).toEqual([{ id: 'new' }]);
  });
});
