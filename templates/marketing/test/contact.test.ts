import { createScheduledController } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { ulid } from 'ulid';
import { describe, expect, it } from 'vitest';
import { scheduled } from '../src/cron';
import { newTicket } from '../src/lib/ticket';
import { bare, call, having, limiter, post, type Failure } from './call';
import { network } from './network';

const MINUTE = 60 * 1000;
const ticket = (age = MINUTE, as = bare) => newTicket(as, ulid(Date.now() - age));
const letter = async (more: Record<string, unknown> = {}) => ({
  ticket: await ticket(),
  name: 'Ada',
  email: 'Ada@Example.com',
  message: 'A message that is long enough.',
  ...more,
});
const stored = async (id: string) =>
  env.DB.prepare(
    'SELECT s.mail, s.mail_attempts AS attempts, c.email, c.name FROM form_submissions s JOIN contacts c ON c.id = s.contact_id WHERE s.id = ?',
  )
    .bind(id)
    .first();
const idOf = (t: string) => t.split('.')[0]!;

const mailing = having({ RESEND_API_KEY: 'key-of-resend', MAIL_FROM: 'site@example.com', MAIL_TO: 'me@example.com' });
const guarded = having({ TURNSTILE_SITE_KEY: '1x-site', TURNSTILE_SECRET_KEY: '1x-secret' });

describe('the form', () => {
  it('opens with a ticket, and without third parties that are off', async () => {
    const response = await call('/api/v1/contact');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { data } = await response.json<{ data: { ticket: string; siteKey: string | null; notice: string | null } }>();
    expect(data.ticket).toMatch(/^[0-9A-Z]{26}\.[0-9a-f]{64}$/);
    expect(data).toMatchObject({ siteKey: null, notice: null });
  });

  it('keeps a message, and mails nothing while mail is off', async () => {
    const asked = network(() => ({}));
    const body = await letter();
    const response = await post('/api/v1/contact', body);
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ data: { accepted: true } });
    expect(await stored(idOf(body.ticket))).toEqual({ mail: 'off', attempts: 0, email: 'ada@example.com', name: 'Ada' });
    expect(asked).toEqual([]);
  });

  it('keeps a message once, however often it is sent, and a person once', async () => {
    const body = await letter();
    for (const name of ['Ada', 'Ada L.', 'Ada L.']) expect((await post('/api/v1/contact', { ...body, name })).status).toBe(202);
    await post('/api/v1/contact', await letter({ name: 'Ada Lovelace' }));
    const { results } = await env.DB.prepare("SELECT name FROM contacts WHERE email = 'ada@example.com'").all();
    expect(results).toEqual([{ name: 'Ada Lovelace' }]);
    expect(await env.DB.prepare('SELECT count(*) AS n FROM form_submissions WHERE id = ?').bind(idOf(body.ticket)).first('n')).toBe(1);
  });

  it('refuses tickets that are forged, too young or too old', async () => {
    const good = await ticket();
    for (const [bad, why] of [
      [good.slice(0, -1) + (good.endsWith('0') ? '1' : '0'), 'not opened here'],
      [`${ulid(Date.now() - MINUTE)}.${good.split('.')[1]}`, 'not opened here'],
      ['nonsense', 'not opened here'],
      [await ticket(MINUTE, having({ FORM_KEY: 'another' })), 'not opened here'],
      [await ticket(1000), 'quick'],
      [await ticket(25 * 60 * MINUTE), 'too long'],
    ] as const) {
      const response = await post('/api/v1/contact', await letter({ ticket: bad }));
      expect(response.status, bad).toBe(422);
      expect((await response.json<Failure>()).error).toContain(why);
    }
  });

  it('lets robots that fill in everything believe that they were heard', async () => {
    const body = await letter({ website: 'https://spam.example' });
    expect((await post('/api/v1/contact', body)).status).toBe(202);
    expect(await stored(idOf(body.ticket))).toBeNull();
  });

  it('takes a few messages a minute from a visitor', async () => {
    const bindings = having({ FORM_LIMITER: limiter(2) });
    const from = (ip: string) => async () => post('/api/v1/contact', await letter(), bindings, { 'cf-connecting-ip': ip });
    const one = from('198.51.100.7');
    expect([(await one()).status, (await one()).status]).toEqual([202, 202]);
    const refused = await one();
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect((await from('198.51.100.8')()).status).toBe(202);
  });

  it('can be closed without a deploy', async () => {
    const CONFIG = { get: () => Promise.resolve({ formOpen: false, notice: 'Back on Monday' }) };
    const closed = having({ CONFIG });
    const opened = await (await call('/api/v1/contact', {}, closed)).json<{ data: { notice: string } }>();
    expect(opened.data.notice).toBe('Back on Monday');
    const response = await post('/api/v1/contact', await letter(), closed);
    expect(response.status).toBe(403);
    expect((await response.json<Failure>()).error).toBe('Back on Monday');
  });
});

