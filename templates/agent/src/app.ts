import { OpenAPIHono } from '@hono/zod-openapi';
import { requestId } from 'hono/request-id';
import { extras } from './extras';
import { envelope, errorHandler } from './lib/errors';
import { rateLimit } from './lib/guards';
import { newId } from './lib/ids';
import { ownOrigin, securityHeaders } from './lib/security';
import { conversations, socket } from './routes/conversations';
import { health } from './routes/health';
import { session } from './routes/session';
import { requireSession, sameOrigin, type SessionEnv } from './session';

const app = new OpenAPIHono<SessionEnv>();

app.onError(errorHandler());
app.notFound((c) => c.json(envelope('NOT_FOUND', `Nothing answers ${c.req.method} ${c.req.path}`, c.get('requestId')), 404));

// Before everything that writes headers: those of an upgrade cannot be changed.
app.use('/api/v1/conversations/:id/socket', (c, next) => (c.set('requestId', newId()), next()), rateLimit, sameOrigin, requireSession);
app.route('/api/v1/conversations', socket);

app.use('*', requestId(), securityHeaders);
app.use('/api/*', ownOrigin, rateLimit, sameOrigin);
app.use('/api/v1/conversations/*', requireSession);

app
  .route('/health', health)
  .route('/api/v1/session', session)
  .route('/api/v1/conversations', conversations)
  .route('/api/v1/extras', extras);

app.doc31('/api/v1/doc', (c) => ({
  openapi: '3.1.0',
  info: { title: c.env.APP_NAME, version: c.env.APP_VERSION },
  servers: [{ url: new URL(c.req.url).origin }],
}));

export default app;
