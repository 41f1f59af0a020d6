import { z } from 'zod';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';

const event = z.object({ name: z.string().regex(/^[a-z][a-z0-9_.]{0,63}$/), value: z.number().default(1) });

/** POST / counts an event. Nothing of the visitor is kept but the country. */
export const analytics = new Hono<{ Bindings: Env }>().post('/', async (c) => {
  const parsed = event.safeParse(await c.req.json().catch(() => undefined));
  if (!parsed.success) throw new HTTPException(400, { message: z.prettifyError(parsed.error) });
  const { name, value } = parsed.data;
  c.env.EVENTS.writeDataPoint({ indexes: [name], blobs: [name, c.req.header('cf-ipcountry') ?? ''], doubles: [value] });
  return c.body(null, 202);
});
