import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateXML } from 'xmllint-wasm';
import type { Candidate, Located, ResolverView } from '../../agent/contract/locate.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { findMatrix } from '../../src/matrix.ts';
import { plan, plannedChecks } from '../../src/plan.ts';
import { exitCodeOf } from '../../src/preflight/conclusion.ts';
import { questionsOf } from '../../src/preflight/purpose.ts';
import { inventoryOf, selectPdcs, type Self } from '../../src/preflight/selection.ts';
import { concludeTrust, type Side } from '../../src/preflight/trust.ts';
import { readReport } from '../../src/report-file.ts';
import { type Report, type Result, summarize } from '../../src/report.ts';
import { decisionWords } from '../../src/reporters/preflight-wording.ts';
import { reporters } from '../../src/reporters/registry.ts';
import { matrixRecord } from '../../src/run.ts';
import type { Finding, VerdictStatus } from '../../src/verdict.ts';
import { usualChoice } from '../support/planning.ts';
import { junitSchemaFile, render } from '../support/reporting.ts';
import { folderWith } from '../support/temporary-folder.ts';

const home = 'corp.example.test';
const abroad = 'other.example.test';
const published = {
  clientToDc: findMatrix('client-to-dc', { cwd: '.', asPublished: false }),
  dcToDc: findMatrix('dc-to-dc', { cwd: '.', asPublished: false }),
};
const questions = questionsOf('trust', published);
const at = '2026-01-01T00:00:00.000Z';
const onPdc: Self = { name: 'dc1', addresses: ['192.0.2.1'] };

function observed(facts?: object): Outcome {
  const seen = { kind: 'observed', target: { address: '192.0.2.1', port: 389 }, at } as const;
  return facts === undefined
    ? { ...seen, state: 'open|filtered', reason: 'no-response' }
    : { ...seen, state: 'open', reason: 'udp-response', service: { status: 'identified', facts } };
}

interface Zone {
  readonly dcs: readonly string[];
  readonly pdc?: readonly string[];
  readonly rcode?: string;
  /** Nobody answered. */
  readonly silent?: true;
}

function resolver(address: string, domain: string, { dcs, pdc = dcs.slice(0, 1), rcode = 'NOERROR', silent }: Zone): ResolverView {
  const lookup = (names: readonly string[]) => ({
    name: 'x',
    outcome: observed(silent === undefined ? { rcode } : undefined),
    ...(silent === undefined && { rcode }),
    found: names.map((name) => `${name}.${domain}`),
  });
  return { address, dcs: lookup(dcs), pdc: lookup(pdc) };
}

function candidate(name: string, domain: string, address: string, roles: readonly string[] = []): Candidate {
  return { dnsName: `${name}.${domain}`, address, resolvers: ['192.0.2.53'], ping: observed({ domain, site: 'there', clientSite: '', roles }) };
}

function located(resolvers: readonly ResolverView[], candidates: readonly Candidate[]): Located {
  return { kind: 'located', resolvers, candidates, leftOut: 0 };
}

const atHome = located(
  [resolver('192.0.2.53', home, { dcs: ['dc1', 'dc2'] })],
  [candidate('dc1', home, '192.0.2.1'), candidate('dc2', home, '192.0.2.2')],
);
const atOther = located(
  [resolver('192.0.2.53', abroad, { dcs: ['dc3', 'dc4'] })],
  [candidate('dc3', abroad, '198.51.100.3'), candidate('dc4', abroad, '198.51.100.4')],
);
const back = located([resolver('198.51.100.3', home, { dcs: ['dc1', 'dc2'] })], []);

/** Verdicts that are no pass, by `dc rule`. */
type Faults = Readonly<Record<string, readonly [VerdictStatus, Finding['code']]>>;

interface Case {
  readonly name: string;
  readonly here?: Located;
  readonly there?: Located;
  readonly wayBack?: Located;
  readonly faults?: Faults;
  readonly named?: readonly string[];
  readonly self?: Self;
  readonly is: string;
  readonly findings?: readonly string[];
}

