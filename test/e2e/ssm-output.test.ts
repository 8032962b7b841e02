/**
 * What comes back of a managed node in pieces, late, or from an agent that is not as it should be: results are believed whole or not at all, and each planned
 * check is in the report once.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { contractVersion } from '../../agent/contract/job.ts';
import { agents, bundleAgent } from '../../src/bundle.ts';
import type { Report } from '../../src/report.ts';
import { checkout } from '../support/binary.ts';
import { serveTcp, serveUdp } from '../support/loopback.ts';
import { type Managed, verdicts } from '../support/managed.ts';
import { faulty, scene, type SceneOptions } from '../support/managed-scene.ts';
import { folderWith } from '../support/temporary-folder.ts';

const messageOf = ({ sources }: Report, name = 'near2'): string => sources.find((source) => source.name === name)?.message ?? '';
const kept = { output: 's3://results/of/runs' } as const;

describe('output that Systems Manager cuts', { concurrency: 2 }, () => {
  const cut: SceneOptions = { fault: { kind: 'truncated-output', bytes: 300 }, buckets: ['results'] };

  it('is taken from S3, where all of it is', async (t) => {
    const { run, port, endpoint } = await scene(t, cut, kept);
    assert.deepEqual(verdicts(await run()), [`near1:${port} pass`, `near2:${port} pass`]);
    const gets = endpoint.calls.filter(({ operation, instance }) => operation === 'GetObject' && instance === undefined);
    assert.deepEqual(
      gets.map(({ input }) => String(input['Key']).split('/').slice(3)),
      [[faulty, 'awsrunShellScript', 'RunLinux', 'stdout']],
    );
  });

  it('is lost where its object is missing', async (t) => {
    const { run, port } = await scene(t, { ...cut, faults: [{ operation: 'PutObject', error: 'AccessDenied', key: faulty }] }, kept);
    const report = await run();
    assert.deepEqual(verdicts(report), [`near1:${port} pass`, `near2:${port} error not-checked output-lost`]);
    assert.match(messageOf(report), /^i-0+2: .* did not come back whole; it is not in s3:\/\/results either: look whether the node may write there/);
  });
});

describe('results that take more than one step', { concurrency: 2 }, () => {
  const checks = 400;

  /** Both nodes get nonsense from services, each time another, which is evidence that stays whatever the room. */
  async function babble(t: TestContext, options: SceneOptions, systemsManager?: object): Promise<Managed> {
    const babbling = Array.from({ length: checks }, () => serveTcp(t, (socket) => socket.on('data', () => socket.write(randomBytes(64)))));
    const ports = (await Promise.all(babbling)).map((port) => `${port}/tcp`);
    const rules = [{ id: 'babble', ports, probe: 'smb' }];
    return scene(t, { ...options, rules }, { ...systemsManager });
  }

  /** How many checks of each source ended in each way. */
  function tally({ results }: Report): Readonly<Record<string, number>> {
    assert.equal(new Set(results.map(({ check }) => check.id)).size, results.length);
    const told = results.map(({ check, outcome, verdict }) =>
      `${check.source} ${verdict.status} ${outcome?.kind === 'failed' ? outcome.code : ''}`.trim(),
    );
    return Object.fromEntries([...Map.groupBy(told, (words) => words)].map(([words, all]) => [words, all.length]));
  }

  /** The steps of a node that were asked how they ended. */
  function asked({ endpoint }: Managed, instance: string): ReadonlySet<unknown> {
    const calls = endpoint.calls.filter(({ operation, input }) => operation === 'GetCommandInvocation' && input['InstanceId'] === instance);
    return new Set(calls.map(({ input }) => input['PluginName']));
  }

  it('are put together of all of them', async (t) => {
    const managed = await babble(t, {});
    const report = await managed.run();
    assert.deepEqual(tally(report), { 'near1 pass': 1, 'near1 fail': checks, 'near2 pass': 1, 'near2 fail': checks });
    for (const { message, facts } of report.sources.filter(({ name }) => name !== 'far1')) assert.deepEqual([message, facts], [undefined, undefined]);
    const steps = asked(managed, faulty);
    assert.ok(steps.has('RunLinux') && steps.has('LinuxPart2'), [...steps].join());
  });

  it('are lost, all of that node, where one part is', async (t) => {
    const silence = 'case "$*" in *LinuxPart2*) exec "$@" >/dev/null ;; esac; exec "$@"';
    const managed = await babble(t, { about: { prefix: ['sh', '-c', silence, 'sh'] } });
    const report = await managed.run();
    assert.deepEqual(tally(report), { 'near1 pass': 1, 'near1 fail': checks, 'near2 error output-lost': checks + 1 });
    assert.match(messageOf(report), /did not come back whole; with systemsManager\.output in the inventory the whole output is kept in S3 too$/);
  });

  it('are taken from S3, with their parts, where Systems Manager cuts each step', async (t) => {
    const managed = await babble(t, { fault: { kind: 'truncated-output', bytes: 300 }, buckets: ['results'] }, kept);
    assert.deepEqual(tally(await managed.run()), { 'near1 pass': 1, 'near1 fail': checks, 'near2 pass': 1, 'near2 fail': checks });
  });
});

