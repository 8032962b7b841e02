import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateXML } from 'xmllint-wasm';
import type { Candidate, Located, ResolverView } from '../../agent/contract/locate.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import type { Facts } from '../../agent/contract/fact.ts';
import { findMatrix } from '../../src/matrix.ts';
import { plan, plannedChecks } from '../../src/plan.ts';
import { type Conclusion, type DomainPurpose, domainPurposes, exitCodeOf } from '../../src/preflight/conclusion.ts';
import { conclude, concludeLost } from '../../src/preflight/decision.ts';
import { checksPerDc, questionsOf } from '../../src/preflight/purpose.ts';
import { inventoryOf, selectDcs } from '../../src/preflight/selection.ts';
import { readReport } from '../../src/report-file.ts';
import { exitCode, type Report, type Result, summarize } from '../../src/report.ts';
import { decisionWords } from '../../src/reporters/preflight-wording.ts';
import { reporters } from '../../src/reporters/registry.ts';
import { matrixRecord } from '../../src/run.ts';
import type { Finding, VerdictStatus } from '../../src/verdict.ts';
import { junitSchemaFile, render } from '../support/reporting.ts';
import { usualChoice } from '../support/planning.ts';
import { folderWith } from '../support/temporary-folder.ts';

const domain = 'corp.example.test';
const published = {
  clientToDc: findMatrix('client-to-dc', { cwd: '.', asPublished: false }),
  dcToDc: findMatrix('dc-to-dc', { cwd: '.', asPublished: false }),
};
const at = '2026-01-01T00:00:00.000Z';

function observed(state: 'open' | 'closed' | 'open|filtered', facts?: Facts): Outcome {
  const reason = state === 'open' ? 'udp-response' : state === 'closed' ? 'port-unreach' : 'no-response';
  const service = facts === undefined ? {} : { service: { status: 'identified', facts } as const };
  return { kind: 'observed', state, reason, target: { address: '192.0.2.1', port: 389 }, at, ...service };
}

const silence = observed('open|filtered');

/** A DC that answers from a site, or a silent one. */
function dc(
  name: string,
  address: string,
  { site = 'here', ping, resolvers = ['192.0.2.53'] }: { site?: string; ping?: Outcome; resolvers?: string[] } = {},
): Candidate {
  const roles = ['closest', 'gc', 'writable'].slice(site === 'here' ? 0 : 1);
  return { dnsName: `${name}.${domain}`, address, resolvers, ping: ping ?? observed('open', { domain, site, clientSite: 'here', roles }) };
}

function resolver(address: string, found: readonly string[], siteFound?: readonly string[], rcode = 'NOERROR'): ResolverView {
  const lookup = (names: readonly string[]) => ({
    name: 'x',
    outcome: observed('open', { rcode }),
    rcode,
    found: names.map((name) => `${name}.${domain}`),
  });
  return { address, dcs: lookup(found), pdc: lookup([]), ...(siteFound !== undefined && { siteDcs: lookup(siteFound) }) };
}

function silentResolver(address: string, outcome: Outcome = silence): ResolverView {
  const lookup = { name: 'x', outcome, found: [] };
  return { address, dcs: lookup, pdc: lookup };
}

function located(fields: Partial<Located> = {}): Located {
  const candidates = [dc('dc1', '192.0.2.1'), dc('dc2', '192.0.2.2')];
  return {
    kind: 'located',
    resolvers: [resolver('192.0.2.53', ['dc1', 'dc2'], ['dc1', 'dc2'])],
    candidates,
    clientSite: 'here',
    leftOut: 0,
    ...fields,
  };
}

/** Verdicts that are no pass, by `dc rule`, or by `rule` on every DC; in place of the code a whole finding. */
type Faults = Readonly<Record<string, readonly [VerdictStatus, Finding['code']]>>;

interface Concluded {
  readonly conclusion: Conclusion;
  readonly results: readonly Result[];
}

