/** Whatever order, cut or mix the messages of agents come in: each check is told once, and nothing is believed that no intact frame of its source said. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { packFrame, unpackFrame } from '../../agent/contract/frame.ts';
import { decodeMessage, encodeMessage, type Message, type Settled } from '../../agent/contract/message.ts';
import type { Delivery } from '../../src/connectors/connector.ts';
import { dispatch, type SourceReturn } from '../../src/dispatch.ts';
import { far, near } from '../support/binary.ts';
import { helloFor, settledOpen } from '../support/connection.ts';
import { type Planned, planOf } from '../support/planning.ts';

const sources = ['near1', 'near2'] as const;
type Source = (typeof sources)[number];
const checks = 5;
const bye: Message = { kind: 'bye', reason: 'finished' };

/** Results that tell their source apart: each has another duration. */
function resultsOf(source: Source): readonly Settled[] {
  return Array.from({ length: checks }, (_, index) => ({ ...settledOpen(index), elapsedMs: (source === 'near1' ? 100 : 200) + index }));
}

/** What an honest agent says: its greeting, a frame whole or in that many parts, and its end, which comes before the later parts. */
function sayingOf({ plan }: Planned, source: Source, parts: number): readonly Message[] {
  const text = packFrame(plan.job, source, { results: resultsOf(source) });
  if (parts === 1) return [helloFor(plan, source), { kind: 'frame', text }, bye];
  const size = Math.ceil(text.length / parts);
  const slices = Array.from({ length: parts }, (_, index): Message => ({
    kind: 'part',
    part: index + 1,
    of: parts,
    text: text.slice(index * size, (index + 1) * size),
  }));
  return [helloFor(plan, source), ...slices.slice(0, 1), bye, ...slices.slice(1)];
}

/** Delivers that to a dispatch of both sources at once. */
function dispatchWith({ plan }: Planned, deliveries: readonly Delivery[]): Promise<readonly SourceReturn[]> {
  const never = new AbortController().signal;
  const nobody = { send: () => Promise.reject(new Error('nobody is started by a command')), collect: () => assert.fail() };
  const managed = {
    send: () => Promise.resolve(sources.map((source) => ({ source, id: source }))),
    collect: async function* collect() {
      yield* await Promise.resolve(deliveries);
    },
  };
  return dispatch(
    plan.job,
    plan.hosts.filter(({ name }) => plan.sources.includes(name)),
    { byCommand: nobody, managed },
    2,
    { soft: never, hard: never },
    () => undefined,
  );
}

function managedPlan(t: TestContext): Planned {
  const node = (name: string, address: string, digit: string) => ({
    ...near,
    name,
    address,
    connector: { ssm: { instance: `i-${digit.repeat(17)}`, region: 'eu-central-1' } },
  });
  return planOf(
    t,
    [{ id: 'web', ports: [`1-${checks}/tcp`], probe: 'tcp' }],
    [node('near1', '127.0.0.8', '1'), node('near2', '127.0.0.9', '2'), far],
  );
}

/** What may happen to one message on its way. */
type Fate = { readonly kind: 'whole' | 'lost' | 'twice' | 'to the other' } | { readonly kind: 'cut' | 'changed'; readonly at: number };
const fates: fc.Arbitrary<Fate> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>({ kind: 'whole' }) },
  { weight: 1, arbitrary: fc.constantFrom<Fate>({ kind: 'lost' }, { kind: 'twice' }, { kind: 'to the other' }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'changed' as const), at: fc.double({ min: 0, max: 0.999, noNaN: true }) }),
  },
);

/** The deliveries that a message of a source becomes. */
function suffer(source: Source, message: Message, fate: Fate): readonly Delivery[] {
  switch (fate.kind) {
    case 'whole':
      return [{ source, message }];
    case 'lost':
      return [];
    case 'twice':
      return [
        { source, message },
        { source, message },
      ];
    case 'to the other':
      return [{ source: source === 'near1' ? 'near2' : 'near1', message }];
    case 'cut':
      return 'text' in message ? [{ source, message: { ...message, text: message.text.slice(0, Math.floor(message.text.length * fate.at)) } }] : [];
    case 'changed': {
      // Any one character of the line, as a channel may change it: what is no message then is not ours.
      const line = encodeMessage(message);
      const at = Math.floor(line.length * fate.at);
      const changed = decodeMessage(`${line.slice(0, at)}${line[at] === 'A' ? 'B' : 'A'}${line.slice(at + 1)}`);
      return changed === undefined ? [] : [{ source, message: changed }];
    }
    default:
      return fate satisfies never;
  }
}

