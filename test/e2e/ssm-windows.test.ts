/**
 * A managed node with Windows: controller, Systems Manager, the Windows steps, the real runtime and agent for Windows under Wine, and back to a report. There
 * is no PowerShell here: a stand-in reads from the step's own script what it would start, holds both files to the hashes in it, and starts that.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { decodeMessage, encodeMessage } from '../../agent/contract/message.ts';
import { stepExits } from '../../agent/contract/step-exit.ts';
import { sha256 } from '../../src/agent-package.ts';
import { agentScript } from '../../src/bundle.ts';
import { instanceId } from '../support/aws/clients.ts';
import type { Script, ScriptEnd, ScriptRunner } from '../support/aws/managed-node.ts';
import { refusedPort, serveTcp, silentPort } from '../support/loopback.ts';
import { manage, verdicts } from '../support/managed.ts';
import { host } from '../support/managed-scene.ts';
import { folderWith } from '../support/temporary-folder.ts';
import { openWine, windowsPath, windowsRuntime } from '../support/wine.ts';

const runtime = await windowsRuntime();
const [linux, windows] = [instanceId(1), instanceId(2)];

/** What a literal of a script says: `$name = 'value'` at the beginning of a line. */
function literal({ text }: Script, name: string): string {
  return new RegExp(`^\\$${name} = '([^']*)'$`, 'm').exec(text)?.[1] ?? assert.fail(`the script has no ${name}`);
}

/** Runs what the Windows steps would run. `told` may change the greeting as Windows would give it. */
function standInFor(t: TestContext, files: { readonly runtime: Uint8Array; readonly agent: string }, told: (line: string) => string): ScriptRunner {
  const wine = openWine(t);
  const folder = folderWith(t, { 'agent.cjs': files.agent });
  writeFileSync(join(folder, 'node.exe'), files.runtime);
  const spool = join(folder, 'spool');
  const end = (code: number, stdout: string, stderr = ''): ScriptEnd => ({ code, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr) });
  const runStep = async (script: Script): Promise<ScriptEnd> => {
    for (const [file, name, code] of [
      ['node.exe', 'runtime', 11],
      ['agent.cjs', 'bundle', 12],
    ] as const) {
      if (sha256(readFileSync(join(folder, file))) === literal(script, name)) continue;
      return end(
        code,
        '',
        `portmatrix: ${stepExits[code].name}: the ${name} in ${literal(script, 'cache')} was not the published one, and is removed\n`,
      );
    }
    const { SSM_Job: job = /^.*\$job = '([^']*)'.*$/m.exec(script.text)?.[1] ?? '', AWS_SSM_INSTANCE_ID: instance = '' } = script.environment;
    const seconds = Number(literal(script, 'timeout')) - 15;
    mkdirSync(spool, { recursive: true });
    const words = ['--max-semi-space-size=8', windowsPath(join(folder, 'agent.cjs')), 'run', literal(script, 'policy'), windowsPath(spool)];
    const variables = { AWS_SSM_INSTANCE_ID: instance, PORTMATRIX_ENDS_AFTER_MS: `${seconds}000` };
    const { code, stdout, stderr } = await wine.run([join(folder, 'node.exe'), ...words], `${job}\r\n`, variables);
    return end(code ?? 19, stdout.split(/\r?\n/).map(told).join('\r\n'), stderr);
  };
  return (script) => {
    assert.equal(script.action, 'aws:runPowerShellScript');
    if (script.step === 'RunWindows') return runStep(script);
    const part = /^WindowsPart(\d)$/.exec(script.step)?.[1] ?? assert.fail(script.step);
    const path = join(spool, `part-${part}`);
    if (!existsSync(path)) return Promise.resolve(end(0, ''));
    const line = readFileSync(path, 'utf8');
    rmSync(path);
    return Promise.resolve(end(0, line));
  };
}

/** The greeting of a Windows, which is not told of refused UDP ports; Wine, whose network is Linux', is. */
function asWindows(line: string): string {
  const message = decodeMessage(line);
  return message?.kind === 'hello' ? encodeMessage({ ...message, capabilities: { udpRefused: false } }) : line;
}

describe('a managed node with Windows', { skip: typeof runtime === 'string' && runtime }, () => {
  async function sceneOf(t: TestContext, agent: string) {
    assert.ok(typeof runtime !== 'string');
    const [open, refused, silent] = [await serveTcp(t, (socket) => socket.end()), await refusedPort(t, 'tcp'), await silentPort(t, 'udp')];
    const rules = [
      { id: 'open', ports: [`${open}/tcp`], probe: 'tcp' },
      { id: 'refused', ports: [`${refused}/tcp`], probe: 'tcp' },
      { id: 'silent', ports: [`${silent}/udp`], probe: 'udp' },
    ];
    const hosts = [host('near1', '127.0.0.2', linux), { ...host('near2', '127.0.0.3', windows), os: 'windows' }];
    const managed = await manage(
      t,
      {
        nodes: [
          { instance: linux, platform: 'Linux' },
          { instance: windows, platform: 'Windows', runner: standInFor(t, { runtime, agent }, asWindows) },
        ],
        windowsRuntime: sha256(runtime),
      },
      {
        'inventory.yaml': JSON.stringify({ hosts: [...hosts, { name: 'far1', address: '127.0.0.1', roles: ['far'] }] }),
        'mine.yaml': JSON.stringify({ matrix: 'mine', from: 'near', to: 'far', rules }),
      },
    );
    return { ...managed, open, refused, silent };
  }

  it('says what one with Linux says, and that it cannot see refusals over UDP is part of the verdict', async (t) => {
    const { run, open, refused, silent, endpoint } = await sceneOf(t, await agentScript('ssm'));
    const report = await run();
    const ofEach = (name: string): readonly string[] => [
      `${name}:${open} pass`,
      `${name}:${refused} fail refused`,
      `${name}:${silent} inconclusive uninformative`,
    ];
    assert.deepEqual(verdicts(report), [...ofEach('near1'), ...ofEach('near2')]);
    const [one, other] = report.sources;
    assert.match(one?.platform?.os ?? '', /^linux /);
    assert.match(other?.platform?.os ?? '', /^win32 /);
    assert.deepEqual([one?.capabilities?.udpRefused, other?.capabilities?.udpRefused], [true, false]);
    const noted = report.results.flatMap(({ check, verdict: { notes = [] } }) =>
      notes.includes('source-cannot-see-udp-refusals') ? [check.id] : [],
    );
    assert.deepEqual(
      noted,
      report.results.flatMap(({ check }) => (check.source === 'near2' && check.port === silent ? [check.id] : [])),
    );
    const sent = endpoint.calls.filter(({ operation }) => operation === 'SendCommand').map(({ input }) => input['InstanceIds']);
    assert.deepEqual(sent, [[linux], [windows]]);
  });

  it('does not run an agent that is not the published one, and the other is judged', async (t) => {
    const { run, open, refused, silent } = await sceneOf(t, `${await agentScript('ssm')}// changed\n`);
    const report = await run();
    assert.deepEqual(
      verdicts(report).filter((words) => words.startsWith('near2')),
      [open, refused, silent].map((port) => `near2:${port} error not-checked source-unreachable`),
    );
    assert.ok(verdicts(report).includes(`near1:${open} pass`));
    assert.match(report.sources[1]?.message ?? '', /^i-0+2: the agent on this host is not the published one .*; the next run fetches it anew/);
  });
});