function concludeWith(purpose: DomainPurpose, found: Located, faults: Faults = {}, named: readonly string[] = []): Concluded {
  const questions = questionsOf(purpose, published);
  const selection = selectDcs(found, domain, named);
  const inventory = inventoryOf(
    [{ domain, near: selection.near }],
    { name: 'me', addresses: ['192.0.2.9', '2001:db8::9'] },
    found.resolvers.map(({ address }) => address),
  );
  const dcs = inventory.hosts.filter(({ roles }) => roles.includes('dc'));
  const planned = dcs.length === 0 ? [] : [...plannedChecks(plan([questions.matrix], inventory, usualChoice))];
  const results = planned.map(({ check, rule, skip }): Result => {
    const fault = faults[`${check.destination} ${check.rule}`] ?? faults[check.rule];
    const [status, code] = skip === undefined ? (fault ?? ['pass', undefined]) : (['skip', undefined] as const);
    const isSoft = rule.requirement !== 'required' && (status === 'fail' || status === 'inconclusive');
    const finding = skip ?? (code === undefined ? undefined : findingOf(code, check.after?.[0] ?? ''));
    return {
      check,
      expected: { states: ['open'], requirement: rule.requirement },
      verdict: { status: isSoft ? 'warn' : status, ...(finding !== undefined && { finding }) },
      attempts: 1,
      elapsedMs: 1,
    };
  });
  return { conclusion: conclude(purpose, domain, questions, { located: found, selection, dcs, results }), results };
}

function findingOf(code: Finding['code'], because: string): Finding {
  if (code === 'prerequisite') return { code, because };
  if (code === 'clock-skew') return { code, offsetMs: 600_000, limitMs: 300_000 };
  if (code === 'uninformative' || code === 'anonymous-refused') return { code };
  if (code === 'unproven') return { code, status: 'disconnected' };
  return { code: 'no-answer', reason: 'no-response' };
}

test('each purpose has its deciding rules, and the rest of the matrix can at most warn', () => {
  const deciding = Object.fromEntries(
    domainPurposes.map((purpose) => [
      purpose,
      questionsOf(purpose, published)
        .matrix.rules.filter((rule) => rule.requirement === 'required')
        .map(({ id }) => id),
    ]),
  );
  assert.deepEqual(deciding, {
    'join-windows': ['dns', 'dns-udp', 'locator', 'endpoint-mapper', 'kerberos', 'ldap', 'smb', 'rpc-dynamic'],
    'join-linux': ['dns', 'dns-udp', 'locator', 'kerberos', 'ldap', 'kpasswd'],
    'ad-connector': ['dns', 'dns-udp', 'locator', 'kerberos', 'kerberos-udp', 'ldap'],
    trust: ['dns', 'locator', 'endpoint-mapper', 'kerberos', 'ldap', 'smb', 'rpc-dynamic'],
    promote: ['dns', 'locator', 'endpoint-mapper', 'kerberos', 'ldap', 'smb', 'rpc-dynamic'],
  });
  assert.deepEqual([...questionsOf('join-windows', published).noteworthy].toSorted(), [
    'global-catalog',
    'global-catalog-tls',
    'kerberos-udp',
    'kpasswd',
    'kpasswd-udp',
    'ldaps',
    'time',
  ]);
  assert.equal(checksPerDc(questionsOf('join-windows', published).matrix), 24);
  assert.equal(checksPerDc(questionsOf('ad-connector', published).matrix), 4);
});

const noAnswer = ['fail', 'no-answer'] as const;

