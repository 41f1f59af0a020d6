import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';

/** What Postgres is asked first by every client: whether it speaks TLS. Its answer is S or N. */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

async function answers(socket: Socket): Promise<boolean> {
  const writer = socket.writable.getWriter();
  await writer.write(SSL_REQUEST);
  writer.releaseLock();
  const { value } = await socket.readable.getReader().read();
  const first = (value as Uint8Array | undefined)?.[0];
  return first === 0x53 || first === 0x4e;
}

/**
 * GET / tells whether the database answers behind Hyperdrive. Queries go through a
 * driver (npm install postgres) with c.env.HYPERDRIVE.connectionString.
 */
export const hyperdrive = new Hono<{ Bindings: Env }>().get('/', async (c) => {
  const socket = c.env.HYPERDRIVE.connect();
  try {
    const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), 5000));
    if (!(await Promise.race([answers(socket), late]))) throw new Error('no answer');
    return c.json({ data: { answers: true } });
  } catch {
    // What went wrong may name the database; it is of no concern to a visitor.
    throw new HTTPException(503, { message: 'The database does not answer' });
  } finally {
    socket.close().catch(() => undefined);
  }
});
