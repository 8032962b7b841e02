/** One batch, sent: a command for all its nodes, or several where Systems Manager refuses some of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { refusalOf, type SendCommandCommandInput, type SSM } from '../../aws.ts';
import type { SystemsManager } from '../../inventory.ts';
import type { Errand, Ticket } from '../connector.ts';
import { type Batch, commentOf, type Recipient } from './batch.ts';

/** A document version, and the hash of its content: what runs is what was looked at. */
export interface Pin {
  readonly document: string;
  readonly version: string;
  readonly hash?: string;
  /** False for the document that carries the agent in itself: there is nothing to fetch. */
  readonly fetches: boolean;
}

/** How a command is to be sent. */
export interface Sending {
  readonly run: string;
  readonly pin: Pin;
  /** When its commands must have ended, in milliseconds since 1970. */
  readonly endsBy: number;
  /** Where the nodes read the package that they lack; absent: by their own role. */
  readonly packageUrl?: string;
  readonly output?: SystemsManager['output'];
  /** Waits until one more call may be made. */
  readonly spend: () => Promise<void>;
  /** Waits before a call that was throttled is made again. */
  readonly throttledMs: readonly number[];
  readonly stop: AbortSignal;
}

/**
 * Sends the batch and resolves to a ticket for each of its nodes. One unknown id makes Systems Manager refuse a whole command (InvalidInstanceId), so the
 * batch is then halved until the refused ones stand alone. Nothing is sent twice: a refused command was sent to nobody, and where the answer is lost (a server
 * error, a broken connection) the command is looked for instead. `ssm` makes each call once.
 */
export async function sendBatch(ssm: SSM, batch: Batch, sending: Sending): Promise<readonly Ticket[]> {
  const { recipients } = batch;
  if (recipients.length === 0) return [];
  const input = commandInput(batch, sending);
  try {
    await sending.spend();
  } catch (error) {
    // Only a stop ends the wait. What was sent before keeps its tickets, so that it can be cancelled.
    if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    return recipients.map((recipient) => refusal(recipient, 'it was stopped'));
  }
  let command: string | undefined;
  try {
    command = await sendOnce(ssm, input, sending);
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return recipients.map((recipient) => refusal(recipient, 'it was stopped'));
    const { name, message } = refusalOf(error);
    if (name !== 'InvalidInstanceId' || recipients.length === 1) return recipients.map((recipient) => refusal(recipient, `${name}: ${message}`));
    const middle = Math.ceil(recipients.length / 2);
    const halves = [recipients.slice(0, middle), recipients.slice(middle)];
    const sent: Ticket[] = [];
    for (const half of halves) sent.push(...(await sendBatch(ssm, { ...batch, recipients: half }, sending)));
    return sent;
  }
  if (command === undefined) return recipients.map((recipient) => refusal(recipient, 'Systems Manager gave the command no id'));
  return recipients.map((recipient) => ticketOf(recipient, command, { fetches: batch.lacks !== undefined, endsBy: sending.endsBy }));
}

/** Sends one command and resolves to its id. Throttling is waited out; an answer that was lost is looked for. Rejects with what Systems Manager said. */
async function sendOnce(ssm: SSM, input: SendCommandCommandInput, { throttledMs, stop }: Sending): Promise<string | undefined> {
  for (const waitMs of [...throttledMs, undefined]) {
    try {
      return (await ssm.sendCommand(input)).Command?.CommandId;
    } catch (error) {
      const { name, status = 500 } = refusalOf(error);
      const isThrottled = /Throttl|TooManyRequests|RequestLimitExceeded/.test(name);
      if (isThrottled && waitMs !== undefined) await sleep(waitMs, undefined, { signal: stop });
      else if (isThrottled || status < 500 || /Credentials/.test(name)) throw error;
      else return await findSent(ssm, input, error, throttledMs, stop);
    }
  }
  return undefined;
}

