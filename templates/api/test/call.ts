import { createExecutionContext, createMessageBatch, getQueueResult, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import app from '../src/app';
import type { Bindings, Scope } from '../src/context';
import { SCOPES } from '../src/context';
import { newId } from '../src/lib/ids';
import { queue } from '../src/queue';

/** What was put into the queue. Tests deliver it themselves, when they want to. */
export const queued: unknown[] = [];
const JOBS = {
  send: async (body: unknown) => void queued.push(body),
  sendBatch: async (messages: { body: unknown }[]) => void queued.push(...messages.map((m) => m.body)),
};

/** The Worker's bindings, whatever .dev.vars says. */
const bare = { ...env, JOBS, API_KEY_PEPPER: 'pepper', ADMIN_TOKEN: 'admin', ENVIRONMENT: 'production', REQUEST_LOG_SHARE: '0' };

/** The same with others in place of some. */
export const having = (more: Record<string, unknown>): Bindings => ({ ...bare, ...more }) as unknown as Bindings;

const plain = having({});
let visitor = 0;

/** Asks the Worker, each time as another visitor, and waits for what it does after its answer. */
export async function call(path: string, init: RequestInit = {}, bindings = plain): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has('cf-connecting-ip')) headers.set('cf-connecting-ip', `2001:db8::${(++visitor).toString(16)}`);
  const ctx = createExecutionContext();
  const response = await app.fetch(new Request(new URL(path, 'https://api.example.com'), { ...init, headers }), bindings, ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

type More = { bindings?: Bindings; headers?: Record<string, string> };

/** Asks with a key, and with a body where one is given. */
export function ask(key: string, method: string, path: string, body?: unknown, { bindings, headers }: More = {}): Promise<Response> {
  const all: Record<string, string> = { authorization: `Bearer ${key}`, ...headers };
  if (body !== undefined) all['content-type'] = 'application/json';
  return call(path, { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body) }, bindings);
}

export type Data<T> = { data: T };
export type Page<T> = { data: T[]; cursor: string | null; hasMore: boolean };
export type Failure = { error: string; code: string; requestId: string; details?: unknown };
export type Key = {
  id: string;
  account: string;
  prefix: string;
  key: string;
  scopes: Scope[];
  expiresAt: string | null;
  lastUsedAt: string | null;
};

/** A new key of an account of its own. */
export async function newKey(more: Record<string, unknown> = {}, bindings = plain): Promise<Key> {
  const wanted = { account: `a-${newId().toLowerCase()}`, name: 'test', scopes: SCOPES, ...more };
  const response = await ask('admin', 'POST', '/api/v1/admin/keys', wanted, { bindings });
  expect(response.status).toBe(201);
  return (await response.json<Data<Key>>()).data;
}

/** Delivers messages as the queue would, and tells what became of them. */
export async function deliver(bodies: unknown[], { attempts = 1, name = 'jobs', bindings = plain } = {}) {
  const messages = bodies.map((body, i) => ({ id: `${name}-${newId()}-${i}`, timestamp: new Date(), attempts, body }));
  const batch = createMessageBatch(name, messages);
  const delays: (number | undefined)[] = [];
  const watched = batch.messages.map((m) => ({
    id: m.id,
    timestamp: m.timestamp,
    body: m.body,
    attempts: m.attempts,
    ack: () => m.ack(),
    retry: (options?: QueueRetryOptions) => {
      delays.push(options?.delaySeconds);
      m.retry(options);
    },
  }));
  await queue({ ...batch, queue: name, messages: watched } as MessageBatch<unknown>, bindings);
  const result = await getQueueResult(batch, createExecutionContext());
  expect(result.retryMessages).toHaveLength(delays.length);
  return { acked: result.explicitAcks.length, retried: delays, ids: messages.map((m) => m.id) };
}

/** A limit that holds until the test ends: the real ones begin anew with each minute. */
export function limiter(most: number): RateLimit {
  const seen = new Map<string, number>();
  return {
    limit: async ({ key }) => {
      seen.set(key, (seen.get(key) ?? 0) + 1);
      return { success: seen.get(key)! <= most };
    },
  };
}

/** Takes what is in the queue of one type. */
export function take<T>(type: string): T[] {
  const found = queued.filter((m) => (m as { type: string }).type === type);
  queued.splice(0, queued.length, ...queued.filter((m) => !found.includes(m)));
  return found as T[];
}
