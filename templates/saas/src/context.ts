import type { Context } from 'hono';
import type { Role } from './db/schema';
import { logError } from './lib/errors';

/** Secrets: each may be missing, and then what needs it is off. .dev.vars.example says what they are for. */
export type Secrets = {
  CLERK_SECRET_KEY?: string;
  CLERK_JWT_KEY?: string;
  CLERK_WEBHOOK_SECRET?: string;
  STRIPE_API_KEY?: string;
  STRIPE_WEBHOOK_SECRET?: string;
  RESEND_API_KEY?: string;
  ADMIN_TOKEN?: string;
  DEV_TOKEN?: string;
};

export type Bindings = Env & Secrets;

export type User = { id: string; email: string | null; name: string };
export type Team = { id: string; name: string; role: Role };

/** What a route may rely on: anybody, somebody signed in, or a member of the team in the path. */
export type Public = { Bindings: Bindings; Variables: { requestId: string } };
export type SignedIn = { Bindings: Bindings; Variables: { requestId: string; user: User } };
export type InTeam = { Bindings: Bindings; Variables: { requestId: string; user: User; team: Team } };

export const isDevelopment = (env: Bindings): boolean => env.ENVIRONMENT === 'development';

/** Keeps the Worker alive for work that the answer neither waits for nor fails with. */
export const later = (c: Context, work: Promise<unknown>): void =>
  c.executionCtx.waitUntil(work.catch((e: unknown) => logError('later.failed', { path: c.req.path, message: String(e) })));
