import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { LocatorFinding } from '../../src/preflight/conclusion.ts';
import { run } from './command.ts';
import { conclude, type Expected, go, noGo } from './conclusion.ts';
import { type Directions, startDnsHub } from './dns-hub.ts';
import { applyFirewall, type FirewallRule } from './firewall.ts';
import { borrowForest } from './forest.ts';
import { installLabPackages } from './packages.ts';
import { raiseSecondForest } from './second-forest.ts';
import { CORP, DC3, type Domain, HOSTS, type Host, inNetns, OTHER } from './topology.ts';
import { tryTrust } from './trust.ts';

const { installed, reason } = installLabPackages();

const open: Directions = { corpKnowsOther: true, otherKnowsCorp: true };

function drop(transport: 'tcp' | 'udp', ports: string): readonly FirewallRule[] {
  return [{ source: 'dc1', destination: 'dc3', transport, ports, action: 'drop' }];
}

const trusts: readonly {
  readonly name: string;
  readonly directions?: Directions;
  readonly rules?: readonly FirewallRule[];
  readonly expected: Expected;
  readonly findings?: readonly LocatorFinding['code'][];
}[] = [
  {
    name: 'where corp does not find the other',
    directions: { ...open, corpKnowsOther: false },
    expected: noGo('srv 0x54B', 'dns: 21 per DC'),
    findings: ['no-srv'],
  },
  {
    name: 'where the other does not find corp',
    directions: { ...open, otherKnowsCorp: false },
    expected: noGo('srv 0x54B'),
    findings: ['no-way-back'],
  },
  { name: 'with UDP 389 dropped', rules: drop('udp', '389'), expected: noGo('locator 0x54B'), findings: ['no-ping'] },
  { name: 'with 135 dropped', rules: drop('tcp', '135'), expected: noGo('endpoint-mapper 0x6BA', 'endpoint-mapper: 6') },
  // Last, for it cannot be created where a failure before has left a part of it.
  { name: 'with everything open', expected: go },
];

describe('a second forest', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let release = async (): Promise<void> => {};
  before(async () => {
    ({ release } = await borrowForest());
    await raiseSecondForest();
  });
  after(async () => release());

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

  for (const { name, directions = open, rules = [], expected, findings = [] } of trusts)
    test(`a forest trust ${name}: ${expected.decision}, and it ${expected.decision === 'go' ? 'can' : 'cannot'} be created`, async () => {
      await applyFirewall(rules);
      const hub = await startDnsHub(directions);
      try {
        const words = ['--trusted-domain', OTHER.name];
        const conclusion = await conclude('trust', words, expected, { from: 'dc1' });
        assert.deepEqual(
          conclusion.findings.map(({ code }) => code),
          findings,
        );
        const trust = await tryTrust();
        assert.equal(trust.created, expected.decision === 'go', trust.said);
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
