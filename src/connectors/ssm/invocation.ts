/** What Systems Manager says of one node's errand, read: whether it is over, and what it means for the checks of that node. Pure. */
import { decodeMessage, type Message } from '../../../agent/contract/message.ts';
import { stepExit } from '../../../agent/contract/step-exit.ts';
import type { Errand } from '../connector.ts';
import { type Package, packages } from './batch.ts';

/** The names of a document's steps, by package and by platform. */
export const downloadSteps = {
  'linux-x64': 'DownloadLinux',
  'linux-arm64': 'DownloadLinuxArm',
  'windows-x64': 'DownloadWindows',
} as const satisfies Readonly<Record<Package, string>>;
export const steps = {
  linux: { run: 'RunLinux', part: (number: number) => `LinuxPart${number}`, action: 'awsrunShellScript' },
  windows: { run: 'RunWindows', part: (number: number) => `WindowsPart${number}`, action: 'awsrunPowerShellScript' },
} as const;

/** An invocation of a command, as `ListCommandInvocations` tells it. */
export interface Invocation {
  readonly status: string;
  /** In Systems Manager's words. */
  readonly details: string;
}

/** A step's end. `exitCode` is -1 for a step that did not start. */
export interface StepEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The statuses after which nothing changes any more (Systems Manager API, CommandInvocation). */
const finalStatuses: ReadonlySet<string> = new Set(['Success', 'Cancelled', 'TimedOut', 'Failed']);

/** Whether nothing more will become of it. */
export function isOver({ status }: Invocation): boolean {
  return finalStatuses.has(status);
}

/** Why the node ran nothing, in words; undefined where it ran, well or badly. */
export function undelivered({ status, details }: Invocation, { instance }: Errand): string | undefined {
  const word = details.replaceAll(' ', '');
  // These end as failures or timeouts of the command too, and no step ran.
  const neverRan = [
    'DeliveryTimedOut',
    'Undeliverable',
    'InvalidPlatform',
    'AccessDenied',
    'Terminated',
    'RateExceeded',
    'NoInstancesInTag',
    'Incomplete',
  ];
  if (!neverRan.includes(word) && status !== 'Cancelled') return undefined;
  return `${instance}: Systems Manager says "${details}"`;
}

/** What a finished run step means: the messages of its agent, or why there are none. `isWhole` is false where the agent's last word is missing. */
export type Reading =
  | { readonly kind: 'said'; readonly messages: readonly Message[]; readonly isWhole: boolean }
  | { readonly kind: 'missing'; readonly lacks: Package }
  | { readonly kind: 'failed'; readonly why: string };

/** Reads a run step. `missing`: the agent is not on the node, and this errand was not to fetch it. */
export function readRun({ exitCode, stdout, stderr }: StepEnd, { instance, platform, fetches }: Errand, { details }: Invocation): Reading {
  if (exitCode === 10 && !fetches) return { kind: 'missing', lacks: packageIn(stderr, platform) };
  const messages = messagesIn(stdout);
  if (exitCode === 0) return { kind: 'said', messages, isWhole: messages.some(({ kind }) => kind === 'bye') };
  const known = stepExit(exitCode);
  const complaint = complaintIn(stderr);
  const how =
    known?.sentence ?? (/timed ?out/i.test(details) ? `Systems Manager says "${details}"` : `its step ended with ${exitCode} ("${details}")`);
  return { kind: 'failed', why: `${instance}: ${how}${complaint === undefined ? '' : ` (${complaint})`}` };
}

/** The agent's messages in what a step printed; other lines are not ours. */
export function messagesIn(stdout: string): readonly Message[] {
  return stdout.split(/\r?\n/).flatMap((line) => decodeMessage(line) ?? []);
}

/** How many parts the agent said that its results have; 1 where they are in one. */
export function partsIn(messages: readonly Message[]): number {
  const part = messages.find((message) => message.kind === 'part');
  return part?.kind === 'part' ? part.of : 1;
}

/** The package that a script says is missing: Systems Manager knows no architectures. */
function packageIn(stderr: string, platform: Errand['platform']): Package {
  const said = packages.filter((name) => name.startsWith(platform)).find((name) => stderr.includes(name));
  return said ?? (platform === 'linux' ? 'linux-x64' : 'windows-x64');
}

/** What the step's script said went wrong, or the last line that it printed on stderr. */
function complaintIn(stderr: string): string | undefined {
  const lines = stderr.split(/\r?\n/).map((line) => line.trim());
  const line = lines.findLast((candidate) => candidate.startsWith('portmatrix: ')) ?? lines.findLast((candidate) => candidate !== '');
  return line?.replace(/^portmatrix: [a-z-]+: /, '').slice(0, 300);
}
