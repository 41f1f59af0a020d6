import type { Bindings } from '../context';
import { digest, newToken, sameSecret } from './guards';

/** ak, a prefix that finds the row, and 256 random bits. */
const FORM = /^ak_([a-z2-7]{12})_[\w-]{43}$/;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** A new key, and its prefix. It is shown once, and kept nowhere. */
export function newKey(): { key: string; prefix: string } {
  const prefix = [...crypto.getRandomValues(new Uint8Array(12))].map((b) => ALPHABET[b % 32]).join('');
  return { key: `ak_${prefix}_${newToken()}`, prefix };
}

/** The prefix of a key, or nothing where it has not the form of one. */
export const prefixOf = (key: string): string | undefined => FORM.exec(key)?.[1];

const encoder = new TextEncoder();

export async function hmac(secret: string | Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
  const raw = typeof secret === 'string' ? encoder.encode(secret) : secret;
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text)));
}

export const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

const hashers: Record<string, (env: Bindings, key: string) => Promise<string | undefined>> = {
  // With the pepper a copy of the database is not enough to try keys against.
  hmac: async (env, key) => (env.API_KEY_PEPPER ? base64(await hmac(env.API_KEY_PEPPER, `key:${key}`)) : undefined),
  sha256: (_env, key) => digest(key),
};

/** What is stored of a key: how it was hashed, and the hash. */
export async function hashKey(env: Bindings, key: string): Promise<string> {
  const how = env.API_KEY_PEPPER ? 'hmac' : 'sha256';
  return `${how}:${await hashers[how]!(env, key)}`;
}

/** Whether a key is the one that was stored, in a time that tells nothing about it. */
export async function isKey(env: Bindings, key: string, stored: string): Promise<boolean> {
  const [how = '', hash = ''] = stored.split(':');
  const given = await hashers[how]?.(env, key);
  return given !== undefined && (await sameSecret(given, hash));
}

/** Whether a stored hash was made before there was a pepper. */
export const isStale = (env: Bindings, stored: string): boolean => Boolean(env.API_KEY_PEPPER) && !stored.startsWith('hmac:');

/** What a webhook's secret is made of: with a pepper, nothing that is of use without it. */
export const newSalt = (env: Bindings): string => `${env.API_KEY_PEPPER ? 'hmac' : 'plain'}:${newToken()}`;

/** The bytes with which messages to a webhook are signed. */
async function secretBytes(env: Bindings, id: string, salt: string): Promise<Uint8Array<ArrayBuffer>> {
  if (salt.startsWith('plain:')) return hmac(salt, id);
  if (!env.API_KEY_PEPPER) throw new Error('API_KEY_PEPPER is gone, with which this secret was made');
  return hmac(env.API_KEY_PEPPER, `webhook:${id}:${salt}`);
}

/** A webhook's secret in the form in which its owner gets it. */
export const webhookSecret = async (env: Bindings, id: string, salt: string): Promise<string> =>
  `whsec_${base64(await secretBytes(env, id, salt))}`;

/** Headers that prove a message, as https://www.standardwebhooks.com describes them. */
export async function signature(env: Bindings, webhook: { id: string; salt: string }, message: string, payload: string, seconds: number) {
  const signed = await hmac(await secretBytes(env, webhook.id, webhook.salt), `${message}.${seconds}.${payload}`);
  return { 'webhook-id': message, 'webhook-timestamp': String(seconds), 'webhook-signature': `v1,${base64(signed)}` };
}
