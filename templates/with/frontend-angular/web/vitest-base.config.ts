import { defineConfig } from 'vitest/config';

// Ionic imports folders, which Node's own resolution of modules does not know.
export default defineConfig({ test: { server: { deps: { inline: [/@ionic/, /ionicons/, /@stencil/] } } } });
