import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import * as fc from 'fast-check';
import { expand } from '../../agent/contract/expand.ts';
import { type Frame, packFrame, unpackFrame } from '../../agent/contract/frame.ts';
import type { Job } from '../../agent/contract/job.ts';
import type { Settled } from '../../agent/contract/message.ts';
import { writeNumbers, writeRuns } from '../../agent/contract/octets.ts';
import { client, dc1, jobOf, rpcRule, ruleOf } from '../support/jobs.ts';
import { outcomes } from '../support/outcomes.ts';

const job = jobOf([ruleOf('ldap', 'tcp', 389), ruleOf('tcp', 'tcp', 38, { ports: [[3, 12]] }), ruleOf('epm', 'tcp', 135), rpcRule('drsuapi', 2)], {
  hosts: [client, dc1, { ...dc1, name: 'dc2', dnsName: 'dc2.corp.example.test', address: '::1' }],
  pairs: [
    [0, 1, 0],
    [0, 2, 0],
    [1, 2, 0],
  ],
});

/** Jobs whose names are made to be mistaken for each other, for the text around them, and for what stands in their place. */
const jobs: fc.Arbitrary<Job> = fc
  .record({
    dnsName: fc.constantFrom(
      'dc1.corp.example.test',
      'corp',
      'kind.facts.test',
      'a',
      'open',
      'ss',
      '"port":389',
      'DC1.CORP',
      '\u0001\u0002\u0010',
      '\\u0001',
    ),
    domain: fc.constantFrom('corp.example.test', 'corp', 'observed', 'facts.test', '\u000e\u000f\u0011', undefined),
    address: fc.constantFrom('127.0.0.1', '27.0', '::1', '2001:db8::1', '00000000000000000000000000000000'),
    port: fc.constantFrom(3, 38, 389, 3389),
  })
  .map(({ dnsName, domain, address, port }) => {
    const destination = { name: 'dc1', address, dnsName, ...(domain !== undefined && { domain }) };
    return jobOf([ruleOf('ldap', 'tcp', port), ...job.rules.slice(1)], {
      hosts: [client, destination, { ...destination, name: 'dc2' }],
      pairs: job.pairs,
    });
  });

function framesOf(of: Job, source = 'client'): fc.Arbitrary<Frame> {
  const model = {
    kind: fc.constant('result'),
    index: fc.nat([...expand(of, source)].length - 1),
    outcome: outcomes,
    attempts: fc.nat(5),
    elapsedMs: fc.oneof(fc.nat(200), fc.nat(10_000_000), fc.constant(2 ** 52)),
  } as const;
  const settled = fc.record(model, { noNullPrototype: true });
  const results = fc.uniqueArray(settled, { selector: ({ index }) => index, maxLength: 30 });
  return fc.record({ results, facts: fc.constant('partial') }, { requiredKeys: ['results'], noNullPrototype: true });
}

/** What a frame is made of, in its order. */
interface Sections {
  readonly flags: readonly number[];
  readonly presence: readonly number[];
  readonly skeletons: unknown;
  readonly kinds: readonly number[];
  readonly references: readonly number[];
  readonly words: readonly unknown[];
  readonly hex: Buffer;
  readonly elapsedMs: readonly number[];
  readonly at: readonly number[];
  readonly rest: readonly (readonly number[])[];
}

/** A frame around these bytes, made as an agent that lies would make it. */
function forgeBytes(bytes: Buffer): string {
  const text = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }).toString('base64');
  return `${text}.${createHash('sha256')
    .update(JSON.stringify([job.run, 'client', text]))
    .digest('hex')
    .slice(0, 16)}`;
}

function forge(edits: Partial<Sections>): string {
  const all = { ...honest, ...edits };
  const sections = [
    writeNumbers(all.flags),
    writeRuns(all.presence),
    Buffer.from(typeof all.skeletons === 'string' ? all.skeletons : JSON.stringify(all.skeletons)),
    writeRuns(all.kinds),
    writeRuns(all.references),
    Buffer.from(all.words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join('\n')),
    all.hex,
    ...[all.elapsedMs, all.at, ...all.rest].map((column) => writeNumbers(column)),
  ];
  return forgeBytes(Buffer.concat(sections.flatMap((section) => [writeNumbers([section.length]), section])));
}

/** Check 0 was interrupted after a millisecond; words begin with quotes, as JSON does. */
const honest: Sections = {
  flags: [0],
  presence: [1, ...Array<number>(25).fill(0)],
  skeletons: [[['kind'], ['code'], ['message'], ['attempts'], ['#elapsedMs']]],
  kinds: [0],
  references: [1, 1, 1, 1],
  words: ['"failed"', '"interrupted"', '""', '1'],
  hex: Buffer.alloc(0),
  elapsedMs: [2],
  at: [],
  rest: [[], [], []],
};
const observed: Partial<Sections> = {
  skeletons: [[['kind'], ['state'], ['reason'], ['target'], ['attempts'], ['#elapsedMs'], ['#at']]],
  references: [1, 1, 1, 1, 1],
  words: ['"observed"', '"open"', '"syn-ack"', '{"address":"::1","port":1}', '1'],
  at: [0],
};

