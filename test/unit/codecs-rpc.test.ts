import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concludeBind, decodeRpcReply, encodeBind, encodeRequest, type RpcReply } from '../../agent/codecs/dcerpc.ts';
import { decodeEptMap, encodeEptMap, endpointMapper, eptMap, notRegistered, rpcSyntaxes } from '../../agent/codecs/endpoint-mapper.ts';

const bind =
  '05000b03100000004800000001000000b810b8100000000001000000000001000883afe11f5dc91191a408002b14a0fa03000000045d888aeb1cc9119fe808002b10486002000000';
const bindAck = '05000c03100000003c00000001000000b810b8105e8f000004003133350000000100000000000000045d888aeb1cc9119fe808002b10486002000000';
const bindUnknown = '05000c03100000003c00000001000000b810b81033820000060034393135330001000000020001000000000000000000000000000000000000000000';
const map =
  '05000003100000009c0000000200000084000000000003000100000000000000000000000000000000000000020000004b0000004b000000050013000d354251e3064bd111ab0400c04fc2dcd204000200000013000d045d888aeb1cc9119fe808002b10' +
  '486002000200000001000b020000000100070200008701000904000000000000000000000000000000000000000000000000000004000000';
const mapReply =
  '050002031000000098000000020000008000000000000000000000000000000000000000000000000000000001000000040000000000000001000000030000004b0000004b000000050013000d354251e3064bd111ab0400c04fc2dcd204000200000013' +
  '000d045d888aeb1cc9119fe808002b10486002000200000001000b020000000100070200c0010100090400000000000000000000';
const mapNothing = '050002031000000040000000060000002800000000000000000000000000000000000000000000000000000000000000040000000000000000000000d6a0c916';

const bytes = (hex: string) => Buffer.from(hex, 'hex');

function replyOf(packet: Buffer) {
  const decoded = decodeRpcReply(packet);
  assert.ok(decoded.kind === 'value', JSON.stringify(decoded));
  return decoded.value;
}

function stubOf(packet: Buffer): Buffer {
  const reply = replyOf(packet);
  assert.ok(reply.kind === 'response');
  return reply.stub;
}

/** The same answer in fragments of `size` stub bytes. */
function fragmented(packet: Buffer, size: number): Buffer {
  const stub = packet.subarray(24);
  const parts: Buffer[] = [];
  for (let at = 0; at < stub.length; at += size) {
    const header = Buffer.from(packet.subarray(0, 24));
    const part = stub.subarray(at, at + size);
    header[3] = (at === 0 ? 1 : 0) | (at + size >= stub.length ? 2 : 0);
    header.writeUInt16LE(24 + part.length, 8);
    parts.push(header, part);
  }
  return Buffer.concat(parts);
}

test('a bind to the endpoint mapper is the captured one, byte for byte', () => {
  assert.equal(encodeBind(1, endpointMapper).toString('hex'), bind);
});

test('ept_map for DRSUAPI is the captured one, byte for byte', () => {
  assert.equal(encodeRequest(2, eptMap, encodeEptMap(rpcSyntaxes.drsuapi)).toString('hex'), map);
});

test('the captured bind_ack accepts, and names port 135', () => {
  const reply = replyOf(bytes(bindAck));
  assert.deepEqual(reply, { kind: 'bind-ack', callId: 1, result: 0, reason: 0, secondaryPort: 135 });
  assert.deepEqual(concludeBind(reply), { kind: 'accepted', secondaryPort: 135 });
});

test('the captured refusal of an unknown interface says so, and names port 49153', () => {
  const reply = replyOf(bytes(bindUnknown));
  assert.deepEqual(reply, { kind: 'bind-ack', callId: 1, result: 2, reason: 1, secondaryPort: 49153 });
  assert.deepEqual(concludeBind(reply), { kind: 'unknown-interface' });
});

test('a secondary address that is a pipe, empty or above 65535 is no port', () => {
  for (const text of ['99999\0', '\\pip\0\0', '\0\0\0\0\0\0']) {
    const packet = bytes(bindUnknown);
    packet.write(text, 26, 'latin1');
    assert.deepEqual(replyOf(packet), { kind: 'bind-ack', callId: 1, result: 2, reason: 1 });
  }
});

test('a bind_nak gives its reason', () => {
  const reply = replyOf(bytes('05000d031000000015000000010000000400010500'));
  assert.deepEqual(reply, { kind: 'bind-nak', callId: 1, reason: 4 });
  assert.deepEqual(concludeBind(reply), { kind: 'refused', refusal: 'version', why: 'bind rejected: protocol version not supported' });
});

test('a fault gives its status', () => {
  const reply = replyOf(bytes('0500032310000000200000000200000000000000000000000500000000000000'));
  assert.deepEqual(reply, { kind: 'fault', callId: 2, status: 5 });
  assert.deepEqual(concludeBind(reply), { kind: 'refused', refusal: 'other', why: 'fault 0x00000005 to the bind' });
});

