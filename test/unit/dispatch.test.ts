import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { expand, fingerprint } from '../../agent/contract/expand.ts';
import type { Hello, Message, Part } from '../../agent/contract/message.ts';
import { packFrame } from '../../agent/contract/frame.ts';
import { dispatch } from '../../src/dispatch.ts';
import { far, near } from '../support/binary.ts';
import { connectionOf, helloFor, type Script, settledOpen } from '../support/connection.ts';
import { type Planned, planOf } from '../support/planning.ts';

const web = { id: 'web', ports: ['1-3/tcp'], probe: 'tcp' };

function made(t: TestContext): Planned {
  return planOf(t, [web], [near, { ...near, name: 'near2', address: '127.0.0.8' }, far]);
}

interface Gathered {
  readonly states: readonly string[];
  readonly lost: string | undefined;
}

/** What is known of the first source after its agent said this. */
async function gather({ plan }: Planned, script: Script, stop: { readonly soft?: AbortSignal; readonly hard?: AbortSignal } = {}): Promise<Gathered> {
  const sources = plan.hosts.filter(({ name }) => name === 'near1');
  const never = new AbortController().signal;
  const [only] = await dispatch(
    plan.job,
    sources,
    { byCommand: connectionOf({ near1: script }) },
    1,
    { soft: never, hard: never, ...stop },
    () => undefined,
  );
  assert.ok(only !== undefined);
  return { states: only.seen.map(({ outcome }) => (outcome.kind === 'observed' ? outcome.state : outcome.code)), lost: only.lost };
}

const bye: Message = { kind: 'bye', reason: 'finished' };
const allLost = ['output-lost', 'output-lost', 'output-lost'];

describe('every asked check has one record', () => {
  it('in the order of the plan, in whatever order results come', async (t) => {
    const planned = made(t);
    const closed: Message = { ...settledOpen(1), outcome: { kind: 'failed', code: 'source-denied', message: '' } };
    const script = [helloFor(planned.plan, 'near1'), settledOpen(2), closed, settledOpen(0), bye];
    assert.deepEqual(await gather(planned, script), { states: ['open', 'source-denied', 'open'], lost: undefined });
  });

  it('when the agent never starts', async (t) => {
    const unreachable = 'source-unreachable';
    assert.deepEqual(await gather(made(t), ['no such host']), { states: [unreachable, unreachable, unreachable], lost: 'no such host' });
  });

  it('when the agent dies half-way', async (t) => {
    const planned = made(t);
    const script = [helloFor(planned.plan, 'near1'), settledOpen(1), 'ended with SIGKILL'];
    assert.deepEqual(await gather(planned, script), { states: ['output-lost', 'open', 'output-lost'], lost: 'ended with SIGKILL' });
  });

  it('when it finishes without all of them, runs out of time, or just falls silent', async (t) => {
    const planned = made(t);
    const hello = helloFor(planned.plan, 'near1');
    const states = ['output-lost', 'output-lost', 'output-lost'];
    assert.deepEqual(await gather(planned, [hello, bye]), { states, lost: 'the agent finished without this result' });
    assert.deepEqual(await gather(planned, [hello, { kind: 'bye', reason: 'deadline' }]), { states, lost: 'the agent ran out of time' });
    assert.deepEqual(await gather(planned, [hello]), { states, lost: 'the agent stopped before this result' });
  });

  it('when the run is stopped before the source had its turn', async (t) => {
    const interrupted = 'interrupted';
    const stop = { soft: AbortSignal.abort() };
    assert.deepEqual(await gather(made(t), [], stop), { states: [interrupted, interrupted, interrupted], lost: interrupted });
  });

  it('when all come in one frame', async (t) => {
    const planned = made(t);
    const results = [0, 1, 2].map((index) => settledOpen(index));
    const frame: Message = { kind: 'frame', text: packFrame(planned.plan.job, 'near1', { results }) };
    assert.deepEqual(await gather(planned, [helloFor(planned.plan, 'near1'), frame, bye]), { states: ['open', 'open', 'open'], lost: undefined });
  });
});

