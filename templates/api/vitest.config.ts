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
        miniflare: { bindings: { TEST_MIGRATIONS: migrations }, d1Databases: { RESTORED: 'restored' } },
      }),
    ],
    // A machine that has other work, too, is no reason to fail.
    test: { setupFiles: ['./test/setup.ts'], testTimeout: 60_000, hookTimeout: 60_000 },
  };
});
