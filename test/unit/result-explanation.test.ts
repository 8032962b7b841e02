import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Observed } from '../../agent/contract/outcome.ts';
import { findMatrix } from '../../src/matrix.ts';
import type { Report, Result } from '../../src/report.ts';
import { reportedSubject } from '../../src/reported-subject.ts';
import { resultExplanation } from '../../src/reporters/result-explanation.ts';
import type { Presentation } from '../../src/reporters/reporter.ts';
import type { Edition } from '../../src/subject.ts';
import { UsageError } from '../../src/usage-error.ts';
import { example, exampleNames } from '../support/reporting.ts';

const editions: readonly Edition[] = ['dc-to-dc', 'client-to-dc', 'hardening'].map((name) => ({
  corrected: findMatrix(name, { cwd: '.', asPublished: false }),
  published: findMatrix(name, { cwd: '.', asPublished: true }),
}));

const blocked = example('blocked');
/** What is told of a result, in a report that has others beside it. */
function told(result: Result, report: Partial<Report> = {}, presentation: Presentation = {}): string {
  const whole = { ...blocked, ...report, results: [result, ...(report.results ?? [])] };
  return [...resultExplanation(reportedSubject(result.check.id, whole, 'r.json', editions), presentation)].join('');
}

const ldapCheck: Result['check'] = {
  id: 'client-to-dc/ldap/c1->dc1:389/tcp',
  matrix: 'client-to-dc',
  rule: 'ldap',
  source: 'c1',
  destination: 'dc1',
  address: '10.0.1.11',
  transport: 'tcp',
  port: 389,
  probe: 'ldap',
};
const silence = (ends: Partial<Pick<Observed, 'local' | 'target'>>): Observed => ({
  kind: 'observed',
  state: 'filtered',
  reason: 'no-response',
  target: { address: '10.0.1.11', port: 389 },
  at: '2026-11-22T10:12:31.550Z',
  ...ends,
});
const dropped: Result = {
  check: ldapCheck,
  expected: { states: ['open'], requirement: 'required' },
  outcome: silence({ local: { address: '10.0.3.21', port: 49_888 } }),
  verdict: { status: 'fail', finding: { code: 'no-answer', reason: 'no-response' } },
  attempts: 2,
  elapsedMs: 5_003,
};

