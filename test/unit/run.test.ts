import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Message, Settled } from '../../agent/contract/message.ts';
import type { Reason, State } from '../../agent/contract/outcome.ts';
import { exitCode, type Report } from '../../src/report.ts';
import { run } from '../../src/run.ts';
import { far, near } from '../support/binary.ts';
import { connectionOf, helloFor, type Script, settledOpen } from '../support/connection.ts';
import { type Planned, planOf, usualChoice } from '../support/planning.ts';
import { reportSchemaFile } from '../support/reporting.ts';

const near2 = { ...near, name: 'near2', address: '127.0.0.8' };
const forbidden = { id: 'shut', ports: ['23/tcp'], probe: 'tcp', expect: ['filtered'] };
const web = { id: 'web', ports: ['443/tcp'], probe: 'tcp' };
const bye: Message = { kind: 'bye', reason: 'finished' };
const aborted = AbortSignal.abort();

function settled(index: number, state: State, reason: Reason): Settled {
  const { outcome, ...rest } = settledOpen(index);
  return {
    ...rest,
    outcome: { ...outcome, kind: 'observed', state, reason, target: { address: '127.0.0.1', port: 1 }, at: '2026-01-01T00:00:00.000Z' },
  };
}

/** The report of a run whose agents follow these scripts. */
function reportOf(
  { plan, inventory }: Planned,
  scripts: Readonly<Record<string, Script>>,
  signal = new AbortController().signal,
  seen?: string[],
): Promise<Report> {
  let clock = Date.UTC(2026, 0, 1);
  return run(plan, {
    inventory,
    pace: usualChoice,
    connection: connectionOf(scripts),
    allowInconclusive: false,
    version: '1.2.3',
    signal,
    emergency: new AbortController().signal,
    now: () => (clock += 1_000),
    settled: (source, { status }) => seen?.push(`${source} ${status}`),
  });
}

function verdictsOf({ results }: Report): readonly string[] {
  return results.map(({ check, verdict }) => `${check.source} ${check.rule} ${verdict.status} ${verdict.finding?.code ?? ''}`.trimEnd());
}

describe('a forbidden port that is silent', () => {
  const silent = settled(0, 'filtered', 'no-response');

  it('passes where the same source saw that destination alive', async (t) => {
    const planned = planOf(t, [forbidden, web], [near, far]);
    const report = await reportOf(planned, { near1: [helloFor(planned.plan, 'near1'), silent, settledOpen(1), bye] });
    assert.deepEqual(verdictsOf(report), ['near1 shut pass', 'near1 web pass']);
  });

  it('is undecided where it did not, whatever another source saw', async (t) => {
    const planned = planOf(t, [forbidden, web], [near, near2, far]);
    const report = await reportOf(planned, {
      near1: [helloFor(planned.plan, 'near1'), silent, settled(1, 'filtered', 'no-response'), bye],
      near2: [helloFor(planned.plan, 'near2'), silent, settledOpen(1), bye],
    });
    assert.deepEqual(verdictsOf(report), ['near1 shut inconclusive no-control', 'near1 web fail no-answer', 'near2 shut pass', 'near2 web pass']);
  });
});

describe('a report', () => {
  it('holds every planned check once, names what became of each source, and is valid', async (t: TestContext) => {
    const blind = { ...near, name: 'blind', address: '127.0.0.7', connector: 'none' };
    const planned = planOf(
      t,
      [web, { ...web, id: 'gc', ports: ['3268/tcp'], when: 'gc' }, forbidden],
      [near, near2, { ...near, name: 'near3', address: '127.0.0.6' }, blind, { ...far, features: [] }],
    );
    const report = await reportOf(planned, {
      near1: [helloFor(planned.plan, 'near1'), settledOpen(0), settled(1, 'closed', 'conn-refused'), bye],
      near2: [helloFor(planned.plan, 'near2'), settledOpen(0), 'ended with exit code 9'],
      near3: ['ssh could not be started'],
    });
    assert.deepEqual(verdictsOf(report), [
      'near1 web pass',
      'near1 gc skip not-applicable',
      'near1 shut warn reached-host',
      'near2 web pass',
      'near2 gc skip not-applicable',
      'near2 shut error not-checked',
      'near3 web error not-checked',
      'near3 gc skip not-applicable',
      'near3 shut error not-checked',
      'blind web skip no-vantage',
      'blind gc skip not-applicable',
      'blind shut skip no-vantage',
    ]);
    assert.deepEqual(
      report.sources.map(({ name, state, message }) => [name, state, message]),
      [
        ['near1', 'reported', undefined],
        ['near2', 'lost', 'ended with exit code 9'],
        ['near3', 'unreachable', 'ssh could not be started'],
        ['blind', 'no-vantage', undefined],
      ],
    );
    assert.deepEqual(report.summary, { total: 12, pass: 2, fail: 0, warn: 1, inconclusive: 0, error: 3, skip: 6 });
    assert.equal(exitCode(report), 3);
    const isValid = new Ajv2020({ allowUnionTypes: true, strict: false }).compile(reportSchemaFile());
    assert.ok(isValid(JSON.parse(JSON.stringify(report))), JSON.stringify(isValid.errors));
    assert.deepEqual(report.run, { id: 'test', startedAt: '2026-01-01T00:00:01.000Z', finishedAt: '2026-01-01T00:00:02.000Z' });
  });

  it('of a run that was stopped says so, and is exit 3', async (t) => {
    const report = await reportOf(planOf(t, [web], [near, far]), {}, aborted);
    assert.equal(report.run.interrupted, true);
    assert.deepEqual(verdictsOf(report), ['near1 web error not-checked']);
    const [result] = report.results;
    assert.ok(result?.outcome?.kind === 'failed' && result.outcome.code === 'interrupted');
    assert.equal(exitCode(report), 3);
  });

  it('is preceded by news of each settled check', async (t) => {
    const planned = planOf(t, [web, forbidden], [near, far]);
    const seen: string[] = [];
    const script = [helloFor(planned.plan, 'near1'), settled(1, 'open', 'syn-ack'), settledOpen(0), settledOpen(7), bye];
    await reportOf(planned, { near1: script }, undefined, seen);
    assert.deepEqual(seen, ['near1 fail', 'near1 pass']);
  });
});
