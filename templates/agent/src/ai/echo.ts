import type { Model, Piece, Request, ToolCall, Turn } from './model';

/** Between two words, so that a page can be seen to stream. */
const WORD_MS = 12;

type Rule = [pattern: RegExp, call: (found: RegExpExecArray) => Omit<ToolCall, 'id'>];

const UNITS: Record<string, number> = { second: 1, minute: 60, hour: 3600 };

/** Sentences that call a tool, each as a model would. */
const RULES: Rule[] = [
  [/\bremember (?:that )?(?:my )?(.+?) (?:is|=) (.+)/i, ([, key, value]) => ({ name: 'remember', args: { key, value } })],
  [/\b(?:recall|what is my) (.+?)\??$/i, ([, key]) => ({ name: 'recall', args: { key } })],
  [/\bsearch (?:for )?(.+)/i, ([, query]) => ({ name: 'search_messages', args: { query } })],
  [
    /\bremind me in (\d+) (second|minute|hour)s? (?:to )?(.+)/i,
    ([, n, unit, text]) => ({ name: 'remind', args: { seconds: Number(n) * UNITS[unit!.toLowerCase()]!, text } }),
  ],
  [/\b(?:time|date)\b/i, () => ({ name: 'current_time', args: {} })],
];

function callFor(text: string, round: number): Omit<ToolCall, 'id'> | null {
  // What a model that never comes to an end, or that makes its arguments up, would do.
  if (/^loop\b/i.test(text)) return { name: 'current_time', args: {} };
  if (round > 0) return null;
  if (/^misuse\b/i.test(text)) return { name: 'remind', args: { seconds: 'soon' } };
  for (const [pattern, call] of RULES) {
    const found = pattern.exec(text);
    if (found) return call(found);
  }
  return null;
}

const isTool = (t: Turn): t is Turn & { role: 'tool' } => t.role === 'tool';

function* pieces({ turns, tools }: Request): Generator<Piece> {
  const last = turns.findLastIndex((t) => t.role === 'user');
  const text = turns[last]?.text ?? '';
  const results = turns.slice(last + 1).filter(isTool);
  if (tools.length === 0) {
    yield { type: 'text', text: `They spoke of: ${text.replace(/\s+/g, ' ').slice(0, 400)}` };
    return;
  }
  const call = callFor(text, results.length);
  if (call) {
    yield { type: 'call', call: { id: `call-${results.length + 1}`, ...call } };
    return;
  }
  const answer =
    results.length > 0
      ? results.map((r) => `${r.name} says ${r.text}`).join('\n')
      : /^long\b/i.test(text)
        ? 'and so on '.repeat(2000)
        : `You said: ${text}`;
  for (const word of answer.match(/\S+\s*/g) ?? []) yield { type: 'text', text: word };
}

/**
 * A model without a model: it repeats what it is told, and calls a tool where a
 * sentence plainly asks for one, so that the whole loop runs in tests and without
 * an account. "loop", "misuse" and "long" at the beginning behave badly on purpose.
 */
export const echo: Model = {
  name: 'echo',
  async *answer(request) {
    for (const piece of pieces(request)) {
      if (request.signal.aborted) return;
      if (piece.type === 'text') await scheduler.wait(WORD_MS);
      yield piece;
    }
  },
};
