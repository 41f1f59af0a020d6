import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { requestId } from 'hono/request-id';
import { requireTeam, requireUser } from './auth';
import type { Public } from './context';
import { extras } from './extras';
import { report } from './integrations/sentry';
import { AppError, envelope, errorHandler } from './lib/errors';
import { limitBy, rateLimit } from './lib/guards';
import { ownOrigin, securityHeaders } from './lib/security';
import { admin } from './routes/admin';
import { billing } from './routes/billing';
import { config } from './routes/config';
import { health } from './routes/health';
import { acceptance, invites } from './routes/invites';
import { live, tickets } from './routes/live';
import { me } from './routes/me';
import { members } from './routes/members';
import { pages } from './routes/pages';
import { projects } from './routes/projects';
import { team, teams } from './routes/teams';
import { uploads } from './routes/uploads';
import { webhooks } from './routes/webhooks';

const app = new OpenAPIHono<Public>();

app.onError(errorHandler(report));
app.notFound((c) => c.json(envelope('NOT_FOUND', `Nothing answers ${c.req.method} ${c.req.path}`, c.get('requestId')), 404));

// Pages and sockets come first: they bring the headers that they need.
app.route('/', pages);
app.use('*', requestId());
app.use('/api/v1/live/*', rateLimit);
app.route('/api/v1/live', live);

app.use('*', securityHeaders);
app.use('/api/*', ownOrigin, rateLimit);
app.use(
  '/webhooks/*',
  limitBy((env) => env.WEBHOOK_LIMITER),
  bodyLimit({
    maxSize: 1024 * 1024,
    onError: () => {
      throw new AppError(413, 'At most 1 MiB');
    },
  }),
);
for (const path of ['/api/v1/me', '/api/v1/teams', '/api/v1/teams/*', '/api/v1/invites/*', '/api/v1/extras/*'] as const) {
  app.use(path, requireUser);
}
app.use('/api/v1/teams/:team/*', requireTeam);

app
  .route('/health', health)
  .route('/webhooks', webhooks)
  .route('/api/v1/extras', extras)
  .route('/api/v1/admin', admin)
  .route('/api/v1/config', config)
  .route('/api/v1/me', me)
  .route('/api/v1/invites', acceptance)
  .route('/api/v1/teams', teams)
  .route('/api/v1/teams/:team', team)
  .route('/api/v1/teams/:team/members', members)
  .route('/api/v1/teams/:team/invites', invites)
  .route('/api/v1/teams/:team/projects', projects)
  .route('/api/v1/teams/:team/uploads', uploads)
  .route('/api/v1/teams/:team/billing', billing)
  .route('/api/v1/teams/:team/live', tickets);

app.openAPIRegistry.registerComponent('securitySchemes', 'session', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' });
app.openAPIRegistry.registerComponent('securitySchemes', 'admin', {
  type: 'http',
  scheme: 'bearer',
  description: 'The secret ADMIN_TOKEN.',
});
app.doc31('/api/v1/doc', (c) => ({
  openapi: '3.1.0',
  info: { title: c.env.APP_NAME, version: c.env.APP_VERSION },
  servers: [{ url: new URL(c.req.url).origin }],
  security: [{ session: [] }],
}));

export default app;
