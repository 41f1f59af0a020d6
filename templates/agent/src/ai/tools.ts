import { z } from 'zod';
import { logError } from '../lib/errors';
import type { ToolCall, ToolSpec } from './model';

/** Longest result a model is given, in characters: it pays for each. */
const MAX_RESULT = 4000;

/** What tools can do; the agent lends it to them. */
export interface Abilities {
  remember(key: string, value: string): void;
  recall(key: string | undefined): { key: string; value: string }[];
  search(query: string, limit: number): { role: string; text: string; at: string }[];
  remind(seconds: number, text: string): Promise<{ id: string; at: string }>;
}

export interface Tool extends ToolSpec {
  /** Checks the arguments and does the work; what goes wrong is told to the model, not thrown. */
  call(args: unknown, abilities: Abilities): Promise<string>;
}

function tool<S extends z.ZodObject>(
  name: string,
  description: string,
  input: S,
  work: (input: z.output<S>, abilities: Abilities) => unknown,
): Tool {
  const parameters: Record<string, unknown> = z.toJSONSchema(input);
  delete parameters.$schema; // models know the draft that is meant
  return {
    name,
    description,
    parameters,
    async call(args, abilities) {
      const parsed = input.safeParse(args);
      if (!parsed.success)
        return JSON.stringify({ error: 'The arguments are not valid', details: z.flattenError(parsed.error).fieldErrors });
      const result = JSON.stringify(await work(parsed.data, abilities));
      return result.length <= MAX_RESULT ? result : `${result.slice(0, MAX_RESULT)}…`;
    },
  };
}

const key = z.string().trim().toLowerCase().min(1).max(80).describe('A short name, such as "favourite colour"');

/** Another tool: add it here, and what it needs to Abilities. */
export const tools: Tool[] = [
  tool('current_time', 'The date and time now, in UTC', z.object({}), () => ({ utc: new Date().toISOString() })),
  tool(
    'remember',
    'Keep a fact about the visitor, under a name; an older one of that name is replaced',
    z.object({ key, value: z.string().trim().min(1).max(500) }),
    (input, a) => {
      a.remember(input.key, input.value);
      return { kept: input.key };
    },
  ),
  tool(
    'recall',
    'Facts that were kept: the one of this name, or all of them without a name',
    z.object({ key: key.optional() }),
    (input, a) => ({ facts: a.recall(input.key) }),
  ),
  tool(
    'search_messages',
    'Search the earlier messages of this conversation for words',
    z.object({ query: z.string().trim().min(2).max(100), limit: z.number().int().min(1).max(10).default(5) }),
    (input, a) => ({ found: a.search(input.query, input.limit) }),
  ),
  tool(
    'remind',
    'Say something in this conversation later',
    z.object({
      seconds: z
        .number()
        .int()
        .min(1)
        .max(30 * 24 * 3600)
        .describe('Seconds from now'),
      text: z.string().trim().min(1).max(500),
    }),
    (input, a) => a.remind(input.seconds, input.text),
  ),
];

export async function callTool(call: ToolCall, abilities: Abilities): Promise<string> {
  const found = tools.find((t) => t.name === call.name);
  if (!found) return JSON.stringify({ error: `There is no tool ${JSON.stringify(call.name)}` });
  try {
    return await found.call(call.args, abilities);
  } catch (e) {
    // The reason stays in the log: a model would repeat it to the visitor.
    logError('tool.failed', { tool: call.name, message: String(e) });
    return JSON.stringify({ error: 'The tool failed' });
  }
}
