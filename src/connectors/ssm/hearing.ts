/** What a node said, once it is done: its run step, the steps that print further parts, and the same in S3 where the output did not come back whole. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../../../agent/contract/message.ts';
import { downloadSteps, partStep, runStep } from '../../agent-document.ts';
import { type Aws, refusalOf, type SSM } from '../../aws.ts';
import type { Platform } from '../../document-literal.ts';
import type { SystemsManager } from '../../inventory.ts';
import { remedyFor } from '../../step-ending.ts';
import type { Errand } from '../connector.ts';
import type { Spend } from './bucket.ts';
import { actions, type Invocation, messagesIn, partsIn, readRun, type StepEnd, undelivered } from './invocation.ts';

/** The way to what the steps of a node printed. */
export interface Line {
  readonly aws: Aws;
  readonly systemsManager: SystemsManager;
  /** The client for the node's place. */
  readonly ssm: SSM;
  readonly spend: Spend;
  /** Waits before an output that should be there is asked for again. */
  readonly rereadMs: readonly number[];
}

/** What was heard: the agent's messages; that the node lacks the agent; or why there is nothing to hear. */
export type Heard =
  | { readonly kind: 'said'; readonly messages: readonly Message[] }
  | { readonly kind: 'missing'; readonly lacks: Platform }
  | { readonly kind: 'lost'; readonly why: string; readonly code?: 'output-lost' };

/** All that an agent said, once its node is done. */
export async function hear(line: Line, errand: Errand, invocation: Invocation): Promise<Heard> {
  const never = undelivered(invocation, errand);
  if (never !== undefined) return { kind: 'lost', why: never };
  const run = runStep(errand.platform);
  for (const waitMs of [0, ...line.rereadMs]) {
    if (waitMs > 0) await sleep(waitMs);
    const end = await stepEnd(line, errand, run);
    // The list may know of the success before the step's own record does.
    if (end === undefined || (end.exitCode === -1 && invocation.status === 'Success')) continue;
    const reading = readRun(end, errand, invocation);
    if (reading.kind === 'missing') return reading;
    if (reading.kind === 'failed') {
      const download = errand.fetches && (end.exitCode === 13 || end.exitCode === -1) ? await failedDownload(line, errand) : undefined;
      const why = download === undefined ? reading.why : `${errand.instance}: the package could not be fetched (${download}); ${remedyFor(13)}`;
      return { kind: 'lost', why, ...(reading.code !== undefined && { code: reading.code }) };
    }
    if (reading.isWhole) return withParts(line, errand, reading.messages);
  }
  const stored = messagesIn((await storedOutput(line, errand, run)) ?? '');
  return stored.some(({ kind }) => kind === 'bye') ? withParts(line, errand, stored) : notWhole(line, errand);
}

/** What the run step said, and what the steps for further parts said. */
async function withParts(line: Line, errand: Errand, first: readonly Message[]): Promise<Heard> {
  const messages = [...first];
  for (let number = 2; number <= partsIn(first); number += 1) {
    const further = messagesIn(await partEnd(line, errand, partStep(errand.platform, number)));
    if (further.length === 0) return notWhole(line, errand);
    messages.splice(messages.length - 1, 0, ...further);
  }
  return { kind: 'said', messages };
}

function notWhole({ systemsManager: { output } }: Line, { instance }: Errand): Heard {
  const remedy =
    output === undefined
      ? 'with systemsManager.output in the inventory the whole output is kept in S3 too'
      : `it is not in s3://${output.bucket} either: look whether the node may write there, and whether you may read it`;
  return {
    kind: 'lost',
    why: `${instance}: the command succeeded, and what its agent said did not come back whole; ${remedy}`,
    code: 'output-lost',
  };
}

/** What the step that was to fetch the package said, where it failed. */
async function failedDownload(line: Line, errand: Errand): Promise<string | undefined> {
  for (const step of Object.values(downloadSteps)) {
    const end = await stepEnd(line, errand, step);
    if (end !== undefined && end.exitCode > 0) return lastLine(end);
  }
  return undefined;
}

/** A further part of the results; empty where it does not come. */
async function partEnd(line: Line, errand: Errand, step: string): Promise<string> {
  for (const waitMs of [0, ...line.rereadMs]) {
    if (waitMs > 0) await sleep(waitMs);
    const end = await stepEnd(line, errand, step);
    if (end !== undefined && messagesIn(end.stdout).length > 0) return end.stdout;
  }
  return (await storedOutput(line, errand, step)) ?? '';
}

/** The same output in S3, where the node was told to write it. It may be missing though the command succeeded. */
async function storedOutput(
  { aws, systemsManager: { output } }: Line,
  { place, command, instance, platform }: Errand,
  step: string,
): Promise<string | undefined> {
  if (output === undefined) return undefined;
  const key = [output.prefix, command, instance, actions[platform], step, 'stdout'].filter((piece) => piece !== undefined).join('/');
  try {
    const { Body: body } = await (await aws.s3(place)).getObject({ Bucket: output.bucket, Key: key });
    return await body?.transformToString();
  } catch (error) {
    refusalOf(error);
    return undefined;
  }
}

/** How a step ended; undefined while Systems Manager does not know of it, and where the document has no such step. */
async function stepEnd({ ssm, spend }: Line, { command, instance }: Errand, step: string): Promise<StepEnd | undefined> {
  await spend();
  try {
    const said = await ssm.getCommandInvocation({ CommandId: command, InstanceId: instance, PluginName: step });
    return { exitCode: said.ResponseCode ?? -1, stdout: said.StandardOutputContent ?? '', stderr: said.StandardErrorContent ?? '' };
  } catch (error) {
    if (['InvocationDoesNotExist', 'InvalidPluginName'].includes(refusalOf(error).name)) return undefined;
    throw error;
  }
}

function lastLine({ stderr, stdout }: StepEnd): string {
  return (stderr.trim() === '' ? stdout : stderr).trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}
