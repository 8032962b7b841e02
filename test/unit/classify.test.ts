import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { classify, classifyLookup, dependsOnRoute, isTooBig, type Meaning, type Phase } from '../../agent/net/classify.ts';

type Seen = readonly [state: string, reason: string] | readonly [code: string];
type Row = readonly [event: string, errno: string, routed: boolean, tcp: Seen | undefined, udpBefore: Seen | undefined, udpAfter: Seen | undefined];

const four = '192.0.2.1';
const six = '2001:db8::1';
const unclassified = ['unclassified'] as const;

/**
 * probes.md 1.2, and what an errno that is not there may mean. What over UDP comes before anything was sent can only be the host's own word; undefined: cannot
 * happen, so nothing is promised.
 */
const rows: readonly Row[] = [
  ['RST, or port unreachable', 'ECONNREFUSED', true, ['closed', 'conn-refused'], unclassified, ['closed', 'port-unreach']],
  ['handshake, then RST before we looked', 'ECONNRESET', true, ['open', 'syn-ack'], unclassified, unclassified],
  ['handshake, then FIN and RST before we looked', 'EPIPE', true, ['open', 'syn-ack'], unclassified, unclassified],
  ['the kernel gave up', 'ETIMEDOUT', true, ['filtered', 'no-response'], unclassified, unclassified],
  ['net unreachable, or net prohibited', 'ENETUNREACH', true, ['filtered', 'net-unreach'], unclassified, ['filtered', 'admin-prohibited']],
  ['host unreachable, or host prohibited', 'EHOSTUNREACH', true, ['filtered', 'host-unreach'], unclassified, ['filtered', 'admin-prohibited']],
  ['host unknown to its own segment', 'EHOSTDOWN', true, ['filtered', 'host-unreach'], unclassified, ['filtered', 'host-unreach']],
  ['host isolated', 'ENONET', true, ['filtered', 'host-unreach'], unclassified, ['filtered', 'host-unreach']],
  ['protocol unreachable', 'ENOPROTOOPT', true, ['filtered', 'proto-unreach'], unclassified, ['filtered', 'proto-unreach']],
  ['fragmentation needed', 'EMSGSIZE', true, undefined, ['unsupported'], ['open|filtered', 'no-response']],
  ['no route of our own', 'ENETUNREACH', false, ['unsupported'], ['unsupported'], ['unsupported']],
  ['a local route that says unreachable', 'EHOSTUNREACH', false, ['unsupported'], ['unsupported'], ['unsupported']],
  ['no address of the family', 'EADDRNOTAVAIL', false, ['unsupported'], ['unsupported'], ['unsupported']],
  ['a local route that says prohibit', 'EACCES', false, ['source-denied'], ['source-denied'], ['source-denied']],
  ['the local firewall drops', 'EPERM', true, ['source-denied'], ['source-denied'], ['source-denied']],
  ['no descriptor for the process', 'EMFILE', true, ['source-exhausted'], ['source-exhausted'], ['source-exhausted']],
  ['no descriptor for the host', 'ENFILE', true, ['source-exhausted'], ['source-exhausted'], ['source-exhausted']],
  ['no buffer', 'ENOBUFS', true, ['source-exhausted'], ['source-exhausted'], ['source-exhausted']],
  ['no memory', 'ENOMEM', true, ['source-exhausted'], ['source-exhausted'], ['source-exhausted']],
  ['no local port', 'EADDRNOTAVAIL', true, ['source-exhausted'], ['source-exhausted'], ['source-exhausted']],
  ['the local port is taken', 'EADDRINUSE', true, ['source-exhausted'], ['source-exhausted'], ['source-exhausted']],
  ['no such address family', 'EAFNOSUPPORT', true, ['unsupported'], ['unsupported'], ['unsupported']],
  ['no such protocol', 'EPROTONOSUPPORT', true, ['unsupported'], ['unsupported'], ['unsupported']],
  ['an address that cannot be dialled', 'EINVAL', true, ['unsupported'], ['unsupported'], ['unsupported']],
];

