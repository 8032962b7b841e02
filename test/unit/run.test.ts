import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { packFrame } from '../../agent/contract/frame.ts';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Message, Settled } from '../../agent/contract/message.ts';
import type { Reason, State } from '../../agent/contract/outcome.ts';
import { readInventory } from '../../src/inventory.ts';
import { findMatrix } from '../../src/matrix.ts';
import { plan } from '../../src/plan.ts';
import { exitCode, type Report } from '../../src/report.ts';
import { run } from '../../src/run.ts';
import { far, near, type WrittenHost, type WrittenRule } from '../support/binary.ts';
import { connectionOf, helloFor, type Script, settledOpen } from '../support/connection.ts';
import { type Planned, planOf, usualChoice } from '../support/planning.ts';
import { reportSchemaFile } from '../support/reporting.ts';
import { folderWith } from '../support/temporary-folder.ts';

const near2 = { ...near, name: 'near2', address: '127.0.0.8' };
const forbidden = { id: 'shut', ports: ['23/tcp'], probe: 'tcp', expect: ['filtered'] };
const web = { id: 'web', ports: ['443/tcp'], probe: 'tcp' };
const bye: Message = { kind: 'bye', reason: 'finished' };
const aborted = AbortSignal.abort();

function settled(index: number, state: State, reason: Reason): Settled {
  const { outcome, ...rest } = settledOpen(index);
  return {
    ...rest,
    outcome: { ...outcome, kind: 'observed', state, reason, target: { address: '127.0.0.1', port: 1 }, at: '2026-01-01T00:00:00.000Z' },
  };
}

/** The report of a run whose agents follow these scripts. */
function reportOf(
  { plan, inventory }: Planned,
  scripts: Readonly<Record<string, Script>>,
  signal = new AbortController().signal,
  seen?: string[],
): Promise<Report> {
  let clock = Date.UTC(2026, 0, 1);
  return run(plan, {
    inventory,
    pace: usualChoice,
    ways: { byCommand: connectionOf(scripts) },
    allowInconclusive: false,
    version: '1.2.3',
    signal,
    emergency: new AbortController().signal,
    now: () => (clock += 1_000),
    settled: (source, { status }) => seen?.push(`${source} ${status}`),
  });
}

function verdictsOf({ results }: Report): readonly string[] {
  return results.map(({ check, verdict }) => `${check.source} ${check.rule} ${verdict.status} ${verdict.finding?.code ?? ''}`.trimEnd());
}

describe('a forbidden port that is silent', () => {
  const silent = settled(0, 'filtered', 'no-response');

  it('passes where the same source saw that destination alive', async (t) => {
    const planned = planOf(t, [forbidden, web], [near, far]);
    const report = await reportOf(planned, { near1: [helloFor(planned.plan, 'near1'), silent, settledOpen(1), bye] });
    assert.deepEqual(verdictsOf(report), ['near1 shut pass', 'near1 web pass']);
  });

  it('is undecided where it did not, whatever another source saw', async (t) => {
    const planned = planOf(t, [forbidden, web], [near, near2, far]);
    const report = await reportOf(planned, {
      near1: [helloFor(planned.plan, 'near1'), silent, settled(1, 'filtered', 'no-response'), bye],
      near2: [helloFor(planned.plan, 'near2'), silent, settledOpen(1), bye],
    });
    assert.deepEqual(verdictsOf(report), ['near1 shut inconclusive no-control', 'near1 web fail no-answer', 'near2 shut pass', 'near2 web pass']);
  });
});

