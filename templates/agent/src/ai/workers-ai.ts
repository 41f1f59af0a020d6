import { z } from 'zod';
import { newId } from '../lib/ids';
import type { Model, Piece, Request, ToolCall, Turn } from './model';

// Two forms are in use: the older models say {response, tool_calls} with whole
// calls, the newer ones OpenAI's {choices} with calls in pieces.
const Call = z.object({
  index: z.number().nullish(),
  id: z.string().nullish(),
  name: z.string().nullish(),
  arguments: z.unknown().optional(),
  function: z.object({ name: z.string().nullish(), arguments: z.unknown().optional() }).nullish(),
});
const Part = z.object({ content: z.string().nullish(), tool_calls: z.array(Call).nullish() });
const Answer = z.object({
  response: z.unknown().optional(),
  tool_calls: z.array(Call).nullish(),
  choices: z.array(z.object({ delta: Part.nullish(), message: Part.nullish() })).nullish(),
  usage: z.object({ total_tokens: z.number().nullish() }).nullish(),
});

/** The data of server-sent events, one JSON text each. */
async function* events(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const data = /^data: ?(.*?)\r?$/.exec(line)?.[1];
      if (data === '[DONE]') return;
      if (data) yield data;
    }
  }
}

/** Puts the pieces of calls together. */
class Calls {
  private readonly open = new Map<number, { id: string; name: string; args: string }>();

  add(parts: z.infer<typeof Call>[], whole: boolean): void {
    for (const part of parts) {
      const name = part.function?.name ?? part.name ?? '';
      const args = part.function?.arguments ?? part.arguments ?? '';
      // Without an index, a part that names a tool begins another call.
      const at = part.index ?? (whole || name ? this.open.size : this.open.size - 1);
      const call = this.open.get(at) ?? { id: part.id || newId(), name: '', args: '' };
      call.name ||= name;
      call.args += typeof args === 'string' ? args : JSON.stringify(args);
      this.open.set(at, call);
    }
  }

  *finish(): Generator<ToolCall> {
    for (const { id, name, args } of this.open.values()) {
      if (!name) continue;
      let parsed: unknown = args;
      try {
        parsed = args === '' ? {} : JSON.parse(args);
      } catch {
        // Left as text: the tool's own check refuses it, and tells the model why.
      }
      yield { id, name, args: parsed };
    }
  }
}

function* read(raw: unknown, calls: Calls): Generator<Piece> {
  const answer = Answer.parse(raw);
  const choice = answer.choices?.[0];
  const part = choice?.delta ?? choice?.message;
  if (answer.response !== undefined && answer.response !== null && answer.response !== '') {
    yield { type: 'text', text: typeof answer.response === 'string' ? answer.response : JSON.stringify(answer.response) };
  }
  if (part?.content) yield { type: 'text', text: part.content };
  calls.add(answer.tool_calls ?? [], true);
  calls.add(part?.tool_calls ?? [], choice?.message !== undefined);
  if (answer.usage?.total_tokens) yield { type: 'usage', tokens: answer.usage.total_tokens };
}

function message(turn: Turn): Record<string, unknown> {
  switch (turn.role) {
    case 'tool':
      return { role: 'tool', tool_call_id: turn.call, name: turn.name, content: turn.text };
    case 'assistant': {
      const calls = turn.calls.map((c) => ({
        id: c.id,
        type: 'function',
        function: { name: c.name, arguments: JSON.stringify(c.args) },
      }));
      return { role: 'assistant', content: turn.text, ...(calls.length > 0 ? { tool_calls: calls } : {}) };
    }
    default:
      return { role: turn.role, content: turn.text };
  }
}

/** What of the binding is used. Its own types know only some of the models. */
export interface Runner {
  run(model: string, inputs: Record<string, unknown>, options: { signal: AbortSignal }): Promise<unknown>;
}

/** A model of Workers AI; it has to be one that knows function calling. */
export function workersAi(binding: unknown, name: string): Model {
  const runner = binding as Runner;
  return {
    name,
    async *answer({ turns, tools, maxTokens, signal }: Request) {
      const inputs = {
        messages: turns.map(message),
        ...(tools.length > 0
          ? { tools: tools.map(({ name, description, parameters }) => ({ type: 'function', function: { name, description, parameters } })) }
          : {}),
        max_tokens: maxTokens,
        stream: true,
      };
      const output = await runner.run(name, inputs, { signal });
      const calls = new Calls();
      if (output instanceof ReadableStream) {
        for await (const data of events(output)) yield* read(JSON.parse(data), calls);
      } else {
        yield* read(output, calls);
      }
      for (const call of calls.finish()) yield { type: 'call', call };
    },
  };
}