describe('a frame', () => {
  /** The messages of an agent whose frame comes in three parts, and the frame's text. */
  function inParts({ plan }: Planned): { readonly hello: Hello; readonly text: string; readonly parts: readonly [Part, Part, Part] } {
    const text = packFrame(plan.job, 'near1', { results: [0, 1, 2].map((index) => settledOpen(index)) });
    const part = (number: number): Part => ({
      kind: 'part',
      part: number,
      of: 3,
      text: text.slice((number - 1) * 10, number === 3 ? undefined : number * 10),
    });
    return { hello: helloFor(plan, 'near1'), text, parts: [part(1), part(2), part(3)] };
  }

  it('in parts, with the end before the later ones, is whole', async (t) => {
    const planned = made(t);
    const { hello, parts } = inParts(planned);
    const [first, ...others] = parts;
    assert.deepEqual(await gather(planned, [hello, first, bye, ...others]), { states: ['open', 'open', 'open'], lost: undefined });
  });

  const spoils: Readonly<Record<string, (honest: ReturnType<typeof inParts>) => Script>> = {
    'whose last part is missing': ({ hello, parts: [one, two] }) => [hello, one, bye, two],
    'whose first part is missing': ({ hello, parts: [, two, three] }) => [hello, bye, two, three],
    'whose middle part is missing': ({ hello, parts: [one, , three] }) => [hello, one, bye, three],
    'with a part twice': ({ hello, parts: [one, two, three] }) => [hello, one, two, two, three, bye],
    'with a part more than there are': ({ hello, parts: [one, two, three] }) => [hello, one, two, three, three, bye],
    'whose parts come in another order': ({ hello, parts: [one, two, three] }) => [hello, one, three, two, bye],
    'whose parts are of two minds how many there are': ({ hello, parts: [one, two, three] }) => [hello, one, { ...two, of: 4 }, three, bye],
    'of which a part is cut': ({ hello, parts: [one, two, three] }) => [hello, one, { ...two, text: two.text.slice(1) }, three, bye],
    'before any greeting': ({ hello, parts }) => [...parts, hello, bye],
    'that is cut': ({ hello, text }) => [hello, { kind: 'frame', text: text.slice(0, -1) }, bye],
    'that is empty': ({ hello }) => [hello, { kind: 'frame', text: '' }, bye],
    'that comes twice': ({ hello, text }) => [hello, { kind: 'frame', text }, { kind: 'frame', text }, bye],
    'that comes whole and in parts': ({ hello, text, parts }) => [hello, { kind: 'frame', text }, ...parts, bye],
  };
  for (const [name, script] of Object.entries(spoils)) {
    it(`${name} leaves every check of its source in error, and none judged`, async (t) => {
      const planned = made(t);
      const { states, lost } = await gather(planned, script(inParts(planned)));
      assert.deepEqual(states, allLost);
      assert.match(
        lost ?? '',
        /^(its results came cut, changed or twice|some parts of its results are missing|the parts of its results do not belong together)$/,
      );
    });
  }

  it('that was cut off by the deadline of its agent counts for what is in it', async (t) => {
    const planned = made(t);
    const frame: Message = { kind: 'frame', text: packFrame(planned.plan.job, 'near1', { results: [settledOpen(1)], facts: 'partial' }) };
    const script: Script = [helloFor(planned.plan, 'near1'), frame, { kind: 'bye', reason: 'deadline' }];
    assert.deepEqual(await gather(planned, script), { states: ['output-lost', 'open', 'output-lost'], lost: 'the agent ran out of time' });
  });

  it('that leaves out evidence says so of its source', async (t) => {
    const { plan } = made(t);
    const results = [0, 1, 2].map((index) => settledOpen(index));
    const facts = async (text: string): Promise<string | undefined> => {
      const script: Script = [helloFor(plan, 'near1'), { kind: 'frame', text }, bye];
      const never = new AbortController().signal;
      const sources = plan.hosts.filter(({ name }) => name === 'near1');
      const [only] = await dispatch(
        plan.job,
        sources,
        { byCommand: connectionOf({ near1: script }) },
        1,
        { soft: never, hard: never },
        () => undefined,
      );
      return only?.facts;
    };
    assert.equal(await facts(packFrame(plan.job, 'near1', { results, facts: 'partial' })), 'partial');
    assert.equal(await facts(packFrame(plan.job, 'near1', { results })), undefined);
  });
});

describe('an agent is not believed', () => {
  const lies: Readonly<Record<string, Partial<Hello>>> = {
    'of another contract': { contract: 99 },
    'that counted other checks': { count: 4 },
    'that hashed other checks': { hash: 'f'.repeat(64) },
    'that takes itself for another source': { source: 'near2' },
  };
  for (const [name, lie] of Object.entries(lies)) {
    it(name, async (t) => {
      const planned = made(t);
      const { states, lost } = await gather(planned, [
        { ...helloFor(planned.plan, 'near1'), ...lie },
        settledOpen(0),
        settledOpen(1),
        settledOpen(2),
        bye,
      ]);
      assert.deepEqual(states, allLost);
      assert.match(lost ?? '', /another job/);
    });
  }

  it('before its greeting, about checks that it was not asked, or twice about one', async (t) => {
    const planned = made(t);
    const denied: Message = { ...settledOpen(0), outcome: { kind: 'failed', code: 'source-denied', message: '' } };
    const script = [settledOpen(1), helloFor(planned.plan, 'near1'), settledOpen(0), denied, settledOpen(3), settledOpen(2 ** 40), bye];
    assert.deepEqual((await gather(planned, script)).states, ['open', 'output-lost', 'output-lost']);
  });
});

it('no more sources run at once than may', async (t) => {
  const hosts = Array.from({ length: 9 }, (_, index) => ({ ...near, name: `n${index}`, address: `127.0.1.${index + 1}` }));
  const { plan } = planOf(t, [web], [...hosts, far]);
  let running = 0;
  let most = 0;
  const connection = connectionOf(
    {},
    {
      sent: () => {
        running += 1;
        most = Math.max(most, running);
      },
      collected: () => {
        running -= 1;
      },
    },
  );
  const never = new AbortController().signal;
  const returns = await dispatch(
    plan.job,
    plan.hosts.filter(({ name }) => plan.sources.includes(name)),
    { byCommand: connection },
    4,
    { soft: never, hard: never },
    () => undefined,
  );
  assert.equal(most, 4);
  assert.deepEqual(
    returns.map(({ name }) => name),
    plan.sources,
  );
  assert.equal(fingerprint(expand(plan.job, 'n0')).count, 3);
});
