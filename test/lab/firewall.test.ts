import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { run } from './command.ts';
import { dialFrom } from './dial.ts';
import type { Target } from './dial.ts';
import { applyFirewall, clearFirewall } from './firewall.ts';
import type { Action, FirewallRule } from './firewall.ts';
import { borrowForest } from './forest.ts';
import { setIcmpRateLimit } from './icmp-rate-limit.ts';
import { installLabPackages } from './packages.ts';
import { pollUntil } from './poll.ts';
import { HOSTS, inNetns } from './topology.ts';

const { installed, reason } = installLabPackages();

const { address, address6 } = HOSTS.dc1;
const ldap = '389';
const ntp = '123';

/** TCP/IPv4, TCP/IPv6, UDP/IPv4, UDP/IPv6. */
function four(host: { address: string; address6: string }, tcpPort: number, udpPort: number): Target[] {
  return [
    { transport: 'tcp', address: host.address, port: tcpPort },
    { transport: 'tcp', address: host.address6, port: tcpPort },
    { transport: 'udp', address: host.address, port: udpPort },
    { transport: 'udp', address: host.address6, port: udpPort },
  ];
}

const services = four(HOSTS.dc1, 389, 123);
const untouched = ['connected', 'connected', 'reply', 'reply'];
const nothing = ['timeout', 'timeout', 'timeout', 'timeout'];
const refused = ['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED'];

function rule(transport: 'tcp' | 'udp', ports: string, action: Action): FirewallRule {
  return { source: 'client', destination: 'dc1', transport, ports, action };
}

function both(action: Action): FirewallRule[] {
  return [rule('tcp', ldap, action), rule('udp', ntp, action)];
}

/** dc1's half-open connections on a port: a SYN came, the SYN-ACK was sent, nothing returned. */
function halfOpen(port: string): Promise<string> {
  return run([...inNetns(HOSTS.dc1.netns), 'ss', '-Htn', 'state', 'syn-recv', `( sport = :${port} )`]);
}

const shows: readonly (readonly [Action, readonly string[]])[] = [
  ['accept', untouched],
  ['drop', nothing],
  ['drop-reply', nothing],
  ['port-unreach', refused],
  ['admin-prohibited', ['EHOSTUNREACH', 'EACCES', 'EHOSTUNREACH', 'EACCES']],
  ['host-unreach', ['EHOSTUNREACH', 'EHOSTUNREACH', 'timeout', 'timeout']],
  ['net-unreach', ['ENETUNREACH', 'ENETUNREACH', 'timeout', 'timeout']],
  ['proto-unreach', ['ENOPROTOOPT', 'timeout', 'ENOPROTOOPT', 'timeout']],
];

