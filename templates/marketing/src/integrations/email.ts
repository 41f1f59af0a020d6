import { and, eq, lt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { contacts, formSubmissions } from '../db/schema';
import { logError } from '../lib/errors';

type Secrets = { RESEND_API_KEY?: string };

/** Tries before a mail is given up; the message itself stays in the database. */
const MOST_ATTEMPTS = 8;

/** How long a mail under way is left alone, in milliseconds. */
const UNDER_WAY_MS = 5 * 60 * 1000;

/** Mail is on with a key, an address to send from and one to send to. */
export const mailIsOn = (env: Env): boolean => Boolean((env as Env & Secrets).RESEND_API_KEY && env.MAIL_FROM && env.MAIL_TO);

/** Mails one message to MAIL_TO, unless that is done or off, and notes how it went. */
export async function mail(env: Env, id: string): Promise<void> {
  if (!mailIsOn(env)) return;
  const db = drizzle(env.DB);
  const [row] = await db
    .select({ message: formSubmissions.message, attempts: formSubmissions.mailAttempts, name: contacts.name, email: contacts.email })
    .from(formSubmissions)
    .innerJoin(contacts, eq(contacts.id, formSubmissions.contactId))
    .where(and(eq(formSubmissions.id, id), eq(formSubmissions.mail, 'pending')));
  if (!row) return;
  const attempts = row.attempts + 1;
  let status: 'sent' | 'pending' | 'failed' = 'sent';
  try {
    await send(env, id, row);
  } catch (e) {
    status = attempts < MOST_ATTEMPTS ? 'pending' : 'failed';
    logError('mail.failed', { submission: id, attempts, message: String(e) });
  }
  await db.update(formSubmissions).set({ mail: status, mailAttempts: attempts }).where(eq(formSubmissions.id, id));
}

async function send(env: Env, id: string, letter: { name: string; email: string; message: string }): Promise<void> {
  const response = await fetch('https://api.resend.com/emails', {
    method: 'POST',
    headers: {
      authorization: `Bearer ${(env as Env & Secrets).RESEND_API_KEY}`,
      'content-type': 'application/json',
      // Two tries for one message are one mail.
      'idempotency-key': `contact/${id}`,
    },
    body: JSON.stringify({
      from: env.MAIL_FROM,
      to: [env.MAIL_TO],
      reply_to: letter.email,
      subject: `${env.APP_NAME}: a message from ${letter.name.replace(/\s+/g, ' ')}`,
      text: `${letter.name} <${letter.email}> wrote:\n\n${letter.message}\n`,
    }),
    signal: AbortSignal.timeout(10_000),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`Resend answered ${response.status}`);
}

/** Tries again what could not be mailed. */
export async function mailPending(env: Env, now: number): Promise<void> {
  if (!mailIsOn(env)) return;
  const rows = await drizzle(env.DB)
    .select({ id: formSubmissions.id })
    .from(formSubmissions)
    .where(and(eq(formSubmissions.mail, 'pending'), lt(formSubmissions.updatedAt, new Date(now - UNDER_WAY_MS).toISOString())))
    .limit(50);
  for (const { id } of rows) await mail(env, id);
}
