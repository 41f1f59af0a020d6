import { describe, expect, it } from 'vitest';
import { echo } from '../src/ai/echo';
import { answer, LIMITS, type Limits, type Outcome, type Progress } from '../src/ai/loop';
import type { Model, Piece, Request, ToolCall } from '../src/ai/model';
import { callTool, tools, type Abilities } from '../src/ai/tools';
import { workersAi, type Runner } from '../src/ai/workers-ai';

const never = new AbortController().signal;

async function run(model: Model, text: string, limits: Limits = LIMITS, stop = never, call = (_: ToolCall) => Promise.resolve('"x"')) {
  const progress: Progress[] = [];
  const loop = answer(model, [{ role: 'user', text }], tools, call, stop, limits);
  let next = await loop.next();
  for (; !next.done; next = await loop.next()) progress.push(next.value);
  const outcome: Outcome = next.value;
  const said = progress.map((p) => (p.type === 'text' ? p.text : '')).join('');
  const called = progress.flatMap((p) => (p.type === 'tool' ? [p.call] : []));
  return { outcome, said, called };
}

/** A model that is written for one test. */
const model = (name: string, answer: (request: Request) => AsyncIterable<Piece>): Model => ({ name, answer });

describe('the loop', () => {
  it('gives back what a model says', async () => {
    const { outcome, said, called } = await run(echo, 'hello there');
    expect(said).toBe('You said: hello there');
    expect(called).toEqual([]);
    expect(outcome).toMatchObject({ ending: 'done', steps: 1 });
    expect(outcome.tokens).toBeGreaterThan(0);
  });

  it('calls a tool and tells the model its result', async () => {
    const { outcome, said, called } = await run(echo, 'what time is it?', LIMITS, never, () => Promise.resolve('"noon"'));
    expect(called).toMatchObject([{ name: 'current_time', args: {} }]);
    expect(said).toBe('current_time says "noon"');
    expect(outcome).toMatchObject({ ending: 'done', steps: 2 });
  });

  it('ends after so many steps', async () => {
    const { outcome, called } = await run(echo, 'loop for ever', { ...LIMITS, steps: 3 });
    expect(outcome).toMatchObject({ ending: 'steps', steps: 3 });
    expect(called).toHaveLength(3);
  });

  it('ends after so many tokens, even of a model that does not keep to them', async () => {
    const { outcome, said } = await run(echo, 'long', { ...LIMITS, tokens: 50 });
    expect(outcome.ending).toBe('tokens');
    expect(said.length).toBeLessThan(300);
    const none = await run(echo, 'x'.repeat(400), { ...LIMITS, tokens: 50 });
    expect(none).toMatchObject({ said: '', outcome: { ending: 'tokens' } });
  });

  it('ends in time, even with a model that hangs', async () => {
    const hangs = model('hangs', async function* () {
      yield { type: 'text', text: 'begun' };
      await new Promise(() => {});
    });
    const { outcome, said } = await run(hangs, 'hello', { ...LIMITS, ms: 50 });
    expect(said).toBe('begun');
    expect(outcome.ending).toBe('time');
  });

  it('stops when told to, and calls no tool after that', async () => {
    const stop = new AbortController();
    const stopping = model('stopping', async function* () {
      yield { type: 'call', call: { id: '1', name: 'current_time', args: {} } };
      stop.abort();
      throw new Error('the request was aborted');
    });
    const { outcome, called } = await run(stopping, 'hello', LIMITS, stop.signal);
    expect(outcome.ending).toBe('stopped');
    expect(called).toEqual([]);
  });

  it('hands on the failure of a model', async () => {
    const fails = model('fails', async function* () {
      yield { type: 'text', text: 'begun' };
      throw new Error('no capacity');
    });
    await expect(run(fails, 'hello')).rejects.toThrow('no capacity');
  });
});

