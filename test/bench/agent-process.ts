import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Job } from '../../agent/contract/job.ts';
import { decodeMessage, type Settled } from '../../agent/contract/message.ts';
import { agentScript, nodeArguments, scriptFor } from '../../src/bundle.ts';

/** What an agent took and said. */
export interface AgentRun {
  readonly wallMs: number;
  /** The most memory it ever held, in bytes. */
  readonly peakBytes: number;
  readonly results: readonly Settled[];
}

/** Said at the end on stderr, in KiB. */
const confession = 'process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS));\n';

/** Runs the agent for one source behind a command prefix, exactly as the connector does. */
export async function runAgent(job: Job, source: string, prefix: readonly string[]): Promise<AgentRun> {
  const script = confession + scriptFor(await agentScript(), job, source);
  const { wallMs, stdout, stderr } = await pipeIntoNode(script, prefix, nodeArguments);
  const messages = stdout.split('\n').flatMap((line) => decodeMessage(line) ?? []);
  const last = messages.at(-1);
  if (last?.kind !== 'bye' || last.reason !== 'finished') throw new Error(`the agent did not finish: ${stderr}`);
  return {
    wallMs,
    peakBytes: Number(/peak (\d+)/.exec(stderr)?.[1]) * 1_024,
    results: messages.flatMap((message) => (message.kind === 'result' ? [message] : [])),
  };
}

/** Runs a script with this Node behind a command prefix. */
export async function pipeIntoNode(
  script: string,
  prefix: readonly string[] = [],
  words: readonly string[] = ['-'],
): Promise<{ readonly wallMs: number; readonly stdout: string; readonly stderr: string }> {
  const [command = process.execPath, ...more] = [...prefix, process.execPath, ...words];
  const startedAt = performance.now();
  const child = spawn(command, more, { stdio: 'pipe' });
  child.stdin.end(script);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { wallMs: performance.now() - startedAt, stdout, stderr };
}
