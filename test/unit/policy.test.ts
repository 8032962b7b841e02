import assert from 'node:assert/strict';
import { isIP, SocketAddress } from 'node:net';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { allows, type Dialled, gateOf, isPolicy, packPolicy, type Policy, unpackPolicy } from '../../agent/contract/policy.ts';

const policy: Policy = {
  destinations: ['10.0.0.0/8', '192.0.2.7/32', 'fd00::/8', '2001:db8:1::/48'],
  ports: ['53/udp', '53/tcp', '445/tcp', '49152-65535/tcp'],
  endsAfterMs: 900_000,
};

const questions: readonly (readonly [what: string, address: string, port: number, transport: Dialled['transport'], allowed: boolean])[] = [
  ['an address in a network', '10.9.9.9', 445, 'tcp', true],
  ['the first address of a network', '10.0.0.0', 445, 'tcp', true],
  ['the last address of a network', '10.255.255.255', 445, 'tcp', true],
  ['the address before a network', '9.255.255.255', 445, 'tcp', false],
  ['the address after a network', '11.0.0.0', 445, 'tcp', false],
  ['a single address', '192.0.2.7', 53, 'udp', true],
  ['the neighbour of a single address', '192.0.2.6', 53, 'udp', false],
  ['another port', '10.9.9.9', 446, 'tcp', false],
  ['the port over the other transport', '10.9.9.9', 445, 'udp', false],
  ['the first port of a range', '10.9.9.9', 49_152, 'tcp', true],
  ['the last port of a range', '10.9.9.9', 65_535, 'tcp', true],
  ['the port before a range', '10.9.9.9', 49_151, 'tcp', false],
  ['an IPv6 address in a network', 'fd12:3456::1', 53, 'tcp', true],
  ['an IPv6 address in capitals', 'FD12:3456::A', 53, 'tcp', true],
  ['an IPv6 address beside a network', '2001:db8:2::1', 53, 'tcp', false],
  ['an IPv6 address with a zone', 'fd00::1%eth0', 53, 'tcp', true],
  ['an IPv4 address inside IPv6, which is dialled over IPv4', '::ffff:10.9.9.9', 445, 'tcp', true],
  ['the same in hex', '::ffff:a09:909', 445, 'tcp', true],
  ['a forbidden IPv4 address inside IPv6', '::ffff:192.0.2.6', 53, 'udp', false],
  ['an address with a leading zero, which others read as octal', '010.0.0.1', 445, 'tcp', false],
  ['an address of three parts', '10.0.1', 445, 'tcp', false],
  ['an address that is a number', '167772161', 445, 'tcp', false],
  ['an address in hex', '0x0a.0.0.1', 445, 'tcp', false],
  ['a name', 'dc1.corp.example.test', 445, 'tcp', false],
  ['nothing', '', 445, 'tcp', false],
  ['port 0', '10.9.9.9', 0, 'tcp', false],
  ['a fraction of a port', '10.9.9.9', 49_152.5, 'tcp', false],
  ['no number', '10.9.9.9', Number.NaN, 'tcp', false],
];

