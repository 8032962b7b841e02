import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeMessage, encodeMessage, type Message } from '../../agent/contract/message.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { outcomes } from '../support/outcomes.ts';

const mark = 'portmatrix-agent:1 ';
const hello = {
  kind: 'hello',
  contract: 1,
  source: 'client',
  count: 3,
  hash: 'ab',
  platform: { os: 'linux 6.18 x64', node: 'v24.21.0' },
  capabilities: { udpRefused: true },
} as const satisfies Message;
const open = {
  kind: 'observed',
  state: 'open',
  reason: 'syn-ack',
  port: 49_153,
  service: { status: 'identified', facts: { dnsName: 'dc1.corp.example.test' } },
  local: { address: '192.0.2.2', port: 50_000 },
  target: { address: '192.0.2.1', port: 389 },
  at: '2026-11-22T08:00:00.000Z',
} as const satisfies Outcome;
const failed = { kind: 'failed', code: 'prerequisite', message: 'm', because: 'id' } as const satisfies Outcome;
const result = { kind: 'result', index: 0, outcome: open, attempts: 1, elapsedMs: 12 } as const satisfies Message;

const messages: readonly Message[] = [
  hello,
  result,
  { ...result, outcome: failed },
  { kind: 'alive', settled: 12 },
  { kind: 'bye', reason: 'finished' },
  { kind: 'bye', reason: 'interrupted' },
  { kind: 'bye', reason: 'deadline' },
  { kind: 'frame', text: 'AAAA.0123' },
  { kind: 'part', part: 1, of: 2, text: 'AAAA' },
  { kind: 'part', part: 6, of: 6, text: '' },
];

/** One thing wrong with an honest message. */
const liars: readonly (readonly [what: string, message: unknown])[] = [
  ['nothing', null],
  ['a list', [hello]],
  ['a text', 'hello'],
  ['an unknown kind', { kind: 'verdict', status: 'pass' }],
  ['a hello without capabilities', { ...hello, capabilities: undefined }],
  ['a hello whose capability is a text', { ...hello, capabilities: { udpRefused: 'yes' } }],
  ['a hello without a platform', { ...hello, platform: null }],
  ['a hello that counts in fractions', { ...hello, count: 1.5 }],
  ['a hello that counts down', { ...hello, count: -1 }],
  ['a hello whose source is a number', { ...hello, source: 7 }],
  ['a part without a number', { kind: 'part', of: 2, text: '' }],
  ['a part before the first', { kind: 'part', part: 0, of: 2, text: '' }],
  ['a part after the last', { kind: 'part', part: 3, of: 2, text: '' }],
  ['a part of more than there may be', { kind: 'part', part: 1, of: 7, text: '' }],
  ['a fraction of a part', { kind: 'part', part: 1.5, of: 2, text: '' }],
  ['a part without a text', { kind: 'part', part: 1, of: 2 }],
  ['a part whose number is a text', { kind: 'part', part: '1', of: 2, text: '' }],
  ['a result without an index', { ...result, index: undefined }],
  ['a result before the first check', { ...result, index: -1 }],
  ['a result with a text for attempts', { ...result, attempts: '1' }],
  ['a result that took less than no time', { ...result, elapsedMs: -1 }],
  ['a result that took for ever', { ...result, elapsedMs: Number.POSITIVE_INFINITY }],
  ['a result without an outcome', { ...result, outcome: undefined }],
  ['an outcome that passes', { ...result, outcome: { kind: 'passed' } }],
  ['a state that nobody knows', { ...result, outcome: { ...open, state: 'ajar' } }],
  ['a reason that nobody knows', { ...result, outcome: { ...open, reason: 'because' } }],
  ['a status that nobody knows', { ...result, outcome: { ...open, service: { status: 'fine', facts: {} } } }],
  ['a service without facts', { ...result, outcome: { ...open, service: { status: 'identified' } } }],
  ['a service whose facts are a list', { ...result, outcome: { ...open, service: { status: 'identified', facts: [] } } }],
  ['a target without a port', { ...result, outcome: { ...open, target: { address: '::1' } } }],
  ['a port that is a text', { ...result, outcome: { ...open, port: '389' } }],
  ['a local end that is a text', { ...result, outcome: { ...open, local: 'here' } }],
  ['a time that is a number', { ...result, outcome: { ...open, at: 0 } }],
  ['a failure that nobody knows', { ...result, outcome: { ...failed, code: 'tired' } }],
  ['a failure without words', { ...result, outcome: { ...failed, message: undefined } }],
  ['a failure because of a number', { ...result, outcome: { ...failed, because: 7 } }],
  ['an end for no reason', { kind: 'bye' }],
  ['an end for a reason that nobody knows', { kind: 'bye', reason: 'bored' }],
  ['a frame without text', { kind: 'frame' }],
  ['a sign of life without a count', { kind: 'alive' }],
];

describe('a message', () => {
  for (const message of messages) {
    test(`of kind ${message.kind} arrives as it was sent`, () => assert.deepEqual(decodeMessage(encodeMessage(message)), message));
  }

  test('with any outcome arrives as it was sent, on one line of plain characters', () => {
    fc.assert(
      fc.property(outcomes, fc.nat(), fc.nat(), fc.nat(), (outcome, index, attempts, elapsedMs) => {
        const message = { kind: 'result', index, outcome, attempts, elapsedMs } as const;
        const line = encodeMessage(message);
        assert.doesNotMatch(line, /[^ -\u{10ffff}]/u);
        assert.deepEqual(decodeMessage(line), message);
      }),
    );
  });

  test('that is cut anywhere is none', () => {
    for (const message of messages) {
      const line = encodeMessage(message);
      for (let length = 0; length < line.length; length += 1) assert.equal(decodeMessage(line.slice(0, length)), undefined);
    }
  });

  for (const line of [
    '',
    'Last login: Sun Nov 22',
    JSON.stringify(hello),
    ` ${mark}{}`,
    `portmatrix-agent:2 ${JSON.stringify(hello)}`,
    `x${encodeMessage(hello)}`,
  ]) {
    test(`is not in the line ${JSON.stringify(line.slice(0, 40))}`, () => assert.equal(decodeMessage(line), undefined));
  }

  for (const [what, message] of liars) {
    test(`with ${what} is not believed`, () => assert.equal(decodeMessage(mark + JSON.stringify(message)), undefined));
  }

  test('of more than 64 KiB is not looked at, unless it is a frame', () => {
    const long = 'x'.repeat(70_000);
    const outcome = { ...failed, message: long };
    assert.equal(decodeMessage(encodeMessage({ ...result, outcome })), undefined);
    assert.deepEqual(decodeMessage(encodeMessage({ kind: 'frame', text: long })), { kind: 'frame', text: long });
  });

  test('may be any line, and never throws', () => {
    fc.assert(fc.property(fc.string(), (line) => void decodeMessage(mark + line)));
    fc.assert(fc.property(fc.json(), (line) => void decodeMessage(mark + line)));
  });
});
