/** What the path does to large packets, as far as checks of several sizes can tell: tables of what was lost to what is said. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import type { Size, Transport } from '../../agent/contract/probe.ts';
import { diagnosePath } from '../../src/path-size.ts';
import type { PathDiagnosis, Result } from '../../src/report.ts';

const pair = { source: 'a', destination: 'dc' } as const;
const four = '10.0.0.1';
const six = 'fd00::1';

interface Sized {
  readonly transport: Transport;
  readonly bytes: number;
  readonly of: Size['of'];
}

const udp = (bytes: number, of: Size['of'] = 'request'): Sized => ({ transport: 'udp', bytes, of });
const tcp = (bytes: number, of: Size['of'] = 'request'): Sized => ({ transport: 'tcp', bytes, of });

function result({ transport, bytes, of }: Sized, outcome: Outcome, verdict: Result['verdict'], address: string): Result {
  return {
    check: { id: 'c', matrix: 'm', rule: 'r', ...pair, address, transport, port: 1, probe: 'ldap', size: { of, bytes } },
    expected: { states: ['open'], requirement: 'optional' },
    outcome,
    verdict,
    attempts: 1,
    elapsedMs: 1,
  };
}

const seen = { kind: 'observed', target: { address: four, port: 1 }, at: '2026-01-01T00:00:00.000Z' } as const;

function passed(sized: Sized, facts: Facts = {}, address: string = four): Result {
  const all = { ...(sized.of === 'reply' && { answerBytes: 2_093 }), ...facts };
  return result(sized, { ...seen, state: 'open', reason: 'syn-ack', service: { status: 'identified', facts: all } }, { status: 'pass' }, address);
}

function lost(sized: Sized, { address = four, unproven = false, facts = {} }: { address?: string; unproven?: boolean; facts?: Facts } = {}): Result {
  const silent = { status: 'silent', facts } as const;
  const outcome: Outcome =
    sized.transport === 'tcp'
      ? { ...seen, state: 'open', reason: 'syn-ack', service: silent }
      : { ...seen, state: 'open|filtered', reason: 'no-response', ...(Object.keys(facts).length > 0 && { service: silent }) };
  const finding = { code: 'size-lost', of: sized.of, bytes: sized.bytes, ...(unproven && { unproven: true as const }) } as const;
  return result(sized, outcome, { status: 'warn', finding }, address);
}

const load = (transport: Transport, bytes: number) => ({ transport, bytes });
const small = { passed: load('udp', 1_232) };
const large = { passed: load('udp', 1_452) };

/** What is lost, of all that the published matrices send, and what is said then. */
const cases: readonly (readonly [what: string, address: string, lost: readonly Sized[], said: readonly PathDiagnosis[]])[] = [
  ['nothing is lost', four, [], []],
  [
    'one datagram and TCP are lost, and what is in fragments passes: a black hole on the way there',
    four,
    [udp(1_452), tcp(4_000)],
    [{ code: 'black-hole', ...pair, way: 'there', lost: load('udp', 1_452), ...small }],
  ],
  [
    'TCP is lost too on the way back: a black hole both ways, said once',
    four,
    [udp(1_452), tcp(4_000), tcp(1_500, 'reply')],
    [{ code: 'black-hole', ...pair, way: 'both', lost: load('udp', 1_452), ...small }],
  ],
  [
    'only an answer is lost: a black hole on the way back, of which no datagram tells',
    four,
    [tcp(1_500, 'reply')],
    [{ code: 'black-hole', ...pair, way: 'back', lost: load('tcp', 1_500) }],
  ],
  [
    'only TCP is lost: a link between the largest datagram and a full packet',
    four,
    [tcp(4_000)],
    [{ code: 'black-hole', ...pair, way: 'there', lost: load('tcp', 4_000), ...large }],
  ],
  [
    'only what is in fragments is lost',
    four,
    [udp(2_000)],
    [{ code: 'fragments-dropped', ...pair, way: 'there', lost: load('udp', 2_000), ...large }],
  ],
  [
    'one datagram is lost, fragments and TCP pass: TCP alone is kept small',
    four,
    [udp(1_452)],
    [{ code: 'mss-clamped', ...pair, lost: load('udp', 1_452), ...small, tcp: 4_000 }],
  ],
  [
    'every large datagram is lost and TCP passes: two causes look the same',
    four,
    [udp(1_452), udp(2_000)],
    [{ code: 'datagrams-limited', ...pair, lost: load('udp', 1_452), ...small, tcp: 4_000 }],
  ],
  [
    'everything large is lost: a black hole explains it, over IPv6 alone',
    six,
    [udp(1_452), udp(2_000), tcp(4_000)],
    [{ code: 'black-hole', ...pair, way: 'there', lost: load('udp', 1_452), ...small }],
  ],
  [
    'the smallest is lost as well: no size is known to pass',
    six,
    [udp(1_232), udp(1_452), udp(2_000), tcp(4_000)],
    [{ code: 'black-hole', ...pair, way: 'there', lost: load('udp', 1_232) }],
  ],
  [
    'requests meet a fragment filter, and answers a black hole: both are said',
    four,
    [udp(2_000), tcp(1_500, 'reply')],
    [
      { code: 'fragments-dropped', ...pair, way: 'there', lost: load('udp', 2_000), ...large },
      { code: 'black-hole', ...pair, way: 'back', lost: load('tcp', 1_500) },
    ],
  ],
];