function concludeWith({ here = atHome, there = atOther, wayBack = back, faults = {}, named = [], self = onPdc }: Case) {
  const sides = [
    { domain: home, located: here, selection: selectPdcs(here, home, named, self) },
    { domain: abroad, located: there, selection: selectPdcs(there, abroad, named, self) },
  ] as const;
  const inventory = inventoryOf(
    sides.map(({ domain, selection: { near } }) => ({ domain, near })),
    self,
    ['192.0.2.53'],
  );
  const dcs = inventory.hosts.filter(({ roles }) => roles.includes('dc'));
  const planned = dcs.length === 0 ? [] : [...plannedChecks(plan([questions.matrix], inventory, usualChoice))];
  const results = planned.map(({ check, rule, skip }): Result => {
    const [status, code] =
      skip === undefined ? (faults[`${check.destination} ${check.rule}`] ?? ['pass', undefined]) : (['skip', undefined] as const);
    const finding = skip ?? (code === undefined ? undefined : findingOf(code, check.after?.[0] ?? ''));
    return {
      check,
      expected: { states: ['open'], requirement: rule.requirement },
      verdict: { status, ...(finding !== undefined && { finding }) },
      attempts: 1,
      elapsedMs: 1,
    };
  });
  const sideOf = (side: (typeof sides)[number]): Side => ({ ...side, dcs: dcs.filter((host) => host.domain === side.domain) });
  const evidence = { home: sideOf(sides[0]), abroad: sideOf(sides[1]), ...(sides[1].selection.near.length > 0 && { wayBack }), results };
  return { conclusion: concludeTrust(questions, evidence, self), results };
}

function findingOf(code: Finding['code'], because: string): Finding {
  return code === 'prerequisite' ? { code, because } : { code: 'no-answer', reason: 'no-response' };
}

const noAnswer = ['fail', 'no-answer'] as const;
const half = '(outbound only; inbound from 1 DC untested)';

const cases: readonly Case[] = [
  { name: 'asked on the PDC emulator, all well', is: `GO ${half}` },
  {
    name: 'asked elsewhere, all well',
    self: { name: 'tool', addresses: ['192.0.2.99'] },
    is: `GO with warnings ${half}`,
    findings: ['not-the-pdc'],
  },
  {
    name: 'asked elsewhere, and the own PDC emulator does not answer',
    self: { name: 'tool', addresses: ['192.0.2.99'] },
    faults: { 'dc1 ldap': noAnswer },
    is: 'NO-GO ldap:0x3A',
    findings: ['not-the-pdc'],
  },
  { name: 'the other PDC emulator is shut on 445', faults: { 'dc3 smb': noAnswer }, is: 'NO-GO smb:0x35' },
  {
    name: 'its endpoint mapper is shut',
    faults: { 'dc3 endpoint-mapper': noAnswer, 'dc3 rpc-dynamic': ['skip', 'prerequisite'] },
    is: 'NO-GO endpoint-mapper:0x6BA 3 for endpoint-mapper',
  },
  { name: 'something of it stayed open', faults: { 'dc3 kerberos': ['inconclusive', 'unproven'] }, is: 'undecided kerberos:0x40' },
  {
    name: 'another DC that was named is ready, and the PDC emulator is not',
    named: ['198.51.100.4'],
    faults: { 'dc3 ldap': noAnswer },
    is: 'NO-GO ldap:0x3A',
  },
  {
    name: 'the other domain is not forwarded to',
    there: located([resolver('192.0.2.53', abroad, { dcs: [], rcode: 'NXDOMAIN' })], []),
    is: 'NO-GO srv:0x54B 26 for dns',
    findings: ['no-srv other.example.test'],
  },
  {
    name: 'this resolver does not answer at all, which is said once',
    here: located([resolver('192.0.2.53', home, { dcs: [], silent: true })], []),
    there: located([resolver('192.0.2.53', abroad, { dcs: [], silent: true })], []),
    is: 'NO-GO dns:0x54B 26 for dns',
    findings: ['resolver-silent'],
  },
  {
    name: 'the other domain does not find the way back',
    wayBack: located([resolver('198.51.100.3', home, { dcs: [], rcode: 'NXDOMAIN' })], []),
    is: 'NO-GO srv:0x54B',
    findings: ['no-way-back corp.example.test'],
  },
  {
    name: 'its forwarder does not work',
    wayBack: located([resolver('198.51.100.3', home, { dcs: [], rcode: 'SERVFAIL' })], []),
    is: 'NO-GO srv:0x54B',
    findings: ['no-way-back corp.example.test'],
  },
  {
    name: 'one of its two name servers does not find the way back',
    wayBack: located([resolver('198.51.100.3', home, { dcs: [], rcode: 'NXDOMAIN' }), resolver('198.51.100.5', home, { dcs: ['dc1'] })], []),
    is: 'NO-GO srv:0x54B',
    findings: ['no-way-back corp.example.test'],
  },
  {
    name: 'its name server tells strangers nothing',
    wayBack: located([resolver('198.51.100.3', home, { dcs: [], rcode: 'REFUSED' })], []),
    is: 'undecided',
    findings: ['way-back-untold corp.example.test'],
  },
  {
    name: 'its name server is silent, and a port fails too',
    wayBack: located([resolver('198.51.100.3', home, { dcs: [], silent: true })], []),
    faults: { 'dc3 smb': noAnswer },
    is: 'NO-GO smb:0x35',
    findings: ['way-back-untold corp.example.test'],
  },
  {
    name: 'nobody says who is the PDC emulator there',
    there: located([resolver('192.0.2.53', abroad, { dcs: ['dc3'], pdc: [] })], [candidate('dc3', abroad, '198.51.100.3')]),
    is: 'NO-GO srv:0x54B 26 for dns',
    findings: ['no-pdc other.example.test'],
  },
  {
    name: 'DNS does not name the PDC emulator, and it says so itself',
    there: located([resolver('192.0.2.53', abroad, { dcs: ['dc3'], pdc: [] })], [candidate('dc3', abroad, '198.51.100.3', ['pdc'])]),
    is: `GO ${half}`,
  },
  {
    name: 'the PDC emulator has no address',
    there: located([resolver('192.0.2.53', abroad, { dcs: ['dc3', 'dc4'] })], [candidate('dc4', abroad, '198.51.100.4')]),
    is: 'NO-GO address:0x54B 26 for dns',
    findings: ['no-address'],
  },
  {
    name: 'two resolvers name different PDC emulators, and one of those is dead',
    there: located(
      [resolver('192.0.2.53', abroad, { dcs: ['dc3', 'dc4'] }), resolver('192.0.2.54', abroad, { dcs: ['dc3', 'dc4'], pdc: ['dc4'] })],
      [candidate('dc3', abroad, '198.51.100.3'), candidate('dc4', abroad, '198.51.100.4')],
    ),
    faults: { 'dc4 ldap': noAnswer },
    is: 'NO-GO ldap:0x3A',
  },
];

