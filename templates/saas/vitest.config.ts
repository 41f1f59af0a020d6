import path from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

// Tests run in workerd, the runtime that Cloudflare runs, with every binding of
// wrangler.jsonc simulated. They need no account and no network.
export default defineConfig(async () => {
  const migrations = await readD1Migrations(path.join(import.meta.dirname, 'migrations'));
  return {
    plugins: [
      cloudflareTest({
        wrangler: { configPath: './wrangler.jsonc' },
        remoteBindings: false,
        miniflare: { bindings: { TEST_MIGRATIONS: migrations, ...SETTINGS }, d1Databases: { RESTORED: 'restored' } },
      }),
    ],
    // A machine that has other work, too, is no reason to fail.
    test: { setupFiles: ['./test/setup.ts'], isolate: false, testTimeout: 60_000, hookTimeout: 60_000 },
  };
});

// Whatever this machine's .dev.vars and the vars say: a third party is on where a test
// turns it on, and nowhere else.
const SETTINGS = {
  APP_ORIGIN: 'https://app.example',
  ENVIRONMENT: 'production',
  DEV_TOKEN: '',
  CLERK_JWT_KEY: '',
  CLERK_SECRET_KEY: '',
  CLERK_WEBHOOK_SECRET: '',
  CLERK_PUBLISHABLE_KEY: '',
  STRIPE_API_KEY: '',
  STRIPE_WEBHOOK_SECRET: '',
  STRIPE_PRICE_ID: '',
  RESEND_API_KEY: '',
  EMAIL_FROM: '',
  ADMIN_TOKEN: '',
  POSTHOG_API_KEY: '',
  POSTHOG_HOST: 'https://us.i.posthog.com',
  SENTRY_DSN: '',
};
