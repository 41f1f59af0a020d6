declare namespace Cloudflare {
  interface Env {
    TEST_MIGRATIONS: import('cloudflare:test').D1Migration[];
    /** An empty database, for copies to be put back into. */
    RESTORED: D1Database;
  }
}