for (const each of cases) {
  test(`a trust, ${each.name}: ${each.is}`, async (t) => {
    const { conclusion, results } = concludeWith(each);
    const predictions = conclusion.predictions.map(({ step, code }) => `${step}:${code}`);
    const skipped = conclusion.skipped.map(({ because, checks }) => `${checks} for ${because}`);
    assert.equal([decisionWords(conclusion), ...predictions, ...skipped].join(' '), each.is);
    assert.equal(exitCodeOf(conclusion), each.is.startsWith('NO-GO') ? 1 : 3);
    const findings = conclusion.findings.map((finding) => ('domain' in finding ? `${finding.code} ${finding.domain}` : finding.code));
    assert.deepEqual(findings, each.findings ?? []);

    const report: Report = {
      schema: 1,
      tool: { name: 'portmatrix', version: '0.0.0' },
      run: { id: 'test', startedAt: at, finishedAt: at },
      matrices: [matrixRecord(questions.matrix)],
      sources: [{ name: 'me', state: 'reported' }],
      excluded: [],
      diagnoses: [],
      preflight: conclusion,
      summary: summarize(results),
      results,
    };
    const folder = folderWith(t, { 'report.json': render(reporters.json, report) });
    assert.deepEqual(readReport(`${folder}/report.json`), JSON.parse(JSON.stringify(report)));
    assert.match(render(reporters.table, report), /^\S.* {2}for a trust, corp\.example\.test with other\.example\.test\n/);
    const { errors } = await validateXML({ xml: { fileName: 'junit.xml', contents: render(reporters.junit, report) }, schema: junitSchemaFile() });
    assert.deepEqual(errors, []);
  });
}

test('a trust asks the PDC emulators alone, of the interfaces only those that it uses, and this host nothing', () => {
  const { conclusion, results } = concludeWith({ name: '', is: '' });
  assert.deepEqual(
    conclusion.dcs.map(({ name }) => name),
    [`dc3.${abroad}`],
  );
  assert.deepEqual(
    conclusion.far.map(({ name }) => name),
    [`dc2.${home}`, `dc4.${abroad}`],
  );
  assert.deepEqual(
    results.flatMap(({ check }) => check.interface ?? []),
    ['netlogon', 'samr', 'lsarpc'],
  );
});
