// Until the pages in web/ are built, one page stands in their place, so that the
// Worker runs and is tested without them. `npm run web:build` replaces it, and a
// build that is there is left alone.
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const web = path.join(import.meta.dirname, '..', 'web');
const built = path.join(web, 'dist', 'web', 'browser');

if (!existsSync(path.join(built, 'index.html'))) {
  cpSync(path.join(web, 'public'), built, { recursive: true });
  writeFileSync(
    path.join(built, 'index.html'),
    `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Not built yet</title>
  </head>
  <body>
    <p>The pages are not built yet: <code>npm run web:install &amp;&amp; npm run web:build</code></p>
  </body>
</html>
`,
  );
}
