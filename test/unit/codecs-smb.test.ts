import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSmbReply, encodeMultiProtocolNegotiate, encodeNegotiate } from '../../agent/codecs/smb.ts';

const request =
  '0000006cfe534d4240000000000000000000010000000000000000000000000000000000fffe00000000000000000000000000000000000000000000000000000000000024000400010000007f000000612ff83e4861bdd061408316aa01d88e00000000' +
  '000000000202100200030203';
const reply =
  '000000e0fe534d4240000000000000000000010001000000000000000000000000000000fffe0000000000000000000000000000000000000000000000000000000000004100030002030000646331000000000000000000000000004f00000000008000' +
  '00008000000080003e1360b7567add0100000000000000008000600000000000605e06062b0601050502a0543052a024302206092a864882f71201020206092a864886f712010202060a2b06010401823702020aa32a3028a0261b246e6f745f64656669' +
  '6e65645f696e5f5246433431373840706c656173655f69676e6f7265';

const bytes = (hex: string) => Buffer.from(hex, 'hex');

function patched(offset: number, hex: string): Buffer {
  const packet = bytes(reply);
  packet.write(hex, offset, 'hex');
  return packet;
}

test('a NEGOTIATE for 2.0.2 to 3.0.2 is the captured one, byte for byte', () => {
  assert.equal(encodeNegotiate(bytes('612ff83e4861bdd061408316aa01d88e')).toString('hex'), request);
});

test('with a salt the NEGOTIATE offers 3.1.1 and two contexts, each on a multiple of 8', () => {
  const packet = encodeNegotiate(Buffer.alloc(16, 0x11), Buffer.alloc(32, 0x22));
  assert.equal(packet.readUInt32BE(0), packet.length - 4);
  const message = packet.subarray(4);
  assert.equal(message.toString('hex', 64, 112), `24000500010000007f000000${'11'.repeat(16)}7000000002000000020210020003020311030000`);
  assert.equal(message.toString('hex', 112, 160), `0100260000000000010020000100${'22'.repeat(32)}0000`);
  assert.equal(message.toString('hex', 160), '0200060000000000020002000100');
});

test('the captured answer gives dialect, signing, GUID and time', () => {
  const decoded = decodeSmbReply(bytes(reply));
  assert.ok(decoded.kind === 'value' && decoded.value.kind === 'smb2');
  const { serverTimeMs, ...rest } = decoded.value;
  assert.deepEqual(rest, { kind: 'smb2', dialect: '3.0.2', signingRequired: true, serverGuid: '00316364-0000-0000-0000-000000000000' });
  assert.equal(decoded.length, 228);
  // 0x01dd7a56b760133e ticks of 100 ns since 1601, as Python converts them.
  assert.ok(serverTimeMs !== undefined);
  assert.equal(Math.floor(serverTimeMs), 1_795_334_075_328);
});

for (const [hex, dialect] of [
  ['0202', '2.0.2'],
  ['1002', '2.1'],
  ['ff02', '2.???'],
  ['0003', '3.0'],
  ['1103', '3.1.1'],
  ['1204', '0x0412'],
] as const) {
  test(`dialect ${hex} on the wire is ${dialect}`, () => {
    const decoded = decodeSmbReply(patched(4 + 68, hex));
    assert.ok(decoded.kind === 'value' && decoded.value.kind === 'smb2');
    assert.equal(decoded.value.dialect, dialect);
  });
}

test('signing that is only enabled is not required', () => {
  const decoded = decodeSmbReply(patched(4 + 66, '0100'));
  assert.ok(decoded.kind === 'value' && decoded.value.kind === 'smb2');
  assert.equal(decoded.value.signingRequired, false);
});

test('an empty system time is no time', () => {
  const decoded = decodeSmbReply(patched(4 + 104, '0000000000000000'));
  assert.ok(decoded.kind === 'value' && decoded.value.kind === 'smb2');
  assert.equal(decoded.value.serverTimeMs, undefined);
});

test('an SMB2 error is an answer with a status', () => {
  const header = `fe534d4240000000bb0000c00000010001000000${'00'.repeat(44)}`;
  const decoded = decodeSmbReply(bytes(`00000049${header}090000000000000000`));
  assert.deepEqual(decoded, { kind: 'value', value: { kind: 'smb2-error', status: 0xc00000bb }, length: 77 });
});

test('the multi-protocol request offers NT LM 0.12 and the two SMB2 strings', () => {
  // [MS-CIFS] 2.2.3.1 header, word count 0, byte count 34.
  assert.equal(
    encodeMultiProtocolNegotiate().toString('latin1'),
    '\0\0\0\x45\xffSMBr\0\0\0\0\x18\x53\xc8' +
      '\0'.repeat(12) +
      '\xff\xff\xff\xfe\0\0\0\0' +
      '\0\x22\0\x02NT LM 0.12\0\x02SMB 2.002\0\x02SMB 2.???\0',
  );
});

for (const [index, accepted] of [
  ['0000', true],
  ['ffff', false],
] as const) {
  test(`an SMB1 answer with dialect index ${index} is ${accepted ? 'an agreement' : 'none'}`, () => {
    const decoded = decodeSmbReply(bytes(`00000025ff534d4272000000009853c8${'00'.repeat(20)}01${index}0000`));
    assert.deepEqual(decoded, { kind: 'value', value: { kind: 'smb1', accepted }, length: 41 });
  });
}

test('an echo of our own requests is malformed', () => {
  assert.equal(decodeSmbReply(bytes(request)).kind, 'malformed');
  assert.equal(decodeSmbReply(encodeMultiProtocolNegotiate()).kind, 'malformed');
});

for (const [name, hex] of [
  ['a frame of 0 bytes', '00000000'],
  ['a frame of 16 MiB', '00ffffff'],
  ['a session packet', '83'],
  ['another magic', '000000e0fe534e'],
  ['HTTP', '48'],
] as const) {
  test(`${name} is malformed at once`, () => assert.equal(decodeSmbReply(bytes(hex)).kind, 'malformed'));
}

test('an answer that is too short for its structure is malformed', () => {
  const short = Buffer.from(bytes(reply).subarray(0, 4 + 120));
  short.writeUInt32BE(120);
  assert.equal(decodeSmbReply(short).kind, 'malformed');
});
