/** A result as a row of a frame: a skeleton, which rows of one kind share, and its values. */
import { largestNumber } from './octets.ts';
import { isOutcome, type Settled } from './message.ts';

/** The way from the row's root to a value; those that begin with `#` are numbers of a column of their own. */
type Path = readonly string[];

/** Paths in a fixed order. */
export type Skeleton = readonly Path[];

/** `texts` are JSON, `numbers` those of the paths with `#`, each in the skeleton's order. */
export interface Row {
  readonly skeleton: Skeleton;
  readonly texts: readonly string[];
  readonly numbers: readonly number[];
}

/** Columns of numbers, by the path of their values; in the order in which a frame has them. */
export const numberColumns = ['elapsedMs', 'at', 'local.port', 'service.facts.clockOffsetMs', 'service.facts.clockUncertaintyMs'] as const;
export type NumberColumn = (typeof numberColumns)[number];

/** The last keys of their paths, which rule out most values at once. */
const numberKeys: ReadonlySet<string | undefined> = new Set(numberColumns.map((column) => column.split('.').at(-1)));

const mark = '#';

/** The name of the column that a path's numbers are in; undefined for a path of texts. */
export function columnOf([first = '', ...rest]: Path): NumberColumn | undefined {
  if (!first.startsWith(mark)) return undefined;
  const name = [first.slice(1), ...rest].join('.');
  return numberColumns.find((column) => column === name);
}

/** The columns of a skeleton's numbers, in its order. */
export function columnsOf(skeleton: Skeleton): readonly NumberColumn[] {
  return skeleton.flatMap((path) => columnOf(path) ?? []);
}

/** Whether a row's first value is the port that was dialled in the end. */
export function namesPort([first]: Skeleton): boolean {
  return first?.length === 1 && first[0] === 'port';
}

/** True for what may stand as a skeleton. */
export function isSkeleton(value: unknown): value is Skeleton {
  return Array.isArray(value) && value.every((path) => Array.isArray(path) && path.length > 0 && path.every((key) => typeof key === 'string'));
}

/** Takes a result apart. The port that was dialled in the end comes first, since other values are told by it. */
export function rowOf({ outcome, attempts, elapsedMs }: Settled): Row {
  const skeleton: Path[] = [];
  const texts: string[] = [];
  const numbers: number[] = [];
  const { port, ...rest } = { port: undefined, ...outcome };
  for (const [path, value] of leavesOf({ ...(port !== undefined && { port }), ...rest, attempts, elapsedMs })) {
    const number = numberOf(path, value);
    if (number === undefined) {
      skeleton.push(path);
      texts.push(JSON.stringify(value));
    } else {
      const [first = '', ...others] = path;
      skeleton.push([mark + first, ...others]);
      numbers.push(number);
    }
  }
  return { skeleton, texts, numbers };
}

/** Puts a result together again; undefined where that is none. */
export function settledOf(index: number, { skeleton, texts, numbers }: Row): Settled | undefined {
  const root = new Map<string, unknown>();
  let text = 0;
  let number = 0;
  for (const path of skeleton) {
    const column = columnOf(path);
    if (column === undefined) {
      place(root, path, JSON.parse(texts[text] ?? ''));
      text += 1;
    } else {
      const value = numbers[number] ?? 0;
      const [first = '', ...rest] = path;
      place(root, [first.slice(1), ...rest], column === 'at' ? new Date(value).toISOString() : value);
      number += 1;
    }
  }
  const { attempts, elapsedMs, ...outcome }: Readonly<Record<string, unknown>> = { ...plain(root) };
  if (!isOutcome(outcome) || !isCount(attempts) || !isCount(elapsedMs)) return undefined;
  return { kind: 'result', index, outcome, attempts, elapsedMs };
}

/** Objects are gone into, lists are values. */
function* leavesOf(value: object, above: Path = []): Generator<readonly [Path, unknown], void> {
  for (const [key, member] of Object.entries(value)) {
    const path = [...above, key];
    if (typeof member === 'object' && member !== null && !Array.isArray(member) && Object.keys(member).length > 0) yield* leavesOf(member, path);
    else if (member !== undefined) yield [path, member];
  }
}

function numberOf(path: Path, value: unknown): number | undefined {
  if (!numberKeys.has(path.at(-1))) return undefined;
  const name = path.join('.');
  if (path.some((key) => key.includes('.')) || !numberColumns.some((column) => column === name)) return undefined;
  if (name !== 'at') return typeof value === 'number' && isWithin(value) ? value : undefined;
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return isWithin(time) && new Date(time).toISOString() === value ? time : undefined;
}

function isWithin(number: number): boolean {
  return Number.isInteger(number) && Math.abs(number) < largestNumber / 2;
}

function place(root: Map<string, unknown>, path: Path, value: unknown): void {
  let at = root;
  for (const key of path.slice(0, -1)) {
    const below = at.get(key);
    const next: Map<string, unknown> = below instanceof Map ? below : new Map<string, unknown>();
    at.set(key, next);
    at = next;
  }
  at.set(path.at(-1) ?? '', value);
}

/** Every key is the object's own, whatever its name. */
function plain(map: ReadonlyMap<string, unknown>): object {
  return Object.fromEntries(Array.from(map, ([key, value]) => [key, value instanceof Map ? plain(value) : value]));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