const cases: readonly {
  readonly name: string;
  readonly purpose?: DomainPurpose;
  readonly found?: Located;
  readonly faults?: Faults;
  readonly named?: readonly string[];
  readonly is: string;
}[] = [
  { name: 'two DCs that pass all', is: 'GO' },
  { name: 'one DC that fails', faults: { 'dc2 smb': noAnswer }, is: 'GO with warnings' },
  { name: '464 on Windows', faults: { kpasswd: noAnswer, 'kpasswd-udp': noAnswer }, is: 'GO with warnings' },
  { name: '464 on Linux', purpose: 'join-linux', faults: { kpasswd: noAnswer }, is: 'NO-GO kpasswd:adcli' },
  {
    name: '9389 and 138, which no client is required to reach',
    faults: { adws: noAnswer, 'netbios-datagram': ['inconclusive', 'no-answer'] },
    is: 'GO',
  },
  {
    name: 'LDAPS without a certificate and a mute kpasswd',
    faults: { ldaps: ['inconclusive', 'unproven'], 'kpasswd-udp': ['inconclusive', 'uninformative'] },
    is: 'GO',
  },
  {
    name: 'an endpoint mapper that tells strangers nothing',
    faults: { 'endpoint-mapper': ['warn', 'anonymous-refused'], 'rpc-dynamic': ['skip', 'prerequisite'] },
    is: 'undecided rpc:0x6D9 8 for endpoint-mapper',
  },
  {
    name: '135',
    faults: { 'endpoint-mapper': noAnswer, 'rpc-dynamic': ['skip', 'prerequisite'] },
    is: 'NO-GO endpoint-mapper:0x6BA 8 for endpoint-mapper',
  },
  { name: 'the dynamic range', faults: { 'rpc-dynamic': noAnswer }, is: 'NO-GO rpc:0x6D9' },
  { name: 'TCP 389 and everything after it', faults: { kerberos: noAnswer, smb: noAnswer, ldap: noAnswer }, is: 'NO-GO ldap:0x3A' },
  { name: 'another fault on each DC', faults: { 'dc1 ldap': noAnswer, 'dc2 smb': noAnswer }, is: 'NO-GO ldap:0x3A smb:0x35' },
  { name: 'a DC that the locator never picks', faults: { 'dc1 locator': noAnswer, 'dc1 ldap': noAnswer, 'dc2 smb': noAnswer }, is: 'NO-GO smb:0x35' },
  { name: 'the locator on both', faults: { locator: noAnswer }, is: 'NO-GO locator:0x54B' },
  { name: 'a clock that is off', faults: { kerberos: ['fail', 'clock-skew'] }, is: 'NO-GO clock:0x576' },
  { name: 'what stayed open', faults: { smb: ['inconclusive', 'unproven'] }, is: 'undecided smb:0x35' },
  { name: 'one ready and one open', faults: { 'dc2 smb': ['inconclusive', 'unproven'] }, is: 'GO with warnings' },
  { name: 'one failed and one open', faults: { 'dc1 smb': noAnswer, 'dc2 smb': ['inconclusive', 'unproven'] }, is: 'undecided smb:0x35' },
  { name: 'an agent that was lost on the way', faults: { smb: ['error', 'not-checked'] }, is: 'undecided smb:0x35' },
  { name: 'DNS that is silent', found: located({ resolvers: [silentResolver('192.0.2.53')], candidates: [] }), is: 'NO-GO dns:0x54B 24 for dns' },
  {
    name: 'DNS that is silent, and a DC that is named and ready',
    found: located({ resolvers: [silentResolver('192.0.2.53')], candidates: [dc('dc1', '192.0.2.1', { resolvers: [] })] }),
    named: ['192.0.2.1'],
    is: 'NO-GO dns:0x54B',
  },
  { name: 'no resolver at all', found: located({ resolvers: [], candidates: [] }), is: 'undecided 24 for dns' },
  {
    name: 'a resolver that this host cannot even ask',
    found: located({ resolvers: [silentResolver('192.0.2.53', { kind: 'failed', code: 'unsupported', message: 'no route' })], candidates: [] }),
    is: 'undecided 24 for dns',
  },
  {
    name: 'no SRV',
    found: located({ resolvers: [resolver('192.0.2.53', [], undefined, 'NXDOMAIN')], candidates: [] }),
    is: 'NO-GO srv:0x232B 24 for dns',
  },
  { name: 'SRV without addresses', found: located({ candidates: [] }), is: 'NO-GO address:0xA8B 24 for address' },
  {
    name: 'a first resolver that lies',
    found: located({ resolvers: [resolver('192.0.2.54', [], undefined, 'NXDOMAIN'), resolver('192.0.2.53', ['dc1', 'dc2'], ['dc1', 'dc2'])] }),
    is: 'NO-GO srv:0x232B',
  },
  {
    name: 'a second resolver that lies',
    found: located({ resolvers: [resolver('192.0.2.53', ['dc1', 'dc2'], ['dc1', 'dc2']), resolver('192.0.2.54', [], undefined, 'NXDOMAIN')] }),
    is: 'GO with warnings',
  },
  {
    name: 'a first resolver that fails, which a host passes over',
    found: located({ resolvers: [resolver('192.0.2.54', [], undefined, 'SERVFAIL'), resolver('192.0.2.53', ['dc1', 'dc2'], ['dc1', 'dc2'])] }),
    is: 'GO with warnings',
  },
  { name: 'a host in no site', found: located({ clientSite: '' }), is: 'GO with warnings' },
  {
    name: 'a far DC that is dead',
    found: located({
      resolvers: [resolver('192.0.2.53', ['dc1', 'dc2', 'dc3'], ['dc1', 'dc2'])],
      candidates: [dc('dc1', '192.0.2.1'), dc('dc2', '192.0.2.2'), dc('dc3', '192.0.2.3', { ping: silence })],
    }),
    is: 'GO',
  },
  {
    name: 'a read-only DC, which does not count',
    found: located({
      candidates: [
        dc('dc1', '192.0.2.1'),
        dc('dc2', '192.0.2.2', { ping: observed('open', { domain, site: 'here', clientSite: 'here', roles: ['read-only'] }) }),
      ],
    }),
    is: 'GO with warnings',
  },
  {
    name: 'a DC with two addresses, which is one DC',
    found: located({ resolvers: [resolver('192.0.2.53', ['dc1'], ['dc1'])], candidates: [dc('dc1', '192.0.2.1'), dc('dc1', '2001:db8::1')] }),
    is: 'GO with warnings',
  },
  { name: 'a promotion', purpose: 'promote', is: 'GO (outbound only; inbound from 2 DCs untested)' },
  {
    name: 'a promotion past one DC',
    purpose: 'promote',
    faults: { 'dc1 smb': noAnswer },
    is: 'GO with warnings (outbound only; inbound from 2 DCs untested)',
  },
  {
    name: 'a promotion beside DCs without DFSR',
    purpose: 'promote',
    faults: { 'rpc-dynamic-dfsr': noAnswer },
    is: 'GO with warnings (outbound only; inbound from 2 DCs untested)',
  },
  { name: 'AD Connector without UDP 88', purpose: 'ad-connector', faults: { 'kerberos-udp': noAnswer }, is: 'NO-GO kerberos:ad-connector' },
];