describe('a name that must be shut', () => {
  const https = { id: 'https', to: { name: 'www.example.com' }, ports: ['443/tcp'], probe: 'https' };
  const ldap = { id: 'ldap', ports: ['389/tcp'], probe: 'ldap' };
  const told = (index: number, state: State, facts: Facts): Settled => {
    const { outcome, ...rest } = settled(index, state, state === 'open' ? 'syn-ack' : 'no-response');
    assert.ok(outcome.kind === 'observed');
    return { ...rest, outcome: { ...outcome, service: { status: state === 'open' ? 'identified' : 'silent', facts } } };
  };
  const dropped = told(1, 'filtered', { addresses: ['192.0.2.1 filtered no-response'] });
  const through = told(0, 'open', { addresses: ['192.0.2.1 open'] });
  const cases: readonly (readonly [name: string, heard: State, witness: Settled, verdict: string])[] = [
    ['passes where another source got through and this one was heard elsewhere', 'open', through, 'pass'],
    ['is undecided where the other source did not get through either', 'open', { ...dropped, index: 0 }, 'inconclusive no-control'],
    ['is undecided where this source was heard nowhere', 'filtered', through, 'inconclusive no-control'],
  ];
  for (const [name, heard, witness, verdict] of cases) {
    it(name, async (t) => {
      const cwd = folderWith(t, {
        'inventory.yaml': JSON.stringify({ hosts: [near, { ...near2, roles: ['let-out'] }, far] }),
        'shut.yaml': JSON.stringify({ matrix: 'shut', from: 'near', to: 'far', rules: [ldap, { ...https, expect: ['blocked'] }] }),
        'witness.yaml': JSON.stringify({ matrix: 'witness', from: 'let-out', rules: [{ ...https, requirement: 'optional' }] }),
      });
      const inventory = readInventory(join(cwd, 'inventory.yaml'));
      const [matrix, ...others] = ['./shut.yaml', './witness.yaml'].map((file) => findMatrix(file, { cwd, asPublished: false }));
      assert.ok(matrix !== undefined);
      const made = plan([matrix, ...others], inventory, { ...usualChoice, withoutControl: true });
      const report = await reportOf(
        { plan: made, inventory, matrix },
        { near1: [helloFor(made, 'near1'), told(0, heard, {}), dropped, bye], near2: [helloFor(made, 'near2'), witness, bye] },
      );
      const shut = report.results.find(({ check }) => check.matrix === 'shut' && check.rule === 'https');
      assert.equal([shut?.verdict.status, shut?.verdict.finding?.code].join(' ').trim(), verdict);
      const validate = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(reportSchemaFile());
      assert.ok(validate(report), JSON.stringify(validate.errors?.slice(0, 3)));
    });
  }
});

