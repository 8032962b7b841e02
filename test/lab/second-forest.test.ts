import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LocatorFinding, Step } from '../../src/preflight/conclusion.ts';
import { run } from './command.ts';
import { conclude, type Expected, noGo, purposes, warned } from './conclusion.ts';
import { type Directions, startDnsHub } from './dns-hub.ts';
import { applyFirewall, type FirewallRule } from './firewall.ts';
import { borrowForest } from './forest.ts';
import { boundConnects, forgetComputers, tryJoin } from './join.ts';
import { installLabPackages } from './packages.ts';
import { raiseSecondForest } from './second-forest.ts';
import { CORP, DC3, type DcName, type Domain, HOSTS, type Host, inNetns, OTHER } from './topology.ts';
import { tryTrust } from './trust.ts';

const { installed, reason } = installLabPackages();

const open: Directions = { corpKnowsOther: true, otherKnowsCorp: true };

function drop(transport: 'tcp' | 'udp', ports: string): readonly FirewallRule[] {
  return [{ source: 'dc1', destination: 'dc3', transport, ports, action: 'drop' }];
}

interface Created {
  readonly name: string;
  readonly directions?: Directions;
  readonly rules?: readonly FirewallRule[];
  readonly expected: Expected;
  readonly findings?: readonly LocatorFinding['code'][];
  /** What the tool says where it cannot be created. */
  readonly says?: RegExp;
  /** Set where what Samba makes of it proves nothing. */
  readonly notTried?: true;
}

const trusts: readonly Created[] = [
  {
    name: 'where corp does not find the other',
    directions: { ...open, corpKnowsOther: false },
    expected: noGo('srv 0x54B', 'dns: 26 per DC'),
    findings: ['no-srv'],
    says: /Failed to find a writeable DC for domain 'other/,
  },
  {
    name: 'where the other does not find corp',
    directions: { ...open, otherKnowsCorp: false },
    expected: noGo('srv 0x54B'),
    findings: ['no-way-back'],
    // The latter where the two forests have trusted each other before: Samba validates only their first trust.
    says: /WERR_NO_LOGON_SERVERS|WERR_ACCOUNT_DISABLED/,
  },
  {
    name: 'with UDP 389 dropped',
    rules: drop('udp', '389'),
    expected: noGo('locator 0x54B'),
    findings: ['no-ping'],
    says: /Failed to find a writeable DC for domain 'other/,
  },
  {
    name: 'with 135 dropped',
    rules: drop('tcp', '135'),
    expected: noGo('endpoint-mapper 0x6BA', 'endpoint-mapper: 6'),
    // Samba creates a trust over SMB pipes, and validates it over what its winbindd may have connected before.
    notTried: true,
  },
  // Samba has no AD Web Services, which a DC should have.
  { name: 'with everything open', expected: warned },
];

const { dc1, dc2 } = HOSTS;
const named = ['--dc', `dc1=${dc1.address}`, '--dc', `dc2=${dc2.address}`];

interface Diverted {
  readonly name: string;
  readonly dcs: readonly DcName[];
  /** Where even the resolvers are the other forest's, DNS that finds corp all the same. */
  readonly directions?: Directions;
  readonly words?: readonly string[];
  /** The step that is predicted to fail; without, a GO with warnings through the other DC. */
  readonly step?: Step;
}

const diversions: readonly Diverted[] = [
  { name: 'one DC', dcs: ['dc2'] },
  { name: 'one DC, and both named', dcs: ['dc2'], words: named },
  { name: 'both DCs', dcs: ['dc1', 'dc2'], directions: open, step: 'locator' },
  { name: 'both DCs, and both named', dcs: ['dc1', 'dc2'], directions: open, words: named, step: 'locator' },
];

/** What a preflight finds where another forest's DC answers; the DNS only where it is this host's resolver. */
const findings: Readonly<Record<string, string>> = {
  dns: 'dns-failure',
  'dns-udp': 'dns-failure',
  locator: 'wrong-host',
  ldap: 'wrong-host',
  kpasswd: 'wrong-host',
};
const codes = { 'join-windows': '0x54B', 'join-linux': 'adcli', 'ad-connector': 'ad-connector', promote: '0x54B' } as const satisfies Record<
  (typeof purposes)[number],
  string
