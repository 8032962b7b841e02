/** Packages that stand in for `kerberos` where none is built: what the real one did, told by libkrb5's own trace lines. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderWith } from './temporary-folder.ts';
import type { Scope } from './loopback.ts';

/** What the package does when it is asked for a ticket; `broken` throws what the real one throws without its build or its library. */
export type Behaviour =
  'issues' | 'refuses' | 'refuses the key' | 'serves from a cache' | 'cannot reach' | 'hangs' | 'dies' | 'broken' | 'loads until its agent is gone';

const prologue = `
const { appendFileSync, readFileSync, readdirSync, statSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { env } = process;
const folder = dirname(env.KRB5_CONFIG);
const kdc = / {2}kdc = (.*)/.exec(readFileSync(env.KRB5_CONFIG, 'utf8'))[1];
const note = (line) => appendFileSync(env.KRB5_TRACE, '[1] 1.1: ' + line + '\\n');
const seen = (service, options) => writeFileSync(join(__dirname, 'seen.json'), JSON.stringify({
  service, options, folder, pid: process.pid, configuration: readFileSync(env.KRB5_CONFIG, 'utf8'), arguments: process.argv, env,
  files: Object.fromEntries(['.', ...readdirSync(folder)].map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)])),
  cache: env.KRB5CCNAME.startsWith('FILE:') ? readFileSync(env.KRB5CCNAME.slice(5)).toString('base64') : undefined,
}));
const counted = () => appendFileSync(join(__dirname, 'asked'), '.');
const answered = () => note('Received answer (171 bytes) from stream ' + kdc);
`;

const steps: Readonly<Record<Exclude<Behaviour, 'broken' | 'loads until its agent is gone'>, string>> = {
  issues: `answered(); return Buffer.from('a ticket').toString('base64');`,
  refuses: `answered(); note('TGS request result: -1765328377/Server not found'); throw new Error('Server not found in Kerberos database');`,
  'refuses the key': `answered(); note('Received error from KDC: -1765328360/Preauthentication failed'); throw new Error('Preauthentication failed');`,
  'serves from a cache': `return Buffer.from('a ticket').toString('base64');`,
  'cannot reach': `throw new Error("Unspecified GSS failure.  Minor code may provide more information: Cannot contact any KDC for realm 'X'");`,
  // As a thread that libkrb5 holds: nothing but the end of the process ends it.
  hangs: `return new Promise(() => setInterval(() => undefined, 1000));`,
  dies: `process.kill(process.pid, 'SIGKILL'); return new Promise(() => undefined);`,
};

/** Makes a folder in which `require('kerberos')` finds such a package, and returns it. What the package saw is in `seenIn`. */
export function folderWithKerberos(t: Scope, behaviour: Behaviour): string {
  const folder = folderWith(t, {});
  const home = packageIn(folder);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'package.json'), '{"name":"kerberos","version":"7.0.0","main":"index.js"}');
  const broken = `throw Object.assign(new Error("Cannot find module '../build/Debug/kerberos.node'\\nRequire stack:\\n- /x"), { code: 'MODULE_NOT_FOUND' });`;
  const slow = `${prologue}
const parent = process.ppid;
seen();
while (process.ppid === parent) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
module.exports = { initializeClient: async () => undefined };`;
  const whole =
    behaviour === 'broken'
      ? broken
      : behaviour === 'loads until its agent is gone'
        ? slow
        : `${prologue}
module.exports = {
  GSS_MECH_OID_SPNEGO: 6, GSS_C_MUTUAL_FLAG: 2, GSS_C_INTEG_FLAG: 32,
  initializeClient: async (service, options) => { counted(); seen(service, options); return { step: async () => { ${steps[behaviour]} } }; },
};`;
  writeFileSync(join(home, 'index.js'), whole);
  return folder;
}

/** The file in which the package of that folder keeps what it saw. */
export function seenIn(folder: string): string {
  return join(packageIn(folder), 'seen.json');
}

/** How many tickets the package of that folder was asked for. */
export function askedIn(folder: string): number {
  const file = join(packageIn(folder), 'asked');
  return existsSync(file) ? readFileSync(file, 'utf8').length : 0;
}

function packageIn(folder: string): string {
  return join(folder, 'node_modules', 'kerberos');
}
