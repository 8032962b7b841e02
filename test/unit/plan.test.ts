import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { expand, fingerprint } from '../../agent/contract/expand.ts';
import { agentsAtOnce, type PaceChoice, paceNames, paceOf } from '../../src/pace.ts';
import { plan, plannedChecks } from '../../src/plan.ts';
import { UsageError } from '../../src/usage-error.ts';
import { readInventory } from '../../src/inventory.ts';
import { findMatrix } from '../../src/matrix.ts';
import { far, near, sceneOf, type WrittenHost, type WrittenRule } from '../support/binary.ts';
import { idsOf, planOf, usualChoice } from '../support/planning.ts';

const web: WrittenRule = { id: 'web', ports: ['443/tcp'], probe: 'tcp' };
const far2: WrittenHost = { name: 'far2', address: '127.0.0.2', roles: ['far'] };

describe('a plan', () => {
  it('makes one check per port entry and port of a TCP range, and one per interface of an RPC range', (t) => {
    const { plan } = planOf(
      t,
      [
        { id: 'several', ports: ['1/tcp', '3-5/tcp'], probe: 'tcp' },
        { id: 'mapper', ports: ['135/tcp'], probe: 'epm' },
        { id: 'dynamic', ports: ['49152-65535/tcp'], probe: 'rpc', interfaces: ['netlogon', 'drsuapi'], after: ['mapper'] },
        { id: 'fixed', ports: ['5722/tcp'], probe: 'rpc', interfaces: ['dfsr'] },
      ],
      [near, far],
    );
    assert.deepEqual(
      idsOf(plan).map((id) => id.replace('near1->far1:', '')),
      [
        'mine/several/1/tcp',
        'mine/several/3/tcp',
        'mine/several/4/tcp',
        'mine/several/5/tcp',
        'mine/mapper/135/tcp',
        'mine/dynamic/49152-65535/tcp#netlogon',
        'mine/dynamic/49152-65535/tcp#drsuapi',
        'mine/fixed/5722/tcp#dfsr',
      ],
    );
  });

  it('carries how credentials are used, and none themselves, where the user chose so', (t) => {
    const rules = [{ id: 'ticket', ports: ['88/tcp'], probe: 'ldap-ticket' }];
    const kerberos = { installation: '/opt/portmatrix', keytab: '/etc/krb5.keytab' };
    assert.deepEqual(planOf(t, rules, [near, far], { kerberos }).plan.job.kerberos, kerberos);
    assert.ok(!('kerberos' in planOf(t, rules, [near, far]).plan.job));
  });

  it('lets hosts of several roles ask, each pair once', (t) => {
    const folder = sceneOf(t, [web], [near, { ...near, name: 'near2', address: '127.0.0.8', roles: ['other', 'near'] }, far]);
    writeFileSync(join(folder, 'mine.yaml'), JSON.stringify({ matrix: 'mine', from: ['other', 'near', 'absent'], to: 'far', rules: [web] }));
    const matrix = findMatrix('./mine.yaml', { cwd: folder, asPublished: false });
    const made = plan([matrix], readInventory(join(folder, 'inventory.yaml')), usualChoice);
    assert.deepEqual(idsOf(made), ['mine/web/near1->far1:443/tcp', 'mine/web/near2->far1:443/tcp']);
  });

  it('takes as long as its tickets do, of which few are asked for at a time', (t) => {
    const hosts = Array.from({ length: 20 }, (_, index): WrittenHost => ({ ...far, name: `far${index}`, address: `127.0.2.${index + 1}` }));
    const ports = { ports: ['88/tcp'] };
    const tickets = planOf(t, [{ ...ports, id: 'ticket', probe: 'ldap-ticket' }], [near, ...hosts]).plan;
    const handshakes = planOf(t, [{ ...ports, id: 'port', probe: 'tcp' }], [near, ...hosts]).plan;
    assert.deepEqual([tickets.worstCaseMs, handshakes.worstCaseMs], [3 * 1_500, 1_500]);
  });

  it('takes the same samples of a UDP range every time', (t) => {
    const rule = { id: 'media', ports: ['50000-60000/udp'], probe: 'udp', sample: 3 };
    const [one, other] = [planOf(t, [rule], [near, far]), planOf(t, [rule], [near, far], { run: 'other' })];
    assert.equal(idsOf(one.plan).length, 3);
    assert.deepEqual(idsOf(one.plan), idsOf(other.plan));
  });

  it('asks a rule for both directions both ways, each with its requirement, and a host never asks itself', (t) => {
    const rules = [{ ...web, direction: 'both', reverseRequirement: 'optional' }];
    const both = { name: 'both', address: '127.0.0.3', roles: ['near', 'far'], connector: 'local' };
    const { plan } = planOf(t, rules, [near, { ...far, connector: 'local' }, both]);
    assert.deepEqual(Array.from(plannedChecks(plan), ({ check, rule }) => `${check.source}>${check.destination} ${rule.requirement}`).sort(), [
      'both>far1 required',
      'both>near1 optional',
      'far1>both optional',
      'far1>near1 optional',
      'near1>both required',
      'near1>far1 required',
    ]);
  });

  it('leaves a rule out where the destination lacks its feature, and everything out where the source runs no agent', (t) => {
    const rules = [web, { ...web, id: 'gc', ports: ['3268/tcp'], when: 'gc' }];
    const blind = { ...near, name: 'blind', address: '127.0.0.8', connector: 'none' };
    const { plan } = planOf(t, rules, [near, blind, { ...far, features: ['gc'] }, { ...far2, features: [] }]);
    assert.deepEqual(idsOf(plan), [
      'mine/web/near1->far1:443/tcp',
      'mine/gc/near1->far1:3268/tcp',
      'mine/web/near1->far2:443/tcp',
      'mine/gc/near1->far2:3268/tcp not-applicable',
      'mine/web/blind->far1:443/tcp no-vantage',
      'mine/gc/blind->far1:3268/tcp no-vantage',
      'mine/web/blind->far2:443/tcp no-vantage',
      'mine/gc/blind->far2:3268/tcp not-applicable',
    ]);
    assert.deepEqual(plan.sources, ['near1']);
  });

  it('refuses two matrices of one name, whose checks could not be told apart', (t) => {
    const { inventory, matrix } = planOf(t, [web], [near, far]);
    assert.throws(() => plan([matrix, { ...matrix }], inventory, usualChoice), says(/two matrices are named "mine"/));
  });

  it('applies every rule to a host of which nobody said what it offers', (t) => {
    const { plan } = planOf(t, [{ ...web, when: 'gc' }], [near, { name: 'far1', address: '127.0.0.1', roles: ['far'] }]);
    assert.deepEqual(idsOf(plan), ['mine/web/near1->far1:443/tcp']);
  });

  it('numbers the asked checks of each source as the agent does', (t) => {
    const rules = [web, { ...web, id: 'gc', ports: ['3268/tcp'], when: 'gc' }, { ...web, id: 'range', ports: ['10-12/tcp'] }];
    const near2 = { ...near, name: 'near2', address: '127.0.0.8' };
    const { plan } = planOf(t, rules, [near, near2, far, { ...far2, features: ['gc'] }]);
    for (const source of plan.sources) {
      const asked = Array.from(plannedChecks(plan)).filter(({ check, index }) => check.source === source && index !== undefined);
      const ordered = asked.toSorted((one, two) => (one.index ?? 0) - (two.index ?? 0)).map(({ check }) => check);
      assert.deepEqual(ordered, [...expand(plan.job, source)]);
      assert.deepEqual(fingerprint(ordered), fingerprint(expand(plan.job, source)));
    }
  });

  it('puts prerequisites before what needs them, and draws in those that were not chosen', (t) => {
    const rules = [
      { ...web, id: 'last', after: ['middle'] },
      { ...web, id: 'middle', ports: ['2/tcp'], after: ['first'] },
      { ...web, id: 'first', ports: ['1/tcp'] },
      { ...web, id: 'other', ports: ['9/tcp'] },
    ];
    const { plan } = planOf(t, rules, [near, far], { rules: ['mine/last'] });
    assert.deepEqual(
      Array.from(plannedChecks(plan), ({ check }) => [check.rule, check.after ?? []]),
      [
        ['first', []],
        ['middle', ['mine/first/near1->far1:1/tcp']],
        ['last', ['mine/middle/near1->far1:2/tcp']],
      ],
    );
    assert.deepEqual([...plan.drawnIn].sort(), ['mine/first', 'mine/middle']);
  });

  it('lets a large question wait for the small one on its own port, and tells the agent its size', (t) => {
    const rules = [
      { id: 'kerberos', ports: ['88/tcp', '88/udp'], probe: 'kerberos' },
      { id: 'large', ports: ['88/udp'], probe: 'kerberos', after: ['kerberos'], size: 1_452 },
      { id: 'ldap', ports: ['389/tcp'], probe: 'ldap' },
      { id: 'long', ports: ['389/tcp'], probe: 'ldap', after: ['ldap'], replySize: 1_500 },
    ];
    const { plan } = planOf(t, rules, [near, far]);
    assert.deepEqual(
      Array.from(plannedChecks(plan), ({ check }) => [check.id, check.size, check.after]).filter(([, size]) => size !== undefined),
      [
        ['mine/large/near1->far1:88/udp', { of: 'request', bytes: 1_452 }, ['mine/kerberos/near1->far1:88/udp']],
        ['mine/long/near1->far1:389/tcp', { of: 'reply', bytes: 1_500 }, ['mine/ldap/near1->far1:389/tcp']],
      ],
    );
  });

  it('tells every exclusion and its reason', (t) => {
    const { plan } = planOf(t, [web], [near, far, far2], {}, { except: [{ from: { host: 'near1' }, to: { host: 'far2' } }] });
    assert.deepEqual(plan.excluded, [{ source: 'near1', destination: 'far2', reason: 'except: host near1 <-> host far2' }]);
  });

  it('that would ask nothing is the mistake of its user, who is told why', (t) => {
    const hosts = [near, far];
    assert.throws(() => planOf(t, [web], [{ ...near, connector: 'none' }, far]), says(/no source has a connector/));
    assert.throws(() => planOf(t, [{ ...web, when: 'gc' }], [near, { ...far, features: [] }]), says(/no rule applies/));
    assert.throws(
      () => planOf(t, [web], hosts, {}, { except: [{ from: { host: 'near1' }, to: { host: 'far1' } }] }),
      says(/the only pair of hosts is excluded/),
    );
    assert.throws(() => planOf(t, [web], hosts, { sources: ['far1'] }), says(/no two hosts meet/));
    assert.throws(() => planOf(t, [web], hosts, { destinations: ['nobody'] }), says(/--destination "nobody".*near1, far1/));
  });

  it('ends its agents after the worst case, and never later than a timer can tell', (t) => {
    const { plan } = planOf(t, [{ ...web, ports: ['1-64/tcp'] }], [near, far], { perDestination: 8 });
    assert.equal(plan.worstCaseMs, 8 * 1_500);
    assert.ok(plan.job.endsAfterMs > plan.worstCaseMs);
    const endless = planOf(t, [{ ...web, ports: ['1-65535/tcp'] }], [near, far], { perDestination: 1, timeoutMs: 120_000 });
    assert.equal(endless.plan.job.endsAfterMs, 2 ** 31 - 1);
  });
});