>;

describe('a second forest', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let release = async (): Promise<void> => {};
  before(async () => {
    ({ release } = await borrowForest());
    await raiseSecondForest();
    await boundConnects(2);
  });
  after(async () => {
    await boundConnects(undefined);
    await forgetComputers();
    await release();
  });

  for (const corpKnowsOther of [true, false])
    for (const otherKnowsCorp of [true, false])
      test(`DNS: corp ${corpKnowsOther ? 'finds' : 'does not find'} the other, which ${otherKnowsCorp ? 'finds' : 'does not find'} corp`, async () => {
        const hub = await startDnsHub({ corpKnowsOther, otherKnowsCorp });
        try {
          assert.deepEqual(await dcsOf(OTHER, HOSTS.dc1), corpKnowsOther ? ['dc3.other.example.test'] : []);
          assert.deepEqual(await dcsOf(CORP, DC3), otherKnowsCorp ? ['dc1.corp.example.test', 'dc2.corp.example.test'] : []);
        } finally {
          await hub.stop();
        }
      });

  for (const { name, dcs, directions, words = [], step } of diversions)
    test(`behind the addresses of ${name}`, async () => {
      await applyFirewall(
        [],
        dcs.map((destination) => ({ source: 'client', destination, to: 'dc3' })),
      );
      const hub = directions && (await startDnsHub(directions));
      try {
        // Not net-rpc: which KDC it asks is a matter of chance, and where it is the other forest's the logon fails.
        const joins = words.length > 0 ? [] : (['adcli', 'net-ads'] as const);
        const [conclusions, ended] = await Promise.all([
          Promise.all(purposes.map((purpose) => conclude(purpose, words, step === undefined ? warned : noGo(`${step} ${codes[purpose]}`)))),
          Promise.all(joins.map((tool) => tryJoin(tool))),
        ]);
        for (const conclusion of conclusions) {
          const strangers = conclusion.dcs.filter((dc) => dcs.some((diverted) => dc.name === HOSTS[diverted].fqdn));
          assert.equal(strangers.length, 2 * dcs.length);
          for (const { state, failed } of strangers) {
            assert.equal(state, 'not-ready');
            assert.ok(failed.some(({ rule }) => rule === 'locator'));
            for (const { rule, finding } of failed) assert.equal(finding, findings[rule], rule);
          }
        }
        // adcli believes a DC of another domain, and then says that its KDC does not know the account.
        for (const { joined, said } of ended) assert.equal(joined, step === undefined, said);
      } finally {
        await applyFirewall([]);
        await hub?.stop();
      }
    });

  for (const { name, directions = open, rules = [], expected, findings: located = [], says, notTried = false } of trusts)
    test(`a forest trust ${name}: ${expected.decision}${notTried ? '' : `, and it ${says === undefined ? 'can' : 'cannot'} be created`}`, async () => {
      await applyFirewall(rules);
      const hub = await startDnsHub(directions);
      try {
        const words = ['--trusted-domain', OTHER.name];
        const conclusion = await conclude('trust', words, expected, { from: 'dc1' });
        // Each resolver, or name server, is a finding of its own.
        assert.deepEqual([...new Set(conclusion.findings.map(({ code }) => code))], located);
        if (notTried) return;
        const trust = await tryTrust({ validated: says !== undefined });
        assert.equal(trust.created, says === undefined, trust.said);
        if (says !== undefined) assert.match(trust.said, says);
      } finally {
        await applyFirewall([]);
        await hub.stop();
      }
    });
});

/** The DCs of a domain, as a host's own DNS names them. */
async function dcsOf({ name }: Domain, { netns, address }: Host): Promise<string[]> {
  const argv = ['dig', '+noall', '+answer', '+time=3', '+tries=1', `@${address}`, `_ldap._tcp.dc._msdcs.${name}`, 'srv'];
  const lines = await run([...inNetns(netns), ...argv]);
  const targets = lines.split('\n').flatMap((line) => /\sSRV\s.*\s(\S+)\.$/i.exec(line)?.[1] ?? []);
  return targets.toSorted();
}
