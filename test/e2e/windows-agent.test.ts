/** The agent for Windows: the runtime and the script of its package, run by Wine as the step runs them, against services on loopback. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { packEnvelope } from '../../agent/contract/envelope.ts';
import { unpackFrame } from '../../agent/contract/frame.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { decodeMessage, type Message } from '../../agent/contract/message.ts';
import { packPolicy } from '../../agent/contract/policy.ts';
import { traitsOf } from '../../agent/contract/probe.ts';
import { agentScript } from '../../src/bundle.ts';
import { makeIdentity } from '../support/certificate.ts';
import { jobOf, ruleOf } from '../support/jobs.ts';
import { refusedPort, silentPort } from '../support/loopback.ts';
import { rulesFor, spoken, startPeer } from '../support/peers.ts';
import { folderWith } from '../support/temporary-folder.ts';
import { openWine, type Windows, windowsPath, windowsRuntime } from '../support/wine.ts';

const node = 'i-0123456789abcdef0';
const policy = packPolicy({ destinations: ['127.0.0.0/8'], ports: ['1-65535/tcp', '1-65535/udp'], endsAfterMs: 60_000 });
const runtime = await windowsRuntime();

describe('the agent for Windows', { skip: typeof runtime === 'string' && runtime }, () => {
  const undo: (() => unknown)[] = [];
  let windows: Windows;
  let folder: string;
  before(async () => {
    const scope = { after: (step: () => unknown) => void undo.unshift(step) };
    windows = openWine(scope);
    folder = folderWith(scope, { 'agent.cjs': await agentScript('ssm') });
    writeFileSync(join(folder, 'node.exe'), runtime);
  });
  after(async () => {
    for (const step of undo) await step();
  });

  /** Runs the agent as run.ps1 does. */
  function runAgent(job: Job, as = node) {
    const input = packEnvelope({ contract: contractVersion, nodes: { [node]: 'client' }, job });
    const words = ['--max-semi-space-size=8', windowsPath(join(folder, 'agent.cjs')), 'run', policy, windowsPath(join(folder, 'spool'))];
    return windows.run([join(folder, 'node.exe'), ...words], `${input}\r\n`, { AWS_SSM_INSTANCE_ID: as, PORTMATRIX_ENDS_AFTER_MS: '45000' });
  }

  /** The messages of a run that went well, which is all that it printed. */
  function messagesOf(stdout: string): readonly Message[] {
    assert.match(stdout, /^[\r\n\x20-\x7e]*$/);
    assert.ok(stdout.length <= 23_000);
    return stdout
      .trimEnd()
      .split(/\r?\n/)
      .map((line) => decodeMessage(line) ?? assert.fail(line));
  }

  it('understands every service, and says so in a frame', async (t: TestContext) => {
    const identity = makeIdentity('dc1.corp.example.test');
    // As in test/protocol/bundle.test.ts: an interface counts on its endpoint mapper to be the first rule.
    const usual = spoken.filter(([probe]) => probe !== 'epm' && traitsOf(probe).authenticates !== true);
    const wanted = [...usual.filter(([probe]) => probe === 'rpc'), ...usual.filter(([probe]) => probe !== 'rpc')];
    const peers = wanted.map(async ([probe, transport, service]) => {
      assert.ok(service !== undefined);
      return rulesFor(t, probe, transport, await startPeer(t, 'correct', transport, service, identity));
    });
    const rules = (await Promise.all(peers)).flat();
    const job = jobOf(rules, { reply: 'frame' });

    const { code, stdout, stderr } = await runAgent(job);

    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const [hello, frame, bye, ...more] = messagesOf(stdout);
    assert.deepEqual({ bye, more }, { bye: { kind: 'bye', reason: 'finished' }, more: [] });
    assert.ok(hello?.kind === 'hello' && frame?.kind === 'frame');
    assert.match(hello.platform.os, /^win32 /);
    const { results = [] } = unpackFrame(job, 'client', frame.text) ?? {};
    const told = results.map(({ index, outcome }) => {
      const what = outcome.kind === 'failed' ? outcome.code : `${outcome.state} ${outcome.service?.status ?? 'port'}`;
      return `${rules[index]?.probe} over ${rules[index]?.transport}: ${what}`;
    });
    const understood = rules.map(({ probe, transport }) => `${probe} over ${transport}: open ${traitsOf(probe).identifies ? 'identified' : 'port'}`);
    assert.deepEqual(told.sort(), understood.sort());
  });

  it('tells a refused port from a silent one over TCP, and never takes silence over UDP for an answer', async (t: TestContext) => {
    const rules = [
      ruleOf('tcp', 'tcp', await refusedPort(t, 'tcp')),
      ruleOf('ldap', 'tcp', await silentPort(t, 'tcp')),
      ruleOf('udp', 'udp', await silentPort(t, 'udp')),
    ];
    const job = jobOf(rules, { reply: 'frame', timeoutMs: 1_500, attempts: 1 });
    const { stdout } = await runAgent(job);
    const frame = messagesOf(stdout).find((message) => message.kind === 'frame') ?? assert.fail(stdout);
    const { results = [] } = unpackFrame(job, 'client', frame.text) ?? {};
    const seen = results
      .toSorted((one, other) => one.index - other.index)
      .map(({ outcome }) => outcome.kind === 'observed' && `${outcome.state}, ${outcome.service?.status ?? outcome.reason}`);
    assert.deepEqual(seen, ['closed, conn-refused', 'open, silent', 'open|filtered, no-response']);
  });

  it('refuses a job that is for another node', async () => {
    const { code, stdout, stderr } = await runAgent(jobOf([], { reply: 'frame' }), 'i-0fedcba9876543210');
    assert.deepEqual({ code, stdout }, { code: 20, stdout: '' });
    assert.match(stderr, /^portmatrix: bad-input: [^\n]*i-0fedcba9876543210[^\n]*\n$/);
  });
});
