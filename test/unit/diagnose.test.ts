import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Outcome, ServiceStatus } from '../../agent/contract/outcome.ts';
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import { diagnose } from '../../src/diagnose.ts';
import type { Result } from '../../src/report.ts';

const seen = { kind: 'observed', target: { address: '10.0.0.1', port: 1 }, at: '2026-01-01T00:00:00.000Z' } as const;
const silence: Outcome = { ...seen, state: 'filtered', reason: 'no-response' };
const refusal: Outcome = { ...seen, state: 'closed', reason: 'conn-refused' };
const answer = (status: ServiceStatus = 'identified'): Outcome => ({ ...seen, state: 'open', reason: 'syn-ack', service: { status, facts: {} } });

let serial = 0;

/** One result of `a` towards `dc`, unless `pair` says otherwise. */
function result(
  outcome: Outcome | undefined,
  probe: ProbeName = 'tcp',
  transport: Transport = 'tcp',
  pair: readonly [string, string] = ['a', 'dc'],
): Result {
  const [source, destination] = pair;
  serial += 1;
  const check = { id: String(serial), matrix: 'm', rule: 'r', source, destination, address: '10.0.0.1', transport, port: 1, probe };
  const verdict = { status: 'pass' } as const;
  return {
    check,
    expected: { states: ['open'], requirement: 'required' },
    ...(outcome !== undefined && { outcome }),
    verdict,
    attempts: 1,
    elapsedMs: 1,
  };
}

const forbidden = (outcome: Outcome): Result => ({ ...result(outcome), expected: { states: ['filtered'], requirement: 'required' } });
const times = (count: number, make: () => Result): Result[] => Array.from({ length: count }, make);

describe('nothing answers', () => {
  it('is said of a pair in which all of three or more checks are silent', () => {
    assert.deepEqual(diagnose(times(3, () => result(silence))), [{ code: 'nothing-answers', source: 'a', destination: 'dc', checks: 3 }]);
  });

  it('is not said of two, nor where anything answered or refused', () => {
    assert.deepEqual(diagnose(times(2, () => result(silence))), []);
    assert.deepEqual(diagnose([...times(9, () => result(silence)), result(refusal)]), []);
    assert.deepEqual(diagnose([...times(9, () => result(silence)), result(answer())]), []);
  });

  it('does not count what is meant to be shut, nor what was not looked at', () => {
    assert.deepEqual(diagnose(times(5, () => forbidden(silence))), []);
    assert.deepEqual(diagnose(times(5, () => result({ kind: 'failed', code: 'source-unreachable', message: '' }))), []);
    assert.deepEqual(diagnose(times(5, () => result(undefined))), []);
    const mixed = [...times(3, () => result(silence)), ...times(2, () => forbidden(silence)), result(undefined)];
    assert.deepEqual(diagnose(mixed), [{ code: 'nothing-answers', source: 'a', destination: 'dc', checks: 3 }]);
  });
});

describe('a destination is silent', () => {
  const from = (source: string, outcome: Outcome): Result[] => times(3, () => result(outcome, 'tcp', 'tcp', [source, 'dc']));

  it('is said first, where two or more sources got nothing from it', () => {
    const [first] = diagnose([...from('a', silence), ...from('b', silence)]);
    assert.deepEqual(first, { code: 'destination-silent', destination: 'dc', sources: 2 });
  });

  it('is not said where one source got something, nor of one source alone', () => {
    const codes = (results: readonly Result[]): readonly string[] => diagnose(results).map(({ code }) => code);
    assert.deepEqual(codes([...from('a', silence), ...from('b', refusal)]), ['nothing-answers']);
    assert.deepEqual(codes(from('a', silence)), ['nothing-answers']);
  });

  it('does not count a source that could not look', () => {
    const blind = from('c', { kind: 'failed', code: 'source-unreachable', message: '' });
    const [first] = diagnose([...from('a', silence), ...from('b', silence), ...blind]);
    assert.deepEqual(first, { code: 'destination-silent', destination: 'dc', sources: 2 });
  });
});

describe('the dynamic range is shut', () => {
  const rpc = (outcome: Outcome, port: Result['check']['port'] = '49152-65535'): Result => {
    const { check, ...rest } = result(outcome, 'rpc');
    return { ...rest, check: { ...check, port } };
  };

  it('is said where the endpoint mapper answers and every port that it names is silent', () => {
    assert.deepEqual(diagnose([result(answer(), 'epm'), rpc(silence), rpc(silence)]), [
      { code: 'dynamic-range-shut', source: 'a', destination: 'dc' },
    ]);
  });

  it('is not said of one port, of ports that refuse, or without the endpoint mapper', () => {
    assert.deepEqual(diagnose([result(answer(), 'epm'), rpc(silence)]), []);
    assert.deepEqual(diagnose([result(answer(), 'epm'), rpc(silence), rpc(refusal)]), []);
    assert.deepEqual(diagnose([result(answer('silent'), 'epm'), rpc(silence), rpc(silence)]), []);
    assert.deepEqual(diagnose([result(answer(), 'epm'), rpc(silence), rpc(silence, 5722)]), [], 'a port that a rule fixes is not of the range');
  });
});

describe('UDP is shut', () => {
  const udp = (outcome: Outcome, probe: ProbeName = 'dns'): Result => result(outcome, probe, 'udp');

  it('is said where TCP is answered and three or more protocols over UDP are silent', () => {
    const results = [result(answer()), udp(silence), udp(silence, 'ntp'), udp(silence, 'cldap')];
    assert.deepEqual(diagnose(results), [{ code: 'udp-shut', source: 'a', destination: 'dc' }]);
  });

  it('is not said of bare datagrams, which nothing answers, nor where one protocol was answered', () => {
    assert.deepEqual(diagnose([result(answer()), ...times(3, () => udp(silence, 'udp'))]), []);
    assert.deepEqual(diagnose([result(answer()), ...times(3, () => udp(silence)), udp(answer())]), []);
  });
});
