import type { Context } from 'hono';

/** Secrets: each may be missing, and then what needs it is off or weaker. .dev.vars.example says what they are for. */
export type Secrets = { API_KEY_PEPPER?: string; ADMIN_TOKEN?: string };
export type Bindings = Env & Secrets;

/** What a key may do. */
export const SCOPES = ['items:read', 'items:write', 'keys:read', 'keys:write', 'usage:read', 'webhooks:read', 'webhooks:write'] as const;
export type Scope = (typeof SCOPES)[number];

/** What an account can be told of. */
export const EVENTS = ['item.created', 'item.updated', 'item.deleted'] as const;
export type Event = (typeof EVENTS)[number];

/** Whose key a request came with. */
export type Caller = { key: string; account: string; scopes: Scope[] };

/** Only .dev.vars says so. */
export const isDevelopment = (env: Bindings): boolean => (env.ENVIRONMENT as string) === 'development';

/** What a route may rely on: anybody, or the holder of a key. */
export type Public = { Bindings: Bindings; Variables: { requestId: string } };
export type Called = {
  Bindings: Bindings;
  Variables: {
    requestId: string;
    caller: Caller;
    /** The id for what a POST makes: the same one when the request comes again with its Idempotency-Key. */
    newId: string;
    /** What a repeated POST is answered with, where that must not be the first answer. */
    replay?: unknown;
  };
};

/** Keeps the Worker alive for work that the answer does not wait for. */
export const later = (c: Context, work: Promise<unknown>): void => c.executionCtx.waitUntil(work);
