/** Hosts to commands: which nodes are told together, how many of them at once, and how long they may take. Pure. */
import { createHash } from 'node:crypto';
import { type Envelope, packEnvelope } from '../../../agent/contract/envelope.ts';
import type { Job } from '../../../agent/contract/job.ts';
import { type AwsPlace, nameOf } from '../../aws.ts';
import { longestJob } from '../../agent-document.ts';
import type { Platform } from '../../document-literal.ts';
import { UsageError } from '../../usage-error.ts';

/** A host that can be sent a job. */
export interface Recipient {
  readonly source: string;
  readonly place: AwsPlace;
  readonly instance: string;
  readonly platform: 'linux' | 'windows';
  /** The package that the node lacks, which the command is to fetch; absent: nothing is fetched. */
  readonly lacks?: Platform;
}

/** One SendCommand: at most 50 nodes of one account, Region and platform (and of one package that they lack), each of them once. */
export interface Batch {
  readonly place: AwsPlace;
  readonly platform: 'linux' | 'windows';
  readonly lacks?: Platform;
  readonly recipients: readonly Recipient[];
  /** The job of these recipients, as the document's parameter carries it. */
  readonly job: string;
  /** How many of the nodes work at the same time. */
  readonly atOnce: number;
  /** How long a node may run the document, and how long Systems Manager tries to hand it over. */
  readonly executionSeconds: number;
  readonly deliverySeconds: number;
}

/** Most nodes that a command names. */
const mostNodes = 50;
/** What a step needs beside its agent: to verify the hashes, to start, and to be ended before Systems Manager ends it. */
const overheadSeconds = 60;
/** Beyond this, Systems Manager silently takes an hour. */
const longestExecutionSeconds = 172_800;
const longestDeliverySeconds = 2_592_000;

/**
 * Makes the batches for all recipients; `atOnce` is how many nodes may work at the same time in all of them together. Throws a `UsageError` where a job does
 * not fit a command: nothing must have been sent by then.
 */
export function batchesOf(job: Job, recipients: readonly Recipient[], atOnce: number, deliverySeconds: number): readonly Batch[] {
  const executionSeconds = Math.ceil(job.endsAfterMs / 1_000) + overheadSeconds;
  if (executionSeconds > longestExecutionSeconds) {
    throw new UsageError(
      `the run may take ${Math.ceil(executionSeconds / 3_600)} hours on one node, expected at most ${longestExecutionSeconds / 3_600}: choose fewer rules or destinations, or another pace`,
    );
  }
  const chunks = kindsOf(recipients).flatMap(commandsFor);
  if (chunks.length > atOnce) {
    throw new UsageError(
      `${recipients.length} managed nodes need ${chunks.length} commands, and only ${atOnce} nodes may work at the same time: choose fewer sources, or a higher --per-destination`,
    );
  }
  const share = Math.floor(atOnce / Math.max(1, chunks.length));
  return chunks.map((chunk): Batch => {
    const [first] = chunk;
    if (first === undefined) throw new Error('ssm: a batch of nobody');
    const together = Math.min(share, chunk.length);
    const turns = Math.ceil(chunk.length / together);
    return {
      place: first.place,
      platform: first.platform,
      ...(first.lacks !== undefined && { lacks: first.lacks }),
      recipients: chunk,
      job: jobText(job, chunk),
      atOnce: together,
      executionSeconds,
      deliverySeconds: Math.min(longestDeliverySeconds, deliverySeconds + (turns - 1) * executionSeconds),
    };
  });
}

/** Those of the recipients, the first among them, that can be told together: where they need more commands than nodes may work at once, not all can. */
export function nextRound(recipients: readonly Recipient[], atOnce: number): readonly Recipient[] {
  const told: Recipient[] = [];
  let commands = 0;
  for (const kind of kindsOf(recipients)) {
    commands += commandsFor(kind).length;
    if (told.length > 0 && commands > atOnce) break;
    told.push(...kind);
  }
  return told;
}

/** What tells each of these nodes its part of the job. */
export function envelopeFor(job: Job, recipients: readonly Pick<Recipient, 'source' | 'instance'>[]): Envelope {
  const sources = new Set(recipients.map(({ source }) => source));
  return {
    contract: job.contract,
    nodes: Object.fromEntries(recipients.map(({ instance, source }) => [instance, source])),
    job: {
      ...job,
      reply: 'frame',
      pairs: job.pairs.filter(([source]) => sources.has(job.hosts[source]?.name ?? '')),
      pace: Object.fromEntries(Object.entries(job.pace).filter(([source]) => sources.has(source))),
    },
  };
}

/** The same as text; a `UsageError` where it is longer than a command carries. */
export function jobText(job: Job, recipients: readonly Recipient[]): string {
  const text = packEnvelope(envelopeFor(job, recipients));
  if (text.length <= longestJob) return text;
  throw new UsageError(
    `the job has ${text.length} characters, and a command carries ${longestJob}: choose fewer destinations or rules (--destination, --rule), or fewer sources`,
  );
}

/** Marks a command as one of this run, for CloudTrail, and for a controller that looks for what an earlier one sent. At most 100 characters. */
export function commentOf(run: string, { job, platform, lacks }: Pick<Batch, 'job' | 'platform' | 'lacks'>): string {
  const digest = createHash('sha256').update(job).digest('hex').slice(0, 12);
  return `portmatrix run=${run} job=${digest} ${platform}${lacks === undefined ? '' : ' fetch'}`;
}

/** What a comment says of its command, or undefined where it is not one of ours. */
export function readComment(
  comment: string,
): { readonly run: string; readonly platform: 'linux' | 'windows'; readonly fetches: boolean } | undefined {
  const [, run, platform, fetch] = /^portmatrix run=(\S+) job=[0-9a-f]{12} (linux|windows)( fetch)?$/.exec(comment) ?? [];
  return run === undefined ? undefined : { run, platform: platform === 'windows' ? 'windows' : 'linux', fetches: fetch !== undefined };
}

/** Those that one command could tell, were there no limit to it. */
function kindsOf(recipients: readonly Recipient[]): readonly (readonly Recipient[])[] {
  return [...Map.groupBy(recipients, ({ place, platform, lacks }) => `${nameOf(place)} ${platform} ${lacks}`).values()];
}

function commandsFor(kind: readonly Recipient[]): readonly (readonly Recipient[])[] {
  return rounds(kind).flatMap((round) => chunksOf(round));
}

/** A node that is two hosts (two addresses) is told twice, by different commands. */
function rounds(recipients: readonly Recipient[]): readonly (readonly Recipient[])[] {
  const all: Recipient[][] = [];
  const times = new Map<string, number>();
  for (const recipient of recipients) {
    const round = times.get(recipient.instance) ?? 0;
    times.set(recipient.instance, round + 1);
    (all[round] ??= []).push(recipient);
  }
  return all;
}

function chunksOf(recipients: readonly Recipient[]): readonly (readonly Recipient[])[] {
  const chunks: (readonly Recipient[])[] = [];
  for (let first = 0; first < recipients.length; first += mostNodes) chunks.push(recipients.slice(first, first + mostNodes));
  return chunks;
}
