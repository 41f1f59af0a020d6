import { verifyToken } from '@clerk/backend';
import { verifyWebhook, type WebhookEvent } from '@clerk/backend/webhooks';
import type { Bindings } from '../context';
import { AppError } from '../lib/errors';

export const clerkIsOn = (env: Bindings): boolean => Boolean(env.CLERK_JWT_KEY || env.CLERK_SECRET_KEY);

/**
 * The Clerk user whose session token this is. With CLERK_JWT_KEY nothing is asked
 * over the network; with CLERK_SECRET_KEY alone Clerk's keys (JWKS) are fetched and
 * kept. A token that was made for another origin is refused.
 */
export async function clerkUser(env: Bindings, token: string): Promise<string> {
  try {
    const claims = await verifyToken(token, {
      // A key that went through a shell or a form often has its line ends written out.
      jwtKey: env.CLERK_JWT_KEY?.replaceAll('\\n', '\n') || undefined,
      secretKey: env.CLERK_SECRET_KEY || undefined,
      authorizedParties: [env.APP_ORIGIN],
    });
    return claims.sub;
  } catch {
    throw new AppError(401, 'The session is not valid or has ended');
  }
}

/** A webhook of Clerk, once its signature is right. The body is parsed only then. */
export async function clerkEvent(env: Bindings, request: Request): Promise<WebhookEvent> {
  try {
    return await verifyWebhook(request, { signingSecret: env.CLERK_WEBHOOK_SECRET! });
  } catch {
    throw new AppError(400, 'The signature is not valid');
  }
}

/** Where Clerk answers a browser: the host is written in the publishable key. */
export function clerkOrigin(publishableKey: string): string | null {
  try {
    const host = atob(publishableKey.replace(/^pk_(test|live)_/, '')).replace(/\$$/, '');
    return /^[a-z0-9.-]+\.[a-z]+$/i.test(host) ? `https://${host}` : null;
  } catch {
    return null;
  }
}
