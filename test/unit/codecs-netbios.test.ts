import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeNodeStatus,
  decodeSessionReply,
  encodeNetbiosName,
  encodeNodeStatusRequest,
  encodeSessionRequest,
} from '../../agent/codecs/netbios.ts';

const wildcard = `20434b${'41'.repeat(30)}00`;
/** Samba 4.17's, from the wire; the 46 bytes after the names, which were memory of the server, are zeroed. */
const nodeStatus =
  `92b084000000000100000000${wildcard}` +
  '002100010000000000bf08444331202020202020202020202020004400444331202020202020202020202020034400444331202020202020202020202020204400434f525020202020202020202020201b4400434f52502020202020202020' +
  '2020201cc400434f5250202020202020202020202000c4005f5f53414d42415f5f20202020202000c6005f5f53414d42415f5f20202020202020c600' +
  '00'.repeat(46);

const bytes = (hex: string) => Buffer.from(hex, 'hex');

test('a node status request is the captured one, byte for byte', () => {
  assert.equal(encodeNodeStatusRequest(0x4150).toString('hex'), `415000000001000000000000${wildcard}00210001`);
});

test('a name is written in letters, upper case, padded, with its suffix', () => {
  // RFC 1001 §14.1 and the mailslot datagram of the lab (ADPROBE<00>, CORP<1C>).
  assert.equal(encodeNetbiosName('adprobe', 0).toString('latin1'), ' EBEEFAFCEPECEFCACACACACACACACAAA\0');
  assert.equal(encodeNetbiosName('CORP', 0x1c).toString('latin1'), ' EDEPFCFACACACACACACACACACACACABM\0');
});

test('a name is cut to 15 characters', () => {
  assert.deepEqual(encodeNetbiosName('A'.repeat(40), 0x20), encodeNetbiosName('A'.repeat(15), 0x20));
});

test('a node status answer gives names, suffixes and groups', () => {
  assert.deepEqual(decodeNodeStatus(bytes(nodeStatus)), {
    kind: 'value',
    length: 247,
    value: {
      id: 0x92b0,
      rcode: 0,
      names: [
        { name: 'DC1', suffix: 0x00, group: false },
        { name: 'DC1', suffix: 0x03, group: false },
        { name: 'DC1', suffix: 0x20, group: false },
        { name: 'CORP', suffix: 0x1b, group: false },
        { name: 'CORP', suffix: 0x1c, group: true },
        { name: 'CORP', suffix: 0x00, group: true },
        { name: '__SAMBA__', suffix: 0x00, group: true },
        { name: '__SAMBA__', suffix: 0x20, group: true },
      ],
    },
  });
});

test('a refusal of the name service has a code and no names', () => {
  assert.deepEqual(decodeNodeStatus(bytes('415084030000000000000000')), {
    kind: 'value',
    length: 12,
    value: { id: 0x4150, rcode: 3, names: [] },
  });
});

test('more names than the record holds are malformed', () => {
  const reply = bytes(nodeStatus);
  reply[56] = 255;
  assert.equal(decodeNodeStatus(reply).kind, 'malformed');
});

test('an echo of our own request is malformed', () => {
  assert.equal(decodeNodeStatus(encodeNodeStatusRequest(1)).kind, 'malformed');
});

test('a session request is 72 bytes: header, called name, calling name', () => {
  const request = encodeSessionRequest(encodeNetbiosName('*SMBSERVER', 0x20), encodeNetbiosName('ADPROBE', 0));
  assert.equal(request.length, 72);
  assert.equal(request.toString('latin1'), '\x81\0\0\x44 CKFDENECFDEFFCFGEFFCCACACACACACA\0 EBEEFAFCEPECEFCACACACACACACACAAA\0');
});

for (const [hex, value] of [
  ['82000000', { kind: 'positive' }],
  ['8300000182', { kind: 'negative', code: 0x82 }],
  ['840000060a63010b008b', { kind: 'retarget' }],
] as const) {
  test(`session answer ${hex} is ${value.kind}`, () => {
    assert.deepEqual(decodeSessionReply(bytes(hex)), { kind: 'value', value, length: hex.length / 2 });
  });
}

for (const hex of ['85000000', '00000000', '82ffffff', '83000000', '485454502f']) {
  test(`${hex} is malformed at once`, () => assert.equal(decodeSessionReply(bytes(hex)).kind, 'malformed'));
}