for (const { name, purpose = 'join-windows', found = located(), faults = {}, named = [], is } of cases) {
  test(`${purpose}, ${name}: ${is}`, () => {
    const { conclusion } = concludeWith(purpose, found, faults, named);
    const predictions = conclusion.predictions.map(({ step, code }) => `${step}:${code}`);
    const skipped = conclusion.skipped.map(({ because, checks }) => `${checks} for ${because}`);
    assert.equal([decisionWords(conclusion), ...predictions, ...skipped].join(' '), is);
    const code = is.startsWith('NO-GO') ? 1 : is.startsWith('undecided') || is.includes('outbound only') ? 3 : 0;
    assert.equal(exitCodeOf(conclusion), code);
  });
}

test('what was not asked in large packets, since it failed in small ones, is no news', () => {
  const faults: Faults = {
    'kerberos-udp': ['fail', 'no-answer'],
    'kerberos-udp-1452': ['skip', 'prerequisite'],
    'kerberos-udp-2000': ['skip', 'prerequisite'],
  };
  const { conclusion, results } = concludeWith('join-windows', located(), faults);
  assert.ok(results.some(({ verdict }) => verdict.finding?.code === 'prerequisite'));
  assert.deepEqual(conclusion.skipped, []);
});

test("a DC's own DNS is asked only where this host uses it as a resolver", () => {
  const found = located({ resolvers: [resolver('192.0.2.1', ['dc1', 'dc2'], ['dc1', 'dc2'])] });
  const { results } = concludeWith('join-windows', found);
  const asked = results.filter(({ check, verdict }) => check.probe === 'dns' && verdict.status !== 'skip').map(({ check }) => check.destination);
  assert.deepEqual(asked, ['dc1', 'dc1', 'dc1']);
});

test('the DCs that are asked are those of the site, dead ones too, and those that were named; the others are far', () => {
  const candidates = [
    dc('alive', '192.0.2.1'),
    dc('dead', '192.0.2.2', { ping: silence }),
    dc('elsewhere', '192.0.2.3', { site: 'there' }),
    dc('named', '192.0.2.4', { site: 'there' }),
    dc('other-domain', '192.0.2.5', { ping: observed('open', { domain: 'else.test', site: 'here', roles: ['closest'] }) }),
  ];
  const resolvers = [resolver('192.0.2.53', ['alive', 'dead', 'elsewhere'], ['alive', 'dead'])];
  const pick = (found: Located): readonly string[] => selectDcs(found, domain, ['192.0.2.4']).near.map(({ dnsName }) => dnsName.split('.')[0] ?? '');
  assert.deepEqual(pick(located({ candidates, resolvers })), ['named', 'alive', 'dead']);
  // Without a site whoever answers is as near as any other.
  assert.deepEqual(pick(located({ candidates, resolvers, clientSite: '' })), ['named', 'alive', 'elsewhere']);
});

