// Installs the packages of web/ where they are not: npm runs this before web:build,
// so that whoever runs the project's `npm run build`, as workflows do, need not know
// of them.
import { execSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '..');

if (!existsSync(path.join(root, 'web', 'node_modules'))) {
  execSync('npm run web:install', { cwd: root, stdio: 'inherit' });
}
