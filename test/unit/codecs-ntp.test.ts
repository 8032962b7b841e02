import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeNtpReply, encodeNtpRequest } from '../../agent/codecs/ntp.ts';

/** The first 16 bytes are chronyd's, from the wire. 2026-11-22T08:00:00Z is 4,004,323,200 s in era 0. */
const now = Date.UTC(2026, 10, 22, 8);
const reply = ['240803e600000000000000007f7f0101', 'eead1f8000000000', '0102030405060708', 'eead1f8040000000', 'eead1f8080000000'].join('');

function patched(edits: Readonly<Record<number, string>>): Buffer {
  const packet = Buffer.from(reply, 'hex');
  for (const [offset, hex] of Object.entries(edits)) packet.write(hex, Number(offset), 'hex');
  return packet;
}

function valueOf(packet: Buffer, nearMs = now) {
  const decoded = decodeNtpReply(packet, nearMs);
  assert.ok(decoded.kind === 'value', JSON.stringify(decoded));
  return decoded.value;
}

test('a request is 0x23, zeros, and the random bytes', () => {
  assert.equal(encodeNtpRequest(Buffer.from('0102030405060708', 'hex')).toString('hex'), `23${'00'.repeat(39)}0102030405060708`);
});

test('a server answer gives leap, stratum, reference and times', () => {
  assert.deepEqual(valueOf(Buffer.from(reply, 'hex')), {
    origin: Buffer.from('0102030405060708', 'hex'),
    leap: 0,
    stratum: 8,
    referenceId: '127.127.1.1',
    receivedMs: Date.UTC(2026, 10, 22, 8) + 250,
    transmittedMs: Date.UTC(2026, 10, 22, 8) + 500,
  });
});

test('the reference of a primary server is text', () => {
  assert.equal(valueOf(patched({ 1: '01', 12: '47505300' })).referenceId, 'GPS');
});

test('stratum 0 with a text is a kiss code', () => {
  assert.equal(valueOf(patched({ 1: '00', 12: '44454e59' })).kissCode, 'DENY');
  assert.equal(valueOf(patched({ 1: '00', 12: '00000000' })).kissCode, undefined);
});

test('leap 3 says not synchronised', () => {
  assert.equal(valueOf(patched({ 0: 'e4' })).leap, 3);
});

test('an empty timestamp is no time', () => {
  assert.equal(valueOf(patched({ 32: '0000000000000000' })).receivedMs, undefined);
});

test('after 7 February 2036 the seconds start again, and the time goes on', () => {
  const near = Date.UTC(2036, 1, 7, 6, 28, 10);
  assert.equal(valueOf(patched({ 40: 'ffffffff00000000' }), near).transmittedMs, Date.UTC(2036, 1, 7, 6, 28, 15));
  assert.equal(valueOf(patched({ 40: '0000000100000000' }), near).transmittedMs, Date.UTC(2036, 1, 7, 6, 28, 17));
});

for (const mode of [0, 1, 2, 3, 5, 6, 7]) {
  test(`mode ${mode} is malformed`, () => assert.equal(decodeNtpReply(patched({ 0: (0x20 | mode).toString(16) }), now).kind, 'malformed'));
}
