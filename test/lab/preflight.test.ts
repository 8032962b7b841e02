import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Purpose } from '../../src/preflight/conclusion.ts';
import { compare, conclude, type Expected, go, noGo, purposes, warned } from './conclusion.ts';
import { applyFirewall, type FirewallRule } from './firewall.ts';
import { borrowForest } from './forest.ts';
import { boundConnects, type Circumstance, forgetComputers, type JoinTool, tryJoin, tryPromotion } from './join.ts';
import { startLyingResolver } from './lying-resolver.ts';
import { installLabPackages } from './packages.ts';
import { DCS, type DcName, DOMAIN, HOSTS } from './topology.ts';

const { installed, reason } = installLabPackages();

interface Scenario {
  readonly name: string;
  readonly rules: readonly FirewallRule[];
  /** More options; the joins, which have none, were then tried where the same rules stand without. */
  readonly words?: readonly string[];
  readonly circumstance?: Circumstance;
  readonly expected: Readonly<Record<(typeof purposes)[number], Expected>>;
  /** Tools that end otherwise than the preflight says, and why they may. */
  readonly despite?: Readonly<Partial<Record<JoinTool, string>>>;
  /** Set where a promotion is really tried too, which takes its time. */
  readonly promotes?: true;
  /** Tools that are not tried, since they end now like this and now like that, and why. */
  readonly notTried?: Readonly<Partial<Record<JoinTool, string>>>;
}

function drop(transport: 'tcp' | 'udp', ports: string, dcs: readonly DcName[] = DCS): readonly FirewallRule[] {
  return dcs.map((destination) => ({ source: 'client', destination, transport, ports, action: 'drop' }));
}

function kill(...dcs: readonly DcName[]): readonly FirewallRule[] {
  return [...drop('tcp', '1-65535', dcs), ...drop('udp', '1-65535', dcs)];
}

const { dc1, dc2 } = HOSTS;
const withDcs = ['--dc', `dc1=${dc1.address}`, '--dc', `dc2.${DOMAIN}=${dc2.address}`];
/** Each DC has an IPv4 and an IPv6 address, and each address is asked for four RPC interfaces; before a promotion also for DFSR, which Samba has not. */
const interfaces = 4;
/** Which tool does in reality what a purpose predicts. */
const purposeOf = { adcli: 'join-linux', 'net-ads': 'join-windows', 'net-rpc': 'join-windows' } as const satisfies Readonly<
  Record<JoinTool, Purpose>
>;
const tools = ['adcli', 'net-ads', 'net-rpc'] as const satisfies readonly JoinTool[];
const overPipes = 'it calls SAMR and LSARPC over SMB and never needs the endpoint mapper, which Windows cracks names through';
const ownPdc = 'it takes no DC but the PDC emulator, where Windows takes any';