describe('Turnstile', () => {
  const verify = (answer: unknown) => network(() => answer);

  it('is asked where key and secret are there', async () => {
    const opened = await (await call('/api/v1/contact', {}, guarded)).json<{ data: { siteKey: string } }>();
    expect(opened.data.siteKey).toBe('1x-site');
    const asked = verify({ success: true, action: 'contact' });
    expect((await post('/api/v1/contact', await letter({ turnstile: 'token' }), guarded)).status).toBe(202);
    expect(asked[0]!.url).toBe('https://challenges.cloudflare.com/turnstile/v0/siteverify');
    expect(asked[0]!.body).toContain('secret=1x-secret&response=token');
  });

  it('keeps out who does not pass, or passed for something else', async () => {
    for (const answer of [
      { success: false, 'error-codes': ['invalid-input-response'] },
      { success: true, action: 'login' },
    ]) {
      verify(answer);
      const body = await letter({ turnstile: 'token' });
      expect((await post('/api/v1/contact', body, guarded)).status).toBe(403);
      expect(await stored(idOf(body.ticket))).toBeNull();
    }
    const asked = verify({ success: true });
    expect((await post('/api/v1/contact', await letter(), guarded)).status).toBe(403);
    expect(asked).toEqual([]);
  });

  it('lets nobody in while it cannot be reached', async () => {
    const answers = [
      () => new Response('<html>', { status: 502 }),
      () => {
        throw new TypeError('no way to siteverify');
      },
    ];
    for (const answer of answers) {
      network(answer);
      const body = await letter({ turnstile: 'token' });
      const response = await post('/api/v1/contact', body, guarded);
      expect(response.status).toBe(503);
      expect((await response.json<Failure>()).code).toBe('SERVICE_UNAVAILABLE');
      expect(await stored(idOf(body.ticket))).toBeNull();
    }
  });
});

describe('mail', () => {
  it('goes out once, can be answered, and cannot be steered by what was written', async () => {
    const asked = network(() => ({ id: 'mail' }));
    const body = await letter({ name: 'Eve\r\nBcc: all@example.com' });
    for (let i = 0; i < 2; i++) expect((await post('/api/v1/contact', body, mailing)).status).toBe(202);
    expect(asked).toHaveLength(1);
    expect(asked[0]!.headers.get('authorization')).toBe('Bearer key-of-resend');
    expect(asked[0]!.headers.get('idempotency-key')).toBe(`contact/${idOf(body.ticket)}`);
    const sent = JSON.parse(asked[0]!.body) as Record<string, unknown>;
    expect(sent).toMatchObject({ from: 'site@example.com', to: ['me@example.com'], reply_to: 'ada@example.com' });
    expect(sent.subject).toBe(`${env.APP_NAME}: a message from Eve Bcc: all@example.com`);
    expect(await stored(idOf(body.ticket))).toMatchObject({ mail: 'sent', attempts: 1 });
  });

  it('that fails loses no message, and is tried again by the clock until it is given up', async () => {
    const body = await letter();
    const id = idOf(body.ticket);
    const asked = network(() => new Response('no', { status: 500 }));
    for (let i = 0; i < 2; i++) expect((await post('/api/v1/contact', body, mailing)).status).toBe(202);
    expect(await stored(id)).toMatchObject({ mail: 'pending', attempts: 1 });
    const hour = (n: number) => createScheduledController({ cron: '0 * * * *', scheduledTime: new Date(Date.now() + n * 60 * MINUTE) });
    await scheduled(hour(0), mailing); // it is under way still
    expect(asked).toHaveLength(1);
    for (let n = 1; n < 10; n++) await scheduled(hour(n), mailing);
    expect(await stored(id)).toMatchObject({ mail: 'failed', attempts: 8 });
    expect(asked).toHaveLength(8);
  });

  it('goes out with the next try once the service is back', async () => {
    const body = await letter();
    let up = false;
    network(() => (up ? Response.json({ id: 'mail' }) : new Response('no', { status: 500 })));
    await post('/api/v1/contact', body, mailing);
    up = true;
    await scheduled(createScheduledController({ cron: '0 * * * *', scheduledTime: new Date(Date.now() + 60 * MINUTE) }), mailing);
    expect(await stored(idOf(body.ticket))).toMatchObject({ mail: 'sent', attempts: 2 });
  });
});
