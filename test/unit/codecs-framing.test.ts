import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodePreambleReply, encodePreamble } from '../../agent/codecs/framing.ts';
import { hex } from '../support/captures.ts';

const faults = 'http://schemas.microsoft.com/ws/2006/05/framing/faults/';
/** A fault record for a text of less than 128 bytes. */
const fault = (text: string): Buffer => Buffer.concat([Buffer.from([8, text.length]), Buffer.from(text)]);

test('a preamble is the one that Mono acknowledged, byte for byte', () => {
  // Vector A8.
  const sent =
    '000100010202436e65742e7463703a2f2f6463312e636f72702e6578616d706c652e746573743a393338392f4163746976654469726563746f727957656253657276696365732f6d657803080c';
  assert.equal(encodePreamble('net.tcp://dc1.corp.example.test:9389/ActiveDirectoryWebServices/mex').toString('hex'), sent);
});

test('a long address has a length of two bytes, the lower seven bits first', () => {
  const sent = encodePreamble(`net.tcp://${'a'.repeat(190)}`);
  assert.deepEqual([...sent.subarray(5, 8)], [2, 0xc8, 1]);
  assert.equal(sent.toString('latin1', 8, 18), 'net.tcp://');
});

test('an acknowledged preamble is one byte', () => {
  assert.deepEqual(decodePreambleReply(hex('0b')), { kind: 'value', value: { kind: 'acknowledged' }, length: 1 });
});

for (const name of ['UnsupportedVersion', 'EndpointNotFound', 'ServerTooBusy']) {
  test(`a fault is known by the end of its name: ${name}`, () => {
    const reply = fault(faults + name);
    assert.deepEqual(decodePreambleReply(reply), { kind: 'value', value: { kind: 'fault', fault: name }, length: reply.length });
  });
}

test('a fault in a length of two bytes is read too', () => {
  const name = faults + 'A'.repeat(128);
  const reply = Buffer.concat([Buffer.from([8, (name.length & 0x7f) | 0x80, name.length >> 7]), Buffer.from(name)]);
  assert.deepEqual(decodePreambleReply(reply), { kind: 'value', value: { kind: 'fault', fault: 'A'.repeat(128) }, length: reply.length });
  for (let length = 0; length < reply.length; length += 1)
    assert.equal(decodePreambleReply(reply.subarray(0, length)).kind, 'incomplete', `at ${length}`);
});

describe('the answer to a preamble is malformed', () => {
  for (const [what, bytes] of [
    ['of another protocol', Buffer.from('HTTP/1.1')],
    ['that goes on after it acknowledged', hex('0b0b')],
    ['that agrees to an upgrade nobody asked for', hex('0a')],
    ['that is our own preamble, come back', encodePreamble('net.tcp://dc1')],
    ['with a fault that is too long', hex('088102')],
    ['with a fault of another namespace', fault('http://example.test/EndpointNotFound')],
    ['with a fault without a name', fault(faults)],
    ['with a fault that is no name', fault(`${faults}<script>`)],
  ] as const) {
    test(what, () => assert.equal(decodePreambleReply(bytes).kind, 'malformed'));
  }
});
