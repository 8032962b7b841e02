import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { probes } from '../../agent/contract/probe.ts';
import { traceOf, traces } from '../../src/reporters/trace.ts';
import { checkout } from '../support/binary.ts';

test('SECURITY.md says of the logs what explain says', () => {
  const text = readFileSync(join(checkout, 'SECURITY.md'), 'utf8');
  const section = /## What it leaves in logs\n(.*?)\n## /s.exec(text)?.[1] ?? '';
  const rows = [...section.matchAll(/^\| (.*?) +\| (.*?) +\|$/gm)].map(([, what, leaves]) => [what, leaves]).slice(2);
  assert.deepEqual(
    rows,
    traces.map(({ what, leaves }) => [what, leaves]),
  );
});

test('every probe stands in the table once', () => {
  const listed = traces.flatMap((trace) => trace.probes);
  assert.deepEqual(listed.toSorted(), Object.keys(probes).toSorted());
  for (const probe of listed) assert.notEqual(traceOf(probe), '');
});
