import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Assistant } from '../src/agent';
import { newId } from '../src/lib/ids';
import { Memory } from '../src/memory';
import { Visitor, type Failure } from './visitor';

const stub = (id: string) => env.ASSISTANT.getByName(id);

/** Does something with the memory of a conversation. */
const inMemory = <T>(id: string, work: (memory: Memory, agent: Assistant) => T | Promise<T>) =>
  runInDurableObject(stub(id), (agent: Assistant, state) => work(new Memory(state.storage.sql), agent));

describe('a conversation', () => {
  it('uses its tools', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    const time = await visitor.say(id, 'What time is it?');
    expect(time.outcome).toMatchObject({ ending: 'done', steps: 2 });
    expect(time.data.map((m) => m.role)).toEqual(['user', 'assistant', 'tool', 'assistant']);
    expect(time.data[1]!.calls).toMatchObject([{ name: 'current_time' }]);
    expect(time.data[3]!.text).toMatch(/current_time says {"utc":"\d{4}-/);

    await visitor.say(id, 'remember that my favourite colour is teal');
    const recalled = await visitor.say(id, 'What is my favourite colour?');
    expect(recalled.data.at(-1)!.text).toContain('"value":"teal"');

    const searched = await visitor.say(id, 'search for TEAL');
    expect(searched.data.at(-1)!.text).toContain('remember that my favourite colour is teal');
    expect((await visitor.say(id, 'search for 100%')).data.at(-1)!.text).not.toContain('teal'); // % is no wildcard

    const misused = await visitor.say(id, 'misuse a tool');
    expect(misused.data.find((m) => m.role === 'tool')!.text).toContain('The arguments are not valid');
    const looped = await visitor.say(id, 'loop');
    expect(looped.outcome).toMatchObject({ ending: 'steps', steps: 6 });
  });

  it('has a title, a count and an account of what answers cost', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    await visitor.say(id, '  Tell me\nabout teapots  ');
    const { data } = await (await visitor.call(`/api/v1/conversations/${id}`)).json<{ data: Record<string, unknown> }>();
    expect(data).toMatchObject({ title: 'Tell me about teapots', messageCount: 2, lastMessageAt: expect.stringMatching(/Z$/) });
    const { results } = await env.DB.prepare('SELECT model, ending, steps, tokens FROM answers WHERE conversation_id = ?').bind(id).all();
    expect(results).toEqual([{ model: 'echo', ending: 'done', steps: 1, tokens: expect.any(Number) }]);
  });

  it('pages its messages, newest first', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    for (const text of ['one', 'two', 'three']) await visitor.say(id, text);
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const response: Response = await visitor.call(`/api/v1/conversations/${id}/messages?limit=4${cursor ? `&cursor=${cursor}` : ''}`);
      const page: { data: { text: string }[]; cursor: string | null } = await response.json();
      seen.push(...page.data.map((m) => m.text));
      cursor = page.cursor;
    } while (cursor);
    expect(seen).toEqual(['You said: three', 'three', 'You said: two', 'two', 'You said: one', 'one']);
  });

  it('takes a message once, however often it is sent', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    const message = newId();
    expect((await visitor.say(id, 'once', message)).outcome).toMatchObject({ ending: 'done' });
    expect(await visitor.say(id, 'once', message)).toEqual({ data: [], outcome: null });
    expect(await inMemory(id, (m) => m.count())).toBe(2);
  });

  it('says so when the model fails, and goes on', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    await runInDurableObject(stub(id), (agent: Assistant) => {
      // The binding AI has no simulation, so every call of it fails.
      vi.spyOn(agent as unknown as { env: Env }, 'env', 'get').mockReturnValue({ ...env, AI_MODE: 'workers-ai' } as unknown as Env);
    });
    const failed = await visitor.say(id, 'hello');
    expect(failed.outcome?.ending).toBe('failed');
    expect(failed.data.at(-1)).toMatchObject({ role: 'assistant', status: 'failed' });
    vi.restoreAllMocks();
    expect((await visitor.say(id, 'hello again')).outcome?.ending).toBe('done');
  });

  it('lets a visitor say only so much a minute', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    let refused: Response | null = null;
    for (let i = 0; i < 21 && !refused; i++) {
      const response = await visitor.send('POST', `/api/v1/conversations/${id}/messages`, { text: `${i}` });
      if (response.status !== 200) refused = response;
    }
    expect(refused?.status).toBe(429);
    expect(refused?.headers.get('retry-after')).toBe('60');
    expect((await refused!.json<Failure>()).code).toBe('RATE_LIMITED');
    expect(await inMemory(id, (m) => m.count())).toBe(40);
    const line = await visitor.connect(id);
    line.send({ type: 'send', id: newId(), text: 'more' });
    expect((await line.next('error')).code).toBe('RATE_LIMITED');
    line.close();
    expect((await (await Visitor.arrive()).call('/api/v1/conversations')).status).toBe(200);
  });
});

