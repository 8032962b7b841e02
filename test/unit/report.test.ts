import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exitCode, type Report, type Result, summarize } from '../../src/report.ts';
import type { Finding, Requirement, Verdict } from '../../src/verdict.ts';

const refused: Finding = { code: 'refused', reason: 'conn-refused' };
const lost: Finding = { code: 'not-checked', because: 'output-lost', message: 'lost' };
const uninformative: Finding = { code: 'uninformative' };

function result(id: string, verdict: Verdict, requirement: Requirement = 'required'): Result {
  const check = { id, matrix: 'm', rule: id, source: 'a', destination: 'b', address: '192.0.2.1', transport: 'tcp', port: 1, probe: 'tcp' } as const;
  return { check, expected: { states: ['open'], requirement }, verdict, attempts: 1, elapsedMs: 1 };
}

function codeOf(results: readonly Result[], run: Partial<Report['run']> = {}): number {
  return exitCode({ run: { id: 'r', startedAt: '', finishedAt: '', ...run }, results });
}

function skippedFor(because: string): Verdict {
  return { status: 'skip', finding: { code: 'prerequisite', because } };
}

describe('the exit code', () => {
  const pass = result('good', { status: 'pass' });
  const fail = result('bad', { status: 'fail', finding: refused });
  const cases: readonly (readonly [what: string, results: readonly Result[], code: number, run?: Partial<Report['run']>])[] = [
    ['nothing but passes is 0', [pass], 0],
    [
      'warnings and conditions that do not hold are 0',
      [pass, result('w', { status: 'warn', finding: refused }), result('s', { status: 'skip', finding: { code: 'not-applicable', feature: 'gc' } })],
      0,
    ],
    ['a fail is 1', [pass, fail], 1],
    ['a fail is 1 in an interrupted run too', [fail], 1, { interrupted: true }],
    ['an interrupted run is 3', [pass], 3, { interrupted: true }],
    ['an error of something required is 3', [pass, result('e', { status: 'error', finding: lost })], 3],
    ['an error of something optional is 0', [pass, result('e', { status: 'error', finding: lost }, 'optional')], 0],
    ['something inconclusive is 3', [result('i', { status: 'inconclusive', finding: uninformative })], 3],
    ['and 0 where the user allows it', [result('i', { status: 'inconclusive', finding: uninformative })], 0, { allowInconclusive: true }],
    ['a check skipped for one that failed is counted by that one', [fail, result('s', skippedFor('bad'))], 1],
    ['a check skipped for one that could not be made likewise', [result('e', { status: 'error', finding: lost }), result('s', skippedFor('e'))], 3],
    ['a required check skipped for one that passed was not decided', [pass, result('s', skippedFor('good'))], 3],
    ['a required check skipped for one that is not there was not decided', [pass, result('s', skippedFor('nobody'))], 3],
    ['an optional one does not count', [pass, result('s', skippedFor('good'), 'optional')], 0],
  ];
  for (const [what, results, code, run] of cases) test(what, () => assert.equal(codeOf(results, run), code));
});

test('the summary counts every result once', () => {
  const verdicts: readonly Verdict[] = [
    { status: 'pass' },
    { status: 'pass' },
    { status: 'fail', finding: refused },
    { status: 'error', finding: lost },
  ];
  assert.deepEqual(summarize(verdicts.map((verdict) => ({ verdict }))), { total: 4, pass: 2, fail: 1, warn: 0, inconclusive: 0, error: 1, skip: 0 });
});
