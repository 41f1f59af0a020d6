import { createRoute, z } from '@hono/zod-openapi';
import { eq } from 'drizzle-orm';
import { need } from '../auth';
import type { Bindings, InTeam } from '../context';
import { audit, database } from '../db';
import { subscriptions as table } from '../db/schema';
import { stripe, stripeIsOn } from '../integrations/stripe';
import { AppError } from '../lib/errors';
import { failure, one, router } from '../lib/openapi';
import { isLive, LIMITS, planOf } from '../lib/plans';

const Billing = z
  .object({
    enabled: z.boolean(),
    plan: z.enum(['free', 'pro']),
    status: z.string(),
    periodEnd: z.iso.datetime().nullable(),
    cancelAtPeriodEnd: z.boolean(),
    limits: z.object({ projects: z.number(), members: z.number() }),
  })
  .openapi('Billing');
const Link = z.object({ url: z.url() }).openapi('Link');
const request = { params: z.object({ team: z.ulid() }) };
const common = {
  401: failure('Nobody is signed in'),
  403: failure('For admins'),
  404: failure('There is no such team'),
  422: failure('Billing is off'),
};

const read = createRoute({
  method: 'get',
  path: '/',
  tags: ['billing'],
  summary: 'The plan of the team',
  request,
  responses: { 200: one(Billing, 'The plan'), 401: common[401], 404: common[404] },
});
const checkout = createRoute({
  method: 'post',
  path: '/checkout',
  tags: ['billing'],
  summary: 'Where to subscribe',
  request,
  responses: { 201: one(Link, 'A page of Stripe'), 409: failure('The team is subscribed already'), ...common },
});
const portal = createRoute({
  method: 'post',
  path: '/portal',
  tags: ['billing'],
  summary: 'Where to change or end the subscription',
  request,
  responses: { 201: one(Link, 'A page of Stripe'), 409: failure('The team was never subscribed'), ...common },
});

const stored = (env: Bindings, teamId: string) => database(env).select().from(table).where(eq(table.teamId, teamId)).get();

function needBilling(env: Bindings): void {
  if (!stripeIsOn(env)) throw new AppError(422, 'Billing is off: set STRIPE_API_KEY and STRIPE_PRICE_ID');
}

/** The team's customer at Stripe, made at most once: Stripe knows the request by its key. */
async function customerOf(env: Bindings, team: { id: string; name: string }, email: string | null): Promise<string> {
  const row = await stored(env, team.id);
  if (row) return row.customerId;
  const customer = await stripe(env).customers.create(
    { name: team.name, ...(email ? { email } : {}), metadata: { team_id: team.id } },
    { idempotencyKey: `customer-${team.id}` },
  );
  await database(env).insert(table).values({ teamId: team.id, customerId: customer.id }).onConflictDoNothing();
  return customer.id;
}

export const billing = router<InTeam>()
  .openapi(read, async (c) => {
    const row = await stored(c.env, c.get('team').id);
    const plan = await planOf(c.env, c.get('team').id);
    const { status, periodEnd, cancelAtPeriodEnd } = row ?? { status: 'none', periodEnd: null, cancelAtPeriodEnd: false };
    return c.json({ data: { enabled: stripeIsOn(c.env), plan, status, periodEnd, cancelAtPeriodEnd, limits: LIMITS[plan] } }, 200);
  })
  .openapi(checkout, async (c) => {
    const team = c.get('team');
    need(team.role, 'admin');
    needBilling(c.env);
    if (isLive((await stored(c.env, team.id))?.status ?? 'none')) throw new AppError(409, 'The team is subscribed already');
    const customer = await customerOf(c.env, team, c.get('user').email);
    const session = await stripe(c.env).checkout.sessions.create({
      mode: 'subscription',
      customer,
      client_reference_id: team.id,
      line_items: [{ price: c.env.STRIPE_PRICE_ID, quantity: 1 }],
      subscription_data: { metadata: { team_id: team.id } },
      success_url: `${c.env.APP_ORIGIN}/app?billing=done`,
      cancel_url: `${c.env.APP_ORIGIN}/app?billing=left`,
    });
    const db = database(c.env);
    await audit(db, { teamId: team.id, actorId: c.get('user').id, action: 'billing.checkout', subject: session.id });
    return c.json({ data: { url: session.url! } }, 201);
  })
  .openapi(portal, async (c) => {
    const team = c.get('team');
    need(team.role, 'admin');
    needBilling(c.env);
    const row = await stored(c.env, team.id);
    if (!row) throw new AppError(409, 'The team was never subscribed');
    const session = await stripe(c.env).billingPortal.sessions.create({ customer: row.customerId, return_url: `${c.env.APP_ORIGIN}/app` });
    return c.json({ data: { url: session.url } }, 201);
  });
