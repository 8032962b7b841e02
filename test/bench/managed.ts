import { spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expand, fingerprint } from '../../agent/contract/expand.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { encodeMessage, type Settled } from '../../agent/contract/message.ts';
import { fitFrame } from '../../agent/frame-fit.ts';
import { planFrom } from '../../src/commands/options.ts';
import { instanceId } from '../support/aws/clients.ts';
import type { ScriptRunner } from '../support/aws/managed-node.ts';
import { manageNodes } from '../support/managed.ts';
import type { Row } from './row.ts';

const sources = 200;
const dcs = 250;
const ports = 20;
const failEvery = 20;
const room = { step: 22_500, all: 6 * 22_500 };
const bin = join(import.meta.dirname, '..', '..', 'src', 'bin.cjs');

/**
 * Row 10: 200 managed nodes that ask 5,000 checks each, through the endpoint of the tests. The nodes are simulated: what each says is packed before, as an agent
 * packs it, and its step prints that. Everything else is as users run it: the program, the SDK, the calls, the report of a million checks.
 */
export async function managed(): Promise<readonly Row[]> {
  const cleanups: (() => unknown)[] = [];
  const scope = { after: (cleanup: () => unknown) => void cleanups.push(cleanup) };
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-bench-'));
  try {
    const [inventory, matrix] = [join(folder, 'inventory.yaml'), join(folder, 'mine.yaml')];
    writeFileSync(inventory, JSON.stringify(inventoryOf()));
    writeFileSync(
      matrix,
      JSON.stringify({ matrix: 'mine', from: 'client', to: 'dc', rules: [{ id: 'service', ports: [`1000-${999 + ports}/tcp`], probe: 'tcp' }] }),
    );
    const { plan } = planFrom({ inventory, matrix: [matrix], asPublished: false, kerberos: false, withoutControl: true, pace: 'normal' }, folder);
    const said = new Map(plan.sources.map((source, index) => [instanceId(index + 1), wordsOf(plan.job, source)]));
    const bytes = [...said.values()].map((words) => words.length);
    const runner: ScriptRunner = ({ instance, step }) =>
      Promise.resolve({ code: 0, stdout: Buffer.from(step === 'RunLinux' ? (said.get(instance) ?? '') : ''), stderr: Buffer.alloc(0) });
    const nodes = [...said.keys()].map((instance) => ({ instance, platform: 'Linux' as const, runner }));
    const { endpoint } = await manageNodes(scope, { nodes });
    const startedAt = performance.now();
    const child = spawn(
      process.execPath,
      ['-e', peak, 'run', '-i', inventory, '-m', matrix, '--without-control', '--out', join(folder, 'out'), '--format', 'junit'],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, ...endpoint.environment } },
    );
    const stderr = await text(child.stderr);
    const wallMs = performance.now() - startedAt;
    const summary = await summaryOf(join(folder, 'out', 'report.json'));
    if (!summary.includes(`"total":${sources * dcs * ports},`) || !summary.includes('"error":0')) throw new Error(`${summary} ${stderr}`);
    const calls = Map.groupBy(
      endpoint.calls.filter(({ instance }) => instance === undefined),
      ({ operation }) => operation,
    );
    return [
      { what: `10. ${sources} managed nodes of ${dcs * ports} checks: whole run with its reports`, unit: 's', measured: wallMs / 1_000 },
      { what: '10. the same, peak RSS of the controller', unit: 'MB', measured: (Number(/peak (\d+)/.exec(stderr)?.[1]) * 1_024) / 1e6 },
      { what: '10. the largest output of a node', unit: 'bytes', budget: 23_000, measured: Math.max(...bytes) },
      ...[...calls].map(([operation, made]): Row => ({ what: `10. calls of ${operation}`, unit: 'calls', measured: made.length })),
    ];
  } finally {
    for (const cleanup of cleanups.toReversed()) await cleanup();
    rmSync(folder, { recursive: true });
  }
}

/** The summary of a report, as it is written: the whole is longer than any string may be. */
async function summaryOf(file: string): Promise<string> {
  for await (const line of createInterface({ input: createReadStream(file) })) if (line.includes('"summary":')) return line.replaceAll(' ', '');
  return 'there is no summary';
}

/** The program, which says at its end what memory it took. */
const peak = `process.on('exit',()=>process.stderr.write('peak '+process.resourceUsage().maxRSS));process.argv.splice(1,0,${JSON.stringify(bin)});require(${JSON.stringify(bin)});`;

function inventoryOf() {
  const address = (index: number, net: number): string => `10.${net + (index >> 7)}.${index & 127}.${1 + ((index * 37) % 250)}`;
  return {
    domain: 'corp.example.test',
    hosts: [
      ...Array.from({ length: sources }, (_, index) => ({
        name: `client${index}`,
        address: address(index, 40),
        roles: ['client'],
        connector: { ssm: { instance: instanceId(index + 1), region: 'eu-central-1' } },
      })),
      ...Array.from({ length: dcs }, (_, index) => ({ name: `dc${index}`, address: address(index, 20), roles: ['dc'] })),
    ],
  };
}

/** What the agent of a source says when one in twenty of its checks is dropped. */
function wordsOf(job: Job, source: string): string {
  const checks = [...expand(job, source)];
  const results = checks.map(({ address, port }, index): Settled => {
    const fails = index % failEvery === 0;
    const at = new Date(Date.UTC(2026, 0, 1) + index * 3).toISOString();
    const local = { address: job.hosts.find(({ name }) => name === source)?.address ?? '', port: 32_768 + ((index * 7_919) % 28_232) };
    const target = { address, port: Number(port) };
    return {
      kind: 'result',
      index,
      attempts: 1,
      elapsedMs: fails ? 5_000 + (index % 4) : 1 + ((index * 31) % 24),
      outcome: { kind: 'observed', state: fails ? 'filtered' : 'open', reason: fails ? 'no-response' : 'syn-ack', target, local, at },
    };
  });
  const messages = [
    {
      kind: 'hello',
      contract: contractVersion,
      source,
      ...fingerprint(checks),
      platform: { os: 'linux', node: 'v24' },
      capabilities: { udpRefused: true },
    },
    { kind: 'frame', text: fitFrame(job, source, results, room) },
    { kind: 'bye', reason: 'finished' },
  ] as const;
  return messages.map((message) => `${encodeMessage(message)}\n`).join('');
}
