import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expand } from '../../agent/contract/expand.ts';
import { packFrame, unpackFrame } from '../../agent/contract/frame.ts';
import type { Job } from '../../agent/contract/job.ts';
import type { Settled } from '../../agent/contract/message.ts';
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

/** Jobs whose names are made to be mistaken for each other, and for the text around them. */
const jobs: fc.Arbitrary<Job> = fc
  .record({
    dnsName: fc.constantFrom('dc1.corp.example.test', 'corp', 'kind.facts.test', 'a', 'open', 'ss', '"port":389', 'DC1.CORP'),
    domain: fc.constantFrom('corp.example.test', 'corp', 'observed', 'facts.test', undefined),
    address: fc.constantFrom('127.0.0.1', '27.0', '::1', '2001:db8::1'),
    port: fc.constantFrom(3, 38, 389, 3389),
  })
  .map(({ dnsName, domain, address, port }) => {
    const destination = { name: 'dc1', address, dnsName, ...(domain !== undefined && { domain }) };
    return jobOf([ruleOf('ldap', 'tcp', port), ...job.rules.slice(1)], { hosts: [client, destination] });
  });

function resultsOf(of: Job, source = 'client'): fc.Arbitrary<Settled[]> {
  const model = {
    kind: fc.constant('result'),
    index: fc.nat([...expand(of, source)].length - 1),
    outcome: outcomes,
    attempts: fc.nat(5),
    elapsedMs: fc.nat(10_000_000),
  } as const;
  const settled = fc.record(model, { noNullPrototype: true });
  return fc.uniqueArray(settled, { selector: ({ index }) => index, maxLength: 30 });
}

/** A frame around any value, made as an agent that lies would make it. */
function forge(value: unknown): string {
  const text = brotliCompressSync(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
  return `${text}.${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
}

const shape = JSON.stringify({ kind: 'failed', code: 'interrupted', message: '' });
const columns = { index: [0], shape: [0], attempts: [1], elapsedMs: [1], at: [null], localPort: [null], varying: [[null], [null]] };
const observed = JSON.stringify({ kind: 'observed', state: 'open', reason: 'syn-ack', target: { address: '::1', port: 1 } });

describe('a frame', () => {
  test('brings back exactly what was put in, in the order of the checks', () => {
    fc.assert(
      fc.property(
        jobs.chain((of) => fc.tuple(fc.constant(of), resultsOf(of))),
        ([of, results]) => {
          const inOrder = results.toSorted((one, other) => one.index - other.index);
          assert.deepEqual(unpackFrame(of, 'client', packFrame(of, 'client', results)), inOrder);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('holds the rows of its own source', () => {
    const results: readonly Settled[] = [
      { kind: 'result', index: 3, outcome: { kind: 'failed', code: 'interrupted', message: 'dc2.corp.example.test' }, attempts: 0, elapsedMs: 0 },
    ];
    assert.deepEqual(unpackFrame(job, 'dc1', packFrame(job, 'dc1', results)), results);
  });

  test('that is cut anywhere is none', () => {
    fc.assert(
      fc.property(resultsOf(job), fc.nat(), (results, at) => {
        const frame = packFrame(job, 'client', results);
        assert.equal(unpackFrame(job, 'client', frame.slice(0, at % frame.length)), undefined);
      }),
    );
  });

  test('in which any character is changed, or to which any is added, is none', () => {
    fc.assert(
      fc.property(resultsOf(job), fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), (results, at, other) => {
        const frame = packFrame(job, 'client', results);
        const place = at % frame.length;
        fc.pre(frame.slice(place, place + other.length) !== other);
        assert.equal(unpackFrame(job, 'client', frame.slice(0, place) + other + frame.slice(place + other.length)), undefined);
        assert.equal(unpackFrame(job, 'client', frame + other), undefined);
        assert.equal(unpackFrame(job, 'client', `${frame}.${other}`), undefined);
      }),
    );
  });

  test('that is honest is taken from whoever forges it well', () => {
    const honest: readonly Settled[] = [
      { kind: 'result', index: 0, outcome: { kind: 'failed', code: 'interrupted', message: '' }, attempts: 1, elapsedMs: 1 },
    ];
    assert.deepEqual(unpackFrame(job, 'client', forge({ shapes: [shape], columns })), honest);
  });

  for (const [what, value] of [
    ['no JSON', '{'],
    ['null', null],
    ['a list', []],
    ['without columns', { shapes: [] }],
    ['without shapes', { columns }],
    ['with a shape that is no text', { shapes: [1], columns }],
    ['with a shape that is no JSON', { shapes: ['{'], columns }],
    ['with a shape that is no outcome', { shapes: ['{"kind":"passed"}'], columns }],
    ['with a shape that is a number', { shapes: ['7'], columns }],
    ['with a state that nobody knows', { shapes: [observed.replace('open', 'ajar')], columns: { ...columns, at: [0] } }],
    ['with a status that nobody knows', { shapes: [observed.replace('}}', '},"service":{"status":"fine","facts":{}}}')], columns }],
    ['with a check that is not there', { shapes: [shape], columns: { ...columns, index: [999] } }],
    ['with a check before the first', { shapes: [shape], columns: { ...columns, index: [-1] } }],
    ['with a check told twice', { shapes: [shape], columns: repeated({ index: [0, -1] }) }],
    ['with a shape that is not there', { shapes: [shape], columns: { ...columns, shape: [1] } }],
    ['with columns of unlike length', { shapes: [shape], columns: { ...columns, index: [0, 0] } }],
    ['with a fraction of an attempt', { shapes: [shape], columns: { ...columns, attempts: [0.5] } }],
    ['with fewer attempts than none', { shapes: [shape], columns: { ...columns, attempts: [-1] } }],
    ['with a time before it began', { shapes: [shape], columns: { ...columns, elapsedMs: [-1] } }],
    ['with a text for a number', { shapes: [shape], columns: { ...columns, elapsedMs: ['1'] } }],
    ['with a time that no calendar has', { shapes: [observed], columns: { ...columns, at: [Number.MAX_SAFE_INTEGER] } }],
    ['that unpacks to more than it may', ' '.repeat(65 * 1024 * 1024)],
  ] as const) {
    test(`from a liar, ${what}, is none`, () => assert.equal(unpackFrame(job, 'client', forge(value)), undefined));
  }

  test('may be any text, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void unpackFrame(job, 'client', text)));
    fc.assert(fc.property(fc.json(), (text) => void unpackFrame(job, 'client', forge(text))));
  });
});

function repeated(edits: Partial<typeof columns>): object {
  const twice = Object.entries(columns).map(([name, column]) => [name, name === 'varying' ? column : [...column, ...column]]);
  return { ...Object.fromEntries(twice), ...edits };
}
