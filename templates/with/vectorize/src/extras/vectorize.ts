import { z } from 'zod';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';

/** Numbers in a vector, as the index was made with. */
const DIMENSIONS = 768;

const vector = z.array(z.number()).length(DIMENSIONS);
const entry = z.object({ id: z.string().min(1).max(64), values: vector });
const question = z.object({ values: vector, top: z.int().min(1).max(20).default(5) });

async function body<T>(request: { json: () => Promise<unknown> }, shape: z.ZodType<T>): Promise<T> {
  const parsed = shape.safeParse(await request.json().catch(() => undefined));
  if (!parsed.success) throw new HTTPException(400, { message: z.prettifyError(parsed.error) });
  return parsed.data;
}

/** PUT / keeps a vector under an id, POST /query finds the nearest ones. An embedding model makes the vectors. */
export const vectorize = new Hono<{ Bindings: Env }>()
  .put('/', async (c) => {
    const { id, values } = await body(c.req, entry);
    await c.env.VECTORS.upsert([{ id, values }]);
    return c.json({ data: { id } }, 202); // it is found a moment later
  })
  .post('/query', async (c) => {
    const { values, top } = await body(c.req, question);
    const { matches } = await c.env.VECTORS.query(values, { topK: top });
    return c.json({ data: matches.map(({ id, score }) => ({ id, score })), hasMore: false });
  });