describe('what a source saw elsewhere', () => {
  const dc = (name: string, address: string, fields: object = {}): WrittenHost => ({
    name,
    address,
    roles: ['far', 'dc'],
    dnsName: `${name}.corp.example.test`,
    ...fields,
  });
  const overBoth = { id: 'dns', ports: ['53/udp', '53/tcp'], probe: 'dns' };
  const lists = (index: number, ...names: readonly string[]): Settled => answered(index, names, {});
  const answered = (index: number, names: readonly string[], facts: Facts): Settled => {
    const { outcome, ...rest } = settled(index, 'open', 'syn-ack');
    assert.ok(outcome.kind === 'observed');
    const srvTargets = names.map((name) => `${name}.corp.example.test`);
    return {
      ...rest,
      outcome: { ...outcome, service: { status: 'identified', facts: { rcode: 'NOERROR', authoritative: true, srvTargets, ...facts } } },
    };
  };
  const verdicts = async (t: TestContext, hosts: readonly WrittenHost[], results: readonly Settled[]): Promise<readonly string[]> => {
    const planned = planOf(t, [overBoth], [near, ...hosts], {}, { domain: 'corp.example.test' });
    const report = await reportOf(planned, { near1: [helloFor(planned.plan, 'near1'), ...results, bye] });
    return report.results.map(({ check, verdict }) =>
      `${check.destination} ${check.transport} ${verdict.status} ${verdict.finding?.code ?? ''}`.trimEnd(),
    );
  };

  it('is held against the DCs of the inventory, of which a read-only one registers elsewhere', async (t) => {
    const hosts = [dc('dc1', '127.0.0.1'), dc('rodc1', '127.0.0.2', { readOnly: true })];
    assert.deepEqual(await verdicts(t, hosts, [lists(0, 'dc1'), lists(1, 'dc1'), lists(2, 'dc1'), lists(3, 'dc1', 'old')]), [
      'dc1 udp pass',
      'dc1 tcp pass',
      'rodc1 udp pass',
      'rodc1 tcp warn unknown-dcs',
    ]);
  });

  it('of a site with a read-only DC is asked for, and has to have it', async (t) => {
    const hosts = [dc('dc1', '127.0.0.1', { site: 'HQ' }), dc('rodc1', '127.0.0.2', { readOnly: true, site: 'Branch' })];
    const inSite = (index: number, ...targets: readonly string[]): Settled => answered(index, ['dc1'], { siteTargets: targets });
    const results = [lists(0, 'dc1'), inSite(1, 'rodc1.corp.example.test'), lists(2, 'dc1'), inSite(3)];
    const planned = planOf(t, [overBoth], [near, ...hosts], {}, { domain: 'corp.example.test' });
    // Only the hosts in a site that has a read-only DC.
    assert.deepEqual(
      planned.plan.job.hosts.map(({ name, site }) => [name, site]),
      [
        ['near1', undefined],
        ['dc1', undefined],
        ['rodc1', 'Branch'],
      ],
    );
    assert.deepEqual(await verdicts(t, hosts, results), ['dc1 udp pass', 'dc1 tcp pass', 'rodc1 udp pass', 'rodc1 tcp warn dcs-not-in-site']);
    const clients = { ...near, site: 'branch' };
    assert.deepEqual(
      planOf(t, [overBoth], [clients, ...hosts], {}, { domain: 'corp.example.test' }).plan.job.hosts.map(({ site }) => site),
      ['branch', undefined, 'Branch'],
    );
  });

  it('over the other transport of the same server is compared, and a difference said once', async (t) => {
    const hosts = [dc('dc1', '127.0.0.1'), dc('dc2', '127.0.0.2')];
    const results = [lists(0, 'dc1', 'dc2'), lists(1, 'dc1'), lists(2, 'dc1', 'dc2'), lists(3, 'dc1', 'dc2')];
    assert.deepEqual(await verdicts(t, hosts, results), ['dc1 udp pass', 'dc1 tcp warn dcs-not-registered', 'dc2 udp pass', 'dc2 tcp pass']);
    const planned = planOf(t, [overBoth], [near, ...hosts], {}, { domain: 'corp.example.test' });
    const report = await reportOf(planned, { near1: [helloFor(planned.plan, 'near1'), ...results, bye] });
    assert.deepEqual(report.results[1]?.verdict.also, [{ code: 'dns-disagrees', onlyTcp: [], onlyUdp: ['dc2.corp.example.test'] }]);
  });

  it('makes an address of a DC that answers nothing worth a warning where DNS gives it', async (t) => {
    const hosts = [dc('dc1', '127.0.0.1'), { ...dc('dc1-b', '127.0.0.2'), dnsName: 'dc1.corp.example.test' }];
    const given = (index: number, ...addresses: readonly string[]): Settled => answered(index, ['dc1'], { ownAddresses: addresses });
    const silent = [settled(2, 'open|filtered', 'no-response'), settled(3, 'filtered', 'no-response')];
    assert.deepEqual(await verdicts(t, hosts, [given(0, '127.0.0.1', '127.0.0.2'), given(1, '127.0.0.1', '127.0.0.9'), ...silent]), [
      'dc1 udp warn dc-registers-unreachable-address',
      'dc1 tcp warn dc-registers-unknown-address',
      'dc1-b udp fail no-answer',
      'dc1-b tcp fail no-answer',
    ]);
  });

  it('of a DC that is not in the inventory as one is compared with nothing', async (t) => {
    const other = { ...dc('far1', '127.0.0.1'), roles: ['far'] };
    assert.deepEqual(await verdicts(t, [other], [lists(0, 'far1', 'old'), lists(1, 'far1', 'old')]), ['far1 udp pass', 'far1 tcp pass']);
  });
});

