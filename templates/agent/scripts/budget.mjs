// Fails when the Worker has outgrown its budget: config.bundle_kib of package.json,
// in KiB of the gzipped bundle that `npm run build` leaves in dist/.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const root = path.join(import.meta.dirname, '..');
const budget = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).config.bundle_kib;
const files = readdirSync(path.join(root, 'dist'), { recursive: true }).filter((f) => /\.(js|mjs|wasm)$/.test(f));
const bytes = files.reduce((sum, f) => sum + gzipSync(readFileSync(path.join(root, 'dist', f))).length, 0);
const kib = Math.ceil(bytes / 1024);

if (files.length === 0) throw new Error('dist/ holds no bundle');
console.log(`The bundle has ${kib} KiB gzipped; its budget is ${budget} KiB.`);
if (kib > budget) {
  console.error('budget: too big; look at what was added, or raise config.bundle_kib in package.json on purpose');
  process.exitCode = 1;
}
