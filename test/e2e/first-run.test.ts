import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkout, runCommand } from '../support/binary.ts';
import { folderWith } from '../support/temporary-folder.ts';

/** Somebody without rights, and without a home. */
const nobody = 65_534;

test('npm start on a clean clone, without root, installs what it needs and shows the demo', async (t) => {
  const home = folderWith(t, {});
  const clone = join(home, 'portmatrix');
  const cloned = await runCommand(t, ['git', 'clone', '--quiet', '--no-hardlinks', checkout, clone]);
  assert.equal(cloned.code, 0, cloned.stderr);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) assert.equal((await runCommand(t, ['chown', '-R', `${nobody}:${nobody}`, home])).code, 0);
  const asNobody = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : [];

  // What this machine needs to reach its registry (certificates, a proxy); nothing of the npm that runs the tests.
  const env = Object.fromEntries(Object.entries(process.env).flatMap(([name, value = '']) => (/^npm_/i.test(name) ? [] : [[name, value]])));
  const { code, stdout, stderr } = await runCommand(t, [...asNobody, 'npm', 'start'], { cwd: clone, env: { ...env, HOME: home } });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /Installing the packages of package-lock\.json/);
  assert.match(stdout, /\nFound, and nothing else:\n {2}dc2 445\/tcp .*\n {2}dc1 3268\/tcp /);
  const run = readdirSync(join(clone, 'reports')).find((name) => /^\d{4}-/.test(name)) ?? 'no run';
  assert.deepEqual(readdirSync(join(clone, 'reports', run)).toSorted(), ['junit.xml', 'report.json']);
});
