import { OpenAPIHono } from '@hono/zod-openapi';
import { requestId } from 'hono/request-id';
import { extras } from './extras';
import { envelope, errorHandler } from './lib/errors';
import { rateLimit } from './lib/guards';
import { ownOrigin, securityHeaders } from './lib/security';
import { health } from './routes/health';
import { projects } from './routes/projects';
import { uploads } from './routes/uploads';

const app = new OpenAPIHono<{ Bindings: Env; Variables: { requestId: string } }>();

app.use('*', requestId(), securityHeaders);
app.use('/api/*', ownOrigin, rateLimit);

app.onError(errorHandler());
app.notFound((c) => c.json(envelope('NOT_FOUND', `Nothing answers ${c.req.method} ${c.req.path}`, c.get('requestId')), 404));

app
  .route('/health', health)
  .route('/api/v1/projects', projects)
  .route('/api/v1/uploads', uploads)
  .route('/api/v1/extras', extras)
  .get('/api/v1/config', async (c) => c.json({ data: (await c.env.CONFIG.get('app', { type: 'json', cacheTtl: 60 })) ?? {} }));

app.doc31('/api/v1/doc', (c) => ({
  openapi: '3.1.0',
  info: { title: c.env.APP_NAME, version: c.env.APP_VERSION },
  servers: [{ url: new URL(c.req.url).origin }],
}));

export default app;