describe('the control of a plan', () => {
  const ldap: WrittenRule = { id: 'ldap', ports: ['389/tcp'], probe: 'ldap' };
  const controlsIn = (made: ReturnType<typeof planOf>): readonly string[] => idsOf(made.plan).filter((id) => id.startsWith('control/'));
  const withControl = { withoutControl: false };

  it('is one check of each pair that is asked for a bare handshake, or for TCP that must not get through', (t) => {
    const control = 'control/unassigned-port/near1->far1:40/tcp';
    const forbidden = { ...ldap, expect: ['filtered'] };
    for (const rules of [[web], [ldap, { ...web, ports: ['1-100/tcp', '443/tcp'] }], [forbidden]])
      assert.deepEqual(controlsIn(planOf(t, rules, [near, far], withControl)), [control]);
    assert.deepEqual(controlsIn(planOf(t, [ldap, { ...ldap, id: 'udp', ports: ['9/udp'], probe: 'udp' }], [near, far], withControl)), []);
    assert.deepEqual(controlsIn(planOf(t, [web], [near, far])), []);
  });

  it('is asked last, as the agent numbers it, and its matrix is in the report', (t) => {
    const { plan: made } = planOf(
      t,
      [web, { ...web, id: 'gc', ports: ['3268/tcp'], when: 'gc' }],
      [near, far, { ...far2, features: ['gc'] }],
      withControl,
    );
    assert.deepEqual(idsOf(made), [
      'mine/web/near1->far1:443/tcp',
      'mine/gc/near1->far1:3268/tcp not-applicable',
      'control/unassigned-port/near1->far1:40/tcp',
      'mine/web/near1->far2:443/tcp',
      'mine/gc/near1->far2:3268/tcp',
      'control/unassigned-port/near1->far2:40/tcp',
    ]);
    const asked = Array.from(plannedChecks(made)).filter(({ index }) => index !== undefined);
    assert.deepEqual(
      asked.map(({ check }) => check),
      [...expand(made.job, 'near1')],
    );
    assert.deepEqual(
      made.matrices.map(({ name }) => name),
      ['mine', 'control'],
    );
  });

  it('is not asked where no handshake is: the rule does not apply, or nobody can look', (t) => {
    const blind = { ...near, name: 'blind', address: '127.0.0.8', connector: 'none' };
    const rules = [ldap, { ...web, when: 'gc' }];
    assert.deepEqual(controlsIn(planOf(t, rules, [near, blind, far], withControl)), []);
    assert.deepEqual(controlsIn(planOf(t, [web], [near, blind, far], withControl)), ['control/unassigned-port/near1->far1:40/tcp']);
  });

  it('is one check of a pair however many matrices bring it together, and no rule that a user may choose', (t) => {
    const { matrix, inventory } = planOf(t, [web], [near, far]);
    const both = plan([matrix, { ...matrix, name: 'other' }], inventory, { ...usualChoice, ...withControl });
    assert.equal(idsOf(both).filter((id) => id.startsWith('control/')).length, 1);
    assert.throws(
      () => planOf(t, [web], [near, far], { ...withControl, rules: ['unassigned-port'] }),
      says(/--rule "unassigned-port" is not in the plan/),
    );
    assert.throws(() => plan([{ ...matrix, name: 'control' }], inventory, usualChoice), says(/two matrices are named "control"/));
  });
});

