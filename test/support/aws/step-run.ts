/** One step on one node: a real process, a test's own runner, or a download, ended at its timeout. */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { realMs } from './clock.ts';
import type { Content, Step } from './document-content.ts';
import { download } from './download.ts';
import type { ManagedNode, Script, ScriptEnd } from './managed-node.ts';
import { namesStoredParameter, substitute, type Values } from './parameters.ts';
import { killedCode, runProcess } from './process.ts';
import { inputValues, variablesOf } from './step-plan.ts';
import type { Territory } from './territory.ts';
import type { World } from './world.ts';

/** What a step is run for. */
export interface Errand {
  readonly world: World;
  readonly territory: Territory;
  readonly node: ManagedNode;
  readonly commandId: string;
  readonly content: Content;
  readonly values: Values;
  /** The folder of the command on the node. */
  readonly folder: string;
  /** Aborted by CancelCommand, when the endpoint closes, and when the node is lost. */
  readonly stop: AbortController;
}

/** Why a script was ended; `lost` says that nobody will ever hear of it. */
export type StopReason = 'timeout' | 'cancel' | 'close' | 'lost';

/** How a step ended. Its output is whole; the agent has not cut it yet. */
export interface StepEnd extends ScriptEnd {
  readonly stopped?: StopReason;
}

const defaultTimeoutSeconds = 3_600;
const longestTimeoutSeconds = 172_800;
const shortestTimeoutSeconds = 5;
/** Where the agent's unit file starts it. */
const agentFolder = '/usr/bin';
const agentPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Runs a step that is to be executed. */
export async function runStep(errand: Errand, step: Step): Promise<StepEnd> {
  const { world, territory, node, content, values } = errand;
  const substituted = substitute(step.inputs, inputValues(node, content, values));
  const inputs: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(substituted ?? {}));
  if (namesStoredParameter(inputs)) return failed('Failed to resolve SSM parameters: the parameter was not found.');
  const downloads = join(errand.folder, 'downloads');
  if (step.action === 'aws:downloadContent') return download(world, territory, node, inputs, downloads);
  const folder = join(errand.folder, step.name);
  const { script, stop, close } = startScript(errand, step, inputs, { folder, downloads });
  try {
    const runner = node.runner ?? (step.action === 'aws:runPowerShellScript' ? world.powershell : undefined);
    const end = runner === undefined ? await runHere(errand, script, inputs, stop) : await runElsewhere(runner, script, node, stop);
    return script.signal.aborted ? { ...end, code: node.platform === 'Windows' ? -1 : killedCode, stopped: reasonOf(script.signal) } : end;
  } finally {
    close();
  }
}

/** The time that a step may take: what the agent makes of timeoutSeconds (its ValidateExecutionTimeout). */
export function timeoutSecondsOf(input: unknown): number {
  const seconds = typeof input === 'number' || typeof input === 'string' ? Math.trunc(Number(input)) : Number.NaN;
  return seconds >= shortestTimeoutSeconds && seconds <= longestTimeoutSeconds ? seconds : defaultTimeoutSeconds;
}

interface Started {
  readonly script: Script;
  readonly stop: (reason: StopReason) => void;
  readonly close: () => void;
}