/** The command of a call whose answer was lost: the one with this comment for these nodes. Rejects with the loss where there is none after a while. */
async function findSent(
  ssm: SSM,
  { Comment, InstanceIds = [] }: SendCommandCommandInput,
  loss: unknown,
  waits: readonly number[],
  stop: AbortSignal,
): Promise<string> {
  const nodes = InstanceIds.toSorted().join();
  for (const waitMs of waits.slice(0, 4)) {
    await sleep(waitMs, undefined, { signal: stop });
    const since = new Date(Date.now() - 600_000).toISOString().replace(/\.\d+/, '');
    const { Commands = [] } = await ssm.listCommands({ Filters: [{ key: 'InvokedAfter', value: since }], MaxResults: 50 });
    const found = Commands.find((command) => command.Comment === Comment && (command.InstanceIds ?? []).toSorted().join() === nodes);
    if (found?.CommandId !== undefined) return found.CommandId;
  }
  throw loss;
}

/** The ticket of one node of a command. */
export function ticketOf(
  { source, place, instance, platform }: Recipient,
  command: string,
  { fetches, endsBy }: Pick<Errand, 'fetches' | 'endsBy'>,
): Ticket {
  return { source, id: `${command}/${instance}`, errand: { place, command, instance, platform, fetches, endsBy } };
}

/** A ticket for what was not sent. */
export function refusal({ source }: Pick<Recipient, 'source'>, refused: string): Ticket {
  return { source, id: '', refused };
}

/** The request. One failing node must not keep the command from the others (MaxErrors). */
export function commandInput(
  batch: Batch,
  { run, pin, packageUrl, output }: Omit<Sending, 'spend' | 'endsBy' | 'throttledMs' | 'stop'>,
): SendCommandCommandInput {
  const input: SendCommandCommandInput = {
    DocumentName: pin.document,
    DocumentVersion: pin.version,
    ...(pin.hash !== undefined && { DocumentHash: pin.hash, DocumentHashType: 'Sha256' }),
    InstanceIds: batch.recipients.map(({ instance }) => instance),
    TimeoutSeconds: Math.max(30, batch.deliverySeconds),
    Comment: commentOf(run, batch),
    Parameters: {
      Job: [batch.job],
      ...(pin.fetches && { Fetch: [batch.lacks === undefined ? 'cached' : packageUrl === undefined ? `download-${batch.lacks}` : 'url'] }),
      ...(packageUrl !== undefined && { PackageUrl: [packageUrl] }),
      ExecutionTimeout: [String(batch.executionSeconds)],
    },
    MaxConcurrency: String(Math.min(batch.atOnce, batch.recipients.length)),
    MaxErrors: '100%',
    ...(output !== undefined && { OutputS3BucketName: output.bucket, ...(output.prefix !== undefined && { OutputS3KeyPrefix: output.prefix }) }),
  };
  refuseBeyondLimits(input);
  return input;
}

/** The limits of SendCommand, which the SDK does not check (API reference, SendCommand). A breach is a bug of ours: users are told before. */
function refuseBeyondLimits({
  InstanceIds = [],
  Comment = '',
  TimeoutSeconds = 0,
  MaxConcurrency = '',
  OutputS3KeyPrefix = '',
}: SendCommandCommandInput): void {
  const breach = [
    InstanceIds.length > 50 && `${InstanceIds.length} instance ids`,
    new Set(InstanceIds).size !== InstanceIds.length && 'an instance id twice',
    Comment.length > 100 && `a comment of ${Comment.length} characters`,
    (TimeoutSeconds < 30 || TimeoutSeconds > 2_592_000) && `a delivery timeout of ${TimeoutSeconds} s`,
    MaxConcurrency.length > 7 && `a concurrency of ${MaxConcurrency}`,
    OutputS3KeyPrefix.length > 500 && 'a key prefix of more than 500 characters',
  ].find((words) => words !== false);
  if (breach !== undefined) throw new Error(`ssm: SendCommand does not take ${breach}`);
}
