import Stripe from 'stripe';
import type { Bindings } from '../context';
import { AppError } from '../lib/errors';

const cryptoProvider = Stripe.createSubtleCryptoProvider();

export const stripeIsOn = (env: Bindings): boolean => Boolean(env.STRIPE_API_KEY && env.STRIPE_PRICE_ID);

export function stripe(env: Bindings): Stripe {
  // fetch is looked up at each call, so that a test can put its own in place.
  const httpClient = Stripe.createFetchHttpClient((...args: Parameters<typeof fetch>) => fetch(...args));
  return new Stripe(env.STRIPE_API_KEY!, { httpClient, maxNetworkRetries: 2, timeout: 20_000, telemetry: false });
}

/** A webhook of Stripe, once its signature is right. The body is parsed only then. */
export async function stripeEvent(env: Bindings, body: string, signature: string): Promise<Stripe.Event> {
  try {
    return await Stripe.webhooks.constructEventAsync(body, signature, env.STRIPE_WEBHOOK_SECRET!, undefined, cryptoProvider);
  } catch {
    throw new AppError(400, 'The signature is not valid');
  }
}
