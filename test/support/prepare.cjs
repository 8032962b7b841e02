// Installs what a checkout needs where it is missing, then runs the script that its words name: `node prepare.cjs src/bin.cjs demo`.
// Plain JavaScript: on a bare machine it runs under whatever Node.js is there, and the script under the one that npm ci brings.
'use strict';
const { spawnSync } = require('node:child_process');
const { existsSync, statSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..', '..');
const installed = join(root, 'node_modules', '.package-lock.json');
const brought = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

function isFresh() {
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

function install() {
  process.stderr.write('Installing the packages of package-lock.json (npm ci)\n');
  const npm = process.env.npm_execpath;
  const [command, ...words] = npm === undefined ? ['npm', 'ci'] : [process.execPath, npm, 'ci'];
  return run(command, [...words, '--no-audit', '--no-fund'], root);
}

function run(command, words, cwd) {
  const { status, error } = spawnSync(command, words, { stdio: 'inherit', cwd });
  if (error !== undefined) process.stderr.write(`${command} could not be run: ${error.message}\n`);
  return status ?? 1;
}

// The shell that npm uses may remember where it found the first `node`, so the one that was just installed is named by its path.
process.exitCode = isFresh() ? 0 : install();
const script = process.argv.slice(2);
if (process.exitCode === 0 && script.length > 0) process.exitCode = run(existsSync(brought) ? brought : process.execPath, script, process.cwd());
