import { z } from 'zod';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';

const message = z.object({
  subject: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^\r\n]*$/),
  text: z.string().trim().min(1).max(10_000),
});

/** POST / sends a message to MAIL_TO, and to nobody else: the binding allows just that address. */
export const email = new Hono<{ Bindings: Env }>().post('/', async (c) => {
  const parsed = message.safeParse(await c.req.json().catch(() => undefined));
  if (!parsed.success) throw new HTTPException(400, { message: z.prettifyError(parsed.error) });
  await c.env.EMAIL.send({ from: c.env.MAIL_FROM, to: c.env.MAIL_TO, ...parsed.data });
  return c.body(null, 202);
});
