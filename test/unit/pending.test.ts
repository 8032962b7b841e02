import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dropPending, keepPending, type Pending, readPending } from '../../src/pending.ts';
import { plannedChecks } from '../../src/plan.ts';
import { UsageError } from '../../src/usage-error.ts';
import { far, near } from '../support/binary.ts';
import { planOf } from '../support/planning.ts';
import { folderWith } from '../support/temporary-folder.ts';

const ticket = { source: 'near1', id: 'c/i', refused: 'offline' };

test('a run that others work on is read as it was kept, with each matrix once', async (t) => {
  const { plan, inventory } = planOf(t, [{ id: 'web', ports: ['1-3/tcp'], probe: 'tcp' }], [near, far]);
  const folder = folderWith(t, {});
  const pending: Pending = { plan, inventory, pace: { paceName: 'normal' }, allowInconclusive: true, startedAt: 5, tickets: [ticket] };
  await keepPending(folder, '1.2.3', pending);
  const read = await readPending(folder, '1.2.3');
  assert.deepEqual(read, JSON.parse(JSON.stringify(pending)));
  assert.deepEqual([...plannedChecks(read.plan)], [...plannedChecks(plan)]);
  assert.equal(read.plan.rules[0]?.matrix, read.plan.matrices[0]);
  await dropPending(folder);
  assert.equal(existsSync(join(folder, 'pending.json')), false);
});

test('what is no such run is refused with what was expected', async (t) => {
  const { plan, inventory } = planOf(t, [{ id: 'web', ports: ['1/tcp'], probe: 'tcp' }], [near, far]);
  const folder = folderWith(t, {});
  const refuses = (version: string, message: RegExp): Promise<void> =>
    assert.rejects(readPending(folder, version), (error) => error instanceof UsageError && message.test(error.message));
  await refuses('1.2.3', /there is no run to resume, expected the folder of a run/);
  await keepPending(folder, '1.2.3', { plan, inventory, pace: { paceName: 'normal' }, allowInconclusive: false, startedAt: 5, tickets: [] });
  await refuses('1.2.4', /was written by portmatrix 1\.2\.3, and this is 1\.2\.4/);
  const path = join(folder, 'pending.json');
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, 100));
  await refuses('1.2.3', /is not whole/);
  writeFileSync(path, 'null');
  await refuses('1.2.3', /is not whole/);
});
