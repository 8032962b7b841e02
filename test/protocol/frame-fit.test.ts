/** What is left out of a frame where there is little room, and what never is. The answers are those of the services on loopback, retold for hundreds of DCs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { type Frame, unpackFrame } from '../../agent/contract/frame.ts';
import type { JobRule } from '../../agent/contract/job.ts';
import type { Settled } from '../../agent/contract/message.ts';
import type { Observed } from '../../agent/contract/outcome.ts';
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import { fitFrame, type Room } from '../../agent/frame-fit.ts';
import { makeIdentity } from '../support/certificate.ts';
import { client, dc1, jobOf, rpcRule, ruleOf, runJob } from '../support/jobs.ts';
import { retell, type Told } from '../support/large-forest.ts';
import { rulesFor, startPeer } from '../support/peers.ts';
import { services } from '../support/speakers.ts';

/** What a client asks a DC, in about the proportion of `client-to-dc`. */
const questions: readonly (readonly [ProbeName, Transport])[] = [
  ['dns', 'tcp'],
  ['dns', 'udp'],
  ['cldap', 'udp'],
  ['kerberos', 'tcp'],
  ['kerberos', 'udp'],
  ['ntp', 'udp'],
  ['netbios', 'udp'],
  ['netbios-datagram', 'udp'],
  ['ldap', 'tcp'],
  ['smb', 'tcp'],
  ['kpasswd', 'tcp'],
  ['kpasswd', 'udp'],
  ['ldaps', 'tcp'],
  ['ldap', 'tcp'],
  ['ldaps', 'tcp'],
  ['adws', 'tcp'],
  ['tcp', 'tcp'],
];

const failEvery = 20;
const plenty: Room = { step: 10_000_000, all: 10_000_000 };
/** What is left of 23,000 bytes beside greeting, end and wrapping. */
const oneStep: Room = { step: 22_500, all: 22_500 };
const model = await answersOfOneDc();
const forest = retell(model, 5_000, failEvery);

async function answersOfOneDc(): Promise<Told> {
  const identity = makeIdentity(dc1.dnsName);
  const rules: JobRule[] = [];
  for (const [probe, transport] of questions) {
    const service = services[probe][transport];
    assert.ok(service !== undefined);
    rules.push(ruleOf(probe, transport, await startPeer({ after }, 'correct', transport, service, identity)));
  }
  assert.ok(services.rpc.tcp !== undefined);
  const mapped = await rulesFor({ after }, 'rpc', 'tcp', await startPeer({ after }, 'correct', 'tcp', services.rpc.tcp, identity));
  const mapper = rules.length;
  const job = jobOf([...rules, ...mapped.slice(0, 1), rpcRule('drsuapi', mapper)]);
  const { results } = await runJob(job);
  return { job: { ...job, hosts: [client, dc1] }, source: 'client', results: results.toSorted((one, other) => one.index - other.index) };
}

/** What arrives of these results through that room, and in how many characters. */
function through({ job, source, results }: Told, room: Room): Frame & { readonly characters: number } {
  const text = fitFrame(job, source, results, room);
  const frame = unpackFrame(job, source, text);
  assert.ok(frame !== undefined);
  assert.ok(text.length <= room.all, `${text.length} characters of ${room.all}`);
  return { ...frame, characters: text.length };
}

function observed({ outcome }: Settled): Observed {
  assert.ok(outcome.kind === 'observed', JSON.stringify(outcome));
  return outcome;
}

function isAnswer(result: Settled): boolean {
  const { state, service } = observed(result);
  return state === 'open' && (service === undefined || service.status === 'identified');
}

/** States and reasons are those that were seen, and nothing but answers has lost anything. */
function assertHonest(results: readonly Settled[]): void {
  for (const result of results) {
    const seen = forest.results[result.index];
    assert.ok(seen !== undefined);
    const [told, known] = [observed(result), observed(seen)];
    assert.deepEqual(
      [told.state, told.reason, told.target, told.at, result.elapsedMs],
      [known.state, known.reason, known.target, known.at, seen.elapsedMs],
    );
    if (!isAnswer(seen)) assert.deepEqual(result, seen);
  }
}

describe('a frame', () => {
  test('of 5,000 checks of which 5 % fail fits one step, with all that is judged', () => {
    const { results, facts, characters } = through(forest, { step: oneStep.step, all: 6 * 23_000 });
    assert.ok(characters <= oneStep.step, `${characters} characters`);
    assert.equal(facts, 'partial');
    assert.equal(results.length, 5_000);
    assertHonest(results);
    for (const [index, result] of results.entries()) {
      const seen = forest.results[index];
      if (seen === undefined || !isAnswer(seen)) continue;
      const { certificateFingerprint: _, serverGuid: __, ...judged } = observed(seen).service?.facts ?? {};
      const { certificateFingerprint: ___, serverGuid: ____, ...told } = observed(result).service?.facts ?? {};
      assert.deepEqual(told, judged);
    }
  });

  test('with room for everything holds everything, and does not say otherwise', () => {
    const { results, facts } = through(forest, plenty);
    assert.deepEqual(results, forest.results);
    assert.equal(facts, undefined);
  });

  test('too long for one step, even without what nobody judges, takes more steps and keeps it', () => {
    const { results, facts } = through(forest, { step: 8_000, all: 60_000 });
    assert.deepEqual(results, forest.results);
    assert.equal(facts, undefined);
  });

  test('leaves out local ports before anything else', () => {
    const few = retell(model, 500, failEvery);
    const { characters: everything } = through(few, plenty);
    const { results, facts } = through(few, { step: everything - 100, all: everything });
    assert.equal(facts, 'partial');
    assert.ok(results.some((result) => observed(result).service?.facts.certificateFingerprint !== undefined));
    assert.ok(results.every((result) => isAnswer(result) === (observed(result).local === undefined)));
  });

  test('that cannot hold all answers says of the last ones only that they are open, so that nobody takes them for a pass', () => {
    const { results, facts } = through(forest, { step: 12_000, all: 12_000 });
    assert.equal(facts, 'partial');
    assert.equal(results.length, 5_000);
    assertHonest(results);
    const bare = results.filter((result) => isAnswer(result) && observed(result).service === undefined && !isPortOnly(result));
    assert.ok(bare.length > 0 && bare.length < 4_500, `${bare.length} answers left out`);
    const first = Math.min(...bare.map(({ index }) => index));
    for (const result of results) {
      if (isAnswer(result) && !isPortOnly(result)) assert.equal(observed(result).service === undefined, result.index >= first);
    }
  });

  test('that cannot hold all results keeps those that did not go well', () => {
    const { results, facts } = through(forest, { step: 2_500, all: 2_500 });
    assert.equal(facts, 'partial');
    assertHonest(results);
    assert.ok(results.length > 0 && results.length < 5_000);
    const failed = forest.results.filter((result) => !isAnswer(result)).map(({ index }) => index);
    const kept = results.map(({ index }) => index).filter((index) => failed.includes(index));
    assert.equal(kept.length, Math.min(failed.length, results.length));
  });

  test('leaves out only facts that no file that judges names', () => {
    const judging = ['assess', 'judge', 'vantage', 'witness', 'control', 'path-size', 'proxy-trouble', 'diagnose', 'report'];
    for (const file of judging) {
      const text = readFileSync(new URL(`../../src/${file}.ts`, import.meta.url), 'utf8');
      assert.doesNotMatch(text, /certificateFingerprint|serverGuid/, file);
    }
  });
});

function isPortOnly({ index }: Settled): boolean {
  const { probe } = forest.job.rules[index % forest.job.rules.length] ?? {};
  return probe === 'tcp';
}
