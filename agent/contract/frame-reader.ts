/** The way back from a frame's bytes to its results. Whoever wrote them may have meant harm: what does not fit together is no frame. */
import type { Check } from './check.ts';
import { expand } from './expand.ts';
import type { Frame } from './frame.ts';
import { questionOrder, numbersOf } from './frame-columns.ts';
import { columnsOf, isSkeleton, namesPort, type NumberColumn, numberColumns, settledOf, type Skeleton } from './frame-row.ts';
import { glossaries, lengthen, valuesOf, wordsOf } from './frame-words.ts';
import type { Job } from './job.ts';
import type { Settled } from './message.ts';
import { Octets, numbersOfRuns } from './octets.ts';

/** A row whose values are still as they stand in the frame. */
interface Held {
  readonly index: number;
  readonly skeleton: Skeleton;
  readonly columns: readonly NumberColumn[];
  readonly texts: string[];
  readonly numbers: Map<NumberColumn, number>;
}

/** Most characters of all values of a frame, once they are told in full. */
const longestTelling = 256 * 1024 * 1024;

/** Reads the sections of a frame, which `section` gives one after the other. Undefined, or an exception, where they are none. */
export function frameOf(job: Job, source: string, section: () => Buffer): Frame | undefined {
  const checks = [...expand(job, source)];
  const flags = new Octets(section()).number();
  const held = readRows(checks, section);
  if (held === undefined) return undefined;
  readTexts(held, section);
  const rows = held.flatMap(({ rows: ofSkeleton }) => ofSkeleton).toSorted((one, other) => one.index - other.index);
  const places = new Map(questionOrder(checks).map((index, place) => [index, place]));
  const inOrder = rows.toSorted((one, other) => (places.get(one.index) ?? 0) - (places.get(other.index) ?? 0));
  for (const column of numberColumns) {
    const holders = new Map(inOrder.filter(({ columns }) => columns.includes(column)).map((row) => [row.index, row]));
    for (const [index, value] of numbersOf(column, section(), [...holders.keys()])) holders.get(index)?.numbers.set(column, value);
  }
  const results = tell(job, checks, rows);
  return results && { results, ...(flags === 1 && { facts: 'partial' }) };
}

/** The rows of each skeleton, without their values. */
function readRows(checks: readonly Check[], section: () => Buffer): readonly { readonly width: number; readonly rows: Held[] }[] | undefined {
  const order = questionOrder(checks);
  const presence = numbersOfRuns(section(), order.length);
  const present = order.filter((_, place) => presence[place] === 1);
  const skeletons: unknown = JSON.parse(section().toString());
  if (!Array.isArray(skeletons) || skeletons.length > present.length || !skeletons.every(isSkeleton)) return undefined;
  const kinds = numbersOfRuns(section(), present.length);
  const groups = skeletons.map((skeleton) => {
    const columns = columnsOf(skeleton);
    return { skeleton, columns, width: skeleton.length - columns.length, rows: new Array<Held>() };
  });
  for (const [place, index] of present.entries()) {
    const group = groups[kinds[place] ?? -1];
    if (group === undefined) return undefined;
    const { skeleton, columns, rows } = group;
    rows.push({ index, skeleton, columns, texts: [], numbers: new Map() });
  }
  return groups;
}

/** Gives the rows their words. */
function readTexts(groups: readonly { readonly width: number; readonly rows: readonly Held[] }[], section: () => Buffer): void {
  const values = groups.reduce((sum, { width, rows }) => sum + width * rows.length, 0);
  const references = numbersOfRuns(section(), values);
  const words = wordsOf(section(), section());
  const told = { count: 0 };
  let at = 0;
  for (const { width, rows } of groups) {
    for (let column = 0; column < width; column += 1) {
      const texts = valuesOf(references.slice(at, at + rows.length), words, told);
      at += rows.length;
      for (const [place, row] of rows.entries()) row.texts.push(texts[place] ?? '');
    }
  }
}

/** The results of the rows, with all that the job tells of their checks. */
function tell(job: Job, checks: readonly Check[], rows: readonly Held[]): readonly Settled[] | undefined {
  const glossaryOf = glossaries(job);
  const results: Settled[] = [];
  let characters = 0;
  for (const { index, skeleton, columns, texts, numbers } of rows) {
    const check = checks[index];
    if (check === undefined) return undefined;
    const glossary = glossaryOf(check);
    let learned: string | undefined;
    const whole = texts.map((text, place) => {
      const json = lengthen(text, glossary, learned);
      if (place === 0 && namesPort(skeleton)) learned = json;
      characters += json.length;
      if (characters > longestTelling) throw new RangeError('a frame that tells too much');
      return json;
    });
    const settled = settledOf(index, { skeleton, texts: whole, numbers: columns.map((column) => numbers.get(column) ?? 0) });
    if (settled === undefined) return undefined;
    results.push(settled);
  }
  return results;
}
