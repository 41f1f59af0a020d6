import { OpenAPIHono } from '@hono/zod-openapi';
import { requestId } from 'hono/request-id';
import { extras } from './extras';
import { envelope, errorHandler } from './lib/errors';
import { rateLimit } from './lib/guards';
import { ownOrigin, securityHeaders } from './lib/security';
import { contact } from './routes/contact';
import { health } from './routes/health';
import { images } from './routes/images';
import { robots } from './routes/robots';
import { views } from './routes/views';

const app = new OpenAPIHono<{ Bindings: Env; Variables: { requestId: string } }>();

app.use('*', requestId(), securityHeaders);
app.use('/api/*', ownOrigin, rateLimit);

app.onError(errorHandler());
app.notFound((c) => c.json(envelope('NOT_FOUND', `Nothing answers ${c.req.method} ${c.req.path}`, c.get('requestId')), 404));

app
  .route('/health', health)
  .route('/img', images)
  .route('/', robots)
  .route('/api/v1/contact', contact)
  .route('/api/v1/views', views)
  .route('/api/v1/extras', extras);

app.doc31('/api/v1/doc', (c) => ({
  openapi: '3.1.0',
  info: { title: c.env.APP_NAME, version: c.env.APP_VERSION },
  servers: [{ url: new URL(c.req.url).origin }],
}));

export default app;