describe('the firewall', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let release = async (): Promise<void> => {};

  before(async () => {
    ({ release } = await borrowForest());
  });

  after(() => release());

  test('without rules passes everything, and a closed port refuses', async () => {
    await clearFirewall();
    assert.deepEqual(await dialFrom('client', services), untouched);
    assert.deepEqual(await dialFrom('client', four(HOSTS.dc1, 42, 42)), refused);
  });

  for (const [action, seen] of shows) {
    test(`with ${action} shows ${seen.join(', ')} for TCP/IPv4, TCP/IPv6, UDP/IPv4, UDP/IPv6`, async () => {
      await applyFirewall(both(action));
      assert.deepEqual(await dialFrom('client', services), seen);
    });
  }

  test('with reset refuses TCP, leaves UDP alone and cannot be told to reset UDP', async () => {
    await applyFirewall([rule('tcp', ldap, 'reset')]);
    assert.deepEqual(await dialFrom('client', services), ['ECONNREFUSED', 'ECONNREFUSED', 'reply', 'reply']);
    await assert.rejects(applyFirewall([rule('udp', ntp, 'reset')]), /cannot reset UDP/);
  });

  test('lets the request through when only the reply is dropped', async () => {
    await applyFirewall(both('drop-reply'));
    const dialled = dialFrom('client', services);
    await pollUntil('half-open connections on dc1', 5000, async () => {
      const sources = await halfOpen(ldap);
      const absent = [HOSTS.client.address, HOSTS.client.address6].filter((from) => !sources.includes(from));
      return absent.length === 0 ? undefined : `none from ${absent.join(' and ')}`;
    });
    assert.deepEqual(await dialled, nothing);
  });

  test('lets no request through when it is dropped', async () => {
    // Another port, for dc1 keeps the half-open connections of the test before for a minute.
    await applyFirewall([rule('tcp', '3268', 'drop'), rule('tcp', '3268', 'drop-reply')]);
    assert.deepEqual(await dialFrom('client', four(HOSTS.dc1, 3268, 123)), ['timeout', 'timeout', 'reply', 'reply']);
    assert.equal(await halfOpen('3268'), '');
  });

  test('obeys the first rule that matches', async () => {
    await applyFirewall([...both('accept'), rule('tcp', '1-65535', 'drop'), rule('udp', '1-65535', 'drop')]);
    assert.deepEqual(await dialFrom('client', services), untouched);
    assert.deepEqual(await dialFrom('client', four(HOSTS.dc1, 636, 53)), nothing);
    await applyFirewall([rule('tcp', '1-65535', 'reset'), rule('tcp', ldap, 'accept')]);
    assert.deepEqual(await dialFrom('client', services), ['ECONNREFUSED', 'ECONNREFUSED', 'reply', 'reply']);
  });

  test('accepts the replies, too, of what it accepts', async () => {
    await applyFirewall([...both('accept'), rule('tcp', '1-65535', 'drop-reply'), rule('udp', '1-65535', 'drop-reply')]);
    assert.deepEqual(await dialFrom('client', services), untouched);
    assert.deepEqual(await dialFrom('client', four(HOSTS.dc1, 88, 123)), ['timeout', 'timeout', 'reply', 'reply']);
  });

  test('takes ranges with both their ends, and nothing that is no port', async () => {
    await applyFirewall([rule('tcp', '49153-49154', 'reset')]);
    const seen = await dialFrom(
      'client',
      [49152, 49153, 49154].map((port) => ({ transport: 'tcp' as const, address, port })),
    );
    assert.deepEqual(seen, ['connected', 'ECONNREFUSED', 'ECONNREFUSED']);
    for (const ports of ['', '0x10', '5-4', '65536', '1-65536', '389,636', '389 accept']) {
      await assert.rejects(applyFirewall([rule('tcp', ports, 'drop')]), /neither a port nor a range/, ports);
    }
  });

  test('touches no other source, destination or direction', async () => {
    await applyFirewall([rule('tcp', '1-65535', 'drop'), rule('udp', '1-65535', 'drop')]);
    const [fromBastion, toDc2, back] = await Promise.all([
      dialFrom('bastion', services),
      dialFrom('client', four(HOSTS.dc2, 389, 123)),
      dialFrom('dc1', four(HOSTS.client, 389, 123)),
    ]);
    assert.deepEqual(fromBastion, untouched);
    assert.deepEqual(toDc2, untouched);
    // Nobody listens on the client: the refusals show that dc1's requests arrived and the answers came back.
    assert.deepEqual(back, refused);
  });

  test('replaces all rules by the new ones, and keeps the old ones when the new cannot be applied', async () => {
    await applyFirewall(both('port-unreach'));
    await applyFirewall([rule('tcp', '636', 'drop')]);
    assert.deepEqual(await dialFrom('client', services), untouched);
    await applyFirewall([rule('tcp', ldap, 'reset')]);
    await assert.rejects(applyFirewall([rule('tcp', 'nonsense', 'drop')]));
    assert.deepEqual(await dialFrom('client', services.slice(0, 2)), ['ECONNREFUSED', 'ECONNREFUSED']);
  });

  test('rejects every one of 50 parallel requests, unless ICMP is limited as Linux does by default', async () => {
    await applyFirewall([rule('tcp', ldap, 'admin-prohibited')]);
    for (const [at, errno] of [
      [address, 'EHOSTUNREACH'],
      [address6, 'EACCES'],
    ] as const) {
      const burst = Array.from({ length: 50 }, () => ({ transport: 'tcp' as const, address: at, port: 389 }));
      const count = async (): Promise<number> => (await dialFrom('client', burst)).filter((seen) => seen === errno).length;
      await setIcmpRateLimit(false);
      assert.equal(await count(), 50);
      await setIcmpRateLimit(true);
      const heard = await count();
      // Linux 6.18: 7 over IPv4, 12 over IPv6.
      assert.ok(heard > 0 && heard < 50, `${heard} of 50 heard of the rejection at ${at}`);
    }
  });
});
