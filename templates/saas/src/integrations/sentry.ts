import * as Sentry from '@sentry/cloudflare';
import type { Bindings } from '../context';

/** Without SENTRY_DSN Sentry sends nothing. */
export const sentryOptions = (env: Bindings) => ({
  dsn: env.SENTRY_DSN || undefined,
  environment: env.ENVIRONMENT,
  release: env.VERSION.id,
  tracesSampleRate: 0.1,
});

export const withSentry = (handler: ExportedHandler<Bindings>): ExportedHandler<Bindings> => Sentry.withSentry(sentryOptions, handler);

export const report = (err: Error): void => void Sentry.captureException(err);