describe('an agent', { concurrency: 2 }, () => {
  it('that is killed half-way loses what it saw, and the other is judged', async (t) => {
    // Its last check is asked of a service that answers nobody; by then the first is settled.
    const managed: { endpoint?: Managed['endpoint'] } = {};
    const deaf = await serveTcp(t, (socket) => {
      socket.resume();
      for (const pid of agentsOn(managed.endpoint, faulty)) process.kill(pid, 'SIGKILL');
    });
    const { run, port, endpoint } = await scene(t, { rules: [{ id: 'ldap', ports: [`${deaf}/tcp`], probe: 'ldap' }] });
    managed.endpoint = endpoint;
    const report = await run();
    assert.deepEqual(verdicts(report), [
      `near1:${port} pass`,
      `near1:${deaf} inconclusive unproven`,
      `near2:${port} error not-checked output-lost`,
      `near2:${deaf} error not-checked output-lost`,
    ]);
    assert.match(messageOf(report), /^i-0+2: the agent ended by itself, before it was done \(the agent ended with code 137\); run again; /);
  });

  it('of another version of the contract is not understood, which is said', async (t) => {
    const { run, port } = await scene(t, { script: await olderAgent(t) });
    const report = await run();
    assert.deepEqual(
      verdicts(report),
      [1, 2].map((number) => `near${number}:${port} error not-checked output-lost`),
    );
    for (const name of ['near1', 'near2']) {
      assert.match(
        messageOf(report, name),
        /\(the job is cut, or it was made for another version of the agent\); publish the document of this version of portmatrix$/,
      );
    }
  });

  it('whose clock is ten minutes wrong is told from one whose clock is right, and loses nothing', async (t) => {
    const time = await serveUdp(t, (request, reply) => reply(timeAnswer(request)));
    // The step clears what is loaded into programs, so the clock is set behind it.
    const environment = { TEST_BEFORE_NODE: 'env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -m -f +600s' };
    const { run, port } = await scene(t, { staged: 'cache', about: { environment }, rules: [{ id: 'time', ports: [`${time}/udp`], probe: 'ntp' }] });
    const report = await run();
    assert.deepEqual(verdicts(report), [`near1:${port} pass`, `near1:${time} pass`, `near2:${port} pass`, `near2:${time} fail clock-skew`]);
    const findings = report.results.flatMap(({ verdict: { finding } }) =>
      finding?.code === 'clock-skew' ? [Math.round(finding.offsetMs / 60_000)] : [],
    );
    assert.deepEqual(findings.map(Math.abs), [10]);
  });
});

/** The agents that run on a node. */
function agentsOn(endpoint: Managed['endpoint'] | undefined, instance: string): readonly number[] {
  const read = (pid: number, file: string): readonly string[] => readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0');
  return (endpoint?.processes() ?? []).filter((pid) => {
    try {
      const [program = '', , script = ''] = read(pid, 'cmdline');
      return program.endsWith('/node') && script.endsWith('/agent.cjs') && read(pid, 'environ').includes(`AWS_SSM_INSTANCE_ID=${instance}`);
    } catch {
      // It has ended in the meantime.
      return false;
    }
  });
}

/** The agent of these sources as it would be with another version of the contract. */
async function olderAgent(t: TestContext): Promise<string> {
  const folder = folderWith(t, {});
  cpSync(join(checkout, 'agent'), folder, { recursive: true });
  const file = join(folder, 'contract', 'job.ts');
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(`contractVersion = ${contractVersion}`, `contractVersion = ${contractVersion + 1}`);
  assert.notEqual(changed, text);
  writeFileSync(file, changed);
  return bundleAgent(join(folder, agents.ssm.sources));
}

/** What a time server whose clock is right says (RFC 5905, figure 8). */
function timeAnswer(request: Buffer): Buffer {
  const answer = Buffer.alloc(48);
  answer.set([0x24, 2, 6, 0xe9]);
  answer.write('\x7f\x7f\x01\x01', 12, 'latin1');
  request.copy(answer, 24, 40, 48);
  const seconds = Date.now() / 1_000 + 2_208_988_800;
  for (const at of [16, 32, 40]) {
    answer.writeUInt32BE(Math.floor(seconds), at);
    answer.writeUInt32BE(Math.floor((seconds % 1) * 2 ** 32), at + 4);
  }
  return answer;
}
