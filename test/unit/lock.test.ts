import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkout, runCommand } from '../support/binary.ts';
import { folderWith } from '../support/temporary-folder.ts';

test('the lock file is complete: npm run lock leaves it as it is', async (t) => {
  const lock = readFileSync(join(checkout, 'package-lock.json'), 'utf8');
  const cwd = folderWith(t, { 'package-lock.json': lock });
  const { code, stdout } = await runCommand(t, [process.execPath, join(checkout, 'test', 'support', 'complete-lock.cjs')], { cwd });
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'package-lock.json: 0 optional platform packages added\n' });
  assert.equal(readFileSync(join(cwd, 'package-lock.json'), 'utf8'), lock);
});