describe('tools', () => {
  const abilities: Abilities = {
    remember: () => {},
    recall: () => [],
    search: () => [],
    remind: () => Promise.reject(new Error('secret reason')),
  };
  const call = async (name: string, args: unknown) => JSON.parse(await callTool({ id: '1', name, args }, abilities)) as unknown;

  it('check their arguments', async () => {
    expect(await call('remind', { seconds: 'soon' })).toEqual({
      error: 'The arguments are not valid',
      details: { seconds: [expect.any(String)], text: [expect.any(String)] },
    });
    expect(await call('remember', '{"key"')).toMatchObject({ error: 'The arguments are not valid' });
    expect(await call('search_messages', { query: 'x', limit: 1000 })).toMatchObject({ details: { limit: [expect.any(String)] } });
    expect(await call('nothing', {})).toEqual({ error: 'There is no tool "nothing"' });
  });

  it('tell the model nothing of what went wrong inside', async () => {
    expect(await call('remind', { seconds: 5, text: 'x' })).toEqual({ error: 'The tool failed' });
  });

  it('are described by a schema', () => {
    expect(tools.find((t) => t.name === 'remind')?.parameters).toMatchObject({
      type: 'object',
      required: ['seconds', 'text'],
      properties: { seconds: { type: 'integer', minimum: 1 } },
    });
  });
});

describe('Workers AI', () => {
  const sse = (events: unknown[]) => {
    const text = events.map((e) => `data: ${JSON.stringify(e)}\n\n`).join('') + 'data: [DONE]\n\n';
    // In pieces that end anywhere, as a network's do.
    const chunks = text.match(/[\s\S]{1,7}/g) ?? [];
    return new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });
  };

  async function ask(output: unknown, turns: Request['turns'] = [{ role: 'user', text: 'hello' }]) {
    const asked: { model: string; inputs: Record<string, unknown> }[] = [];
    const binding: Runner = {
      run: (name, inputs) => {
        asked.push({ model: name, inputs });
        return Promise.resolve(output);
      },
    };
    const pieces: Piece[] = [];
    for await (const piece of workersAi(binding, '@cf/some/model').answer({ turns, tools, maxTokens: 99, signal: never }))
      pieces.push(piece);
    return { pieces, asked: asked[0]! };
  }

  it('is read in the form of chat completions', async () => {
    const part = (delta: unknown) => ({ choices: [{ index: 0, delta, finish_reason: null }] });
    const { pieces } = await ask(
      sse([
        part({ role: 'assistant', content: 'Let me ' }),
        part({ content: 'see' }),
        part({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'recall', arguments: '' } }] }),
        part({ tool_calls: [{ index: 0, function: { arguments: '{"key":' } }] }),
        part({ tool_calls: [{ index: 0, function: { arguments: '"name"}' } }] }),
        part({ tool_calls: [{ index: 1, id: 'b', function: { name: 'current_time', arguments: '{}' } }] }),
        part({ tool_calls: [{ index: 1, id: null, function: { name: null, arguments: '' } }] }),
        { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } },
      ]),
    );
    expect(pieces).toEqual([
      { type: 'text', text: 'Let me ' },
      { type: 'text', text: 'see' },
      { type: 'usage', tokens: 15 },
      { type: 'call', call: { id: 'a', name: 'recall', args: { key: 'name' } } },
      { type: 'call', call: { id: 'b', name: 'current_time', args: {} } },
    ]);
  });

  it('is read in its own form', async () => {
    const { pieces } = await ask(
      sse([{ response: 'Well' }, { response: '', tool_calls: [{ name: 'recall', arguments: { key: 'name' } }] }]),
    );
    expect(pieces).toEqual([
      { type: 'text', text: 'Well' },
      { type: 'call', call: { id: expect.any(String), name: 'recall', args: { key: 'name' } } },
    ]);
  });

  it('is read where a model does not stream', async () => {
    const { pieces } = await ask({ choices: [{ message: { content: 'Whole' } }], usage: { total_tokens: 3 } });
    expect(pieces).toEqual([
      { type: 'text', text: 'Whole' },
      { type: 'usage', tokens: 3 },
    ]);
  });

  it('is told the turns, the tools and the limit', async () => {
    const { asked } = await ask({ response: 'ok' }, [
      { role: 'system', text: 'be brief' },
      { role: 'user', text: 'time?' },
      { role: 'assistant', text: '', calls: [{ id: 'a', name: 'current_time', args: {} }] },
      { role: 'tool', call: 'a', name: 'current_time', text: '"noon"' },
    ]);
    expect(asked.model).toBe('@cf/some/model');
    expect(asked.inputs).toMatchObject({
      stream: true,
      max_tokens: 99,
      messages: [
        { role: 'system', content: 'be brief' },
        { role: 'user', content: 'time?' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'current_time', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: '"noon"' },
      ],
    });
    const described = asked.inputs.tools as { type: string; function: Record<string, unknown> }[];
    expect(described.map((t) => t.function.name)).toContain('remind');
    expect(Object.keys(described[0]!.function).sort()).toEqual(['description', 'name', 'parameters']);
  });
});
