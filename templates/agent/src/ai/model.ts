import { echo } from './echo';
import { workersAi } from './workers-ai';

export interface ToolCall {
  id: string;
  name: string;
  /** As the model wrote them: unchecked. */
  args: unknown;
}

export type Turn =
  | { role: 'system' | 'user'; text: string }
  | { role: 'assistant'; text: string; calls: ToolCall[] }
  | { role: 'tool'; call: string; name: string; text: string };

/** A tool as a model sees it; parameters is a JSON Schema. */
export interface ToolSpec {
  name: string;
  description: string;
  parameters: Record<string, unknown>;
}

/** A piece of an answer. Tokens are those of the whole call, said once, by models that count them. */
export type Piece = { type: 'text'; text: string } | { type: 'call'; call: ToolCall } | { type: 'usage'; tokens: number };

export interface Request {
  turns: Turn[];
  tools: ToolSpec[];
  /** Most tokens to write. */
  maxTokens: number;
  signal: AbortSignal;
}

/** The seam between this project and whatever answers. */
export interface Model {
  readonly name: string;
  answer(request: Request): AsyncIterable<Piece>;
}

/**
 * The model that the var AI_MODE asks for: "workers-ai" asks AI_MODEL through the
 * binding AI; "echo" needs no account and answers the same words every time.
 */
export function modelFor(env: Env): Model {
  switch (env.AI_MODE) {
    case 'echo':
      return echo;
    case 'workers-ai':
      return workersAi(env.AI, env.AI_MODEL);
    default:
      throw new Error(`AI_MODE is ${JSON.stringify(env.AI_MODE)}, which is neither "workers-ai" nor "echo"`);
  }
}