describe('a policy', () => {
  for (const [what, address, port, transport, allowed] of questions) {
    test(`${allowed ? 'allows' : 'does not allow'} ${what}`, () => assert.equal(allows(policy, { address, port, transport }), allowed));
  }

  test('for all of IPv6 allows nothing of IPv4, however it is written', () => {
    const six: Policy = { ...policy, destinations: ['::/0'] };
    for (const address of ['10.0.0.1', '::ffff:10.0.0.1', '::ffff:0a00:0001', '0:0:0:0:0:ffff:10.0.0.1'])
      assert.equal(allows(six, { address, port: 445, transport: 'tcp' }), false, address);
    assert.equal(allows(six, { address: '2001:db8::1', port: 445, transport: 'tcp' }), true);
  });

  test('whose network is IPv4 inside IPv6 allows that IPv4 network', () => {
    const mapped: Policy = { ...policy, destinations: ['::ffff:10.0.0.0/104'] };
    assert.equal(isPolicy(mapped), true);
    assert.equal(allows(mapped, { address: '10.1.2.3', port: 445, transport: 'tcp' }), true);
    assert.equal(allows(mapped, { address: '11.1.2.3', port: 445, transport: 'tcp' }), false);
  });

  test('that is empty allows nothing', () => {
    for (const empty of [
      { ...policy, destinations: [] },
      { ...policy, ports: [] },
    ])
      assert.equal(allows(empty, { address: '10.0.0.1', port: 445, transport: 'tcp' }), false);
  });

  for (const [what, edits] of [
    ['a network without a prefix', { destinations: ['10.0.0.0'] }],
    ['a prefix that is too long', { destinations: ['10.0.0.0/33'] }],
    ['a prefix of IPv6 that is too long', { destinations: ['fd00::/129'] }],
    ['a prefix with a leading zero', { destinations: ['10.0.0.0/08'] }],
    ['a prefix with a sign', { destinations: ['10.0.0.0/+8'] }],
    ['a network with bits beyond its prefix', { destinations: ['10.0.0.1/8'] }],
    ['an IPv6 network with bits beyond its prefix', { destinations: ['fd00::1/8'] }],
    ['more of IPv6 than its IPv4 part, in the IPv4 corner', { destinations: ['::ffff:0.0.0.0/95'] }],
    ['a network with a zone', { destinations: ['fe80::%eth0/10'] }],
    ['two prefixes', { destinations: ['10.0.0.0/8/8'] }],
    ['a name for a network', { destinations: ['corp.example.test/8'] }],
    ['a number for a network', { destinations: [8] }],
    ['a space in a network', { destinations: [' 10.0.0.0/8'] }],
    ['an end of line in a network', { destinations: ['10.0.0.0/8\n'] }],
    ['two gaps in an address', { destinations: ['fd00::1::/64'] }],
    ['no list of networks', { destinations: '10.0.0.0/8' }],
    ['too many networks', { destinations: Array.from({ length: 1_001 }, () => '10.0.0.0/8') }],
    ['port 0', { ports: ['0/tcp'] }],
    ['a port beyond the last', { ports: ['65536/tcp'] }],
    ['a range that goes down', { ports: ['20-10/tcp'] }],
    ['a range without an end', { ports: ['20-/tcp'] }],
    ['a port without a transport', { ports: ['53'] }],
    ['an unknown transport', { ports: ['53/sctp'] }],
    ['all ports by a star', { ports: ['*/tcp'] }],
    ['an end of line in a port', { ports: ['53/tcp\n'] }],
    ['no end', { endsAfterMs: undefined }],
    ['an end before its beginning', { endsAfterMs: -1 }],
    ['an end that is a text', { endsAfterMs: '900000' }],
    ['an end without end', { endsAfterMs: Number.POSITIVE_INFINITY }],
  ] as const) {
    test(`with ${what} is none`, () => {
      const spoilt = { ...policy, ...edits };
      assert.equal(isPolicy(spoilt), false);
      assert.equal(unpackPolicy(Buffer.from(JSON.stringify(spoilt)).toString('base64url')), undefined);
    });
  }

  test('comes back from its text as it was', () => assert.deepEqual(unpackPolicy(packPolicy(policy)), policy));

  test('is only what its text says and nothing more', () => {
    const more = Buffer.from(JSON.stringify({ ...policy, also: 1 })).toString('base64url');
    assert.ok(unpackPolicy(more));
    for (const text of ['', '{}', 'e30=', packPolicy(policy).slice(0, -3), `${packPolicy(policy)}\n`, ` ${packPolicy(policy)}`, 'A'.repeat(65_537)])
      assert.equal(unpackPolicy(text), undefined, text.slice(0, 40));
  });

  test('from any text is a policy or nothing, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void unpackPolicy(text)));
    fc.assert(fc.property(fc.json(), (json) => void unpackPolicy(Buffer.from(json).toString('base64url'))));
  });

  test('allows exactly what arithmetic says, for any network and any address of IPv4', () => {
    const fours = fc.nat(0xffff_ffff);
    const written = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
    fc.assert(
      fc.property(fours, fc.nat(32), fours, fc.nat(32), (base, prefix, other, near) => {
        const size = 2 ** (32 - prefix);
        const first = Math.floor(base / size) * size;
        // Half of the addresses are close to the network, or nothing would ever be inside.
        const address = near > 16 ? (first + (other % (2 * size))) % 2 ** 32 : other;
        const gate = gateOf({ ...policy, destinations: [`${written(first)}/${prefix}`] });
        assert.equal(gate({ address: written(address), port: 53, transport: 'udp' }), address >= first && address < first + size);
      }),
    );
  });

  test('reads an IPv6 address as the system does, however it is written', () => {
    const spellings = fc.ipV6().filter((text) => isIP(text) === 6);
    fc.assert(
      fc.property(spellings, (text) => {
        const { address } = new SocketAddress({ address: text, family: 'ipv6' });
        const only: Policy = { ...policy, destinations: [`${text}/128`] };
        assert.equal(isPolicy(only), true);
        assert.equal(allows(only, { address, port: 53, transport: 'udp' }), true);
        assert.equal(allows(only, { address: '2001:db8::dead', port: 53, transport: 'udp' }), address === '2001:db8::dead');
      }),
    );
  });

  test('takes for an address only what the system takes for one', () => {
    const all: Policy = { ...policy, destinations: ['0.0.0.0/0', '::/0'] };
    const odd = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.]{1,40}$/), fc.stringMatching(/^(\d{1,3}\.){2,4}\d{1,3}$/), fc.ipV4Extended());
    fc.assert(
      fc.property(odd, (address) => {
        if (allows(all, { address, port: 53, transport: 'udp' })) assert.notEqual(isIP(address), 0, address);
      }),
      { numRuns: 2_000 },
    );
  });
});
