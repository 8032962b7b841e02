/**
 * Managed nodes that fail in every way, through the real SDK against an endpoint that really runs the document: their own checks are in error, everything else
 * is judged, each planned check is in the report once, and nothing passes that was not observed.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { instanceId } from '../support/aws/clients.ts';
import { exitCode } from '../../src/report.ts';
import { type Managed, usualWords, verdicts } from '../support/managed.ts';
import { called, scene } from '../support/managed-scene.ts';

describe('a node of which nothing comes back is in error, and the other is judged', { concurrency: 4 }, () => {
  const cases: Readonly<Record<string, readonly [options: Parameters<typeof scene>[1], code: string, says: RegExp]>> = {
    'when it is offline': [{ fault: { kind: 'offline' } }, 'source-unreachable', /is ConnectionLost in Systems Manager/],
    'when it is undeliverable': [{ fault: { kind: 'undeliverable' } }, 'source-unreachable', /Systems Manager says "Undeliverable"/],
    'when the node denies access': [{ fault: { kind: 'access-denied' } }, 'source-unreachable', /Systems Manager says "Access Denied"/],
    'when it was delivered too late': [
      { fault: { kind: 'delayed', delayMs: 3_600_000 }, expires: true },
      'source-unreachable',
      /Systems Manager says "Delivery Timed Out"/,
    ],
    'when its execution times out half-way': [
      { fault: { kind: 'execution-timeout', afterMs: 1 } },
      'source-unreachable',
      /Systems Manager says "Execution Timed Out"/,
    ],
    'when its output is cut': [{ fault: { kind: 'truncated-output', bytes: 300 } }, 'output-lost', /did not come back whole/],
    'when its output stays empty after a success': [{ fault: { kind: 'empty-output', reads: 99 } }, 'output-lost', /did not come back whole/],
    'when it was terminated after it was found': [{ fault: { kind: 'vanished' } }, 'source-unreachable', /InvalidInstanceId/],
    'when it is not a managed node at all': [{ about: { instance: instanceId(3) } }, 'source-unreachable', /knows no managed node with i-0+2$/],
    'when no agent is made for its system': [{ about: { platform: 'MacOS' } }, 'source-unreachable', /runs MacOS, for which there is no agent/],
    // Systems Manager cannot tell: it waits until all time is over.
    'when it is lost in the middle of its step': [
      { fault: { kind: 'lost-mid-run', afterBytes: 1 }, expires: true },
      'source-unreachable',
      /Systems Manager says "Delivery Timed Out"/,
    ],
  };
  for (const [name, [options, code, says]] of Object.entries(cases)) {
    it(name, async (t) => {
      const { run, port, endpoint } = await scene(t, options);
      let command: string | undefined;
      const running = run(undefined, (tickets) => (command = tickets.find(({ errand }) => errand !== undefined)?.errand?.command));
      if (options.expires === true) {
        // The other node has answered by then.
        await called(endpoint, 'GetCommandInvocation');
        endpoint.expire(command ?? '');
      }
      const report = await running;
      assert.deepEqual(verdicts(report), [`near1:${port} pass`, `near2:${port} error not-checked ${code}`]);
      assert.equal(exitCode(report), 3);
      assert.match(report.sources.find((source) => source.name === 'near2')?.message ?? '', says);
    });
  }
});

describe('what passes by itself changes nothing', { concurrency: 4 }, () => {
  const passes = (port: number): readonly string[] => [`near1:${port} pass`, `near2:${port} pass`];
  const cases: Readonly<Record<string, Parameters<typeof scene>[1]>> = {
    'nothing is the matter': {},
    'every kind of call is throttled ten times': {
      faults: ['DescribeInstanceInformation', 'SendCommand', 'ListCommandInvocations', 'GetCommandInvocation'].map((operation) => ({
        operation,
        error: 'ThrottlingException',
        times: 10,
      })),
    },
    'the output of a success is empty at first': { fault: { kind: 'empty-output', reads: 2 } },
    'an agent of Systems Manager that is too old for variables': { about: { agentVersion: '3.2.582.0' } },
    'what was sent is not known for some reads': { lag: { reads: 4 } },
  };
  for (const [name, options] of Object.entries(cases)) {
    it(name, async (t) => {
      const { run, port, endpoint } = await scene(t, options);
      const report = await run();
      assert.deepEqual(verdicts(report), passes(port));
      const sent = endpoint.calls.filter(({ operation, error }) => operation === 'SendCommand' && error === undefined);
      assert.equal(sent.length, 1, 'both nodes are told by one command, once');
    });
  }
});

describe('who may not ask', { concurrency: 4 }, () => {
  const denied: Readonly<Record<string, readonly [operation: string, code: string]>> = {
    'for the nodes': ['DescribeInstanceInformation', 'source-unreachable'],
    'for the document': ['DescribeDocument', 'source-unreachable'],
    'to send': ['SendCommand', 'source-unreachable'],
    'what became of it': ['ListCommandInvocations', 'output-lost'],
    'for the output': ['GetCommandInvocation', 'output-lost'],
  };
  for (const [name, [operation, code]] of Object.entries(denied)) {
    it(`${name} has every check in error, with the words of AWS`, async (t) => {
      const { run, port } = await scene(t, {
        faults: [{ operation, error: 'AccessDeniedException', message: `not authorized to perform ssm:${operation}` }],
      });
      const report = await run();
      assert.deepEqual(verdicts(report), [`near1:${port} error not-checked ${code}`, `near2:${port} error not-checked ${code}`]);
      assert.equal(exitCode(report), 3);
      assert.match(report.sources[0]?.message ?? '', new RegExp(`AccessDeniedException: not authorized to perform ssm:${operation}`));
    });
  }
});

describe('a controller', { concurrency: 2 }, () => {
  /** The product as it is started, until it has asked what became of its command, and then killed. */
  async function killAfterSending({ start, endpoint }: Managed): Promise<void> {
    const running = start(usualWords);
    await called(endpoint, 'ListCommandInvocations');
    running.child.kill('SIGKILL');
    await running.ended;
  }

  const notes = {
    'that is killed after it has sent is resumed': (pending: object) => pending,
    'that was killed before it could note what it sent finds it by the comment of the command': (pending: object) => ({ ...pending, tickets: [] }),
  };
  for (const [name, change] of Object.entries(notes)) {
    it(`${name}: nothing is sent again, and nothing is left behind`, async (t) => {
      const managed = await scene(t, { deliveryDelayMs: 3_000 });
      await killAfterSending(managed);
      const path = join(managed.folder, 'out', 'pending.json');
      writeFileSync(path, JSON.stringify(change(JSON.parse(readFileSync(path, 'utf8')))));
      const { code, stderr } = await managed.start(['resume', 'out']).ended;
      const report = managed.reportIn('out');
      assert.deepEqual(verdicts(report), [`near1:${managed.port} pass`, `near2:${managed.port} pass`], stderr);
      assert.equal(code, 0);
      assert.equal(report.run.emulated, true);
      assert.equal(managed.endpoint.calls.filter(({ operation }) => operation === 'SendCommand').length, 1);
      assert.equal(existsSync(path), false);
    });
  }

  it('that may not read what became of its command keeps the run, which is resumed when it may', async (t) => {
    const managed = await scene(t, { faults: [{ operation: 'ListCommandInvocations', error: 'AccessDeniedException', times: 1 }] });
    const first = await managed.start(usualWords).ended;
    assert.equal(first.code, 3);
    assert.match(first.stderr, /what 2 sources say could not be read; .*: portmatrix resume \S+\/out\n/);
    const lost = 'error not-checked output-lost';
    assert.deepEqual(verdicts(managed.reportIn('out')), [`near1:${managed.port} ${lost}`, `near2:${managed.port} ${lost}`]);
    const second = await managed.start(['resume', 'out']).ended;
    assert.deepEqual(verdicts(managed.reportIn('out')), [`near1:${managed.port} pass`, `near2:${managed.port} pass`], second.stderr);
    assert.equal(managed.endpoint.calls.filter(({ operation }) => operation === 'SendCommand').length, 1);
    assert.equal(existsSync(join(managed.folder, 'out', 'pending.json')), false);
  });

  it('beside another at the same time gets its own answers', async (t) => {
    const { run, port, endpoint } = await scene(t, {});
    for (const report of await Promise.all([run(), run()])) assert.deepEqual(verdicts(report), [`near1:${port} pass`, `near2:${port} pass`]);
    assert.equal(endpoint.calls.filter(({ operation }) => operation === 'SendCommand').length, 2);
  });

  it('that is interrupted cancels its command and keeps what came back', async (t) => {
    const { run, endpoint, port } = await scene(t, { fault: { kind: 'delayed', delayMs: 3_600_000 } }, { deliveryMinutes: 60 });
    const stop = new AbortController();
    const running = run(stop.signal);
    await called(endpoint, 'GetCommandInvocation');
    stop.abort();
    const report = await running;
    assert.deepEqual(verdicts(report), [`near1:${port} pass`, `near2:${port} error not-checked interrupted`]);
    assert.equal(endpoint.calls.filter(({ operation }) => operation === 'CancelCommand').length, 1);
  });
});