test('an address that this host has no route to is left alone, as long as its DC has another', () => {
  const ping: Outcome = { kind: 'failed', code: 'unsupported', message: 'no route' };
  const both = located({ candidates: [dc('dc1', '192.0.2.1'), dc('dc1', '2001:db8::1', { ping })] });
  assert.deepEqual(
    selectDcs(both, domain, []).near.map(({ address }) => address),
    ['192.0.2.1'],
  );
  const only = located({ candidates: [dc('dc1', '2001:db8::1', { ping })] });
  assert.deepEqual(
    selectDcs(only, domain, []).near.map(({ address }) => address),
    ['2001:db8::1'],
  );
});

test('no two hosts of a preflight share a name, not even this one and a DC', () => {
  const near = [dc('me', '192.0.2.1'), dc('me', '2001:db8::1'), dc('me', '192.0.2.2')];
  const names = inventoryOf([{ domain, near }], { name: 'ME', addresses: [] }, []).hosts.map(({ name }) => name.toLowerCase());
  assert.equal(new Set(names).size, names.length);
});

test('clocks behind one address that disagree are two hosts', () => {
  const { results } = concludeWith('join-windows', located());
  const withClocks = results.map((result): Result => {
    const offsets: Readonly<Record<string, number>> = { kerberos: 20, smb: 90_000, ntp: -10 };
    const clockOffsetMs = result.check.destination === 'dc1' ? offsets[result.check.probe] : undefined;
    return clockOffsetMs === undefined ? result : { ...result, outcome: observed('open', { clockOffsetMs }) };
  });
  const questions = questionsOf('join-windows', published);
  const selection = selectDcs(located(), domain, []);
  const dcs = inventoryOf([{ domain, near: selection.near }], { name: 'me', addresses: [] }, []).hosts.filter(({ roles }) => roles.includes('dc'));
  const conclusion = conclude('join-windows', domain, questions, { located: located(), selection, dcs, results: withClocks });
  assert.deepEqual(conclusion.dcs[0]?.clocks, { kerberos: 20, smb: 90_000, ntp: -10 });
  assert.deepEqual(conclusion.findings, [{ code: 'clocks-disagree', dc: `dc1.${domain}`, spreadMs: 90_010 }]);
  assert.equal(conclusion.decision, 'go-with-warnings');
});

function reportOf(preflight: Conclusion, results: readonly Result[]): Report {
  return {
    schema: 1,
    tool: { name: 'portmatrix', version: '0.0.0' },
    run: { id: 'test', startedAt: at, finishedAt: at },
    matrices: [matrixRecord(questionsOf(preflight.purpose === 'ssm' ? assert.fail() : preflight.purpose, published).matrix)],
    sources: [{ name: 'me', state: 'reported' }],
    excluded: [],
    diagnoses: [],
    preflight,
    summary: summarize(results),
    results,
  };
}

for (const { name, purpose = 'join-windows', found = located(), faults = {}, named = [] } of cases) {
  test(`the report of ${purpose}, ${name}, survives its file, leads with its conclusion, and is JUnit that Jenkins takes`, async (t) => {
    const { conclusion, results } = concludeWith(purpose, found, faults, named);
    const report = reportOf(conclusion, results);
    const folder = folderWith(t, { 'report.json': render(reporters.json, report) });
    assert.deepEqual(readReport(`${folder}/report.json`), JSON.parse(JSON.stringify(report)));
    assert.ok(render(reporters.table, report).startsWith(`${decisionWords(conclusion)}  for `));
    const contents = render(reporters.junit, report);
    const { errors } = await validateXML({ xml: { fileName: 'junit.xml', contents }, schema: junitSchemaFile() });
    assert.deepEqual(errors, []);
    const total = Number(/<testsuites[^>]* tests="(\d+)"/.exec(contents)?.[1]);
    assert.equal(total, results.length + 1);
  });
}

test('a preflight whose agent was lost, and one that was interrupted, are undecided: exit 3', () => {
  const lost = reportOf(concludeLost('join-linux', domain, 'node: not found'), []);
  assert.match(render(reporters.table, lost), /^undecided {2}for a domain join from Linux.*\n +Nobody could look: node: not found\./);
  assert.equal(exitCode(lost), 3);
  const { conclusion, results } = concludeWith('join-windows', located());
  const whole = reportOf(conclusion, results);
  assert.equal(exitCode(whole), 0);
  assert.equal(exitCode({ ...whole, run: { ...whole.run, interrupted: true } }), 3);
});
