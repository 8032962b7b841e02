import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { isHostAddress } from '../../src/address.ts';
import { type Document, readDocument } from '../../src/document.ts';
import { overlaps, parsePortRange, type PortRange } from '../../src/port-range.ts';
import { quote } from '../../src/quotation.ts';
import { nearest } from '../../src/suggestion.ts';
import { UsageError } from '../../src/usage-error.ts';
import { folderWith } from '../support/temporary-folder.ts';

function read(t: TestContext, content: string | Uint8Array): Document {
  return readDocument(join(folderWith(t, { 'a.yaml': content }), 'a.yaml'));
}

function position(document: Document, path: readonly (string | number)[], part?: 'key' | 'value'): string {
  const { line, column } = document.placeOf(path, part);
  return `${line}:${column}`;
}

function range(first: number, last: number, transport: 'tcp' | 'udp' = 'tcp'): PortRange {
  return { first, last, transport };
}

describe('a document', () => {
  it('knows where each value and key stands, and of what is not there, where its nearest ancestor does', (t) => {
    const document = read(t, 'a:\n  - b: 1\n    c: [x, y]\n');
    assert.equal(position(document, ['a', 0, 'c', 1]), '3:12');
    assert.equal(position(document, ['a', 0, 'c'], 'key'), '3:5');
    assert.equal(position(document, ['a', 0, 'd', 'e']), '2:5');
    assert.equal(position(document, ['a', 7]), '2:3');
    assert.equal(position(document, []), '1:1');
  });

  it('an alias is the value of its anchor, and a place behind it is where that value is written', (t) => {
    const document = read(t, 'a: &x {b: 1}\nc: *x\n');
    assert.deepEqual(document.value, { a: { b: 1 }, c: { b: 1 } });
    assert.equal(position(document, ['c', 'b']), '1:11');
    assert.equal(position(document, ['c']), '2:4');
  });

  it('a later anchor of the same name stands for what follows it', (t) => {
    assert.deepEqual(read(t, 'a: &x 1\nb: *x\nc: &x 2\nd: *x\n').value, { a: 1, b: 1, c: 2, d: 2 });
  });

  it('is YAML 1.2: on, yes and dates stay text, whatever version the file declares', (t) => {
    const values = { a: 'on', b: 'yes', c: '2026-01-01', d: '1:30', e: true, f: null };
    assert.deepEqual(read(t, '%YAML 1.1\n---\na: on\nb: yes\nc: 2026-01-01\nd: 1:30\ne: true\nf:\n').value, values);
  });

  it('shows numbers as they are written, text in quotes, collections in words', (t) => {
    const document = read(t, 'a: 010.10\nb: "x"\nc: []\nd: [1]\ne: {f: 1}\ng:\n');
    const shown = ['a', 'b', 'c', 'd', 'e', 'g'].map((key) => document.show([key]));
    assert.deepEqual(shown, ['010.10', '"x"', 'an empty list', 'a list', 'a mapping with f', 'empty']);
  });

  it('a tag that the file may have is a key around its value; any other is refused, and without leave every one', (t) => {
    const file = join(folderWith(t, { 'a.yaml': 'a: !If [b, !Ref c, 1]\nd: !Ref e\n' }), 'a.yaml');
    const tags = { '!If': 'Fn::If', '!Ref': 'Ref' };
    assert.deepEqual(readDocument(file, tags).value, { a: { 'Fn::If': ['b', { Ref: 'c' }, 1] }, d: { Ref: 'e' } });
    for (const fewer of [{ '!If': 'Fn::If' }, {}])
      assert.throws(
        () => readDocument(file, fewer),
        (error) => error instanceof UsageError && /a\.yaml:1:.*expected plain values without tags/.test(error.message),
      );
  });

  it('a key that means something to JavaScript is a key like any other', (t) => {
    const { value } = read(t, '__proto__: {polluted: true}\nconstructor: 1\n');
    assert.deepEqual(Object.keys(value ?? {}), ['__proto__', 'constructor']);
    assert.equal(Reflect.get({}, 'polluted'), undefined);
  });

  it('a file over 4 MiB is refused, one of 4 MiB is read', (t) => {
    const limit = Buffer.alloc(4 * 1024 * 1024, 'x');
    assert.throws(() => read(t, Buffer.concat([limit, limit.subarray(0, 1)])), /a\.yaml: is larger than 4 MiB, expected /);
    assert.doesNotThrow(() => read(t, limit));
    assert.throws(() => readDocument('/dev/zero'), UsageError);
  });

  it('a file that may not be read says so', (t) => {
    // Root may read everything, so that it has to be somebody else for a moment.
    if (process.getuid?.() === 0) {
      process.seteuid?.(65_534);
      t.after(() => process.seteuid?.(0));
    }
    const folder = folderWith(t, { 'a.yaml': 'a: 1' });
    chmodSync(join(folder, 'a.yaml'), 0);
    assert.throws(() => readDocument(join(folder, 'a.yaml')), /a\.yaml: cannot be read \(permission denied\), expected /);
  });

  it('whatever the bytes, it is read or refused with a UsageError on one line', (t) => {
    const folder = folderWith(t, {});
    const pieces = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '[',
      ']',
      '{',
      '}',
      '&x ',
      '*x',
      '"',
      "'",
      '|',
      '>',
      '?',
      '#',
      '!',
      '%',
      '---',
      '<<',
      ',',
      '\t',
      '\u0000',
      '\u0085',
      '€',
    );
    const text = fc.oneof(
      fc.array(pieces, { maxLength: 40 }).map((list) => Buffer.from(list.join(''))),
      fc.uint8Array({ maxLength: 60 }),
    );
    fc.assert(
      fc.property(text, (bytes) => {
        const file = join(folder, 'fuzz.yaml');
        writeFileSync(file, bytes);
        try {
          readDocument(file);
        } catch (error) {
          assert(error instanceof UsageError, String(error));
          assert.doesNotMatch(error.message.replace(file, ''), /\p{Cc}/u);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a value in a message', () => {
  it('is on one line, in visible characters, and at most 60 of them', () => {
    assert.equal(quote('a\nb\u001b[31m\u202e\u0085'), String.raw`"a\nb\u001b[31m\u202e\u0085"`);
    assert.equal(quote('x'.repeat(61)), `"${'x'.repeat(60)}…"`);
    assert.equal(quote(`${'x'.repeat(59)}😀`), `"${'x'.repeat(59)}…"`);
    assert.equal(quote('x'.repeat(60)), `"${'x'.repeat(60)}"`);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !/[\p{Cc}\u2028\u202e]/u.test(quote(text)) && quote(text).isWellFormed()));
  });
});

describe('a suggestion', () => {
  it('is the nearest known word, if it is near', () => {
    const known = ['ports', 'probe', 'purposes', 'published'];
    const words = {
      prots: 'ports',
      Port: 'ports',
      porbe: 'probe',
      purpose: 'purposes',
      publishd: 'published',
      colour: undefined,
      x: undefined,
    } as const;
    for (const [word, meant] of Object.entries(words)) assert.equal(nearest(word, known), meant, word);
  });

  it('is the word itself when it is known, and takes no time over a long one', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 64, minLength: 1 }), (word) => nearest(word, ['far-from-it', word])?.toLowerCase() === word.toLowerCase()),
    );
    assert.equal(nearest('a'.repeat(1_000_000), ['a']), undefined);
  });
});

