import { createRoute, z } from '@hono/zod-openapi';
import type { InTeam, Public } from '../context';
import { AppError } from '../lib/errors';
import { failure, one, router } from '../lib/openapi';

const issue = createRoute({
  method: 'post',
  path: '/ticket',
  tags: ['live'],
  summary: 'A ticket for one WebSocket at /api/v1/live/{team}?ticket=…, good for half a minute',
  request: { params: z.object({ team: z.ulid() }) },
  responses: {
    201: one(z.object({ ticket: z.string() }), 'The ticket'),
    401: failure('Nobody is signed in'),
    404: failure('There is no such team'),
  },
});

export const tickets = router<InTeam>().openapi(issue, async (c) => {
  const ticket = await c.env.ROOMS.getByName(c.get('team').id).issueTicket(c.get('user').id);
  return c.json({ data: { ticket } }, 201);
});

const listen = createRoute({
  method: 'get',
  path: '/{team}',
  tags: ['live'],
  summary: 'The WebSocket on which a team is told what happens',
  security: [],
  request: {
    params: z.object({ team: z.string() }),
    query: z.object({
      ticket: z.string().max(100).default(''),
      since: z.coerce.number().int().optional().openapi({ description: 'The number of the last happening that was heard' }),
    }),
  },
  responses: {
    101: { description: 'It is open' },
    400: failure('This is no WebSocket'),
    401: failure('The ticket is used or too old'),
    429: failure('Too many are listening'),
  },
});

/** The socket itself. Whoever has a ticket was let in when it was issued. */
export const live = router<Public>().openapi(listen, async (c) => {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') throw new AppError(400, 'This is for WebSockets');
  const team = z.ulid().safeParse(c.req.valid('param').team);
  // An object is made by its first request, so it is not asked for without reason.
  if (!team.success || !c.req.valid('query').ticket) throw new AppError(401, 'A ticket is needed');
  const answer = await c.env.ROOMS.getByName(team.data).fetch(c.req.raw);
  if (answer.status === 101) return answer;
  throw answer.status === 503 ? new AppError(429, 'Too many are listening') : new AppError(401, 'The ticket is used or too old');
});
