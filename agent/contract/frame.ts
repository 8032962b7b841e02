/**
 * All results of a source in one short text, for channels that carry little (Systems Manager returns 24,000 characters).
 *
 * 1. Rows stand in the order of the questions, not of the destinations: two hundred DCs that are asked the same answer much the same.
 * 2. A row is a skeleton (which fields there are) and a value for each field. A value that is the same as in the row before of that skeleton takes no room, and
 *    any other refers to a word; each word is written once, without what the job already tells (`frame-words.ts`).
 * 3. Times and clocks are columns of numbers, in as few bytes as each needs; the times of observation as what has passed since the check before.
 *
 * Brotli does the rest. The text ends with a hash over it, its run and its source, so that a cut frame is noticed, and one of another run or source.
 */
import { createHash } from 'node:crypto';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { expand } from './expand.ts';
import { questionOrder, writeColumn } from './frame-columns.ts';
import { frameOf } from './frame-reader.ts';
import { columnsOf, namesPort, numberColumns, rowOf, type Skeleton } from './frame-row.ts';
import { glossaries, shorten, Words } from './frame-words.ts';
import type { Job } from './job.ts';
import type { Settled } from './message.ts';
import { Octets, writeNumbers, writeRuns } from './octets.ts';

/** What a frame holds. `facts: 'partial'`: the agent left out evidence that did not fit. */
export interface Frame {
  readonly results: readonly Settled[];
  readonly facts?: 'partial';
}

/** Rows of one skeleton, as their values stand in a frame. */
interface Group {
  readonly skeleton: Skeleton;
  readonly id: number;
  /** The values of each row that are words. */
  readonly rows: (readonly string[])[];
}

const hashLength = 16;
const largestFrame = 16 * 1024 * 1024;

/** Packs a source's results, each of another check. */
export function packFrame(job: Job, source: string, { results, facts }: Frame): string {
  const checks = [...expand(job, source)];
  const settled = new Map(results.map((result) => [result.index, result]));
  const order = questionOrder(checks);
  const present = order.filter((index) => settled.has(index));
  if (present.length !== results.length) throw new Error('frame: a result without a check, or two for one');

  const glossaryOf = glossaries(job);
  const groups = new Map<string, Group>();
  const numbers = new Map(numberColumns.map((column) => [column, new Map<number, number>()]));
  const kinds: number[] = [];
  for (const index of present) {
    const [result, check] = [settled.get(index), checks[index]];
    if (result === undefined || check === undefined) continue;
    const { skeleton, texts, numbers: own } = rowOf(result);
    const key = JSON.stringify(skeleton);
    const group = groups.get(key) ?? { skeleton, id: groups.size, rows: [] };
    groups.set(key, group);
    kinds.push(group.id);
    const glossary = glossaryOf(check);
    const learned = namesPort(skeleton) ? texts[0] : undefined;
    group.rows.push(texts.map((text, place) => shorten(text, glossary, place === 0 ? undefined : learned)));
    columnsOf(skeleton).forEach((column, place) => numbers.get(column)?.set(index, own[place] ?? 0));
  }
  const words = new Words();
  const references = [...groups.values()].flatMap(({ rows: [first = [], ...rest] }) =>
    first.flatMap((value, place) => words.refer([value, ...rest.map((texts) => texts[place] ?? '')])),
  );
  const sections = [
    writeNumbers([facts === 'partial' ? 1 : 0]),
    writeRuns(order.map((index) => Number(settled.has(index)))),
    Buffer.from(`[${[...groups.keys()].join(',')}]`),
    writeRuns(kinds),
    writeRuns(references),
    ...words.sections(),
    ...Array.from(numbers, ([column, values]) => writeColumn(column, values)),
  ];
  const bytes = Buffer.concat(sections.flatMap((section) => [writeNumbers([section.length]), section]));
  const text = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).toString('base64');
  return `${text}.${digest(job, source, text)}`;
}

/** What is in a frame, results in the order of the checks; or undefined when the text is cut, changed, or not a frame of this run, job and source. */
export function unpackFrame(job: Job, source: string, frame: string): Frame | undefined {
  const [text = ''] = frame.split('.', 1);
  if (frame !== `${text}.${digest(job, source, text)}`) return undefined;
  try {
    const bytes = new Octets(brotliDecompressSync(Buffer.from(text, 'base64'), { maxOutputLength: largestFrame }));
    return frameOf(job, source, () => bytes.take(bytes.number()));
  } catch {
    // The hash is right, so these bytes are what was sent: an agent that sends this is not one of ours.
    return undefined;
  }
}

function digest({ run }: Job, source: string, text: string): string {
  return createHash('sha256')
    .update(JSON.stringify([run, source, text]))
    .digest('hex')
    .slice(0, hashLength);
}