describe('a WebSocket', () => {
  it('streams an answer to every page of the conversation', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    const [one, two] = [await visitor.connect(id), await visitor.connect(id)];
    expect(await one.next('ready')).toEqual({ type: 'ready', conversation: id, messages: [], busy: false });
    const message = newId();
    one.send({ type: 'send', id: message, text: 'hello out there' });
    for (const line of [one, two]) {
      expect(await line.next('end')).toMatchObject({ ending: 'done', steps: 1 });
      expect((await line.next('message')).message).toMatchObject({ id: message, role: 'user', text: 'hello out there' });
      const deltas = line.frames.filter((f) => f.type === 'delta');
      expect(deltas.length).toBeGreaterThan(3);
      expect(deltas.map((d) => d.text).join('')).toBe('You said: hello out there');
      expect(line.frames.filter((f) => f.type === 'message').at(-1)).toMatchObject({
        message: { status: 'done', text: 'You said: hello out there' },
      });
    }
    one.close();
    two.close();
  });

  it('brings what was missed after a lost connection, and what is being written', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    const first = await visitor.connect(id);
    const known = newId();
    first.send({ type: 'send', id: known, text: 'one' });
    await first.next('end');
    first.send({ type: 'send', id: newId(), text: 'long' });
    await first.next('delta', first.frames.length);
    first.close();

    const second = await visitor.connect(id, known);
    const ready = await second.next('ready');
    expect(ready.busy).toBe(true);
    expect(ready.messages.map((m) => m.role)).toEqual(['assistant', 'user', 'assistant']);
    const partial = ready.messages[2]!;
    expect(partial).toMatchObject({ status: 'streaming', text: expect.stringMatching(/^and/) });
    const delta = await second.next('delta');
    expect(delta.id).toBe(partial.id);

    second.send({ type: 'send', id: newId(), text: 'interrupting' });
    expect((await second.next('error')).code).toBe('CONFLICT');
    second.send({ type: 'stop' });
    expect((await second.next('end')).ending).toBe('stopped');
    second.close();
    const last = await inMemory(id, (m) => m.after(null, 1)[0]!);
    expect(last).toMatchObject({ id: partial.id, status: 'stopped' });
    // Not a word was lost or came twice.
    const deltas = second.frames.map((f) => (f.type === 'delta' ? f.text : '')).join('');
    expect(last.text).toBe(partial.text + deltas);
  });

  it('refuses what is no message', async () => {
    const visitor = await Visitor.arrive();
    const line = await visitor.connect(await visitor.begin());
    await line.next('ready');
    const bad = ['{', '[]', { type: 'send', text: 'no id' }, { type: 'send', id: newId(), text: 'x'.repeat(8001) }];
    for (const frame of bad) {
      const from = line.frames.length;
      line.send(frame);
      expect((await line.next('error', from)).code).toBe('VALIDATION_ERROR');
    }
    line.close();
  });

  it('can neither set the state of the agent nor call its methods', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin('kept');
    const line = await visitor.connect(id);
    await line.next('ready');
    line.send({ type: 'cf_agent_state', state: { owned: true } });
    line.send({ type: 'rpc', id: '1', method: 'clear', args: [] });
    line.send({ type: 'send', id: newId(), text: 'still here' });
    expect((await line.next('end')).ending).toBe('done');
    expect(await runInDurableObject(stub(id), (agent: Assistant) => agent.state)).not.toMatchObject({ owned: true });
    line.close();
  });
});

