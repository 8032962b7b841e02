import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differences } from '../../src/demo/comparison.ts';
import type { Fault } from '../../src/demo/fault.ts';
import { layOut } from '../../src/demo/layout.ts';
import { plannedChecks } from '../../src/plan.ts';
import type { Result } from '../../src/report.ts';
import type { Verdict } from '../../src/verdict.ts';
import { planOf } from '../support/planning.ts';

const injected: Fault = { host: 'dc1', port: 389, transport: 'tcp', finding: 'no-answer', words: 'is silent' };
const noAnswer: Verdict = { status: 'fail', finding: { code: 'no-answer', reason: 'no-response' } };
const pass: Verdict = { status: 'pass' };

const cases: readonly (readonly [title: string, ldap: Verdict, other: Verdict, found: readonly string[]])[] = [
  ['a run that found just the fault does not differ', noAnswer, pass, []],
  ['a warning elsewhere is no difference', noAnswer, { status: 'warn', finding: { code: 'reached-host' } }, []],
  ['a fault that passed differs', pass, pass, ['m/ldap: expected fail no-answer, found pass']],
  [
    'a fault that was found as something else differs',
    { status: 'fail', finding: { code: 'refused', reason: 'conn-refused' } },
    pass,
    ['m/ldap: expected fail no-answer, found fail refused'],
  ],
  ['a failure elsewhere differs', noAnswer, noAnswer, ['m/other: expected no trouble, found fail no-answer']],
  [
    'what could not be decided differs',
    noAnswer,
    { status: 'inconclusive', finding: { code: 'uninformative' } },
    ['m/other: expected no trouble, found inconclusive uninformative'],
  ],
];

for (const [title, ldap, other, found] of cases) {
  test(title, (t) => {
    const hosts = layOut(20_000, false);
    const { plan } = planOf(
      t,
      [
        { id: 'ldap', ports: ['20389/tcp'], probe: 'tcp' },
        { id: 'other', ports: ['20390/tcp'], probe: 'tcp' },
      ],
      [
        { name: 'client', address: '127.77.0.21', roles: ['near'], connector: 'local' },
        { name: 'dc1', address: '127.77.0.11', roles: ['far'] },
      ],
    );
    const results = [...plannedChecks(plan)].map(({ check }): Result => {
      const verdict = check.rule === 'ldap' ? ldap : other;
      return { check, expected: { states: ['open'], requirement: 'required' }, verdict, attempts: 1, elapsedMs: 1 };
    });
    const short = differences(plan, hosts, [injected], results).map((line) => line.replace(/^[^/]+\/(\w+)\/[^ ]+:/, 'm/$1:'));
    assert.deepEqual(short, found);
  });
}
