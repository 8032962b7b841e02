import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BerWriter } from 'ldapts';
import { constructed, elementsOf, integer, integerOf, messageLimit, octets, oidOf, readElement, textOf, unwrap } from '../../agent/codecs/ber.ts';
import { clockFacts, readGeneralizedTime } from '../../agent/codecs/clock.ts';
import { Malformed } from '../../agent/codecs/decoded.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');

test('a length may be short, long, or padded to any width up to eight bytes', () => {
  for (const form of ['0403616263', '048103616263', '048400000003616263', '04880000000000000003616263']) {
    const element = readElement(hex(`${form}ffff`));
    assert.equal(element.kind, 'value', form);
    assert.deepEqual(element.kind === 'value' && [element.value.tag, element.value.content.toString(), element.length], [4, 'abc', form.length / 2]);
  }
});

test('what is cut is incomplete, at every length', () => {
  const whole = hex('308400000005040361626300').subarray(0, 11);
  for (let length = 0; length < whole.length; length += 1) assert.equal(readElement(whole.subarray(0, length)).kind, 'incomplete', String(length));
});

test('a length over the limit is malformed before its last byte is there', () => {
  for (const form of ['3084ffffffff', '30847fffffff', '3084ffff', '3088ffffffffffffffff', '3083010001']) {
    assert.equal(readElement(hex(form)).kind, 'malformed', form);
  }
  assert.equal(readElement(hex('3083010000')).kind, 'incomplete');
  assert.equal(messageLimit, 0x10000);
});

test('indefinite lengths, lengths of more than eight bytes and tags of several bytes are malformed', () => {
  for (const form of ['3080', '3089', '30ff', '1f01', '3f']) assert.equal(readElement(hex(form)).kind, 'malformed', form);
});

test('another tag than the expected is malformed at its first byte', () => {
  assert.equal(readElement(hex('48'), [0x30]).kind, 'malformed');
  assert.equal(readElement(hex('30'), [0x30]).kind, 'incomplete');
});

test('an element that reaches beyond the one around it throws Malformed', () => {
  assert.throws(() => [...elementsOf(hex('0204010203'))], Malformed);
  assert.throws(() => unwrap(hex('0401'), 0x04), Malformed);
  assert.throws(() => unwrap(hex('040100'), 0x02), Malformed);
  assert.throws(() => unwrap(hex(''), 0x02), Malformed);
});

test('integers are signed and of one to six bytes', () => {
  for (const [bytes, value] of [
    ['00', 0],
    ['ff', -1],
    ['00ff', 255],
    ['00000001', 1],
    ['7fffffff', 2 ** 31 - 1],
    ['00ffffffff', 2 ** 32 - 1],
  ] as const) {
    assert.equal(integerOf(hex(bytes)), value);
  }
  assert.throws(() => integerOf(hex('')), Malformed);
  assert.throws(() => integerOf(hex('00000000000001')), Malformed);
});

test('every integer of 31 bits is written in the fewest bytes and read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (value) => {
      const content = unwrap(integer(value), 0x02);
      assert.equal(integerOf(content), value);
      assert.ok(content.length === 1 || ![0, -1].includes(content.readInt16BE(0) >> 7));
    }),
  );
});

test('what is written around content of any length is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 65_000 }), (length) => {
      const content = Buffer.alloc(length, 7);
      assert.deepEqual(unwrap(unwrap(constructed(0x30, octets(content)), 0x30), 0x04), content);
    }),
    { numRuns: 30, examples: [[0], [127], [128], [255], [256], [1021], [1024], [65_000]] },
  );
});

test('what is written is what another writer makes of it, byte for byte', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.nat(70_000),
      fc.string({ unit: 'binary' }),
      fc.nat(255),
      (value, length, text, tag) => {
        const content = Buffer.alloc(length, 7);
        const writer = new BerWriter();
        writer.startSequence(tag);
        writer.writeInt(value, tag);
        writer.writeBuffer(content, tag);
        writer.writeBuffer(Buffer.from(text), 0x04);
        writer.endSequence();
        assert.deepEqual(constructed(tag, integer(value, tag), octets(content, tag), octets(text)), writer.buffer);
      },
    ),
    {
      examples: [0, 127, 128, -128, -129, 32_767, 32_768, 8_388_607, 8_388_608, -8_388_609].map((value, at) => [
        value,
        [0, 127, 128, 255, 256, 65_535, 65_536][at % 7] ?? 0,
        '',
        0x30,
      ]),
    },
  );
});

test('object identifiers are read in all three roots', () => {
  for (const [bytes, text] of [
    ['2a864886f70d01010b', '1.2.840.113549.1.1.11'],
    ['551d11', '2.5.29.17'],
    ['883703', '2.999.3'],
    ['00', '0.0'],
    ['2b0601040182371402', '1.3.6.1.4.1.311.20.2'],
  ] as const) {
    assert.equal(oidOf(hex(bytes)), text);
  }
  for (const bytes of ['', '2a86', 'ff'.repeat(40)]) assert.throws(() => oidOf(hex(bytes)), Malformed);
});

test('text is cut to 256 characters, however many bytes each takes', () => {
  assert.equal(textOf(Buffer.from('a'.repeat(1000))).length, 256);
  assert.equal(textOf(Buffer.from('\u20ac'.repeat(1000))), '\u20ac'.repeat(256));
});

test('any bytes are an element, incomplete or malformed, and no element reaches outside them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (array) => {
      const bytes = Buffer.from(array);
      const element = readElement(bytes);
      if (element.kind === 'value') assert.ok(element.length <= bytes.length && element.value.content.length < element.length);
    }),
    { numRuns: 2000 },
  );
});

test('the clock offset is taken from the middle of the round trip, and half of it is the uncertainty', () => {
  assert.deepEqual(clockFacts(1_000_070_000, 999_999_990, 1_000_000_010, 1), { clockOffsetMs: 70_000, clockUncertaintyMs: 11 });
  assert.deepEqual(clockFacts(500.25, 1000, 1001, 0), { clockOffsetMs: -500, clockUncertaintyMs: 1 });
});

test('a GeneralizedTime in UTC is read, with and without a fraction, and nothing else is', () => {
  assert.equal(readGeneralizedTime('20261122075031Z'), Date.UTC(2026, 10, 22, 7, 50, 31));
  assert.equal(readGeneralizedTime('20261122075031.0Z'), Date.UTC(2026, 10, 22, 7, 50, 31));
  assert.equal(readGeneralizedTime('20261122075031.25Z'), Date.UTC(2026, 10, 22, 7, 50, 31, 250));
  for (const text of ['', '20261322075031Z', '20261122075031', '20261122075031+0100', '20261122076131Z', 'now'])
    assert.equal(readGeneralizedTime(text), undefined);
});