describe('a source whose every handshake is completed', () => {
  const ldap = { id: 'ldap', ports: ['389/tcp'], probe: 'ldap' };
  const shutLdap = { ...ldap, id: 'shut-ldap', ports: ['390/tcp'], expect: ['filtered'] };
  const silent = (index: number): Settled => settled(index, 'filtered', 'no-response');
  const served = (index: number): Settled => {
    const { outcome, ...rest } = settled(index, 'open', 'syn-ack');
    assert.ok(outcome.kind === 'observed');
    return { ...rest, outcome: { ...outcome, service: { status: 'identified', facts: { domain: 'corp.example.test' } } } };
  };
  const reported = async (t: TestContext, rules: readonly WrittenRule[], results: readonly Settled[]): Promise<Report> => {
    const planned = planOf(t, rules, [near, far], { withoutControl: false });
    return reportOf(planned, { near1: [helloFor(planned.plan, 'near1'), ...results, bye] });
  };

  it('is told by the control, and what is only a handshake is undecided', async (t) => {
    const report = await reported(t, [web, ldap], [settledOpen(0), served(1), settledOpen(2)]);
    assert.deepEqual(verdictsOf(report), ['near1 web inconclusive accept-all', 'near1 ldap pass', 'near1 unassigned-port warn accept-all']);
    assert.equal(exitCode(report), 3);
    assert.deepEqual(
      report.matrices.map(({ name }) => name),
      ['mine', 'control'],
    );
  });

  it('is none where the control is refused or silent', async (t) => {
    for (const seen of [silent(2), settled(2, 'closed', 'conn-refused'), settled(2, 'filtered', 'host-unreach')]) {
      const report = await reported(t, [web, ldap], [settledOpen(0), served(1), seen]);
      assert.deepEqual(verdictsOf(report), ['near1 web pass', 'near1 ldap pass', 'near1 unassigned-port pass']);
      assert.equal(exitCode(report), 0);
    }
  });

  it('has no sign of life in a handshake: only an answer is a control of what is forbidden', async (t) => {
    const dead = await reported(t, [forbidden, web], [silent(0), settledOpen(1), settledOpen(2)]);
    assert.deepEqual(verdictsOf(dead), [
      'near1 shut inconclusive no-control',
      'near1 web inconclusive accept-all',
      'near1 unassigned-port warn accept-all',
    ]);
    const alive = await reported(t, [forbidden, ldap], [silent(0), served(1), settledOpen(2)]);
    assert.deepEqual(verdictsOf(alive), ['near1 shut pass', 'near1 ldap pass', 'near1 unassigned-port warn accept-all']);
  });

  it('does not show a forbidden port open', async (t) => {
    const report = await reported(t, [forbidden, shutLdap, ldap], [settledOpen(0), served(1), served(2), settledOpen(3)]);
    assert.deepEqual(verdictsOf(report), [
      'near1 shut inconclusive accept-all',
      'near1 shut-ldap fail forbidden-open',
      'near1 ldap pass',
      'near1 unassigned-port warn accept-all',
    ]);
  });

  it('without a result of the control is judged as if there were none, and the run says what is missing', async (t) => {
    const report = await reported(t, [web], [settledOpen(0)]);
    assert.deepEqual(verdictsOf(report), ['near1 web pass', 'near1 unassigned-port error not-checked']);
  });
});

