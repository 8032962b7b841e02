import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Diagnosis, Load, Report, Way } from '../../src/report.ts';
import { applyFirewall } from './firewall.ts';
import { borrowForest, type Forest } from './forest.ts';
import { installLabPackages } from './packages.ts';
import { applyPath, type Condition } from './path.ts';
import { type Family, inventoryText, runProduct } from './product.ts';

const { installed, reason } = installLabPackages();

/** The rules with a size, by what of them is lost: those of the published matrix, and the long answer over UDP that only a rule of the user's own asks for. */
const rules = {
  'locator-1232': 'datagram of 1232',
  'dns-udp-1452': 'datagram of 1452',
  'kerberos-udp-1452': 'datagram of 1452',
  'kerberos-udp-2000': 'fragments',
  'ldap-4000': 'TCP there',
  'ldap-reply': 'TCP back',
  'whole-rootdse': 'fragments back',
} as const;

type Part = (typeof rules)[keyof typeof rules];

const own = JSON.stringify({
  matrix: 'own',
  from: 'client',
  to: 'dc',
  rules: [
    { id: 'ping', ports: ['389/udp'], probe: 'cldap' },
    { id: 'whole-rootdse', ports: ['389/udp'], probe: 'cldap', after: ['ping'], replySize: 1_500, requirement: 'optional' },
  ],
});

const pair = { source: 'client', destination: 'dc1' } as const;
const udp = (bytes: number): Load => ({ transport: 'udp', bytes });
const tcp = (bytes: number): Load => ({ transport: 'tcp', bytes });

const blackHole = (way: Way): Diagnosis => ({ code: 'black-hole', ...pair, way, lost: udp(1_452), passed: udp(1_232) });
const smallestLost: Diagnosis = { code: 'black-hole', ...pair, way: 'there', lost: udp(1_232) };
const backOnly: Diagnosis = { code: 'black-hole', ...pair, way: 'back', lost: tcp(1_500) };
const fragmentsDropped = (way: Way, lost: number, passed: number): Diagnosis => ({
  code: 'fragments-dropped',
  ...pair,
  way,
  lost: udp(lost),
  passed: udp(passed),
});
const learned: Diagnosis = { code: 'mtu-learned', ...pair, passed: udp(2_000) };

const limited: Diagnosis = { code: 'datagrams-limited', ...pair, lost: udp(1_452), passed: udp(1_232), tcp: 4_000 };

const narrow = (towards: 'dc1' | 'client', mtu = 1_400): Condition => ({ kind: 'narrow', towards, mtu });
const noFragments = (towards: 'dc1' | 'client'): Condition => ({ kind: 'no-fragments', towards });
const mute: Condition = { kind: 'mute' };
const clamp: Condition = { kind: 'clamp', mss: 1_300 };

/**
 * What must be lost, and what must be said of it. `or`: what is said where TCP learned first what the link carries, so that the source cuts up datagrams without
 * having been told for one. Across a real network the datagrams are two round trips ahead.
 */
interface Truth {
  readonly lost: readonly Part[];
  readonly said: readonly Diagnosis[];
  readonly or?: readonly Diagnosis[];
}

const nothing: Truth = { lost: [], said: [] };

/** Over IPv6 no router cuts up a packet, so that a link which says nothing loses fragments as well as datagrams. */
const scenarios: readonly (readonly [what: string, conditions: readonly Condition[], truth: Readonly<Record<Family, Truth>>])[] = [
  ['a healthy path', [], { 4: nothing, 6: nothing }],
  [
    'a link of 1400 both ways that says so is learned',
    [narrow('dc1'), narrow('client')],
    { 4: { lost: [], said: [learned], or: [] }, 6: { lost: [], said: [learned], or: [] } },
  ],
  [
    'a link of 1400 on the way there that says nothing is a black hole there',
    [narrow('dc1'), mute],
    {
      4: { lost: ['datagram of 1452', 'TCP there'], said: [blackHole('there')] },
      6: { lost: ['datagram of 1452', 'fragments', 'TCP there'], said: [blackHole('there')] },
    },
  ],
  [
    'a link of 1400 on the way back that says nothing is a black hole back',
    [narrow('client'), mute],
    { 4: { lost: ['TCP back'], said: [backOnly] }, 6: { lost: ['TCP back', 'fragments back'], said: [backOnly] } },
  ],
  [
    'a link of 1400 both ways that says nothing is a black hole both ways',
    [narrow('dc1'), narrow('client'), mute],
    {
      4: { lost: ['datagram of 1452', 'TCP there', 'TCP back'], said: [blackHole('both')] },
      6: { lost: ['datagram of 1452', 'fragments', 'TCP there', 'TCP back', 'fragments back'], said: [blackHole('both')] },
    },
  ],
  [
    'fragments that are dropped on the way there are a fragment filter there',
    [noFragments('dc1')],
    {
      4: { lost: ['fragments'], said: [fragmentsDropped('there', 2_000, 1_452)] },
      6: { lost: ['fragments'], said: [fragmentsDropped('there', 2_000, 1_452)] },
    },
  ],
  [
    'fragments that are dropped on the way back are a fragment filter back',
    [noFragments('client')],
    {
      4: { lost: ['fragments back'], said: [{ code: 'fragments-dropped', ...pair, way: 'back', lost: udp(1_500) }] },
      6: { lost: ['fragments back'], said: [{ code: 'fragments-dropped', ...pair, way: 'back', lost: udp(1_500) }] },
    },
  ],
  [
    'fragments that are dropped both ways are a fragment filter both ways',
    [noFragments('dc1'), noFragments('client')],
    {
      4: { lost: ['fragments', 'fragments back'], said: [fragmentsDropped('both', 2_000, 1_452)] },
      6: { lost: ['fragments', 'fragments back'], said: [fragmentsDropped('both', 2_000, 1_452)] },
    },
  ],
  [
    'a link that says nothing, with a clamped MSS, loses large datagrams and no TCP',
    [narrow('dc1'), narrow('client'), mute, clamp],
    {
      4: { lost: ['datagram of 1452'], said: [{ code: 'mss-clamped', ...pair, lost: udp(1_452), passed: udp(1_232), tcp: 4_000 }] },
      6: {
        lost: ['datagram of 1452', 'fragments', 'fragments back'],
        said: [limited, { code: 'fragments-dropped', ...pair, way: 'back', lost: udp(1_500) }],
      },
    },
  ],
  ['a clamped MSS alone shows nothing, since nothing is lost', [clamp], { 4: nothing, 6: nothing }],
  [
    'a link that says nothing, behind a fragment filter, is a black hole',
    [narrow('dc1'), mute, noFragments('dc1')],
    {
      4: { lost: ['datagram of 1452', 'fragments', 'TCP there'], said: [blackHole('there')] },
      6: { lost: ['datagram of 1452', 'fragments', 'TCP there'], said: [blackHole('there')] },
    },
  ],
  [
    'a link that says so, behind a fragment filter, is a fragment filter: what was cut up for it is lost',
    [narrow('dc1'), noFragments('dc1')],
    {
      4: { lost: ['datagram of 1452', 'fragments'], said: [fragmentsDropped('there', 1_452, 1_232)], or: [limited] },
      6: { lost: ['datagram of 1452', 'fragments'], said: [fragmentsDropped('there', 1_452, 1_232)], or: [limited] },
    },
  ],
  [
    'a link that says nothing and carries less than any size asked is a black hole of which no size is known to pass',
    [narrow('dc1', 1_260 - 1), mute],
    {
      4: { lost: ['datagram of 1232', 'datagram of 1452', 'TCP there'], said: [smallestLost] },
      6: { lost: ['datagram of 1232', 'datagram of 1452', 'fragments', 'TCP there'], said: [smallestLost] },
    },
  ],
];

