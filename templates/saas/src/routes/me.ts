import { createRoute, z } from '@hono/zod-openapi';
import { and, eq, isNull } from 'drizzle-orm';
import type { SignedIn } from '../context';
import { database } from '../db';
import { memberships, ROLES, teams } from '../db/schema';
import { failure, one, router } from '../lib/openapi';

const Me = z
  .object({
    id: z.ulid(),
    email: z.string().nullable(),
    name: z.string(),
    teams: z.array(z.object({ id: z.ulid(), name: z.string(), role: z.enum(ROLES) })),
  })
  .openapi('Me');

const read = createRoute({
  method: 'get',
  path: '/',
  tags: ['me'],
  summary: 'Who is signed in, and their teams',
  responses: { 200: one(Me, 'The caller'), 401: failure('Nobody is signed in') },
});

export const me = router<SignedIn>().openapi(read, async (c) => {
  const user = c.get('user');
  const mine = await database(c.env)
    .select({ id: teams.id, name: teams.name, role: memberships.role })
    .from(memberships)
    .innerJoin(teams, eq(teams.id, memberships.teamId))
    .where(and(eq(memberships.userId, user.id), isNull(teams.deletedAt)))
    .orderBy(teams.id);
  return c.json({ data: { ...user, teams: mine } }, 200);
});
