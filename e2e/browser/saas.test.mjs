import { looksRight, withBrowser } from './page.mjs';

withBrowser();
looksRight([{ path: '/' }, { path: '/docs', ready: 'details' }, { path: '/nowhere', expected: [/404/] }]);
