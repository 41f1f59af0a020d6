// Gives `npm run dev` its secrets: .dev.vars, where there is none, becomes a copy
// of .dev.vars.example with a SESSION_KEY of this machine's own.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');
const text = readFileSync(path.join(root, '.dev.vars.example'), 'utf8');
try {
  const key = randomBytes(32).toString('hex');
  writeFileSync(path.join(root, '.dev.vars'), text.replace(/^SESSION_KEY=$/m, `SESSION_KEY=${key}`), { flag: 'wx', mode: 0o600 });
} catch (e) {
  if (e.code !== 'EEXIST') throw e;
}