describe('a frame', () => {
  test('brings back exactly what was put in, in the order of the checks', () => {
    fc.assert(
      fc.property(
        jobs.chain((of) => fc.tuple(fc.constant(of), framesOf(of))),
        ([of, frame]) => {
          const results = frame.results.toSorted((one, other) => one.index - other.index);
          assert.deepEqual(unpackFrame(of, 'client', packFrame(of, 'client', frame)), { ...frame, results });
        },
      ),
      { numRuns: 500 },
    );
  });

  test('brings back digits, names of numbers, and whatever else looks like what stands in its place', () => {
    const facts = {
      certificateFingerprint: 'ab'.repeat(32),
      domainGuid: 'a107ed65-9b7f-4915-a52d-4b2fd81a1c3a',
      serverGuid: 'A107ED65-9B7F-4915-A52D-4B2FD81A1C3A',
      complaint: `${'0'.repeat(33)} ${'cd'.repeat(200)} \u0010\u0011\n`,
      rpcPorts: { '#at': 1, 'a.b': 2, '': 3, constructor: 49_153 },
      clockOffsetMs: -0.5,
      clockUncertaintyMs: 2 ** 52,
    };
    const target = { address: '127.0.0.1', port: 49_153 };
    const outcome = {
      kind: 'observed',
      state: 'open',
      reason: 'syn-ack',
      port: 49_153,
      service: { status: 'identified', facts },
      target,
      at: '2026-01-01T00:00:00.000Z',
    } as const;
    const [index] = [...expand(job, 'client')].flatMap(({ port }, place) => (typeof port === 'string' ? [place] : []));
    const results: readonly Settled[] = [
      { kind: 'result', index: 0, outcome: { ...outcome, at: '2026-01-01' }, attempts: 1, elapsedMs: 0 },
      { kind: 'result', index: index ?? 0, outcome, attempts: 1, elapsedMs: 0 },
    ];
    assert.deepEqual(unpackFrame(job, 'client', packFrame(job, 'client', { results })), { results });
  });

  test('holds the rows of its own source', () => {
    const results: readonly Settled[] = [
      { kind: 'result', index: 3, outcome: { kind: 'failed', code: 'interrupted', message: 'dc2.corp.example.test' }, attempts: 0, elapsedMs: 0 },
    ];
    assert.deepEqual(unpackFrame(job, 'dc1', packFrame(job, 'dc1', { results })), { results });
  });

  test('of another run or source is none, though its checks be the same', () => {
    const twins: Job = {
      ...jobOf([ruleOf('tcp', 'tcp', 1)]),
      hosts: ['client', 'dc1', 'twin'].map((name) => ({ ...dc1, name })),
      pairs: [
        [0, 1, 0],
        [2, 1, 0],
      ],
    };
    const frame = packFrame(twins, 'client', { results: [] });
    assert.deepEqual(unpackFrame(twins, 'client', frame), { results: [] });
    assert.equal(unpackFrame(twins, 'twin', frame), undefined);
    assert.equal(unpackFrame({ ...twins, run: 'another' }, 'client', frame), undefined);
  });

  test('is not made of results that no check has, or of two for one', () => {
    const result: Settled = { kind: 'result', index: 3, outcome: { kind: 'failed', code: 'interrupted', message: '' }, attempts: 0, elapsedMs: 0 };
    assert.throws(() => packFrame(job, 'client', { results: [{ ...result, index: 26 }] }), /frame/);
    assert.throws(() => packFrame(job, 'client', { results: [result, result] }), /frame/);
  });

  test('that is cut anywhere is none', () => {
    fc.assert(
      fc.property(framesOf(job), fc.nat(), (frame, at) => {
        const text = packFrame(job, 'client', frame);
        assert.equal(unpackFrame(job, 'client', text.slice(0, at % text.length)), undefined);
      }),
    );
  });

  test('in which any character is changed, or to which any is added, is none', () => {
    fc.assert(
      fc.property(framesOf(job), fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), (frame, at, other) => {
        const text = packFrame(job, 'client', frame);
        const place = at % text.length;
        fc.pre(text.slice(place, place + other.length) !== other);
        assert.equal(unpackFrame(job, 'client', text.slice(0, place) + other + text.slice(place + other.length)), undefined);
        assert.equal(unpackFrame(job, 'client', text + other), undefined);
        assert.equal(unpackFrame(job, 'client', `${text}.${other}`), undefined);
      }),
    );
  });

  test('that is honest is taken from whoever forges it well', () => {
    const settled: Settled = { kind: 'result', index: 0, outcome: { kind: 'failed', code: 'interrupted', message: '' }, attempts: 1, elapsedMs: 1 };
    assert.deepEqual(unpackFrame(job, 'client', forge({})), { results: [settled] });
    assert.deepEqual(unpackFrame(job, 'client', forge({ flags: [1] })), { results: [settled], facts: 'partial' });
    const seen = { kind: 'observed', state: 'open', reason: 'syn-ack', target: { address: '::1', port: 1 }, at: '1970-01-01T00:00:00.000Z' } as const;
    assert.deepEqual(unpackFrame(job, 'client', forge(observed)), { results: [{ ...settled, outcome: seen }] });
  });

  for (const [what, edits] of [
    ['with a skeleton that is no JSON', { skeletons: '[' }],
    ['with a skeleton that is no list', { skeletons: [7] }],
    ['with a path that is no list', { skeletons: [['kind', 'code', 'message', 'attempts', '#elapsedMs']] }],
    ['with a path to nowhere', { skeletons: [[[], ['code'], ['message'], ['attempts'], ['#elapsedMs']]] }],
    ['with more skeletons than rows', { skeletons: [honest.skeletons, []] }],
    ['with a column that nobody knows', { skeletons: [[['kind'], ['code'], ['message'], ['attempts'], ['#elapsed']]], references: [1, 1, 1, 1, 1] }],
    ['with a word that is no JSON', { words: ['"failed', '"interrupted"', '""', '1'] }],
    ['with fewer words than it refers to', { words: ['"failed"'] }],
    ['with the word before the first', { references: [0, 1, 1, 1] }],
    ['with a word that is not there', { references: [9, 1, 1, 1] }],
    ['with fewer values than fields', { references: [1, 1, 1] }],
    ['with more values than fields', { references: [1, 1, 1, 1, 1] }],
    ['with digits that are not there', { words: ['"failed"', '"interrupted"', '"\u0010"', '1'] }],
    ['with fewer digits than they say', { words: ['"failed"', '"interrupted"', '"\u0010"', '1'], hex: Buffer.from([200, 1, 0]) }],
    ['with a skeleton that is not there', { kinds: [1] }],
    ['with more rows than checks', { presence: Array<number>(27).fill(1) }],
    ['with fewer checks than the job', { presence: [1] }],
    ['with two rows of one skeleton and values for one', { presence: [1, 1, ...Array<number>(24).fill(0)], kinds: [0, 0] }],
    ['with a failure that nobody knows', { words: ['"failed"', '"bored"', '""', '1'] }],
    ['with an outcome that passes', { words: ['"passed"', '"interrupted"', '""', '1'] }],
    ['with a state that nobody knows', { ...observed, words: ['"observed"', '"ajar"', '"syn-ack"', '{"address":"::1","port":1}', '1'] }],
    ['with a fraction of an attempt', { words: ['"failed"', '"interrupted"', '""', '0.5'] }],
    ['with fewer attempts than none', { words: ['"failed"', '"interrupted"', '""', '-1'] }],
    ['with a text for attempts', { words: ['"failed"', '"interrupted"', '""', '"1"'] }],
    ['with a time before it began', { elapsedMs: [1] }],
    ['without its times', { elapsedMs: [] }],
    ['with a time that no calendar has', { ...observed, at: [2 ** 54] }],
    ['with a time that no number is', { ...observed, at: [2 ** 80] }],
  ] satisfies readonly (readonly [string, Partial<Sections>])[]) {
    test(`from a liar, ${what}, is none`, () => assert.equal(unpackFrame(job, 'client', forge(edits)), undefined));
  }

  test('from a liar who promises runs without end is none', () => {
    const endless = Buffer.concat([writeNumbers([1, 0]), writeNumbers([3]), writeNumbers([1, 1, 2 ** 50])]);
    assert.equal(unpackFrame(job, 'client', forgeBytes(endless)), undefined);
  });

  test('that unpacks to more than it may is none', () =>
    assert.equal(unpackFrame(job, 'client', forgeBytes(Buffer.alloc(17 * 1024 * 1024))), undefined));

  test('whose values are told in more characters than anybody can hold is none', () => {
    const [token, many] = ['\u0001', 300_000];
    const long = jobOf([ruleOf('ldap', 'tcp', 389)], { hosts: [client, { ...dc1, dnsName: 'd'.repeat(1_000) }] });
    const edits = { presence: [1], words: ['"failed"', '"interrupted"', `"${token.repeat(many)}"`, '1'] };
    assert.equal(unpackFrame(long, 'client', forge(edits)), undefined);
    assert.notEqual(unpackFrame(long, 'client', forge({ ...edits, words: ['"failed"', '"interrupted"', `"${token}"`, '1'] })), undefined);
  });

  test('may be any text or bytes, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void unpackFrame(job, 'client', text)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void unpackFrame(job, 'client', forgeBytes(Buffer.from(bytes)))));
  });

  test('that is honest but for one byte is a frame or none, and never throws', () => {
    fc.assert(
      fc.property(framesOf(job), fc.nat(), fc.nat(255), (frame, at, byte) => {
        const bytes = brotliDecompressSync(Buffer.from(packFrame(job, 'client', frame).split('.')[0] ?? '', 'base64'));
        bytes[at % bytes.length] = byte;
        void unpackFrame(job, 'client', forgeBytes(bytes));
      }),
      { numRuns: 500 },
    );
  });
});
