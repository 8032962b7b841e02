import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeMailslotReply, encodeMailslotPing } from '../../agent/codecs/mailslot.ts';
import { captures, hex } from '../support/captures.ts';
import { patched } from '../support/speakers.ts';

/** Vector A9: to CORP<1C> from 10.99.3.21 port 0xe1cc. */
const ping =
  '100a41520a630315e1cc00dc00002045424545464146434550454345464341434143414341434143414341434141410020454445504643464143414341434143414341434143414341434143414341424d00ff534d422500000000000000000000000000' +
  '00000000000000000000000000001100003c000000000000000000e80300000000000000003c005c00030001000000020053005c4d41494c534c4f545c4e45545c4e45544c4f474f4e001200000041004400500052004f0042004500000000005c4d4149' +
  '4c534c4f545c4e45545c474554444341310000000000000000000b000000ffffffff';
const mailslot = '\\MAILSLOT\\NET\\GETDCA1';
const reply = captures.mailslot;

test('a ping is the captured one, byte for byte', () => {
  const local = { address: '10.99.3.21', port: 0xe1cc };
  assert.equal(encodeMailslotPing({ id: 0x4152, domain: 'corp', mailslot, local }).toString('hex'), ping);
});

test('over IPv6 there is no address to give', () => {
  const sent = encodeMailslotPing({ id: 1, domain: 'CORP', mailslot, local: { address: '::ffff:10.99.3.21', port: 138 } });
  assert.equal(sent.toString('hex', 4, 10), '00000000008a');
});

test('an answer gives the mailslot and what the DC says of itself', () => {
  const decoded = decodeMailslotReply(reply);
  assert.ok(decoded.kind === 'value' && decoded.value.kind === 'answer', JSON.stringify(decoded));
  assert.equal(decoded.value.mailslot, '\\MAILSLOT\\NET\\GETDCCBB0A5');
  const { dnsName, domain, netbiosName, netbiosDomain, clientSite, paused } = decoded.value.netlogon ?? assert.fail('names nobody');
  assert.deepEqual(
    [dnsName, domain, netbiosName, netbiosDomain, clientSite, paused],
    ['dc1.corp.example.test', 'corp.example.test', 'DC1', 'CORP', 'Default-First-Site-Name', false],
  );
});

/** Where the answer of the DC begins, and where the words of the transaction do. */
const [data, words] = [177, 115];

test('an answer in a form before Windows 2000 names nobody', () => {
  for (const opcode of [0x13, 0x14, 0x15]) {
    assert.deepEqual(decodeMailslotReply(patched(reply, { [data]: [opcode] })), {
      kind: 'value',
      value: { kind: 'answer', mailslot: '\\MAILSLOT\\NET\\GETDCCBB0A5' },
      length: reply.length,
    });
  }
});

test('an error of the datagram service gives its id and code', () => {
  assert.deepEqual(decodeMailslotReply(hex('1302 4152 0a63010b 008a 82')), {
    kind: 'value',
    value: { kind: 'error', id: 0x4152, code: 0x82 },
    length: 11,
  });
});

describe('a datagram is malformed', () => {
  for (const [what, bytes] of [
    ['that is empty', Buffer.alloc(0)],
    ['of a name service', hex('415085000000000100000000')],
    ['of another length than it says', Buffer.concat([reply, Buffer.alloc(1)])],
    ['that is a fragment', patched(reply, { 1: [0x0f] })],
    ['that begins in the middle', patched(reply, { 12: [0, 1] })],
    ['that is no SMB transaction', patched(reply, { 82: hex('fe') })],
    ['that opens no mailslot', patched(reply, { [words + 28]: [2] })],
    ['whose data lie before its mailslot', patched(reply, { [words + 24]: [0x40] })],
    ['whose data lie beyond its end', patched(reply, { [words + 22]: [0xff] })],
    ['that is our own question, come back', Buffer.from(ping, 'hex')],
    ['whose data nobody at Netlogon writes', patched(reply, { [data]: [0x42] })],
    ['that is an error cut short', hex('1302 4152 0a63010b 008a')],
  ] as const) {
    test(what, () => assert.equal(decodeMailslotReply(bytes).kind, 'malformed'));
  }
});
