import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { secureHeaders } from 'hono/secure-headers';

/** Headers of every answer of the Worker. Those of static files stand in public/_headers. */
export const securityHeaders = secureHeaders({
  strictTransportSecurity: 'max-age=63072000; includeSubDomains; preload',
  xFrameOptions: 'DENY',
  xXssProtection: false,
  referrerPolicy: 'strict-origin-when-cross-origin',
  crossOriginResourcePolicy: 'same-origin',
  crossOriginOpenerPolicy: 'same-origin',
  permissionsPolicy: { geolocation: [], camera: [], microphone: [] },
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
});

/** Browsers may call from APP_ORIGIN, and from nowhere else. */
export const ownOrigin = createMiddleware<{ Bindings: Env }>((c, next) =>
  cors({ origin: c.env.APP_ORIGIN, credentials: true, exposeHeaders: ['X-Request-Id', 'X-Cache', 'Retry-After'], maxAge: 3600 })(c, next),
);
