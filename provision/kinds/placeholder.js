// Stands in for a Worker until it is deployed for the first time, so that its
// routes, domains and queues can exist before it does.
const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not deployed yet</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1.5rem;color-scheme:light dark}</style>
<h1>Not deployed yet</h1>
<p>This address is ready and waiting for its first deployment.</p>
</html>
`;

export default {
  async fetch() {
    return new Response(page, {
      status: 503,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'retry-after': '60' },
    });
  },
  async queue(batch) {
    batch.retryAll({ delaySeconds: 60 });
  },
  async scheduled() {},
};
