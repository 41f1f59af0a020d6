import { createScheduledController, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { scheduled } from '../src/cron';
import { newId } from '../src/lib/ids';
import { Memory } from '../src/memory';

const at = (cron: string) => scheduled(createScheduledController({ cron, scheduledTime: new Date('2026-11-22T03:00:00Z') }), env);

describe('cron', () => {
  it('clears hourly what a deletion could not', async () => {
    const id = newId();
    await env.DB.prepare("INSERT INTO conversations (id, visitor_id, deleted_at) VALUES (?, 'v', '2026-11-01T00:00:00.000Z')")
      .bind(id)
      .run();
    const count = () => runInDurableObject(env.ASSISTANT.getByName(id), (_, state) => new Memory(state.storage.sql).count());
    await runInDurableObject(env.ASSISTANT.getByName(id), (_, state) => {
      new Memory(state.storage.sql).add({ role: 'user', text: 'left over' });
    });
    expect(await count()).toBe(1);
    await at('0 * * * *');
    expect(await count()).toBe(0);
    const row = await env.DB.prepare('SELECT cleared_at FROM conversations WHERE id = ?').bind(id).first<{ cleared_at: string }>();
    expect(row?.cleared_at).toMatch(/Z$/);
  });

  it('forgets hourly what old answers cost', async () => {
    const id = newId();
    await env.DB.prepare("INSERT INTO conversations (id, visitor_id) VALUES (?, 'v')").bind(id).run();
    const insert = env.DB.prepare(
      "INSERT INTO answers (id, conversation_id, model, ending, steps, tokens, ms, created_at) VALUES (?, ?, 'echo', 'done', 1, 1, 1, ?)",
    );
    await env.DB.batch([insert.bind('old', id, '2026-01-01T00:00:00.000Z'), insert.bind('new', id, '2026-11-01T00:00:00.000Z')]);
    await at('0 * * * *');
    const { results } = await env.DB.prepare('SELECT id FROM answers WHERE conversation_id = ?').bind(id).all();
    expect(results).toEqual([{ id: 'new' }]);
  });
});
