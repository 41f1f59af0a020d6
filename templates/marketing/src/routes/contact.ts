import { createRoute, z } from '@hono/zod-openapi';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { contacts, formSubmissions } from '../db/schema';
import { mail, mailIsOn } from '../integrations/email';
import { requirePerson, siteKey } from '../integrations/turnstile';
import { AppError } from '../lib/errors';
import { body, failure, one, router } from '../lib/openapi';
import { newTicket, redeem } from '../lib/ticket';

/** What may be changed without a deploy: the key "site" in CONFIG. */
const Site = z.object({ formOpen: z.boolean().default(true), notice: z.string().max(300).nullable().default(null) });

async function site(env: Env): Promise<z.infer<typeof Site>> {
  const found = Site.safeParse((await env.CONFIG.get('site', { type: 'json', cacheTtl: 60 })) ?? {});
  // A slip of the pen in the configuration must not close the form.
  return found.success ? found.data : Site.parse({});
}

const Opened = z.object({ ticket: z.string(), siteKey: z.string().nullable(), notice: z.string().nullable() }).openapi('Form');

const Message = z
  .object({
    ticket: z.string().max(200),
    name: z.string().trim().min(1).max(120),
    email: z.email().max(254).toLowerCase(),
    message: z.string().trim().min(10).max(5000),
    // A field that people do not see. What fills it in is no person.
    website: z.string().max(500).default(''),
    turnstile: z.string().max(2048).optional(),
  })
  .openapi('Message');

const Accepted = z.object({ accepted: z.literal(true) });
const open = createRoute({
  method: 'get',
  path: '/',
  summary: 'Open the form',
  responses: { 200: one(Opened, 'A ticket for one message') },
});

const send = createRoute({
  method: 'post',
  path: '/',
  summary: 'Send a message',
  request: { body: body(Message) },
  responses: {
    202: one(Accepted, 'The message is kept'),
    400: failure('The request is not valid'),
    403: failure('The form is closed, or the check for robots was not passed'),
    422: failure('The ticket is forged, too young or too old'),
    429: failure('Too many messages'),
    503: failure('The check for robots cannot be reached'),
  },
});

export const contact = router<{ Bindings: Env; Variables: { requestId: string } }>()
  .openapi(open, async (c) => {
    c.header('Cache-Control', 'no-store');
    const { notice } = await site(c.env);
    return c.json({ data: { ticket: await newTicket(c.env), siteKey: siteKey(c.env), notice } }, 200);
  })
  .openapi(send, async (c) => {
    const ip = c.req.header('cf-connecting-ip');
    if (!(await c.env.FORM_LIMITER.limit({ key: ip ?? 'local' })).success) {
      c.header('Retry-After', '60');
      throw new AppError(429, 'Too many messages; please wait a minute');
    }
    const { ticket, name, email, message, website, turnstile } = c.req.valid('json');
    const accepted = c.json({ data: { accepted: true as const } }, 202);
    // It learns nothing from being found out.
    if (website !== '') return accepted;
    const { formOpen, notice } = await site(c.env);
    if (!formOpen) throw new AppError(403, notice ?? 'The form is closed at the moment');
    const id = await redeem(c.env, ticket, Date.now());
    await requirePerson(c.env, turnstile, ip);

    const db = drizzle(c.env.DB);
    const [, made] = await db.batch([
      db
        .insert(contacts)
        .values({ email, name })
        .onConflictDoUpdate({ target: contacts.email, set: { name, deletedAt: null, updatedAt: sql`excluded.updated_at` } }),
      db
        .insert(formSubmissions)
        .values({
          id,
          contactId: sql`(SELECT ${contacts.id} FROM ${contacts} WHERE ${contacts.email} = ${email})`,
          message,
          mail: mailIsOn(c.env) ? 'pending' : 'off',
        })
        // A ticket is good for one message, however often it is sent.
        .onConflictDoNothing()
        .returning({ id: formSubmissions.id }),
    ]);
    if (made.length > 0) c.executionCtx.waitUntil(mail(c.env, id));
    return accepted;
  });