describe('a port range', () => {
  it('is read back as it was written', () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    fc.assert(
      fc.property(port, port, fc.constantFrom('tcp' as const, 'udp' as const), (one, other, transport) => {
        const [first, last] = [Math.min(one, other), Math.max(one, other)];
        assert.deepEqual(parsePortRange(`${first}-${last}/${transport}`), { first, last, transport });
        assert.deepEqual(parsePortRange(`${first}/${transport}`), { first, last: first, transport });
        if (first < last) assert('expected' in parsePortRange(`${last}-${first}/${transport}`));
      }),
    );
  });

  it('is refused when it is anything else', () => {
    for (const text of [
      '',
      '389',
      '389/sctp',
      '0/tcp',
      '65536/udp',
      '-1/tcp',
      '1-/tcp',
      '1-2-3/tcp',
      '389/TCP',
      ' 389/tcp',
      '1e3/tcp',
      '389/tcp\n',
    ]) {
      assert('expected' in parsePortRange(text), text);
    }
  });

  it('overlaps another of its transport where they share a port', () => {
    assert(overlaps(range(1, 5), range(5, 9)));
    assert(overlaps(range(1, 9), range(3, 4)));
    assert(!overlaps(range(1, 4), range(5, 9)));
    assert(!overlaps(range(1, 5), range(1, 5, 'udp')));
  });
});

describe('the address of a host', () => {
  it('is the literal of one machine', () => {
    for (const good of ['10.0.0.10', '127.0.0.1', 'fd00::10', '::1', 'fe80::1%eth0', '::ffff:10.0.0.1', '223.255.255.255', '240.0.0.1'])
      assert(isHostAddress(good), good);
  });

  it('is no name, no short or odd spelling, and nobody else', () => {
    const bad = [
      '',
      'dc1',
      '10.1',
      '10.0.0.999',
      '0x7f.1',
      '010.0.0.1',
      '10.0.0.0/24',
      '[::1]',
      '::1%',
      '0.0.0.0',
      '::',
      '255.255.255.255',
      '224.0.0.1',
      '239.1.2.3',
      'ff02::1',
      'ff02::1%eth0',
      '::ffff:224.0.0.1',
    ];
    for (const text of bad) assert(!isHostAddress(text), text);
  });
});
