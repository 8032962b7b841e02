import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import vm from 'node:vm';
import { scriptFor } from '../../src/bundle.ts';
import { connectByCommand, type Patience } from '../../src/connectors/exec.ts';
import type { Delivery } from '../../src/connectors/connector.ts';
import { far, near } from '../support/binary.ts';
import { serveTcp } from '../support/loopback.ts';
import { planOf } from '../support/planning.ts';

const patient: Patience = { silenceMs: 600_000, stopMs: 600_000 };
const web = { id: 'web', ports: ['1/tcp'], probe: 'tcp' };

interface Collected {
  readonly said: readonly Delivery[];
  readonly lost: string | undefined;
}

/** Starts this command in the place of an agent and collects all that it says. */
async function collect(
  t: TestContext,
  command: readonly string[],
  patience: Patience,
  stop: { readonly soft?: AbortSignal; readonly hard?: AbortSignal } = {},
  endsAfterMs = 600_000,
): Promise<Collected> {
  const { plan } = planOf(t, [web], [{ ...near, connector: { exec: command } }, far]);
  const connection = connectByCommand(patience);
  const host = plan.hosts.find(({ name }) => name === 'near1');
  assert.ok(host !== undefined);
  const never = new AbortController().signal;
  const tickets = await connection.send([host], { ...plan.job, endsAfterMs }, stop.soft ?? never);
  const said: Delivery[] = [];
  for await (const delivery of connection.collect(tickets, plan.job, stop.hard ?? never)) said.push(delivery);
  const last = said.at(-1);
  return { said, lost: last !== undefined && 'lost' in last ? last.lost : undefined };
}

/** A program that holds a connection to the test for as long as it lives, and the signs of both. */
async function holding(
  t: TestContext,
  program: string,
): Promise<{ readonly command: readonly string[]; readonly born: Promise<void>; readonly gone: Promise<void> }> {
  const born = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const port = await serveTcp(t, (socket) => {
    socket.resume();
    born.resolve();
    for (const event of ['end', 'close']) socket.on(event, () => gone.resolve());
  });
  const script = `require('node:net').connect(${port}, '127.0.0.1'); process.stdin.resume(); ${program}`;
  return { command: [process.execPath, '-e', script], born: born.promise, gone: gone.promise };
}

const brief: Patience = { silenceMs: 1_500, stopMs: 600_000 };

describe('an agent is given up, and ended', { concurrency: true }, () => {
  it('when it says nothing', async (t) => {
    const { command, gone } = await holding(t, '');
    const { said, lost } = await collect(t, command, brief);
    await gone;
    assert.equal(said.length, 1);
    assert.match(lost ?? '', /^said nothing for 1\.5 s/);
  });

  it('when it babbles without end, a line or no line at a time, and what it babbles is not kept', async (t) => {
    for (const line of ['x', 'x\\n']) {
      const babble = `const text = '${line}'.repeat(1 << 16); const more = (stream) => stream.write(text, () => more(stream)); more(process.stdout); more(process.stderr);`;
      const { command, gone } = await holding(t, babble);
      const before = process.memoryUsage.rss();
      const { said, lost } = await collect(t, command, brief);
      await gone;
      assert.equal(said.length, 1);
      assert.match(lost ?? '', /^said nothing for 1\.5 s/);
      assert.ok(lost !== undefined && lost.length < 3_000);
      const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
      assert.ok(grown < 300, `${Math.round(grown)} MB more`);
    }
  });

  it('when it does not end in its time, however alive it is', async (t) => {
    const alive = `setInterval(() => console.log('portmatrix-agent:1 {"kind":"alive","settled":0}'), 100);`;
    const { command, gone } = await holding(t, alive);
    const { said, lost } = await collect(t, command, brief, {}, 500);
    await gone;
    assert.ok(said.length > 1);
    assert.equal(lost, 'did not end in its time');
  });

  it('when it is told to stop and does not', async (t) => {
    const { command, born, gone } = await holding(t, `process.on('SIGTERM', () => undefined);`);
    const soft = new AbortController();
    const collected = collect(t, command, { ...patient, stopMs: 100 }, { soft: soft.signal });
    await born;
    soft.abort();
    assert.equal((await collected).lost, 'was stopped');
    await gone;
  });

  it('at once when that is asked for, even where a process out of its reach holds its pipes', async (t) => {
    const { command, born, gone } = await holding(t, '');
    const hard = new AbortController();
    const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    // It ends when the test lets go of it.
    const port = await serveTcp(t, (socket) => void socket.resume());
    const collected = collect(t, ['bash', '-c', `setsid cat < /dev/tcp/127.0.0.1/${port} & exec ${words}`], patient, { hard: hard.signal });
    await born;
    hard.abort();
    assert.equal((await collected).lost, 'was stopped');
    await gone;
  });
});

describe('an agent that ends', () => {
  it('without a bye is lost, with its exit code and the line of its complaint that tells most', async (t) => {
    const complaint = `echo 'debug1: something' >&2; echo 'ssh: Permission denied' >&2; echo 'bye' >&2; exit 7`;
    const { lost } = await collect(t, ['sh', '-c', complaint], patient);
    assert.match(lost ?? '', /^sh -c .* ended with exit code 7: ssh: Permission denied$/);
  });

  it('with a bye is not lost, and nothing after it counts', async (t) => {
    const line = 'portmatrix-agent:1 {"kind":"bye","reason":"finished"}';
    const { said } = await collect(t, ['sh', '-c', `echo '${line}'; echo '${line}'; exit 1`], patient);
    assert.equal(said.length, 1);
  });
});

it('the script of an agent says what is wrong on a Node.js that is too old, and runs nothing', (t) => {
  const { plan } = planOf(t, [web], [near, far]);
  let said = '';
  const process = { version: 'v18.0.0', versions: { node: '18.0.0' }, exitCode: 0, stderr: { write: (text: string) => (said += text) } };
  vm.runInNewContext(scriptFor('throw new Error("ran");var portmatrixAgent', plan.job, 'near1'), { process });
  assert.equal(said, 'the agent needs Node.js 20 or newer, and this is v18.0.0\n');
  assert.equal(process.exitCode, 1);
});