const scenarios: readonly Scenario[] = [
  {
    name: 'all open',
    rules: [],
    promotes: true,
    expected: {
      'join-windows': go,
      'join-linux': go,
      'ad-connector': go,
      promote: warned,
    },
  },
  {
    name: 'UDP 53 dropped',
    rules: drop('udp', '53'),
    expected: {
      'join-windows': noGo('dns 0x54B', 'dns: 24 per DC'),
      'join-linux': noGo('dns adcli', 'dns: 24 per DC'),
      'ad-connector': noGo('dns ad-connector', 'dns: 4 per DC'),
      promote: noGo('dns 0x54B', 'dns: 28 per DC'),
    },
  },
  {
    name: 'UDP 53 dropped, and the DCs named',
    rules: drop('udp', '53'),
    words: withDcs,
    expected: {
      'join-windows': noGo('dns 0x54B'),
      'join-linux': noGo('dns adcli'),
      'ad-connector': noGo('dns ad-connector'),
      promote: noGo('dns 0x54B'),
    },
  },
  {
    name: '88 dropped',
    rules: [...drop('tcp', '88'), ...drop('udp', '88')],
    expected: {
      'join-windows': noGo('kerberos 0x40'),
      'join-linux': noGo('kerberos adcli'),
      'ad-connector': noGo('kerberos ad-connector'),
      promote: noGo('kerberos 0x40'),
    },
  },
  {
    name: '135 dropped',
    rules: drop('tcp', '135'),
    promotes: true,
    expected: {
      'join-windows': noGo('endpoint-mapper 0x6BA', `endpoint-mapper: ${2 * 2 * interfaces}`),
      'join-linux': { ...warned, skipped: [`endpoint-mapper: ${2 * 2 * interfaces}`] },
      'ad-connector': go,
      promote: noGo('endpoint-mapper 0x6BA', `endpoint-mapper: ${2 * 2 * (interfaces + 1)}`),
    },
    despite: { 'net-ads': overPipes },
  },
  {
    name: '135 open, the dynamic range dropped',
    rules: drop('tcp', '49152-65535'),
    promotes: true,
    expected: {
      'join-windows': noGo('rpc 0x6D9'),
      'join-linux': warned,
      'ad-connector': go,
      promote: noGo('rpc 0x6D9'),
    },
    despite: { 'net-ads': overPipes },
  },
  {
    name: 'only UDP 389 dropped',
    rules: drop('udp', '389'),
    expected: {
      'join-windows': noGo('locator 0x54B'),
      'join-linux': noGo('locator adcli'),
      'ad-connector': noGo('locator ad-connector'),
      promote: noGo('locator 0x54B'),
    },
    despite: {
      adcli: 'the libldap of Debian knows no CLDAP, so adcli sends its ping to TCP 389; that of Red Hat does, and fails',
    },
    notTried: { 'net-rpc': 'it asks again by NetBIOS, where Windows has found no DC, and comes through if its call does not time out meanwhile' },
  },
  {
    name: 'TCP 389 dropped on the one, 445 on the other',
    rules: [...drop('tcp', '389', ['dc1']), ...drop('tcp', '445', ['dc2'])],
    expected: {
      'join-windows': noGo('ldap 0x3A, smb 0x35'),
      'join-linux': warned,
      'ad-connector': warned,
      promote: noGo('ldap 0x3A, smb 0x35'),
    },
  },
  {
    name: '464 dropped',
    rules: [...drop('tcp', '464'), ...drop('udp', '464')],
    expected: {
      'join-windows': warned,
      'join-linux': noGo('kpasswd adcli'),
      'ad-connector': go,
      promote: warned,
    },
  },
  {
    name: 'one DC dead',
    rules: kill('dc2'),
    expected: {
      'join-windows': { ...warned, skipped: [`endpoint-mapper: ${2 * interfaces}`] },
      'join-linux': { ...warned, skipped: [`endpoint-mapper: ${2 * interfaces}`] },
      'ad-connector': warned,
      promote: { ...warned, skipped: [`endpoint-mapper: ${2 * (interfaces + 1)}`] },
    },
    notTried: { 'net-rpc': 'which KDC it asks first is a matter of chance, and for the dead one it may wait past any bound' },
  },
  {
    name: 'the first resolver dead',
    rules: kill('dc1'),
    expected: {
      'join-windows': { ...warned, skipped: [`endpoint-mapper: ${2 * interfaces}`] },
      'join-linux': { ...warned, skipped: [`endpoint-mapper: ${2 * interfaces}`] },
      'ad-connector': warned,
      promote: { ...warned, skipped: [`endpoint-mapper: ${2 * (interfaces + 1)}`] },
    },
    despite: { 'net-rpc': ownPdc },
  },
  {
    name: 'both dead',
    rules: kill('dc1', 'dc2'),
    expected: {
      'join-windows': noGo('dns 0x54B', 'dns: 24 per DC'),
      'join-linux': noGo('dns adcli', 'dns: 24 per DC'),
      'ad-connector': noGo('dns ad-connector', 'dns: 4 per DC'),
      promote: noGo('dns 0x54B', 'dns: 28 per DC'),
    },
  },
  {
    name: 'the clock 10 minutes ahead',
    rules: [],
    circumstance: { aheadMs: 600_000 },
    expected: {
      'join-windows': noGo('clock 0x576'),
      'join-linux': noGo('clock adcli'),
      'ad-connector': noGo('clock ad-connector'),
      promote: noGo('clock 0x576'),
    },
    despite: { adcli: 'MIT Kerberos reckons with the clock of the KDC (kdc_timesync), so the join goes through; what then asks the member does not' },
  },
  {
    name: 'the clock 2 minutes ahead',
    rules: [],
    circumstance: { aheadMs: 120_000 },
    expected: {
      'join-windows': warned,
      'join-linux': warned,
      'ad-connector': warned,
      promote: warned,
    },
  },
];

