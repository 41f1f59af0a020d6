import path from 'node:path';
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-plugin';
import agents from 'agents/vite';
import { defineConfig } from 'vitest/config';

// Tests run in workerd, the runtime that Cloudflare runs, with every binding of
// wrangler.jsonc simulated but AI, which has no simulation: AI_MODE is "echo" here.
export default defineConfig(async () => {
  process.env.SESSION_KEY = SETTINGS.SESSION_KEY; // wrangler.jsonc says that it is required
  const migrations = await readD1Migrations(path.join(import.meta.dirname, 'migrations'));
  return {
    plugins: [
      // Decorators such as @callable().
      agents(),
      cloudflareTest({
        remoteBindings: false,
        wrangler: { configPath: './wrangler.jsonc' },
        miniflare: {
          d1Databases: { RESTORED: 'restored' },
          bindings: { TEST_MIGRATIONS: migrations, ...SETTINGS },
        },
      }),
    ],
    // A machine that has other work, too, is no reason to fail.
    test: { setupFiles: ['./test/setup.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
  };
});

// Whatever this machine's .dev.vars and the vars say.
const SETTINGS = {
  AI_MODE: 'echo',
  SESSION_KEY: 'a key for tests that is long enough',
  RETENTION_DAYS: 90,
};