test('a refused bind says whether it is for want of room', () => {
  const refusalOf = (reply: RpcReply): string | undefined => {
    const bound = concludeBind(reply);
    return bound.kind === 'refused' ? bound.refusal : undefined;
  };
  const naks = [0, 1, 2, 3, 4, 8, 9].map((reason) => refusalOf({ kind: 'bind-nak', callId: 1, reason }));
  assert.deepEqual(naks, ['other', 'congestion', 'local-limit', 'other', 'version', 'other', 'other']);
  const acks = [0, 1, 2, 3, 4].map((reason) => refusalOf({ kind: 'bind-ack', callId: 1, result: 2, reason }));
  assert.deepEqual(acks, ['other', undefined, undefined, 'local-limit', 'other']);
  assert.equal(refusalOf({ kind: 'bind-ack', callId: 1, result: 1, reason: 3 }), 'other');
});

test('the captured ept_map answer names port 49153', () => {
  assert.deepEqual(decodeEptMap(stubOf(bytes(mapReply)), rpcSyntaxes.drsuapi), { kind: 'value', value: { status: 0, ports: [49153] }, length: 128 });
});

test('a tower for another interface is not an answer', () => {
  assert.deepEqual(decodeEptMap(stubOf(bytes(mapReply)), rpcSyntaxes.samr), { kind: 'value', value: { status: 0, ports: [] }, length: 128 });
});

test('a mapper may send more towers than it was asked for, within a bound', () => {
  const stub = stubOf(bytes(mapReply));
  const many = (count: number): Buffer => {
    const head = Buffer.from(stub.subarray(0, 36));
    head.writeUInt32LE(count, 20);
    head.writeUInt32LE(count, 32);
    const referents = Buffer.alloc(4 * count, 1);
    const towers = Array.from({ length: count }, () => stub.subarray(40, 124));
    return Buffer.concat([head, referents, ...towers, Buffer.alloc(4)]);
  };
  for (const count of [5, 64]) {
    const decoded = decodeEptMap(many(count), rpcSyntaxes.drsuapi);
    assert.deepEqual(decoded.kind === 'value' && decoded.value, { status: 0, ports: Array.from({ length: count }, () => 49_153) });
  }
  assert.equal(decodeEptMap(many(65), rpcSyntaxes.drsuapi).kind, 'malformed');
});

test('the captured ept_map answer for an unregistered interface says so', () => {
  assert.deepEqual(decodeEptMap(stubOf(bytes(mapNothing)), rpcSyntaxes.dfsr), {
    kind: 'value',
    value: { status: notRegistered, ports: [] },
    length: 40,
  });
});

test('an answer in fragments is the same answer', () => {
  const whole = stubOf(bytes(mapReply));
  for (const size of [2, 3, 50, 127]) assert.deepEqual(stubOf(fragmented(bytes(mapReply), size)), whole);
});

test('every cut of an answer in fragments is incomplete', () => {
  const packet = fragmented(bytes(mapReply), 40);
  for (let length = 0; length < packet.length; length += 1) assert.equal(decodeRpcReply(packet.subarray(0, length)).kind, 'incomplete');
});

test('a fragment of another call, or a second first fragment, is malformed', () => {
  for (const [offset, byte] of [
    [12, 9],
    [3, 3],
    [2, 3],
  ] as const) {
    const packet = fragmented(bytes(mapReply), 64);
    packet[24 + 64 + offset] = byte;
    assert.equal(decodeRpcReply(packet).kind, 'malformed');
  }
});

test('an answer of more than 64 KiB is malformed', () => {
  const whole = Buffer.concat([bytes(mapReply).subarray(0, 24), Buffer.alloc(64 * 1024 + 1)]);
  assert.equal(decodeRpcReply(fragmented(whole, 8000)).kind, 'malformed');
  assert.equal(decodeRpcReply(fragmented(whole.subarray(0, -1), 8000)).kind, 'value');
});

test('fragments without end are malformed, even empty ones', () => {
  const empty = bytes('050002001000000018000000020000008000000000000000');
  const first = Buffer.from(empty);
  first[3] = 1;
  assert.equal(decodeRpcReply(Buffer.concat([first, ...Array.from({ length: 64 }, () => empty)])).kind, 'malformed');
});

for (const [name, hex] of [
  ['a fragment of 0 bytes', '05000c03100000000000'],
  ['a fragment of 15 bytes', '05000c03100000000f00'],
  ['a fragment of 65,535 bytes', '05000c0310000000ffff'],
  ['version 4', '04'],
  ['a request instead of an answer', '05000b'],
  ['big-endian data', '05000c0300'],
  ['HTTP', '4854'],
] as const) {
  test(`${name} is malformed at once`, () => assert.equal(decodeRpcReply(bytes(hex)).kind, 'malformed'));
}

test('giant counts and lengths inside an ept_map answer are malformed', () => {
  const stub = stubOf(bytes(mapReply));
  for (const offset of [20, 28, 32, 40, 44]) {
    const hostile = Buffer.from(stub);
    hostile.writeUInt32LE(0xffffffff, offset);
    assert.equal(decodeEptMap(hostile, rpcSyntaxes.drsuapi).kind, 'malformed', `offset ${offset}`);
  }
});

test('a tower with 65,535 floors or a floor of 65,535 bytes is malformed', () => {
  for (const offset of [48, 50]) {
    const hostile = stubOf(bytes(mapReply));
    hostile.writeUInt16LE(0xffff, offset);
    assert.equal(decodeEptMap(hostile, rpcSyntaxes.drsuapi).kind, 'malformed', `offset ${offset}`);
  }
});
