import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeVersionNegotiation, encodeUnknownVersion } from '../../agent/codecs/quic.ts';
import { hex } from '../support/captures.ts';

const [ours, theirs] = [hex('a1a2a3a4a5a6a7a8'), hex('b1b2b3b4b5b6b7b8')];

test('a first packet has a reserved version, both ids, and zeros to 1,200 bytes', () => {
  const packet = encodeUnknownVersion(theirs, ours);
  // Vector A15.
  assert.equal(packet.toString('hex', 0, 23), 'c01a2a3a4a08b1b2b3b4b5b6b7b808a1a2a3a4a5a6a7a8');
  assert.equal(packet.length, 1200);
  assert.ok(packet.subarray(23).every((byte) => byte === 0));
});

test("an answer gives the ids, in each other's place, and the versions", () => {
  // RFC 9000 §17.2.1: versions 1 and 2, and draft 29. The six bits after the first are anything.
  const packet = hex('bf00000000 08a1a2a3a4a5a6a7a8 08b1b2b3b4b5b6b7b8 00000001 6b3343cf ff00001d');
  assert.deepEqual(decodeVersionNegotiation(packet), {
    kind: 'value',
    value: { destination: ours, source: theirs, versions: [1, 0x6b3343cf, 0xff00001d] },
    length: packet.length,
  });
});

test('ids may be of any length (RFC 8999 §5.1)', () => {
  const decoded = decodeVersionNegotiation(hex(`8000000000 00 ff${'cc'.repeat(255)} 00000001`));
  assert.ok(decoded.kind === 'value');
  assert.deepEqual([decoded.value.destination.length, decoded.value.source.length, decoded.value.versions], [0, 255, [1]]);
});

describe('a datagram is malformed', () => {
  for (const [what, bytes] of [
    ['that is empty', Buffer.alloc(0)],
    ['of another protocol', Buffer.from('HTTP/1.1 400 Bad Request')],
    ['with a short header', hex('4000000000 00 00 00000001')],
    ['of another version', hex('c000000001 00 00 00000001')],
    ['that is our own packet, come back', encodeUnknownVersion(theirs, ours)],
    ['without any version', hex('8000000000 08a1a2a3a4a5a6a7a8 08b1b2b3b4b5b6b7b8')],
    ['with half a version', hex('8000000000 00 00 00000001 6b33')],
    ['whose id goes beyond its end', hex('8000000000 00 ff 00000001')],
  ] as const) {
    test(what, () => assert.equal(decodeVersionNegotiation(bytes).kind, 'malformed'));
  }
});
