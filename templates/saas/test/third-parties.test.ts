import { createExecutionContext, runInDurableObject, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { getClient } from '@sentry/cloudflare';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { as, code, data, environment, founder, join, me, request, SECRETS } from './calls';
import { network } from './network';
import worker from '../src/index';

const BILLING = { STRIPE_PRICE_ID: 'price_1' };
let events = 0;

async function stripeSends(event: object, secret = SECRETS.STRIPE_WEBHOOK_SECRET, timestamp?: number): Promise<Response> {
  const payload = JSON.stringify({ object: 'event', created: 1, ...event });
  const signature = await Stripe.webhooks.generateTestHeaderStringAsync({
    payload,
    secret,
    ...(timestamp ? { timestamp } : {}),
    cryptoProvider: Stripe.createSubtleCryptoProvider(),
  });
  return request('/webhooks/stripe', { method: 'POST', headers: { 'stripe-signature': signature }, body: payload }, BILLING);
}

const about = (type: string, id: string) => ({ id: `evt_${++events}_${crypto.randomUUID()}`, type, data: { object: { id } } });
const subscription = (team: string, id: string, status: string, customer = `cus_${team}`) => ({
  id,
  object: 'subscription',
  customer,
  status,
  cancel_at_period_end: false,
  metadata: { team_id: team },
  items: { data: [{ price: { id: 'price_1' }, current_period_end: 1_800_000_000 }] },
});

type Billing = { plan: string; status: string; periodEnd: string | null };
const billingOf = (who: string, path: string) => data<Billing>(as(who, 'GET', `${path}/billing`, undefined, BILLING));

describe('Stripe', () => {
  it('is told of a customer once, and gives the pages', async () => {
    const { who, team, path } = await founder();
    const sent = network(({ url }) => {
      if (url.endsWith('/v1/customers')) return { id: `cus_${team}`, object: 'customer' };
      if (url.endsWith('/checkout/sessions')) return { id: 'cs_1', object: 'checkout.session', url: 'https://checkout.stripe.com/c/1' };
      return { id: 'bps_1', object: 'billing_portal.session', url: 'https://billing.stripe.com/p/1' };
    });
    expect(await code(as(who, 'POST', `${path}/billing/portal`, undefined, BILLING))).toBe('409 CONFLICT');
    for (let i = 0; i < 2; i++) {
      expect(await data(as(who, 'POST', `${path}/billing/checkout`, undefined, BILLING), 201)).toEqual({
        url: 'https://checkout.stripe.com/c/1',
      });
    }
    expect(await data(as(who, 'POST', `${path}/billing/portal`, undefined, BILLING), 201)).toEqual({
      url: 'https://billing.stripe.com/p/1',
    });
    expect(sent.map((s) => new URL(s.url).pathname)).toEqual([
      '/v1/customers',
      '/v1/checkout/sessions',
      '/v1/checkout/sessions',
      '/v1/billing_portal/sessions',
    ]);
    expect(sent[0]!.headers.get('idempotency-key')).toBe(`customer-${team}`);
    const form = new URLSearchParams(sent[1]!.body);
    expect(form.get('customer')).toBe(`cus_${team}`);
    expect(form.get('line_items[0][price]')).toBe('price_1');
    expect(form.get('subscription_data[metadata][team_id]')).toBe(team);
  });

  it('is believed only with its signature', async () => {
    const sent = network(() => ({}));
    const event = about('customer.subscription.updated', 'sub_forged');
    expect(await code(stripeSends(event, 'whsec_wrong'))).toBe('400 VALIDATION_ERROR');
    const bare = await request('/webhooks/stripe', { method: 'POST', body: '{not json' }, BILLING);
    expect(await code(bare)).toBe('400 VALIDATION_ERROR');
    expect(await code(request('/webhooks/stripe', { method: 'POST', body: '{}' }, { STRIPE_WEBHOOK_SECRET: '' }))).toBe('404 NOT_FOUND');
    expect(sent).toEqual([]);
  });

  it('is not believed when somebody sends again what is old', async () => {
    const sent = network(() => ({}));
    const old = Math.floor(Date.now() / 1000) - 3600;
    expect(await code(stripeSends(about('customer.subscription.updated', 'sub_old'), undefined, old))).toBe('400 VALIDATION_ERROR');
    expect(sent).toEqual([]);
  });

  it('is asked nothing, and tries again later, where its key is missing', async () => {
    const body = JSON.stringify({ object: 'event', created: 1, ...about('customer.subscription.updated', 'sub_1') });
    const signature = await Stripe.webhooks.generateTestHeaderStringAsync({
      payload: body,
      secret: SECRETS.STRIPE_WEBHOOK_SECRET,
      cryptoProvider: Stripe.createSubtleCryptoProvider(),
    });
    const init = { method: 'POST', headers: { 'stripe-signature': signature }, body };
    expect(await code(request('/webhooks/stripe', init, { STRIPE_API_KEY: '' }))).toBe('422 UNPROCESSABLE');
  });

  it('keeps the state of the subscription, as it is now', async () => {
    const { who, team, path } = await founder();
    let now = subscription(team, `sub_${team}`, 'active');
    const sent = network(() => now);
    expect((await billingOf(who, path)).plan).toBe('free');

    const checkout = { ...about('checkout.session.completed', 'cs_1'), data: { object: { id: 'cs_1', subscription: `sub_${team}` } } };
    expect(await (await stripeSends(checkout)).json()).toEqual({ received: true, duplicate: false });
    expect(await billingOf(who, path)).toMatchObject({ plan: 'pro', status: 'active', periodEnd: '2027-01-15T08:00:00.000Z' });

    // The same event again asks nothing and changes nothing.
    const asked = sent.length;
    now = subscription(team, `sub_${team}`, 'canceled');
    expect(await (await stripeSends(checkout)).json()).toEqual({ received: true, duplicate: true });
    expect(sent).toHaveLength(asked);
    expect((await billingOf(who, path)).status).toBe('active');

    await stripeSends(about('customer.subscription.deleted', `sub_${team}`));
    expect(await billingOf(who, path)).toMatchObject({ plan: 'free', status: 'canceled' });

    // A second subscription; late news of the first one takes nothing away.
    now = subscription(team, `sub_${team}_2`, 'active');
    await stripeSends(about('customer.subscription.created', `sub_${team}_2`));
    now = subscription(team, `sub_${team}`, 'canceled');
    await stripeSends(about('customer.subscription.updated', `sub_${team}`));
    expect(await billingOf(who, path)).toMatchObject({ plan: 'pro', status: 'active' });
    expect(await code(as(who, 'POST', `${path}/billing/checkout`, undefined, BILLING))).toBe('409 CONFLICT');

    const entries = await env.DB.prepare("SELECT action FROM audit_log WHERE team_id = ? AND action LIKE 'subscription%'").bind(team).all();
    expect(entries.results.map((r) => r.action)).toEqual(['subscription.active', 'subscription.canceled', 'subscription.active']);
    // Open pages are told as often, and of no event twice.
    const told = await runInDurableObject(env.ROOMS.getByName(team), (_room, state) =>
      state.storage.sql.exec<{ body: string }>('SELECT body FROM happenings').toArray(),
    );
    expect(told.filter((h) => h.body.includes('"billing.changed"'))).toHaveLength(3);
  });

  it('is asked again when the work failed', async () => {
    const { who, team, path } = await founder();
    const event = about('customer.subscription.created', `sub_${team}`);
    network(() => Response.json({ error: { type: 'invalid_request_error', message: 'no' } }, { status: 404 }));
    expect((await stripeSends(event)).status).toBe(500); // Stripe will send it again
    network(() => subscription(team, `sub_${team}`, 'active'));
    expect(await (await stripeSends(event)).json()).toEqual({ received: true, duplicate: false });
    expect((await billingOf(who, path)).plan).toBe('pro');
  });

  it('takes in what is about no team of ours, and does nothing', async () => {
    network(() => subscription('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'sub_x', 'active', 'cus_x'));
    expect((await stripeSends(about('customer.subscription.created', 'sub_x'))).status).toBe(200);
    expect(await env.DB.prepare("SELECT id FROM subscriptions WHERE customer_id = 'cus_x'").first()).toBeNull();
    expect((await stripeSends(about('product.created', 'prod_1'))).status).toBe(200);
  });

  it('decides how much a team may have', async () => {
    const { who, path } = await founder();
    const make = () => as(who, 'POST', `${path}/projects`, { name: 'x' }, BILLING);
    for (let i = 0; i < 3; i++) expect((await make()).status).toBe(201);
    expect(await code(make())).toBe('403 FORBIDDEN');
    expect((await as(who, 'POST', `${path}/projects`, { name: 'x' })).status).toBe(201); // billing off: no limits
  });

  it('ends the subscription of a team that is deleted', async () => {
    const { who, team, path } = await founder();
    const sent = network(() => subscription(team, `sub_${team}`, 'active'));
    await stripeSends(about('customer.subscription.created', `sub_${team}`));
    expect((await as(who, 'DELETE', path, undefined, BILLING)).status).toBe(204);
    expect([sent.at(-1)!.method, new URL(sent.at(-1)!.url).pathname]).toEqual(['DELETE', `/v1/subscriptions/sub_${team}`]);
  });
});

async function clerkSends(
  event: object,
  id: string = crypto.randomUUID(),
  secret = SECRETS.CLERK_WEBHOOK_SECRET,
  age = 0,
): Promise<Response> {
  const body = JSON.stringify({ object: 'event', ...event });
  const at = String(Math.floor(Date.now() / 1000) - age);
  const bytes = Uint8Array.from(atob(secret.replace('whsec_', '')), (c) => c.charCodeAt(0));
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${id}.${at}.${body}`));
  const headers = { 'svix-id': id, 'svix-timestamp': at, 'svix-signature': `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}` };
  return request('/webhooks/clerk', { method: 'POST', headers, body });
}

const person = (id: string, email: string, updated_at: number) => ({
  id,
  first_name: 'Ada',
  last_name: 'L',
  primary_email_address_id: 'e1',
  email_addresses: [{ id: 'e1', email_address: email }],
  updated_at,
});

describe('Clerk', () => {
  const row = (id: string) => env.DB.prepare('SELECT email, name, deleted_at FROM users WHERE clerk_id = ?').bind(id).first();

  it('keeps the users', async () => {
    const now = Date.now();
    const created = { type: 'user.created', data: person('user_ada', 'ada@example.com', now) };
    expect(await (await clerkSends(created, 'msg_1')).json()).toEqual({ received: true, duplicate: false });
    expect(await (await clerkSends(created, 'msg_1')).json()).toEqual({ received: true, duplicate: true });
    expect(await row('user_ada')).toEqual({ email: 'ada@example.com', name: 'Ada L', deleted_at: null });
    await clerkSends({ type: 'user.updated', data: person('user_ada', 'new@example.com', now + 2) });
    await clerkSends({ type: 'user.updated', data: person('user_ada', 'late@example.com', now + 1) });
    expect(await row('user_ada')).toMatchObject({ email: 'new@example.com' });
  });

  it('fills in who signed in before the webhook came', async () => {
    const { who } = await founder();
    expect(await row(who)).toMatchObject({ email: null });
    await clerkSends({ type: 'user.created', data: person(who, 'x@example.com', Date.now()) });
    expect(await data(as(who, 'GET', '/api/v1/me'))).toMatchObject({ email: 'x@example.com', name: 'Ada L' });
  });

  it('closes an account, and nothing opens it again', async () => {
    const { who, path } = await founder();
    await clerkSends({ type: 'user.deleted', data: { id: who, deleted: true } });
    expect(await row(who)).toMatchObject({ email: null, name: '' });
    await clerkSends({ type: 'user.updated', data: person(who, 'x@example.com', Date.now()) });
    expect(await row(who)).toMatchObject({ email: null });
    expect((await as(who, 'GET', path)).status).toBe(401);
  });

  it('leaves no team of a closed account without an owner', async () => {
    const { who, path, team } = await founder();
    const memberId = await join(path, who, `${who}_m`);
    const adminId = await join(path, who, `${who}_a`, 'admin');
    const alone = await data<{ id: string }>(as(who, 'POST', '/api/v1/teams', { name: 'Alone' }), 201);
    await clerkSends({ type: 'user.deleted', data: { id: who, deleted: true } });

    const roles = await env.DB.prepare('SELECT user_id, role FROM memberships WHERE team_id = ? ORDER BY role').bind(team).all();
    expect(roles.results).toEqual([
      { user_id: memberId, role: 'member' },
      { user_id: adminId, role: 'owner' },
    ]);
    expect((await me(`${who}_a`)).teams).toEqual([{ id: team, name: 'Team', role: 'owner' }]);
    const gone = await env.DB.prepare('SELECT deleted_at FROM teams WHERE id = ?').bind(alone.id).first<{ deleted_at: string }>();
    expect(gone?.deleted_at).toMatch(/Z$/);
    const told = await env.DB.prepare('SELECT team_id, action FROM audit_log WHERE team_id IN (?, ?) ORDER BY rowid DESC LIMIT 4')
      .bind(team, alone.id)
      .all();
    expect(told.results.map((r) => r.action).sort()).toEqual(['member.left', 'member.left', 'member.made_owner', 'team.deleted']);
  });

  it('ends what the team of a closed account alone pays for', async () => {
    const { who, team } = await founder();
    const sent = network(() => subscription(team, `sub_${team}`, 'active'));
    await stripeSends(about('customer.subscription.created', `sub_${team}`));
    await clerkSends({ type: 'user.deleted', data: { id: who, deleted: true } });
    expect([sent.at(-1)!.method, new URL(sent.at(-1)!.url).pathname]).toEqual(['DELETE', `/v1/subscriptions/sub_${team}`]);
  });

  it('is not believed when somebody sends again what is old', async () => {
    const event = { type: 'user.created', data: person('user_old', 'x@example.com', 1) };
    expect(await code(clerkSends(event, 'msg_old', undefined, 3600))).toBe('400 VALIDATION_ERROR');
    expect(await row('user_old')).toBeNull();
    expect(await code(request('/webhooks/clerk', { method: 'POST', body: '{}' }, { CLERK_WEBHOOK_SECRET: '' }))).toBe('404 NOT_FOUND');
  });

  it('is believed only with its signature', async () => {
    const event = { type: 'user.created', data: person('user_forged', 'x@example.com', 1) };
    expect(await code(clerkSends(event, 'msg_2', `whsec_${btoa('another secret of about 32 bytes')}`))).toBe('400 VALIDATION_ERROR');
    expect(await code(request('/webhooks/clerk', { method: 'POST', body: '{' }))).toBe('400 VALIDATION_ERROR');
    expect(await row('user_forged')).toBeNull();
  });
});

describe('Sentry', () => {
  const broken = { get: () => Promise.reject(new Error('what nobody expected')) } as unknown as KVNamespace;
  const fails = async (SENTRY_DSN: string) => {
    const sent = network(() => ({}));
    const ctx = createExecutionContext();
    const asked = new Request('https://example.com/api/v1/config') as Request<unknown, IncomingRequestCfProperties>;
    const response = await worker.fetch!(asked, environment({ CONFIG: broken, SENTRY_DSN }), ctx);
    await waitOnExecutionContext(ctx);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('nobody expected');
    return sent;
  };

  it('is told nothing while it is off', async () => {
    expect(await fails('')).toEqual([]);
  });

  it('is told of what nobody expected', async () => {
    const sent = await fails('https://key@sentry.example/7');
    expect(new URL(sent[0]!.url).host).toBe('sentry.example');
    expect(sent.map((s) => s.body).join()).toContain('what nobody expected');
    await getClient()?.close(1000); // it sends nothing into other tests
  });
});

describe('PostHog', () => {
  const jobs = async (settings: { POSTHOG_API_KEY: string }) => {
    const sent: { type: string; event?: string }[] = [];
    const JOBS = { send: (job: { type: string }) => Promise.resolve(sent.push(job)) } as unknown as Queue;
    await data(as(crypto.randomUUID(), 'POST', '/api/v1/teams', { name: 'Team' }, { JOBS, ...settings }), 201);
    return sent;
  };

  it('is told by way of the queue', async () => {
    expect(await jobs({ POSTHOG_API_KEY: 'phc_1' })).toMatchObject([{ type: 'event.capture', event: 'team created' }]);
  });

  it('is told nothing while it is off', async () => {
    expect(await jobs({ POSTHOG_API_KEY: '' })).toEqual([]);
  });
});