describe('packet sizes', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};
  before(async () => ({ forest, release } = await borrowForest()));
  after(() => release());

  for (const [what, conditions, truth] of scenarios) {
    test(`${what}, over IPv4 and IPv6`, async () => {
      await applyPath(conditions);
      const found = await seen();
      for (const family of [4, 6] as const) {
        const { lost, said, or = said } = truth[family];
        assert.deepEqual(found[family].verdicts, expectedOf({ lost, said }).verdicts, `IPv${family}`);
        assert.deepEqual(found[family].said, isDeepStrictEqual(found[family].said, or) ? or : said, `IPv${family}`);
      }
    });
  }

  test('what was learned a moment ago is not said again: the source cuts up large datagrams by itself', async () => {
    await applyPath([narrow('dc1'), narrow('client')]);
    await seen();
    assert.deepEqual(await seen(), { 4: expectedOf(nothing), 6: expectedOf(nothing) });
  });

  test('a port that is shut shuts out its large questions: they are skipped, and no size is blamed', async () => {
    await applyPath([]);
    await applyFirewall([{ source: 'client', destination: 'dc1', transport: 'udp', ports: '88', action: 'drop' }]);
    const skipped = 'skip prerequisite';
    const { verdicts, said } = expectedOf(nothing);
    const expected = { verdicts: { ...verdicts, 'kerberos-udp-1452': skipped, 'kerberos-udp-2000': skipped }, said };
    assert.deepEqual(await seen(), { 4: expected, 6: expected });
  });

  /** What a run says of each family; both are asked at once, from hosts that are two in the inventory. */
  async function seen(): Promise<Readonly<Record<Family, Seen>>> {
    const hostsOf = (family: Family): readonly { readonly name: string }[] => {
      const { hosts }: { readonly hosts: readonly { readonly name: string }[] } = JSON.parse(inventoryText(forest.caFile, family));
      return hosts;
    };
    const hosts = [...hostsOf(4), ...hostsOf(6).map((host) => ({ ...host, name: `${host.name}${six}` }))];
    const names = (host: string): string => [host, `${host}${six}`].join(',');
    const inventory = JSON.stringify({ domain: forest.domain, hosts });
    const chosen = ['--rule', Object.keys(rules).join(','), '--source', names('client'), '--destination', names('dc1')];
    const { report } = await runProduct(inventory, own, ['-m', 'client-to-dc', ...chosen, '--timeout-ms', '3000']);
    return { 4: seenFrom(report, 'client'), 6: seenFrom(report, `client${six}`) };
  }
});

/** Ends the names of the hosts as they are over IPv6. */
const six = '-ipv6';

/** The verdict of each rule with a size, and what is said of them together, as if both families had the same hosts. */
interface Seen {
  readonly verdicts: Readonly<Record<string, string>>;
  readonly said: readonly Diagnosis[];
}

function seenFrom({ results, diagnoses }: Report, source: string): Seen {
  const sized = results.filter(({ check }) => check.size !== undefined && check.source === source);
  return {
    verdicts: Object.fromEntries(sized.map(({ check, verdict }) => [check.rule, [verdict.status, verdict.finding?.code].filter(Boolean).join(' ')])),
    said: diagnoses.flatMap((diagnosis) => ('source' in diagnosis && diagnosis.source === source ? [{ ...diagnosis, ...pair }] : [])),
  };
}

function expectedOf({ lost, said }: Truth): Seen {
  return { verdicts: Object.fromEntries(Object.entries(rules).map(([rule, part]) => [rule, lost.includes(part) ? 'warn size-lost' : 'pass'])), said };
}