describe('a result that is explained', () => {
  it('names hosts and addresses, what was seen, what that means, whom to ask and what to ask for', () => {
    const text = told(dropped).replaceAll(/\s+/g, ' ');
    for (const part of [
      'c1 (10.0.3.21) asks dc1 (10.0.1.11) for 389/tcp',
      '10.0.3.21:49888 → 10.0.1.11:389/tcp filtered, no-response 2 attempts, 5003 ms',
      'FAIL no-answer. Neither an answer nor a refusal came back',
      'whom whoever keeps the network',
      'Ask for 10.0.3.21:* → 10.0.1.11:389/tcp to be allowed',
      '(in logs, on 10.0.1.11)',
      'A filter without state, such as a network ACL, must allow the replies itself',
    ])
      assert.ok(text.includes(part), part);
  });

  it('says once what to ask for: beside an advice that names the flow only what a filter without state needs', () => {
    assert.doesNotMatch(told(dropped), /^ *ask for /m);
    const forbidden: Result = { ...dropped, expected: { states: ['filtered'], requirement: 'required' } };
    const open: Result = { ...forbidden, verdict: { status: 'fail', finding: { code: 'forbidden-open' } } };
    const text = told(open);
    assert.match(text, /Ask for 10\.0\.3\.21:\* → 10\.0\.1\.11:389\/tcp to be blocked/);
    assert.doesNotMatch(text, /^ *(ask for|replies) /m);
  });

  it('says what to ask for where the advice does not: nothing is wrong, or another port was dialled than the rule opens', () => {
    assert.match(told({ ...dropped, verdict: { status: 'pass' } }), /ask for +Allow 10\.0\.3\.21:\* → 10\.0\.1\.11:389\/tcp and the replies/);
    const named: Result = { ...dropped, outcome: silence({ target: { address: '10.0.1.11', port: 49_700 } }) };
    const text = told(named).replaceAll(/\s+/g, ' ');
    assert.match(text, /Ask for .*:49700\/tcp to be allowed/);
    assert.match(text, /ask for Allow .*:389\/tcp and the replies/);
  });

  it('has no placeholder in the rules that open it, but for the ids of AWS', () => {
    const text = told(dropped);
    assert.doesNotMatch(text, /SOURCE-ADDRESS|DESTINATION-ADDRESS|HOST /);
    const lines = text.split('\n').map((line) => line.trim());
    assert.ok(lines.includes('nft add rule inet filter forward ip saddr 10.0.3.21 ip daddr 10.0.1.11 tcp dport 389 ct state new accept'));
    assert.ok(lines.some((line) => line.startsWith('New-NetFirewallRule') && line.endsWith('-LocalPort 389 -RemoteAddress 10.0.3.21')));
    assert.ok(lines.some((line) => line.endsWith('nc -vz -w 5 10.0.1.11 389') || line.includes('ldap://10.0.1.11:389')));
  });

  it('takes the ports of the replies from what the source says it runs on', () => {
    const sources = (os: string): Report['sources'] => [{ name: 'c1', state: 'reported', platform: { os, node: 'v24.0.0' } }];
    assert.match(told(dropped, { sources: sources('linux 6.18.0 x64') }), /From=32768,To=60999/);
    assert.match(told(dropped, { sources: sources('win32 10.0.26100 x64') }), /From=49152,To=65535/);
    assert.match(told(dropped, { sources: sources('darwin 24.0.0 arm64') }), /From=32768,To=65535/);
  });

  it('finds the address of a source that dialled nothing in its other results, of the same family', () => {
    const unasked: Result = { ...dropped, outcome: { kind: 'failed', code: 'interrupted', message: '' } };
    const local = (address: string): Result => ({
      ...dropped,
      check: { ...ldapCheck, id: address },
      outcome: silence({ local: { address, port: 1 } }),
    });
    assert.match(told(unasked, { results: [local('fd00::9'), local('10.0.3.22')] }), /saddr 10\.0\.3\.22 /);
    const back = { ...ldapCheck, id: 'back', source: 'dc1', destination: 'c1', address: '10.0.3.99' };
    assert.match(told(unasked, { results: [{ ...unasked, check: back }] }), /saddr 10\.0\.3\.99 /);
    assert.match(told(unasked), /saddr SOURCE-ADDRESS ip daddr 10\.0\.1\.11 /);
  });

  it('brackets an IPv6 address where a port follows it', () => {
    const outcome = silence({ local: { address: 'fd00:3::21', port: 1 }, target: { address: 'fd00:1::11', port: 389 } });
    const text = told({ ...dropped, check: { ...ldapCheck, address: 'fd00:1::11' }, outcome });
    assert.match(text, /Ask for \[fd00:3::21\]:\* → \[fd00:1::11\]:389\/tcp/);
    assert.match(text, /ldap:\/\/\[fd00:1::11\]:389/);
    assert.match(text, /ip6 saddr fd00:3::21 ip6 daddr fd00:1::11 /);
  });

  it('opens nothing for what must be shut', () => {
    const text = told({
      ...dropped,
      expected: { states: ['filtered'], requirement: 'required' },
      verdict: { status: 'inconclusive', finding: { code: 'no-control' } },
    });
    assert.match(text, /Drop 10\.0\.3\.21:\* → 10\.0\.1\.11:389\/tcp\./);
    assert.doesNotMatch(text, /nft add|New-Net|aws ec2/);
  });

  it('knows rules of a matrix that is not at hand as the report tells them', () => {
    const check = { ...ldapCheck, id: 'ours/x/c1->dc1:389/tcp', matrix: 'ours', rule: 'x' };
    const matrices: Report['matrices'] = [
      {
        name: 'ours',
        title: 'Our own',
        sha256: '0'.repeat(64),
        rules: [{ matrix: 'ours', id: 'x', traffic: 'Something of ours', usage: ['directory'], symptoms: ['logon'] }],
      },
    ];
    const text = told({ ...dropped, check }, { matrices });
    assert.match(text, /Something of ours/);
    assert.match(text, /Our own/);
    assert.match(text, /breaks {2}logon/);
  });

  it('says all there is to say of every result of every example', () => {
    for (const name of exampleNames) {
      const report = example(name);
      for (const { check, verdict } of report.results) {
        const text = [...resultExplanation(reportedSubject(check.id, report, 'r.json', editions), { width: 200 })].join('');
        assert.match(text, /\n {4}verdict (PASS|FAIL|WARN|INCONCLUSIVE|ERROR|SKIP)/, check.id);
        assert.equal(text.includes(' whom '), verdict.finding !== undefined, check.id);
      }
    }
  });

  it('puts nothing of a report into a command that a shell would act on', () => {
    const hostile = '$(reboot);`x`\u001b[31m';
    const check = { ...ldapCheck, id: 'evil', matrix: hostile, rule: hostile, source: hostile, destination: hostile, address: `10.0.1.11${hostile}` };
    const text = told({
      ...dropped,
      check,
      outcome: silence({ target: { address: hostile, port: 389 } }),
    });
    const commands = text.split('\n').filter((line) => /aws ec2 |nft add|New-NetFirewallRule|Linux:|Windows:/.test(line));
    assert.ok(commands.length > 3);
    for (const command of commands) assert.doesNotMatch(command, /reboot/);
    assert.ok(!text.includes('\u001b'));
  });
});

describe('a check that the report does not have', () => {
  const mistakes: readonly (readonly [id: string, words: RegExp])[] = [
    [
      'client-to-dc/ldap/c1->dc2:389/tcp',
      /^r\.json has no check "client-to-dc\/ldap\/c1->dc2:389\/tcp", expected the id of one of its checks, like client-to-dc\/ldap\//,
    ],
    ['ldap', /like client-to-dc\/ldap\//],
    ['nothing like it', /expected the id of one of its checks, like client-to-dc\/dns\//],
  ];
  for (const [id, words] of mistakes) {
    it(`"${id}" is a mistake that names the nearest ids`, () => {
      assert.throws(
        () => reportedSubject(id, blocked, 'r.json', editions),
        (error) => error instanceof UsageError && words.test(error.message),
      );
    });
  }

  it('of a report without checks says that it has none', () => {
    assert.throws(() => reportedSubject('x', { ...blocked, results: [] }, 'r.json', editions), /this one has no checks/);
  });
});
