import type { Ending } from '../protocol';
import type { Model, ToolCall, ToolSpec, Turn } from './model';

export interface Limits {
  /** Most calls of the model for one answer. */
  steps: number;
  /** Most tokens, read and written, for one answer. */
  tokens: number;
  /** Longest time for one answer, in milliseconds. */
  ms: number;
}

export const LIMITS: Limits = { steps: 6, tokens: 16_000, ms: 60_000 };

/** Most tokens that one call of the model may write. */
const MAX_WRITTEN = 1024;

/** What happens while an answer is made: text comes in, a step is whole, a tool has answered. */
export type Progress =
  { type: 'text'; text: string } | { type: 'step'; calls: ToolCall[]; cut: boolean } | { type: 'tool'; call: ToolCall; text: string };

export interface Outcome {
  ending: Ending;
  steps: number;
  tokens: number;
}

/** A rough count for models that say none: four characters to a token. */
const estimate = (text: string): number => Math.ceil(text.length / 4);

const sizeOf = (turns: Turn[]): number =>
  turns.reduce((sum, t) => sum + estimate(t.text) + ('calls' in t ? estimate(JSON.stringify(t.calls)) : 0), 0);

/** The values of an iterable until the signal, even if the iterable itself never notices it. */
async function* until<T>(values: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = values[Symbol.asyncIterator]();
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  const stop = () => resolve(null);
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (!signal.aborted) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next === null || next.done) return;
      yield next.value;
    }
  } catch (e) {
    // That it was told to stop is no failure.
    if (!signal.aborted) throw e;
  } finally {
    signal.removeEventListener('abort', stop);
    // Not awaited: it ends only when the value that it waits for comes.
    void iterator.return?.()?.catch(() => undefined);
  }
}

/**
 * Asks the model, does what tools it calls, tells it their results, and asks
 * again, until it calls none or a limit is reached. A model that fails is thrown.
 */
export async function* answer(
  model: Model,
  turns: Turn[],
  tools: ToolSpec[],
  call: (call: ToolCall) => Promise<string>,
  stop: AbortSignal,
  limits: Limits = LIMITS,
): AsyncGenerator<Progress, Outcome> {
  const time = AbortSignal.timeout(limits.ms);
  const signal = AbortSignal.any([stop, time]);
  const said = [...turns];
  let tokens = 0;

  for (let step = 1; step <= limits.steps; step++) {
    const read = sizeOf(said);
    const budget = Math.min(MAX_WRITTEN, limits.tokens - tokens - read);
    const calls: ToolCall[] = [];
    let text = '';
    let counted = 0;
    let over = budget <= 0;
    if (!over) {
      for await (const piece of until(model.answer({ turns: said, tools, maxTokens: budget, signal }), signal)) {
        if (piece.type === 'text') {
          text += piece.text;
          yield piece;
        } else if (piece.type === 'call') calls.push(piece.call);
        else counted = piece.tokens;
        // A model that does not keep to maxTokens is kept to it.
        over = estimate(text) > budget;
        if (over) break;
      }
    }
    tokens += counted || read + estimate(text);
    const early = stop.aborted ? 'stopped' : time.aborted ? 'time' : over ? 'tokens' : null;
    // Calls of a step that was cut off are not done, so they are not said either.
    yield { type: 'step', calls: early ? [] : calls, cut: early !== null };
    if (early) return { ending: early, steps: step, tokens };
    if (calls.length === 0) return { ending: 'done', steps: step, tokens };
    said.push({ role: 'assistant', text, calls });
    for (const each of calls) {
      const result = await call(each);
      said.push({ role: 'tool', call: each.id, name: each.name, text: result });
      yield { type: 'tool', call: each, text: result };
    }
  }
  return { ending: 'steps', steps: limits.steps, tokens };
}
