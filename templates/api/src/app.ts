import { OpenAPIHono } from '@hono/zod-openapi';
import { requestId } from 'hono/request-id';
import { authenticate } from './auth';
import type { Public } from './context';
import { extras } from './extras';
import { idempotent } from './idempotency';
import { envelope, errorHandler } from './lib/errors';
import { rateLimit } from './lib/guards';
import { ownOrigin, securityHeaders } from './lib/security';
import { admin } from './routes/admin';
import { health } from './routes/health';
import { items } from './routes/items';
import { keys } from './routes/keys';
import { usage } from './routes/usage';
import { webhooks } from './routes/webhooks';

const app = new OpenAPIHono<Public>();

app.use('*', requestId(), securityHeaders);
app.use('/api/*', ownOrigin, rateLimit);
for (const name of ['items', 'keys', 'usage', 'webhooks']) app.use(`/api/v1/${name}/*`, authenticate, idempotent);

app.onError(errorHandler());
app.notFound((c) => c.json(envelope('NOT_FOUND', `Nothing answers ${c.req.method} ${c.req.path}`, c.get('requestId')), 404));

app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer', description: 'An API key.' });
app.openAPIRegistry.registerComponent('securitySchemes', 'admin', {
  type: 'http',
  scheme: 'bearer',
  description: 'The secret ADMIN_TOKEN.',
});

app
  .route('/health', health)
  .route('/api/v1/items', items)
  .route('/api/v1/keys', keys)
  .route('/api/v1/usage', usage)
  .route('/api/v1/webhooks', webhooks)
  .route('/api/v1/admin', admin)
  .route('/api/v1/extras', extras);

app.doc31('/api/v1/doc', (c) => ({
  openapi: '3.1.0',
  info: { title: c.env.APP_NAME, version: c.env.APP_VERSION },
  servers: [{ url: new URL(c.req.url).origin }],
}));

export default app;
