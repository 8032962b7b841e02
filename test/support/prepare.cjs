// Installs what the tests need where it is missing. Plain JavaScript: on a bare machine it runs under whatever Node.js is there.
'use strict';
const { spawnSync } = require('node:child_process');
const { existsSync, statSync } = require('node:fs');

const installed = 'node_modules/.package-lock.json';
const isFresh = existsSync(installed) && statSync(installed).mtimeMs >= statSync('package-lock.json').mtimeMs;
if (!isFresh) {
  process.stdout.write('Installing the packages of package-lock.json (npm ci)\n');
  const npm = process.env.npm_execpath;
  const [command, ...words] = npm === undefined ? ['npm', 'ci'] : [process.execPath, npm, 'ci'];
  const { status, error } = spawnSync(command, [...words, '--no-audit', '--no-fund'], { stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write(`npm ci failed${error === undefined ? '' : `: ${error.message}`}\n`);
    process.exitCode = 1;
  }
}
