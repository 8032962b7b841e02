/** The agent as a step of a document runs it: the built script, in a process of its own. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packEnvelope } from '../../agent/contract/envelope.ts';
import { type Frame, unpackFrame } from '../../agent/contract/frame.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { decodeMessage, type Message } from '../../agent/contract/message.ts';
import { packPolicy, type Policy } from '../../agent/contract/policy.ts';
import { agentScript } from '../../src/bundle.ts';
import type { Scope } from './loopback.ts';
import { folderWith } from './temporary-folder.ts';

export const node = 'i-0123456789abcdef0';

/** A policy that allows all of loopback. */
export const anywhere: Policy = { destinations: ['127.0.0.0/8', '::1/128'], ports: ['1-65535/tcp', '1-65535/udp'], endsAfterMs: 600_000 };

/** A step that has ended. */
export interface Step {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What its lines are; undefined for one that is none of ours. */
  readonly messages: readonly (Message | undefined)[];
}

/** How a step is started, where it is not as usual. */
export interface Start {
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that it is started through. */
  readonly prefix?: readonly string[];
  /** Called with the process's id once it runs. */
  readonly born?: (id: number) => void;
}

/** Builds the agent's script into a folder, and returns its place. */
export async function installAgent(folder: string): Promise<string> {
  const script = join(folder, 'agent.cjs');
  writeFileSync(script, await agentScript('ssm'));
  return script;
}

/** Runs one step to its end. */
export async function runStep(
  t: Scope,
  script: string,
  words: readonly string[],
  { stdin = '', environment = {}, prefix = [], born }: Start = {},
): Promise<Step> {
  const [command, ...before] = [...prefix, process.execPath, '--max-semi-space-size=8', script];
  const child = spawn(command, [...before, ...words], {
    env: { PATH: process.env['PATH'], AWS_SSM_INSTANCE_ID: node, ...environment },
    stdio: 'pipe',
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('latin1').on('data', (text: string) => (stderr += text));
  // A step that refuses its words does not wait for its input.
  child.stdin.on('error', () => undefined).end(stdin);
  if (child.pid !== undefined) born?.(child.pid);
  const code = await ended;
  const lines = stdout === '' ? [] : stdout.replace(/\n$/, '').split('\n');
  return { code, stdout, stderr, messages: lines.map((line) => decodeMessage(line)) };
}

/** The words and the input of the step that runs a job as `client`. */
export function runWords(job: Job, spool: string, policy: Policy = anywhere): { readonly words: readonly string[]; readonly stdin: string } {
  return {
    words: ['run', packPolicy(policy), spool],
    stdin: packEnvelope({ contract: contractVersion, nodes: { [node]: 'client' }, job: { ...job, reply: 'frame' } }),
  };
}

/** Runs a job in one step; what it says must fit that. */
export async function runInStep(
  t: Scope,
  script: string,
  job: Job,
  policy?: Policy,
  start: Start = {},
): Promise<{ readonly step: Step; readonly frame: Frame }> {
  const { words, stdin } = runWords(job, join(folderWith(t, {}), 'spool'), policy);
  const step = await runStep(t, script, words, { stdin, ...start });
  const [text] = step.messages.flatMap((message) => (message?.kind === 'frame' ? [message.text] : []));
  const frame = text === undefined ? undefined : unpackFrame(job, 'client', text);
  if (frame === undefined) throw new Error(`no frame in one step: exit code ${step.code}, ${step.stderr}${step.stdout.slice(0, 500)}`);
  return { step, frame };
}
