import { Hono } from 'hono';

/** GET / tells whether the flag "new-look" is on for a visitor; where no flag can be had it is off. */
export const flagship = new Hono<{ Bindings: Env }>().get('/', async (c) => {
  const visitor = c.req.query('visitor') ?? 'anyone';
  const newLook = await c.env.FLAGS.getBooleanValue('new-look', false, { targetingKey: visitor });
  return c.json({ data: { newLook } });
});
