import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packet } from 'dns2';
import * as fc from 'fast-check';
import { decodeDnsDatagram, decodeDnsStream, dnsTypes, encodeDnsQuery, frameDns, sameQuestion } from '../../agent/codecs/dns.ts';

const srvQuery = '414400000001000000000000055f6c646170045f746370026463065f6d7364637304636f7270076578616d706c6504746573740000210001';
const srvReply =
  '414484000001000200010000055f6c646170045f746370026463065f6d7364637304636f7270076578616d706c6504746573740000210001' +
  'c00c0021000100000384000c00000064018503646331c021c00c0021000100000384000c0000006401850364' +
  '6332c021c01a0006000100000e100023c04a0a686f73746d6173746572c0210000000200000384000002580001518000000e10';
const question = '04434f5250076578616d706c6504746573740000060001';
const soaReply = `414584000001000100000000${question}c00c0006000100000e10002703444331c00c0a686f73746d6173746572c00c0000000200000384000002580001518000000e10`;
const asked = { name: '_ldap._tcp.dc._msdcs.corp.example.test', type: dnsTypes.srv };

const bytes = (hex: string) => Buffer.from(hex, 'hex');

test('an SRV query is the captured one, byte for byte', () => {
  assert.equal(encodeDnsQuery(0x4144, asked).toString('hex'), srvQuery);
});

/** Names of labels that a message can hold. */
const names = fc.array(fc.stringMatching(/^[\w-]{1,63}$/), { maxLength: 3 }).map((labels) => labels.join('.'));

test('a query is what another writer makes of it, byte for byte', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), names, fc.integer({ min: 1, max: 0xffff }), fc.boolean(), (id, name, type, recursion) => {
      const packet = new Packet(new Packet.Header({ id, rd: recursion ? 1 : 0 }));
      packet.questions.push(new Packet.Question({ name, type, class: Packet.CLASS.IN }));
      assert.deepEqual(encodeDnsQuery(id, { name, type }, recursion), packet.toBuffer());
    }),
    { examples: [[0, '', 1, false]] },
  );
});

test('an answer that another writer made, pointers and all, is read as it was meant', () => {
  fc.assert(
    fc.property(names, fc.array(fc.tuple(names, names, fc.ipV4()), { maxLength: 5 }), fc.nat(15), (name, records, rcode) => {
      const packet = new Packet(new Packet.Header({ id: 7, qr: 1, aa: 1, rcode }));
      packet.questions.push(new Packet.Question({ name, type: dnsTypes.srv, class: Packet.CLASS.IN }));
      for (const [owner, target, address] of records) {
        const shared = { ttl: 900, class: Packet.CLASS.IN };
        packet.answers.push(
          Object.assign(new Packet.Resource(), shared, { name: owner, type: dnsTypes.srv, priority: 0, weight: 100, port: 389, target }),
        );
        packet.additionals.push(Object.assign(new Packet.Resource(), shared, { name: `${target}.test`, type: dnsTypes.a, address }));
      }
      const decoded = decodeDnsDatagram(packet.toBuffer());
      assert.ok(decoded.kind === 'value', JSON.stringify(decoded));
      const { question: echo, srvTargets, addresses, rcode: named } = decoded.value;
      assert.deepEqual(echo, { name, type: dnsTypes.srv });
      assert.deepEqual(srvTargets, [...new Set(records.map(([, target]) => target.toLowerCase()).filter((target) => target !== ''))].sort());
      assert.deepEqual(
        addresses,
        records.map(([, target, address]) => ({ name: `${target}.test`.replace(/^\./, '').toLowerCase(), address })),
      );
      const [known = `RCODE${rcode}`] = Object.entries(Packet.RCODE).flatMap(([word, code]) => (code === rcode ? [word] : []));
      assert.equal(named, known);
    }),
  );
});

test('over TCP a message carries its length in two bytes', () => {
  assert.equal(frameDns(bytes('0102')).toString('hex'), '00020102');
});

test('the captured SRV answer names both DCs, and the SOA of its authority section is not the primary', () => {
  const value = {
    id: 0x4144,
    question: asked,
    rcode: 'NOERROR',
    authoritative: true,
    truncated: false,
    srvTargets: ['dc1.corp.example.test', 'dc2.corp.example.test'],
    addresses: [],
  };
  assert.deepEqual(decodeDnsDatagram(bytes(srvReply)), { kind: 'value', value, length: 151 });
  assert.deepEqual(decodeDnsStream(frameDns(bytes(srvReply))), { kind: 'value', value, length: 153 });
});

test('an SOA answer names the primary in lower case', () => {
  const decoded = decodeDnsDatagram(bytes(soaReply));
  assert.ok(decoded.kind === 'value');
  assert.equal(decoded.value.soaPrimary, 'dc1.corp.example.test');
});

test('an error may come as a bare header', () => {
  const decoded = decodeDnsDatagram(bytes('414480010000000000000000'));
  assert.ok(decoded.kind === 'value');
  assert.equal(decoded.value.rcode, 'FORMERR');
  assert.equal(decoded.value.question, undefined);
});