describe('a preflight from the client concludes what a join would meet', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let release = async (): Promise<void> => {};
  before(async () => {
    ({ release } = await borrowForest());
    await boundConnects(2);
    await forgetComputers();
  });
  after(async () => {
    await boundConnects(undefined);
    await forgetComputers();
    await release();
  });

  for (const { name, rules, words = [], circumstance = {}, expected, despite = {}, notTried = {}, promotes } of scenarios) {
    test(name, async () => {
      await applyFirewall(rules);
      const joins = words.length > 0 ? [] : tools.filter((tool) => notTried[tool] === undefined);
      const [conclusions, ended, promotion] = await Promise.all([
        Promise.all(purposes.map((purpose) => conclude(purpose, words, expected[purpose], circumstance))),
        Promise.all(joins.map(async (tool) => ({ tool, join: await tryJoin(tool, circumstance) }))),
        promotes && tryPromotion(),
      ]);
      for (const { tool, join } of ended) {
        const conclusion = conclusions.find(({ purpose }) => purpose === purposeOf[tool]);
        assert.ok(conclusion !== undefined);
        compare(tool, join, conclusion, despite[tool]);
      }
      if (promotion !== undefined) assert.equal(promotion.joined, expected.promote.decision !== 'no-go', promotion.said);
    });
  }

  test('a resolver that lies decides when it is the first, and is a warning when it is not', async () => {
    await applyFirewall([]);
    const liar = await startLyingResolver('client');
    try {
      for (const [resolvers, windows, linux] of [
        [[liar.address, dc1.address], noGo('srv 0x232B'), noGo('srv adcli')],
        [[dc1.address, liar.address], warned, warned],
      ] as const) {
        const words = resolvers.flatMap((address) => ['--dns-server', address]);
        const [onWindows, onLinux, netRpc, netAds, adcli] = await Promise.all([
          conclude('join-windows', words, windows),
          conclude('join-linux', words, linux),
          tryJoin('net-rpc', { resolvers }),
          tryJoin('net-ads', { resolvers }),
          tryJoin('adcli', { resolvers }),
        ]);
        compare('net-rpc', netRpc, onWindows);
        compare('net-ads', netAds, onWindows);
        compare('adcli', adcli, onLinux);
        for (const { findings } of [onWindows, onLinux])
          assert.deepEqual(findings.map(({ code }) => code).toSorted(), ['no-srv', 'resolvers-disagree']);
      }
    } finally {
      await liar.stop();
    }
  });

  test('without the correction of kdc_timesync adcli too says that the clock is off', async () => {
    await applyFirewall([]);
    const circumstance = { aheadMs: 600_000, timesync: false } as const;
    const [conclusion, join] = await Promise.all([conclude('join-linux', [], noGo('clock adcli'), circumstance), tryJoin('adcli', circumstance)]);
    compare('adcli', join, conclusion);
  });

  test('a domain that nobody has is no-go, and nothing but DNS is asked', async () => {
    await applyFirewall([]);
    await conclude('join-windows', [], noGo('srv 0x232B', 'dns: 24 per DC'), { domain: `nowhere.${DOMAIN}` });
  });
});
