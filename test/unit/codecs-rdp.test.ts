import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeConnectionConfirm, decodeSynAck, encodeConnectionRequest, encodeSyn } from '../../agent/codecs/rdp.ts';
import { captures, hex } from '../support/captures.ts';
import { patched } from '../support/speakers.ts';

test('a connection request offers TLS and CredSSP, and names nobody', () => {
  assert.equal(encodeConnectionRequest().toString('hex'), '030000130ee00000000000010008000b000000');
});

// xrdp 0.9.21 (Debian 12, `xrdp --nodaemon` on loopback) to the request above; to one for CredSSP alone; and to one without a negotiation.
for (const [confirm, value] of [
  ['030000130ed000001234000201080001000000', { kind: 'chosen', protocol: 1 }],
  ['030000130ed000001234000201080000000000', { kind: 'chosen', protocol: 0 }],
  ['0300000b06d00000123400', { kind: 'chosen', protocol: 0 }],
  // [MS-RDPBCGR] 2.2.1.2.1 and 2.2.1.2.2, under a Windows server's flags.
  ['030000130ed00000123400021f080002000000', { kind: 'chosen', protocol: 2 }],
  ['030000130ed00000123400021f080008000000', { kind: 'chosen', protocol: 8 }],
  ['030000130ed000001234000300080003000000', { kind: 'refused', failure: 3 }],
] as const) {
  test(`confirm ${confirm} is ${value.kind}`, () => {
    assert.deepEqual(decodeConnectionConfirm(hex(confirm)), { kind: 'value', value, length: confirm.length / 2 });
  });
}

describe('what follows a connection request is malformed as soon as it can be told', () => {
  for (const [what, bytes] of [
    ['of another protocol', '485454'],
    ['of another version', '0301'],
    ['that is too long', '0300ffff'],
    ['of a length between', '0300000c'],
    ['that is not a confirm', '030000130ee0'],
    ['that has another length inside', '030000130bd0'],
    ['that negotiates something else', '030000130ed00000123400040008'],
    ['whose negotiation is of another length', '030000130ed000001234000200090001000000'],
  ] as const) {
    test(what, () => assert.equal(decodeConnectionConfirm(hex(bytes)).kind, 'malformed'));
  }
});

test('a SYN is 1,232 bytes: no acknowledgement, window, flag, sequence, sizes, zeros', () => {
  const syn = encodeSyn(0x01020304);
  assert.equal(syn.toString('hex', 0, 16), 'ffffffff004000010102030404d004d0');
  assert.equal(syn.length, 1232);
  assert.ok(syn.subarray(16).every((byte) => byte === 0));
});

test('the SYN+ACK of the specification acknowledges 0x42', () => {
  assert.deepEqual(decodeSynAck(captures.rdpSynAck), { kind: 'value', value: { acknowledged: 0x42 }, length: 1232 });
});

describe('the answer to a SYN is malformed', () => {
  for (const [what, bytes] of [
    ['that is shorter than any', captures.rdpSynAck.subarray(0, 1131)],
    ['that is longer than any', Buffer.concat([captures.rdpSynAck, Buffer.alloc(1)])],
    ['that is our own SYN, come back', encodeSyn(1)],
    ['that acknowledges nothing', patched(captures.rdpSynAck, { 6: [0, 1] })],
    ['that would send too much', patched(captures.rdpSynAck, { 12: [0x04, 0xd1] })],
    ['that would take too little', patched(captures.rdpSynAck, { 14: [0x04, 0x6b] })],
  ] as const) {
    test(what, () => assert.equal(decodeSynAck(bytes).kind, 'malformed'));
  }
});
