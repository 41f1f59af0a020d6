import { createRoute, z } from '@hono/zod-openapi';
import { failure, one, router } from '../lib/openapi';
import { keepSession, newSession, type SessionEnv } from '../session';

const Session = z.object({ visitor: z.ulid(), expiresAt: z.iso.datetime() }).openapi('Session');
const Token = Session.extend({ token: z.string() }).openapi('SessionToken');

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

export const session = router<SessionEnv>()
  .openapi(
    createRoute({
      method: 'post',
      path: '/',
      summary: 'A session in a cookie, for a page',
      responses: { 200: one(Session, 'The session, new or kept'), 403: failure('Called from another site') },
    }),
    async (c) => {
      const { visitor, expires } = await keepSession(c);
      return c.json({ data: { visitor, expiresAt: iso(expires) } }, 200);
    },
  )
  .openapi(
    createRoute({
      method: 'post',
      path: '/token',
      summary: 'A session of its own as a token, for a client without cookies',
      responses: { 201: one(Token, 'To be sent as "Authorization: Bearer TOKEN"') },
    }),
    async (c) => {
      const { visitor, expires, token } = await newSession(c.env);
      return c.json({ data: { visitor, expiresAt: iso(expires), token } }, 201);
    },
  );
