import { decodeTime } from 'ulid';
import { AppError } from './errors';
import { newId } from './ids';

/** Nobody reads, thinks and writes faster than this, in milliseconds. */
const SOONEST_MS = 3000;

/** How long a form may stay open. */
const LATEST_MS = 24 * 60 * 60 * 1000;

const encoder = new TextEncoder();

async function sign(env: Env, id: string): Promise<ArrayBuffer> {
  // Without FORM_KEY the time of a form can be made up; the other checks stay.
  const secret = (env as Env & { FORM_KEY?: string }).FORM_KEY || `unsigned:${env.APP_NAME}`;
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return crypto.subtle.sign('HMAC', key, encoder.encode(`form:${id}`));
}

const hex = (bytes: ArrayBuffer): string => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, '0')).join('');

/** A ticket for one submission: a ULID, which says when the form was opened, and its signature. */
export const newTicket = async (env: Env, id = newId()): Promise<string> => `${id}.${hex(await sign(env, id))}`;

/** The ULID of a ticket, once it is neither forged, nor too young for a person, nor too old. */
export async function redeem(env: Env, ticket: string, now: number): Promise<string> {
  const [id = '', signature = ''] = ticket.split('.');
  const wanted = encoder.encode(hex(await sign(env, id)));
  const given = encoder.encode(signature);
  if (given.byteLength !== wanted.byteLength || !crypto.subtle.timingSafeEqual(given, wanted)) {
    throw new AppError(422, 'The form was not opened here; please load the page again');
  }
  const age = now - decodeTime(id);
  if (age < SOONEST_MS) throw new AppError(422, 'That was quick; please wait a moment and send it again');
  if (age > LATEST_MS) throw new AppError(422, 'The form was open for too long; please send it again');
  return id;
}