const all: readonly Sized[] = [udp(1_232), udp(1_452), udp(2_000), tcp(4_000), tcp(1_500, 'reply')];

describe('what the path does to large packets', () => {
  for (const [what, address, missing, said] of cases) {
    it(what, () => {
      const isLost = (one: Sized): boolean =>
        missing.some(({ transport, bytes, of }) => one.transport === transport && one.bytes === bytes && one.of === of);
      const results = all.map((sized) => (isLost(sized) ? lost(sized, { address }) : passed(sized, {}, address)));
      assert.deepEqual(diagnosePath(results), said);
      assert.deepEqual(diagnosePath(results.toReversed()), said, 'in any order');
    });
  }

  it('a size that one service takes and another does not is no matter of the path', () => {
    assert.deepEqual(diagnosePath([passed(udp(1_452)), lost(udp(1_452)), passed(udp(2_000)), passed(tcp(4_000))]), []);
    assert.deepEqual(diagnosePath([passed(udp(1_452)), passed(udp(2_000)), lost(udp(2_000)), passed(tcp(4_000))]), []);
  });

  it('what is lost alone, without anything large that passes, is not explained', () => {
    assert.deepEqual(diagnosePath([lost(udp(1_452)), lost(udp(2_000))]), []);
    assert.deepEqual(diagnosePath([lost(udp(2_000))]), []);
    assert.deepEqual(diagnosePath([lost(udp(1_500, 'reply'))]), []);
  });

  it('answers in fragments are lost: said where one over TCP came back', () => {
    assert.deepEqual(diagnosePath([lost(udp(1_500, 'reply')), passed(tcp(1_500, 'reply'))]), [
      { code: 'fragments-dropped', ...pair, way: 'back', lost: load('udp', 1_500) },
    ]);
  });

  it('fragments that are dropped both ways are said once', () => {
    const results = [passed(udp(1_452)), lost(udp(2_000)), lost(udp(1_500, 'reply')), passed(tcp(1_500, 'reply'))];
    assert.deepEqual(diagnosePath(results), [{ code: 'fragments-dropped', ...pair, way: 'both', lost: load('udp', 2_000), ...large }]);
  });

  it('an answer that was short proves nothing about long ones', () => {
    assert.deepEqual(diagnosePath([lost(udp(1_500, 'reply')), passed(tcp(1_500, 'reply'), { answerBytes: 800 })]), []);
  });

  it('a path that says how much it carries is said to be so, unless something is lost', () => {
    const told = passed(udp(1_452), { fragmentationNeeded: 1 });
    assert.deepEqual(diagnosePath([passed(udp(1_232)), told, passed(udp(2_000))]), [{ code: 'mtu-learned', ...pair, passed: load('udp', 2_000) }]);
    assert.deepEqual(diagnosePath([passed(udp(1_232)), told]), [{ code: 'mtu-learned', ...pair, passed: load('udp', 1_452) }]);
    assert.deepEqual(diagnosePath([passed(udp(1_232)), told, lost(udp(2_000)), passed(tcp(4_000))]), [
      { code: 'fragments-dropped', ...pair, way: 'there', lost: load('udp', 2_000), ...small },
    ]);
  });

  it('a datagram that the path called too big, and that was lost in fragments, is a fragment', () => {
    const results = [passed(udp(1_232)), lost(udp(1_452), { facts: { fragmentationNeeded: 1 } }), lost(udp(2_000)), passed(tcp(4_000))];
    const said = [{ code: 'fragments-dropped', ...pair, way: 'there', lost: load('udp', 1_452), ...small }];
    assert.deepEqual(diagnosePath(results), said);
    assert.deepEqual(diagnosePath([...results, lost(udp(1_452))]), said, 'another one was cut up without a word');
  });

  it('over IPv6 the same datagram has less room: 1460 bytes are in fragments there', () => {
    const results = (address: string): Result[] => [lost(udp(1_460), { address }), passed(udp(1_232), {}, address), passed(tcp(4_000), {}, address)];
    assert.deepEqual(
      [four, six].map((address) => diagnosePath(results(address)).map(({ code }) => code)),
      [['datagrams-limited'], ['fragments-dropped']],
    );
  });

  it('is unproven where all that was lost is, and not where one is proven', () => {
    const both = (unproven: boolean): readonly PathDiagnosis[] =>
      diagnosePath([passed(udp(1_232)), lost(udp(1_452), { unproven: true }), lost(tcp(4_000), { unproven })]);
    assert.deepEqual(
      [true, false].map((unproven) => both(unproven).map((cause) => 'unproven' in cause)),
      [[true], [false]],
    );
  });

  it('what was not asked, refused, or asked without a size counts for nothing', () => {
    const { size: _, ...check } = lost(udp(2_000)).check;
    const refusal: Outcome = { ...seen, state: 'closed', reason: 'port-unreach' };
    const skipped: Outcome = { kind: 'failed', code: 'prerequisite', message: '', because: 'c' };
    const none = [
      { ...lost(udp(2_000)), check },
      result(udp(1_452), refusal, { status: 'warn', finding: { code: 'refused', reason: 'port-unreach' } }, four),
      result(tcp(4_000), skipped, { status: 'skip', finding: { code: 'prerequisite', because: 'c' } }, four),
    ];
    assert.deepEqual(diagnosePath([...none, passed(udp(1_232))]), []);
    assert.deepEqual(diagnosePath([]), []);
  });
});