/** EACCES is the one errno that the address families do not share. */
const accessRows = [
  [four, 'tcp', 'after-send', ['source-denied']],
  [four, 'udp', 'before-send', ['source-denied']],
  [four, 'udp', 'after-send', ['source-denied']],
  [six, 'tcp', 'after-send', ['filtered', 'admin-prohibited']],
  [six, 'udp', 'before-send', ['source-denied']],
  [six, 'udp', 'after-send', ['filtered', 'admin-prohibited']],
] as const;

function errorOf(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`connect ${code} 192.0.2.1:389`), { code });
}

function seen(meaning: Meaning): Seen {
  return 'code' in meaning ? [meaning.code] : [meaning.state, meaning.reason];
}

for (const [family, address] of [
  ['IPv4', four],
  ['IPv6', six],
] as const) {
  describe(`over ${family}`, () => {
    for (const [event, errno, routed, tcp, udpBefore, udpAfter] of rows) {
      const cells = [
        ['tcp', 'after-send', tcp],
        ['udp', 'before-send', udpBefore],
        ['udp', 'after-send', udpAfter],
      ] as const satisfies readonly (readonly [string, Phase, Seen | undefined])[];
      for (const [transport, phase, expected] of cells) {
        if (expected === undefined) continue;
        test(`${event} (${errno}), ${transport} ${phase}, ${routed ? 'routed' : 'not routed'}: ${expected.join(', ')}`, () => {
          assert.deepEqual(seen(classify(errorOf(errno), transport, address, phase, routed)), expected);
        });
      }
    }
  });
}

for (const [address, transport, phase, expected] of accessRows) {
  test(`EACCES from ${address}, ${transport} ${phase}: ${expected.join(', ')}`, () => {
    assert.deepEqual(seen(classify(errorOf('EACCES'), transport, address, phase, true)), expected);
  });
}

test('only what the routing table also says needs a look at the routes', () => {
  const errnos = [...new Set(rows.map(([, errno]) => errno)), 'ELOOP', ''];
  assert.deepEqual(errnos.filter(dependsOnRoute), ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EACCES']);
});

test('only a plain "no such name" says something about the name', () => {
  const resolutionOf = (code: string): string => classifyLookup(errorOf(code)).resolution;
  for (const code of ['ENOTFOUND', 'ENODATA']) assert.equal(resolutionOf(code), 'no-such-name', code);
  for (const code of ['EAI_AGAIN', 'EAI_FAIL', 'EAI_MEMORY', 'EAI_SYSTEM', 'ETIMEOUT', 'ESERVFAIL', 'EMFILE', 'EXYZZY', ''])
    assert.equal(resolutionOf(code), 'no-answer', code);
});

test('only a datagram that was on its way can be too big for the path', () => {
  assert.ok(isTooBig('EMSGSIZE', 'udp', 'after-send'));
  assert.ok(!isTooBig('EMSGSIZE', 'udp', 'before-send'));
  assert.ok(!isTooBig('EMSGSIZE', 'tcp', 'after-send'));
  assert.ok(!isTooBig('ECONNREFUSED', 'udp', 'after-send'));
});

test('an errno that nobody has met is unclassified, with its text', () => {
  for (const transport of ['tcp', 'udp'] as const) {
    const meaning = classify(errorOf('EXYZZY'), transport, four, 'after-send', true);
    assert.deepEqual(meaning, { code: 'unclassified', message: 'connect EXYZZY 192.0.2.1:389 (EXYZZY)' });
  }
  assert.deepEqual(classify(new Error('odd'), 'tcp', four, 'after-send', true), { code: 'unclassified', message: 'odd (no errno)' });
});

test('no errno that is not in the table is ever guessed into a state', () => {
  const known = new Set(rows.map(([, errno]) => errno));
  const names = fc.stringMatching(/^E[A-Z0-9]{1,12}$/);
  fc.assert(
    fc.property(
      names,
      fc.constantFrom('tcp', 'udp'),
      fc.constantFrom('before-send', 'after-send'),
      fc.boolean(),
      (name, transport, phase, routed) => {
        fc.pre(!known.has(name) && name !== 'EACCES');
        assert.deepEqual(seen(classify(errorOf(name), transport, four, phase, routed)), unclassified);
      },
    ),
  );
});