describe('a report', () => {
  it('holds every planned check once, names what became of each source, and is valid', async (t: TestContext) => {
    const blind = { ...near, name: 'blind', address: '127.0.0.7', connector: 'none' };
    const planned = planOf(
      t,
      [web, { ...web, id: 'gc', ports: ['3268/tcp'], when: 'gc' }, forbidden],
      [near, near2, { ...near, name: 'near3', address: '127.0.0.6' }, blind, { ...far, features: [] }],
    );
    const report = await reportOf(planned, {
      near1: [helloFor(planned.plan, 'near1'), settledOpen(0), settled(1, 'closed', 'conn-refused'), bye],
      near2: [helloFor(planned.plan, 'near2'), settledOpen(0), 'ended with exit code 9'],
      near3: ['ssh could not be started'],
    });
    assert.deepEqual(verdictsOf(report), [
      'near1 web pass',
      'near1 gc skip not-applicable',
      'near1 shut warn reached-host',
      'near2 web pass',
      'near2 gc skip not-applicable',
      'near2 shut error not-checked',
      'near3 web error not-checked',
      'near3 gc skip not-applicable',
      'near3 shut error not-checked',
      'blind web skip no-vantage',
      'blind gc skip not-applicable',
      'blind shut skip no-vantage',
    ]);
    assert.deepEqual(
      report.sources.map(({ name, state, message }) => [name, state, message]),
      [
        ['near1', 'reported', undefined],
        ['near2', 'lost', 'ended with exit code 9'],
        ['near3', 'unreachable', 'ssh could not be started'],
        ['blind', 'no-vantage', undefined],
      ],
    );
    assert.deepEqual(report.summary, { total: 12, pass: 2, fail: 0, warn: 1, inconclusive: 0, error: 3, skip: 6 });
    assert.equal(exitCode(report), 3);
    const isValid = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(reportSchemaFile());
    assert.ok(isValid(JSON.parse(JSON.stringify(report))), JSON.stringify(isValid.errors));
    assert.deepEqual(report.run, { id: 'test', startedAt: '2026-01-01T00:00:01.000Z', finishedAt: '2026-01-01T00:00:02.000Z' });
  });

  it('of a source that left out answers judges none of them, and says so of the source', async (t) => {
    const asked = [
      { id: 'ldap', ports: ['389/tcp'], probe: 'ldap' },
      { ...forbidden, probe: 'smb' },
    ];
    const planned = planOf(t, asked, [near, near2, far]);
    const results = [settledOpen(0), settledOpen(1)];
    const frame: Message = { kind: 'frame', text: packFrame(planned.plan.job, 'near1', { results, facts: 'partial' }) };
    const cut: Message = { kind: 'frame', text: packFrame(planned.plan.job, 'near2', { results }).slice(1) };
    const report = await reportOf(planned, {
      near1: [helloFor(planned.plan, 'near1'), frame, bye],
      near2: [helloFor(planned.plan, 'near2'), cut, bye],
    });
    assert.deepEqual(verdictsOf(report), [
      'near1 ldap inconclusive unproven',
      'near1 shut fail forbidden-open',
      'near2 ldap error not-checked',
      'near2 shut error not-checked',
    ]);
    assert.deepEqual(
      report.sources.map(({ name, state, facts }) => [name, state, facts]),
      [
        ['near1', 'reported', 'partial'],
        ['near2', 'lost', undefined],
      ],
    );
    const isValid = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(reportSchemaFile());
    assert.ok(isValid(JSON.parse(JSON.stringify(report))), JSON.stringify(isValid.errors));
  });

  it('of a source whose agent is of another version is in error, and none of its checks is judged', async (t) => {
    const planned = planOf(t, [web], [near, far]);
    const report = await reportOf(planned, { near1: [{ ...helloFor(planned.plan, 'near1'), contract: 1 }, settledOpen(0), bye] });
    const [result] = report.results;
    assert.ok(result?.outcome?.kind === 'failed' && result.outcome.code === 'output-lost');
    assert.deepEqual(report.sources, [{ name: 'near1', state: 'lost', message: 'the agent understood another job than it was sent' }]);
  });

  it('of a run that was stopped says so, and is exit 3', async (t) => {
    const report = await reportOf(planOf(t, [web], [near, far]), {}, aborted);
    assert.equal(report.run.interrupted, true);
    assert.deepEqual(verdictsOf(report), ['near1 web error not-checked']);
    const [result] = report.results;
    assert.ok(result?.outcome?.kind === 'failed' && result.outcome.code === 'interrupted');
    assert.equal(exitCode(report), 3);
  });

  it('is preceded by news of each settled check', async (t) => {
    const planned = planOf(t, [web, forbidden], [near, far]);
    const seen: string[] = [];
    const script = [helloFor(planned.plan, 'near1'), settled(1, 'open', 'syn-ack'), settledOpen(0), settledOpen(7), bye];
    await reportOf(planned, { near1: script }, undefined, seen);
    assert.deepEqual(seen, ['near1 fail', 'near1 pass']);
  });
});