describe('memory', () => {
  it('survives the eviction of its Durable Object', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    await visitor.say(id, 'remember my name is Ada');
    await inMemory(id, (m) => m.add({ role: 'assistant', text: 'half an ans', status: 'streaming' }));
    await abortAllDurableObjects();
    const line = await visitor.connect(id);
    const { messages, busy } = await line.next('ready');
    expect(busy).toBe(false);
    expect(messages.map((m) => m.text)).toContain('remember my name is Ada');
    expect(messages.at(-1)).toMatchObject({ text: 'half an ans', status: 'interrupted' });
    line.send({ type: 'send', id: newId(), text: 'what is my name?' });
    await line.next('end');
    expect(line.frames.filter((f) => f.type === 'message').at(-1)).toMatchObject({
      message: { text: expect.stringContaining('"value":"Ada"') },
    });
    line.close();
  });

  it('is told to the model: facts, a summary, and the newest messages', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    await inMemory(id, async (memory, agent) => {
      memory.remember('name', 'Ada');
      for (let i = 0; i < 60; i++) memory.add({ role: i % 2 ? 'assistant' : 'user', text: `message ${i}` });
      await agent.summarise();
      expect(memory.summary()).toEqual({ text: expect.stringContaining('user: message 0'), until: 36 });
      const [system, ...turns] = (agent as unknown as { prompt(): { role: string; text: string }[] }).prompt();
      expect(system!.text).toContain('{"name":"Ada"}');
      expect(system!.text).toContain('message 0');
      expect(turns).toHaveLength(24);
      expect(turns[0]).toMatchObject({ role: 'user', text: 'message 36' });
      await agent.summarise(); // nothing new is worth another
      expect(memory.summary()?.until).toBe(36);
    });
  });

  it('gives a model no call without its result, and no result without its call', async () => {
    const id = newId();
    await inMemory(id, (memory) => {
      memory.add({ role: 'tool', text: 'x', tool: 'recall', call: 'lost' });
      memory.add({ role: 'user', text: 'one' });
      memory.add({ role: 'assistant', text: '', calls: [{ id: 'a', name: 'recall', args: {} }], status: 'interrupted' });
      memory.add({ role: 'user', text: 'two' });
      memory.add({ role: 'assistant', text: '', calls: [{ id: 'b', name: 'recall', args: {} }] });
      memory.add({ role: 'tool', text: 'y', tool: 'recall', call: 'b' });
      expect(memory.turns(24).map((t) => [t.role, t.text])).toEqual([
        ['user', 'one'],
        ['user', 'two'],
        ['assistant', ''],
        ['tool', 'y'],
      ]);
    });
  });

  it('keeps so many facts and no more', async () => {
    await inMemory(newId(), (memory) => {
      for (let i = 0; i < 120; i++) memory.remember(`fact ${i}`, 'x');
      const facts = memory.recall();
      expect(facts).toHaveLength(100);
      expect(facts.map((f) => f.key)).not.toContain('fact 0');
      expect(facts.map((f) => f.key)).toContain('fact 119');
    });
  });

  it('forgets messages after their time, but not what they came to', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    await visitor.say(id, 'new');
    await inMemory(id, async (memory, agent) => {
      const [sweep] = (await agent.listSchedules()).filter((s) => s.callback === 'sweep');
      const days = (sweep!.time - Date.now() / 1000) / (24 * 60 * 60);
      expect(Math.round(days)).toBe(env.RETENTION_DAYS);
      memory.remember('name', 'Ada');
      memory.add({ role: 'user', text: 'very old', createdAt: '2020-01-01T00:00:00.000Z' });
      await agent.sweep();
      expect(memory.after(null, 10).map((m) => m.text)).toEqual(['new', 'You said: new']);
      expect(memory.summary()?.text).toContain('very old');
      expect(memory.recall('name')).toEqual([{ key: 'name', value: 'Ada' }]);
      expect((await agent.listSchedules()).filter((s) => s.callback === 'sweep')).toHaveLength(1);
    });
  });
});

describe('a reminder', () => {
  it('is said when it is due', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    const line = await visitor.connect(id);
    line.send({ type: 'send', id: newId(), text: 'remind me in 1 second to stretch' });
    await line.next('end');
    const from = line.frames.length;
    await runDurableObjectAlarm(stub(id));
    await line.until((l) => l.frames.slice(from).some((f) => f.type === 'message'));
    expect((await line.next('message', from)).message).toMatchObject({ role: 'assistant', text: 'Reminder: stretch', status: 'done' });
    line.close();
  });
});

describe('a deleted conversation', () => {
  it('leaves nothing in its Durable Object', async () => {
    const visitor = await Visitor.arrive();
    const id = await visitor.begin();
    await visitor.say(id, 'remember my name is Ada');
    const line = await visitor.connect(id);
    await line.next('ready');
    expect((await visitor.call(`/api/v1/conversations/${id}`, { method: 'DELETE' })).status).toBe(204);
    await line.until((l) => l.closed !== null);
    expect(line.closed).toBe(4404);
    expect(await inMemory(id, (m) => [m.count(), m.recall(), m.summary()])).toEqual([0, [], null]);
    expect((await visitor.call(`/api/v1/conversations/${id}/messages`)).status).toBe(404);
  });
});
