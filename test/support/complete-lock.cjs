/**
 * Adds to package-lock.json the optional platform packages that a registry mirror does not carry.
 *
 * `npm install` drops such entries from the lock, and `npm ci` then refuses the lock as out of sync. Run `npm run lock` after every change of
 * the dependencies. An entry needs no hash: it is never installed on a platform that the lock was not made on without being fetched anew.
 */
'use strict';
const { readFileSync, writeFileSync } = require('node:fs');

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const systems = ['android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'win32', 'aix', 'sunos'];
const processors = ['arm64', 'arm', 'ia32', 'x64', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32'];

let added = 0;
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (lock.packages[path] !== undefined) continue;
    const words = name.split('/').pop().split('-');
    const os = systems.filter((system) => words.includes(system));
    const cpu = processors.filter((processor) => words.includes(processor));
    lock.packages[path] = { version, ...(cpu.length > 0 && { cpu }), dev: entry.dev === true, optional: true, ...(os.length > 0 && { os }) };
    added += 1;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`package-lock.json: ${added} optional platform packages added\n`);
