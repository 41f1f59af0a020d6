import { z } from 'zod';
import type { Message } from './memory';

/** Longest text a visitor may send at once, in characters. */
export const MAX_TEXT = 8000;

export const Text = z.string().trim().min(1).max(MAX_TEXT);

/** What a page may send over its WebSocket. */
export const ClientFrame = z.discriminatedUnion('type', [
  // The page makes the id, so that a message sent again after a lost connection is taken once.
  z.object({ type: z.literal('send'), id: z.ulid(), text: Text }),
  z.object({ type: z.literal('stop') }),
]);

export type Ending = 'done' | 'steps' | 'tokens' | 'time' | 'stopped' | 'failed';

/** What a page gets. */
export type ServerFrame =
  // First after every connect: what came after the last message that the page has.
  | { type: 'ready'; conversation: string; messages: Message[]; busy: boolean }
  // A message that is new, or whole at last.
  | { type: 'message'; message: Message }
  // More text of the message with this id.
  | { type: 'delta'; id: string; text: string }
  | { type: 'end'; ending: Ending; steps: number; tokens: number }
  | { type: 'error'; code: string; error: string; id?: string };