/** All texts that could be a frame of this source in what was delivered to it: the frames, and its parts in their order. */
function intactFrames({ plan }: Planned, source: Source, deliveries: readonly Delivery[]): boolean {
  const own = deliveries.flatMap((delivery) => (delivery.source === source && 'message' in delivery ? [delivery.message] : []));
  const parts = own.flatMap((message) => (message.kind === 'part' ? [message.text] : [])).join('');
  const texts = [parts, ...own.flatMap((message) => (message.kind === 'frame' ? [message.text] : []))];
  return texts.some((text) => unpackFrame(plan.job, source, text) !== undefined);
}

describe('what comes back of two sources', () => {
  /** Every check of both once; those that are believed are as their own source saw them, and came in a frame that was intact. */
  function expectHonest(planned: Planned, deliveries: readonly Delivery[], returns: readonly SourceReturn[]): void {
    assert.deepEqual(
      returns.map(({ name }) => name),
      sources,
    );
    for (const [place, source] of sources.entries()) {
      const { seen = [], lost } = returns[place] ?? {};
      assert.equal(seen.length, checks);
      const believed = seen.filter(({ outcome }) => outcome.kind === 'observed');
      // A frame is believed whole or not at all.
      assert.ok(believed.length === 0 || believed.length === checks, `${believed.length} of ${checks}`);
      assert.equal(lost === undefined, believed.length === checks);
      if (believed.length === 0) continue;
      assert.ok(intactFrames(planned, source, deliveries), 'a result that no intact frame told');
      assert.deepEqual(
        seen.map(({ elapsedMs }) => elapsedMs),
        resultsOf(source).map(({ elapsedMs }) => elapsedMs),
      );
    }
  }

  it('is each check once, and no more than intact frames say, however it is cut, changed, doubled, lost and mixed', async (t) => {
    const planned = managedPlan(t);
    const saying = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.array(fates, { minLength: 8, maxLength: 8 }));
    let [believed, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        saying,
        saying,
        fc.array(fc.nat(), { maxLength: 12 }),
        fc.array(fc.nat(1), { maxLength: 20 }),
        async (one, other, swaps, turns) => {
          const [first, second] = sources.map((source) => {
            const [parts, own] = source === 'near1' ? one : other;
            return sayingOf(planned, source, parts).flatMap((message, index) => suffer(source, message, own[index] ?? { kind: 'whole' }));
          });
          const deliveries = mixed(first ?? [], second ?? [], turns);
          // Few exchanges, so that much of what was said stays in its order.
          for (const swap of swaps.slice(0, swaps.length % 3)) exchange(deliveries, swap);
          const returns = await dispatchWith(planned, deliveries);
          expectHonest(planned, deliveries, returns);
          const whole = returns.filter(({ lost }) => lost === undefined).length;
          believed += whole;
          refused += returns.length - whole;
        },
      ),
      { numRuns: 600 },
    );
    assert.ok(believed > 50 && refused > 50, `${believed} believed and ${refused} refused`);
  });

  it('is all of it where nothing happened on the way, however the two are mixed', async (t) => {
    const planned = managedPlan(t);
    const parts = fc.integer({ min: 1, max: 6 });
    await fc.assert(
      fc.asyncProperty(parts, parts, fc.array(fc.nat(1), { maxLength: 20 }), async (one, other, turns) => {
        const [first, second] = [sayingOf(planned, 'near1', one), sayingOf(planned, 'near2', other)];
        const deliveries = mixed(
          first.map((message) => ({ source: 'near1', message })),
          second.map((message) => ({ source: 'near2', message })),
          turns,
        );
        const returns = await dispatchWith(planned, deliveries);
        expectHonest(planned, deliveries, returns);
        assert.deepEqual(
          returns.map(({ lost }) => lost),
          [undefined, undefined],
        );
      }),
      { numRuns: 300 },
    );
  });
});

/** Both in their own order, one after the other as the turns say. */
function mixed(one: readonly Delivery[], other: readonly Delivery[], turns: readonly number[]): Delivery[] {
  const left: readonly [Delivery[], Delivery[]] = [[...one], [...other]];
  const all = turns.flatMap((turn) => left[turn === 0 ? 0 : 1].shift() ?? []);
  return [...all, ...left[0], ...left[1]];
}

/** Two neighbours change places. */
function exchange(deliveries: Delivery[], place: number): void {
  const at = place % Math.max(1, deliveries.length);
  const [here, next] = [deliveries[at], deliveries[at + 1]];
  if (here !== undefined && next !== undefined) deliveries.splice(at, 2, next, here);
}