function startScript(
  { world, territory, node, commandId, content, values, stop: stopped }: Errand,
  step: Step,
  inputs: Readonly<Record<string, unknown>>,
  folders: Pick<Script, 'folder' | 'downloads'>,
): Started {
  if (step.action === 'aws:downloadContent') throw new Error('a download is no script');
  const ending = new AbortController();
  const stop = (reason: StopReason): void => ending.abort(reason);
  const pass = (): void => ending.abort(stopped.signal.reason);
  stopped.signal.addEventListener('abort', pass);
  if (stopped.signal.aborted) pass();
  const timers = [world.timers.after(realMs(timeoutSecondsOf(inputs['timeoutSeconds']), world.nodeClock), () => stop('timeout'))];
  const { fault } = node;
  if (fault?.kind === 'execution-timeout' && fault.afterMs !== undefined) timers.push(world.timers.after(fault.afterMs, () => stop('timeout')));
  mkdirSync(folders.folder, { recursive: true, mode: 0o700 });
  const script: Script = {
    instance: node.instance,
    step: step.name,
    action: step.action,
    text: `${linesOf(inputs['runCommand']).join('\n')}\n`,
    environment: {
      AWS_SSM_INSTANCE_ID: node.instance,
      AWS_SSM_REGION_NAME: territory.region,
      AWS_SSM_PLATFORM_NAME: node.platformName ?? node.platform,
      AWS_SSM_PLATFORM_VERSION: node.platformVersion ?? '',
      SSM_COMMAND_ID: commandId,
      ...variablesOf(node, content, values),
    },
    ...folders,
    signal: ending.signal,
  };
  const close = (): void => {
    stopped.signal.removeEventListener('abort', pass);
    for (const cancel of timers) cancel();
  };
  return { script, stop, close };
}

async function runHere(
  { node }: Errand,
  script: Script,
  inputs: Readonly<Record<string, unknown>>,
  stop: (reason: StopReason) => void,
): Promise<ScriptEnd> {
  if (script.action === 'aws:runPowerShellScript') return failed('failed to run commands: there is no PowerShell here');
  const file = join(script.folder, '_script.sh');
  writeFileSync(file, script.text, { mode: 0o700 });
  // The mode of writeFileSync is subject to the umask, and to a file that is there.
  chmodSync(file, 0o700);
  return runProcess({
    command: [...(node.prefix ?? []), 'sh', '-c', file],
    environment: { PATH: agentPath, ...node.environment, ...script.environment },
    folder: workingFolder(inputs['workingDirectory'], script.downloads),
    signal: script.signal,
    wrote: (bytes) => {
      const reason = reasonAt(node, bytes);
      if (reason !== undefined) stop(reason);
    },
  });
}

async function runElsewhere(
  runner: NonNullable<ManagedNode['runner']>,
  script: Script,
  node: ManagedNode,
  stop: (reason: StopReason) => void,
): Promise<ScriptEnd> {
  const aborted = new Promise<ScriptEnd>((resolve) => {
    const nothing = { code: killedCode, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
    script.signal.addEventListener('abort', () => resolve(nothing), { once: true });
    if (script.signal.aborted) resolve(nothing);
  });
  const end = await Promise.race([runner(script), aborted]);
  const reason = reasonAt(node, end.stdout.length);
  if (reason === undefined) return end;
  stop(reason);
  return { ...end, stdout: end.stdout.subarray(0, afterBytesOf(node)) };
}

function reasonAt(node: ManagedNode, bytes: number): StopReason | undefined {
  const after = afterBytesOf(node);
  if (after === undefined || bytes < after) return undefined;
  return node.fault?.kind === 'lost-mid-run' ? 'lost' : 'timeout';
}

function afterBytesOf({ fault }: ManagedNode): number | undefined {
  return fault?.kind === 'execution-timeout' || fault?.kind === 'lost-mid-run' ? fault.afterBytes : undefined;
}

function reasonOf(signal: AbortSignal): StopReason {
  return (['timeout', 'cancel', 'close', 'lost'] as const).find((reason) => reason === signal.reason) ?? 'close';
}

function workingFolder(input: unknown, downloads: string): string {
  const wanted = typeof input === 'string' ? input : '';
  const folder = isAbsolute(wanted) ? wanted : join(downloads, wanted);
  return existsSync(folder) ? folder : agentFolder;
}

function linesOf(input: unknown): string[] {
  if (typeof input === 'string') return [input];
  return Array.isArray(input) ? input.flatMap((member: unknown) => linesOf(member)) : [];
}

function failed(sentence: string): ScriptEnd {
  return { code: 1, stdout: Buffer.alloc(0), stderr: Buffer.from(sentence) };
}