test('the records of a truncated answer are not read, even where they end in the middle', () => {
  const cut = bytes(srvReply).subarray(0, 100);
  cut[2] = 0x86;
  const decoded = decodeDnsDatagram(cut);
  assert.ok(decoded.kind === 'value');
  assert.equal(decoded.value.truncated, true);
  assert.deepEqual(decoded.value.srvTargets, []);
});

test('a record of a type nobody asked for is measured, not read', () => {
  const brokenA = 'c00c0001000100000384000101';
  const reply = bytes(srvReply + brokenA);
  reply[11] = 1;
  assert.equal(decodeDnsDatagram(reply).kind, 'value');
});

test('the addresses of answer and additional section are read, and only those', () => {
  const four = 'c00c00010001000003840004c0000201';
  const six = 'c00c001c000100000384001020010db8000000000000000000000001';
  const reply = bytes(srvReply + four + six);
  reply[11] = 2;
  const decoded = decodeDnsDatagram(reply);
  assert.equal(decoded.kind, 'value');
  if (decoded.kind !== 'value') return;
  const name = '_ldap._tcp.dc._msdcs.corp.example.test';
  assert.deepEqual(decoded.value.addresses, [
    { name, address: '192.0.2.1' },
    { name, address: '2001:db8:0:0:0:0:0:1' },
  ]);
});

test('an echo of our own query is malformed', () => {
  assert.deepEqual(decodeDnsDatagram(bytes(srvQuery)), { kind: 'malformed', why: 'a DNS query instead of an answer' });
});

test('HTTP on port 53 is malformed before its would-be 18,516 bytes have come', () => {
  assert.equal(decodeDnsStream(Buffer.from('HTTP/1.1 400 Bad Request')).kind, 'malformed');
});

for (const [name, hex] of [
  ['a message shorter than a header', '000b'],
  ['a message of no bytes', '0000'],
  ['a dynamic update answer', '000c4144a8000000000000000000'],
] as const) {
  test(`${name} is malformed at once`, () => assert.equal(decodeDnsStream(bytes(hex)).kind, 'malformed'));
}

test('questions are the same whatever their case and last dot', () => {
  assert.ok(sameQuestion({ name: 'Corp.Example.TEST.', type: 6 }, { name: 'corp.example.test', type: 6 }));
  assert.ok(!sameQuestion({ name: 'corp.example.test', type: 33 }, { name: 'corp.example.test', type: 6 }));
});

for (const [name, target] of [
  ['to itself', 0xc00c],
  ['to its own second byte', 0xc00d],
  ['beyond the message', 0xffff],
] as const) {
  test(`a name that points ${name} is malformed`, () => {
    const reply = bytes('414480000001000000000000c00c00210001');
    reply.writeUInt16BE(target, 12);
    assert.equal(decodeDnsDatagram(reply).kind, 'malformed');
  });
}

test('two names that point at each other are malformed', () => {
  assert.equal(decodeDnsDatagram(bytes('414480000001000000000000c00ec00c00210001')).kind, 'malformed');
});

test('counts of 65,535 without records are malformed', () => {
  for (const offset of [4, 6, 8, 10]) {
    const reply = bytes(srvReply);
    reply.writeUInt16BE(0xffff, offset);
    assert.equal(decodeDnsDatagram(reply).kind, 'malformed');
  }
});

test('four thousand names that share one chain of eight thousand pointers run out of budget', () => {
  const reply = Buffer.alloc(65_507);
  reply.writeUInt16BE(0x8400, 2);
  reply.writeUInt16BE(0xffff, 6);
  const chain = 23;
  const chainLength = 16_384 - 24;
  reply.writeUInt16BE(99, 13);
  reply.writeUInt16BE(chainLength, 21);
  for (let at = chain; at < chain + chainLength - 2; at += 2) reply.writeUInt16BE(0xc000 | (at + 2), at);
  for (let at = chain + chainLength; at + 12 <= reply.length; at += 12) reply.writeUInt16BE(0xc000 | chain, at);
  assert.deepEqual(decodeDnsDatagram(reply), { kind: 'malformed', why: 'DNS names that point in circles' });
});

test('the registrations of a thousand DCs fit the budget', () => {
  const name = '055f6c646170045f746370026463065f6d7364637304636f7270076578616d706c6504746573740000210001';
  const records = Array.from({ length: 1000 }, (_, index) => {
    const label = Buffer.from(`dc${String(index).padStart(4, '0')}`);
    const target = Buffer.concat([Buffer.from([label.length]), label, bytes('c021')]);
    return Buffer.concat([bytes('c00c00210001000003840000000000640185'), target]);
  });
  for (const record of records) record.writeUInt16BE(record.length - 12, 10);
  const decoded = decodeDnsDatagram(Buffer.concat([bytes(`414484000001${(1000).toString(16).padStart(4, '0')}00000000${name}`), ...records]));
  assert.ok(decoded.kind === 'value');
  assert.equal(decoded.value.srvTargets.length, 1000);
  assert.equal(decoded.value.srvTargets[999], 'dc0999.corp.example.test');
});
