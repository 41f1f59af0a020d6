import { Resend } from 'resend';
import type { Bindings } from '../context';

export const emailIsOn = (env: Bindings): boolean => Boolean(env.RESEND_API_KEY && env.EMAIL_FROM);

const escaped = (text: string) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Sends an invite. The same key sends it once, however often this is called within a day. */
export async function sendInvite(env: Bindings, key: string, to: string, team: string, link: string): Promise<void> {
  const { error } = await new Resend(env.RESEND_API_KEY).emails.send(
    {
      from: `${env.APP_NAME} <${env.EMAIL_FROM}>`,
      to,
      subject: `You are invited to ${team}`,
      text: `You are invited to join ${team} on ${env.APP_NAME}:\n\n${link}\n\nThe link works for seven days, once.`,
      html: `<p>You are invited to join <b>${escaped(team)}</b> on ${escaped(env.APP_NAME)}.</p>
<p><a href="${escaped(link)}">Accept the invite</a></p><p>The link works for seven days, once.</p>`,
    },
    { idempotencyKey: key },
  );
  if (error) throw new Error(`Resend refused an invite: ${error.name}`);
}