describe('the pace', () => {
  it('never loads a destination with more than its limit, whatever the number of sources', () => {
    for (const paceName of paceNames) {
      for (const perDestination of [undefined, 1, 2, 5, 31, 33, 100]) {
        for (const sources of [1, 2, 3, 7, 31, 32, 33, 64, 500]) {
          const choice: PaceChoice = { paceName, ...(perDestination !== undefined && { perDestination }) };
          const pace = paceOf(hostOf(['near']), choice, sources);
          const together = Math.min(sources, agentsAtOnce(choice));
          const whole = perDestination ?? { gentle: 8, normal: 32, bulk: 16_448 }[paceName];
          const what = `${paceName}, limit ${whole}, ${sources} sources`;
          assert.ok(pace.perDestination >= 1 && together * pace.perDestination <= whole, what);
          if (paceName === 'gentle') assert.ok(together * (pace.flowsPerSecond ?? Infinity) <= 5 + 1e-9, what);
        }
      }
    }
  });

  it('is careful with the ephemeral ports of a DC and of Windows', () => {
    assert.equal(paceOf(hostOf(['client']), { paceName: 'normal' }, 1).inFlight, 256);
    assert.equal(paceOf(hostOf(['dc']), { paceName: 'normal' }, 1).inFlight, 64);
    assert.equal(paceOf({ ...hostOf(['client']), os: 'windows' }, { paceName: 'normal' }, 1).inFlight, 64);
    assert.equal(paceOf(hostOf(['dc']), { paceName: 'normal', concurrency: 7 }, 1).inFlight, 7);
  });
});

function hostOf(roles: readonly string[]): Parameters<typeof paceOf>[0] {
  return {
    name: 'a',
    address: '127.0.0.1',
    dnsName: 'a',
    roles,
    joined: false,
    readOnly: false,
    features: [],
    node: 'node',
    rpc: {},
    connector: { kind: 'local' },
  };
}

function says(words: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UsageError && words.test(error.message);
}
