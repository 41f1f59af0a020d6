import { OpenAPIHono } from '@hono/zod-openapi';
import { cors } from 'hono/cors';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { extras } from './extras';
import { envelope, onError } from './lib/errors';
import { rateLimit, requireToken } from './lib/guards';
import { health } from './routes/health';
import { projects } from './routes/projects';
import { uploads } from './routes/uploads';

const app = new OpenAPIHono<{ Bindings: Env; Variables: { requestId: string } }>();

app.use('*', requestId());
// The same headers for static files stand in public/_headers.
app.use(
  '*',
  secureHeaders({
    strictTransportSecurity: 'max-age=63072000; includeSubDomains; preload',
    xFrameOptions: 'DENY',
    xXssProtection: false,
    referrerPolicy: 'strict-origin-when-cross-origin',
    crossOriginResourcePolicy: 'same-origin',
    crossOriginOpenerPolicy: 'same-origin',
    permissionsPolicy: { geolocation: [], camera: [], microphone: [] },
    contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  }),
);
app.use('/api/*', (c, next) =>
  cors({ origin: c.env.APP_ORIGIN, credentials: true, exposeHeaders: ['X-Request-Id', 'X-Cache'], maxAge: 3600 })(c, next),
);
app.use('/api/*', rateLimit, requireToken);

app.onError(onError);
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
