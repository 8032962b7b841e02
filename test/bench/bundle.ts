import { brotliCompressSync } from 'node:zlib';
import { agentScript, nodeArguments, scriptFor } from '../../src/bundle.ts';
import { pipeIntoNode } from './agent-process.ts';
import { compare } from './repeat.ts';
import type { Row } from './row.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';

const rounds = 15;

/** A job that asks nothing, so that only starting and greeting are left. */
const nothing: Job = {
  contract: contractVersion,
  run: 'bench',
  timeoutMs: 1_000,
  attempts: 1,
  endsAfterMs: 1_000,
  hosts: [{ name: 'source', address: '127.0.0.1', dnsName: 'source' }],
  rules: [],
  sets: [],
  pairs: [],
  pace: {},
  reply: 'messages',
};

/** Row 5: the size of the agent's script, and its start against that of an empty one. */
export async function bundle(): Promise<readonly Row[]> {
  const script = await agentScript();
  const packed = brotliCompressSync(script).toString('base64');
  const whole = scriptFor(script, nothing, 'source');
  const walls = await compare(rounds, {
    empty: async () => (await pipeIntoNode('')).wallMs,
    agent: async () => (await pipeIntoNode(whole, [], nodeArguments)).wallMs,
  });
  return [
    { what: '5. agent bundle, minified', unit: 'bytes', budget: 120_000, measured: Buffer.byteLength(script) },
    { what: '5. agent bundle, brotli and base64', unit: 'bytes', budget: 44_000, measured: packed.length },
    { what: '5. an empty Node script', unit: 'ms', measured: walls('empty') },
    { what: '5. agent with nothing to ask, against an empty script', unit: 'x', budget: 2, measured: walls('agent') / walls('empty') },
  ];
}
