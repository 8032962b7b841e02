/** What Systems Manager says of one node's errand, read: whether it is over, and what it means for the checks of that node. Pure. */
import { decodeMessage, type Message } from '../../../agent/contract/message.ts';
import type { Errand } from '../connector.ts';
import type { Platform } from '../../document-literal.ts';
import { missingPackage, readStepEnding, remedyFor } from '../../step-ending.ts';

/** What Systems Manager calls the action of a step in the keys of S3. */
export const actions = { linux: 'awsrunShellScript', windows: 'awsrunPowerShellScript' } as const satisfies Readonly<
  Record<Errand['platform'], string>
>;

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

/** Exit codes of a step whose agent was started. */
const agentEndings: ReadonlySet<number> = new Set([19, 20, 21]);

/** What a finished run step means: the messages of its agent, or why there are none. `isWhole` is false where the agent's last word is missing. */
export type Reading =
  | { readonly kind: 'said'; readonly messages: readonly Message[]; readonly isWhole: boolean }
  | { readonly kind: 'missing'; readonly lacks: Platform }
  | { readonly kind: 'failed'; readonly why: string; readonly code?: 'output-lost' };

/** Reads a run step. `missing`: the agent is not on the node, and this errand was not to fetch it. */
export function readRun({ exitCode, stdout, stderr }: StepEnd, { instance, fetches }: Errand, { details }: Invocation): Reading {
  // A document that carries the agent names no package: what is missing there is nothing that could be fetched.
  const lacks = exitCode === 10 && !fetches ? missingPackage(stderr) : undefined;
  if (lacks !== undefined) return { kind: 'missing', lacks };
  const messages = messagesIn(stdout);
  if (exitCode === 0) return { kind: 'said', messages, isWhole: messages.some(({ kind }) => kind === 'bye') };
  const known = readStepEnding(exitCode, stderr);
  const complaint = complaintIn(stderr);
  const how =
    known?.sentence ?? (/timed ?out/i.test(details) ? `Systems Manager says "${details}"` : `its step ended with ${exitCode} ("${details}")`);
  const remedy = known === undefined ? undefined : remedyFor(known.code);
  const why = `${instance}: ${how}${complaint === undefined ? '' : ` (${complaint})`}${remedy === undefined ? '' : `; ${remedy}`}`;
  return { kind: 'failed', why, ...(known !== undefined && agentEndings.has(known.code) && { code: 'output-lost' }) };
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

/** What the step's script said went wrong, or the last line that it printed on stderr. */
function complaintIn(stderr: string): string | undefined {
  const lines = stderr.split(/\r?\n/).map((line) => line.trim());
  const line = lines.findLast((candidate) => candidate.startsWith('portmatrix: ')) ?? lines.findLast((candidate) => candidate !== '');
  return line?.replace(/^portmatrix: [a-z-]+: /, '').slice(0, 300);
}
