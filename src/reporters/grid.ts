/** The picture of a matrix: one mark for each rule and pair, or for each pair where there are many. */
import { getBorderCharacters, table } from 'table';
import type { Check } from '../../agent/contract/check.ts';
import type { Result } from '../report.ts';
import { type VerdictStatus, verdictStatuses } from '../verdict.ts';
import { isEndpoint } from './evidence.ts';
import type { Glyphs } from './glyphs.ts';
import { wrap } from './text.ts';

/** With more pairs than this, rules no longer have rows of their own. */
const mostPairs = 10;
/** Above this many rows, sources of which nothing is to be said share one. */
const mostRows = 40;
/** Stands for all destinations that are known by name. */
const endpoints = 'endpoints';
/** A rule of more lines than this is one line with the worst of them. */
const mostLines = 8;

interface Line {
  readonly check: Check;
  readonly lastPort: number | undefined;
  /** Verdicts by pair. */
  readonly cells: ReadonlyMap<string, VerdictStatus>;
}

/** All results of one matrix, in so far as a picture needs them. */
export class Grid {
  readonly #lines = new Map<string, { readonly check: Check; readonly cells: Map<string, VerdictStatus> }>();
  readonly #pairs = new Map<string, { readonly source: string; readonly destination: string; worst: VerdictStatus }>();

  readonly #tallies = new Map<string, { readonly rule: string; readonly transport: string; readonly counts: Record<VerdictStatus, number> }>();

  /** Takes one result in. */
  add({ check, verdict }: Result): void {
    // The rule tells which endpoint it is: a column for each would be a diagonal.
    const destination = isEndpoint(check) ? endpoints : check.destination;
    const pair = JSON.stringify([check.source, destination]);
    const seen = this.#pairs.get(pair);
    if (seen === undefined) this.#pairs.set(pair, { source: check.source, destination, worst: verdict.status });
    else seen.worst = worse(seen.worst, verdict.status);
    const ofRule = JSON.stringify([check.rule, check.transport]);
    const tally = this.#tallies.get(ofRule) ?? { rule: check.rule, transport: check.transport, counts: { ...none } };
    this.#tallies.set(ofRule, tally);
    tally.counts[verdict.status] += 1;
    // A mesh of hosts is never drawn rule by rule, so nothing is kept for that.
    if (this.#pairs.size > mostPairs) return this.#lines.clear();
    const key = JSON.stringify([check.rule, check.port, check.transport, check.interface]);
    const line = this.#lines.get(key) ?? { check, cells: new Map() };
    this.#lines.set(key, line);
    line.cells.set(pair, verdict.status);
  }

  /** The picture, line by line, at most `width` columns wide where the names allow it. */
  *draw(marks: Glyphs, width: number): Generator<string, void> {
    if (this.#pairs.size > mostPairs) yield* this.#drawHosts(marks, width);
    else yield* this.#drawRules(marks, width);
  }

  *#drawRules(marks: Glyphs, width: number): Generator<string, void> {
    const pairs = [...this.#pairs];
    const sources = short(pairs.map(([, pair]) => pair.source));
    const destinations = short(pairs.map(([, pair]) => pair.destination));
    const lines = joined([...this.#lines.values()]);
    const labels = lines.map((line) => [marks.show(line.check.rule, 30), marks.show(portsOf(line), 36)]);
    const heads = pairs.map((_, index) => [marks.show(sources[index] ?? '', 24), marks.show(`→ ${destinations[index] ?? ''}`, 26)]);
    const room = width - 2 - columnWidth(labels.map(([rule]) => rule ?? '')) - columnWidth(labels.map(([, port]) => port ?? ''));
    const stacked = heads.reduce((sum, head) => sum + columnWidth(head), 0) <= room;
    const titles = stacked ? heads.map((head) => head.join('\n')) : heads.map((_, index) => `${index + 1}`);
    const top = stacked ? '\n' : '';
    yield* drawn(
      [
        [`${top}rule`, `${top}port`, ...titles],
        ...lines.map((line, index) => (labels[index] ?? []).concat(pairs.map(([pair]) => markOf(line.cells.get(pair), marks)))),
      ],
      marks,
    );
    if (!stacked) yield* columnKey(heads, width);
  }

  /** How often each rule came out how: a rule that fails everywhere is another fault than a host that fails everywhere. */
  *#drawTallies(marks: Glyphs): Generator<string, void> {
    const tallies = [...this.#tallies.values()];
    const used = verdictStatuses.filter((status) => tallies.some(({ counts }) => counts[status] > 0));
    const rows = tallies.map(({ rule, transport, counts }) =>
      [marks.show(rule, 30), transport].concat(used.map((status) => (counts[status] === 0 ? '' : marks.paint(status, `${counts[status]}`)))),
    );
    yield* drawn([['rule', '', ...used], ...rows], marks);
  }

  *#drawHosts(marks: Glyphs, width: number): Generator<string, void> {
    const pairs = [...this.#pairs.values()];
    const sources = [...new Set(pairs.map(({ source }) => source))];
    const destinations = [...new Set(pairs.map(({ destination }) => destination))];
    const worst = new Map<string, Map<string, VerdictStatus>>(sources.map((source) => [source, new Map()]));
    for (const pair of pairs) worst.get(pair.source)?.set(pair.destination, pair.worst);
    const quiet =
      sources.length > mostRows
        ? new Set(sources.filter((source) => [...(worst.get(source)?.values() ?? [])].every((status) => status === 'pass' || status === 'skip')))
        : new Set<string>();
    const rows = sources.filter((source) => !quiet.has(source));
    const rowNames = short(rows).map((name) => marks.show(name, 30));
    const names = short(destinations).map((name) => marks.show(name, 24));
    const room = Math.max(20, width - 2 - columnWidth([...rowNames, 'source']));
    const named = names.reduce((sum, name) => sum + columnWidth([name]), 0) <= room;
    const titles = named ? names : names.map((_, index) => `${index + 1}`);
    const block = named ? titles.length : Math.max(1, Math.floor(room / columnWidth([`${titles.length}`])));
    yield* this.#drawTallies(marks);
    yield '';
    yield 'Each mark is the worst of all checks of that source and destination.';
    for (let first = 0; first < titles.length && rows.length > 0; first += block) {
      yield* drawn(
        [
          ['source', ...titles.slice(first, first + block)],
          ...rows.map((source, index) =>
            [rowNames[index] ?? ''].concat(
              destinations.slice(first, first + block).map((destination) => markOf(worst.get(source)?.get(destination), marks)),
            ),
          ),
        ],
        marks,
      );
    }
    if (quiet.size > 0) yield `${quiet.size} more sources: every check passed or was skipped.`;
    if (!named)
      yield* columnKey(
        names.map((name) => [name]),
        width,
      );
  }
}

/** The worse of two verdicts; a skip beside anything else says nothing. */
function worse(one: VerdictStatus, other: VerdictStatus): VerdictStatus {
  return ranks.indexOf(one) <= ranks.indexOf(other) ? one : other;
}

const none = { pass: 0, fail: 0, warn: 0, inconclusive: 0, error: 0, skip: 0 } as const satisfies Record<VerdictStatus, number>;

const ranks: readonly VerdictStatus[] = ['fail', 'error', 'inconclusive', 'warn', 'pass', 'skip'];

/** Neighbouring ports with the same verdicts become one line, and a rule that still has many lines one with the worst of each. */
function joined(lines: readonly { readonly check: Check; readonly cells: ReadonlyMap<string, VerdictStatus> }[]): Line[] {
  const rules = Map.groupBy(lines, ({ check }) => JSON.stringify([check.rule, check.transport]));
  return [...rules.values()].flatMap((ofRule) => {
    const runs: Line[] = [];
    for (const { check, cells } of ofRule) {
      const previous = runs.at(-1);
      const next = previous !== undefined && typeof check.port === 'number' && (previous.lastPort ?? -1) + 1 === check.port;
      const lastPort = typeof check.port === 'number' ? check.port : undefined;
      if (next && sameCells(previous.cells, cells)) runs[runs.length - 1] = { ...previous, lastPort };
      else runs.push({ check, lastPort, cells });
    }
    return runs.length <= mostLines ? runs : [worstOf(runs)];
  });
}

function worstOf(lines: readonly Line[]): Line {
  const cells = new Map<string, VerdictStatus>();
  let first: Line | undefined;
  let last: Line | undefined;
  for (const line of lines) {
    if (first === undefined || lowest(line) < lowest(first)) first = line;
    if (last === undefined || (line.lastPort ?? 0) > (last.lastPort ?? 0)) last = line;
    for (const [pair, status] of line.cells) cells.set(pair, worse(cells.get(pair) ?? status, status));
  }
  if (first === undefined) throw new Error('a rule without a line');
  return { check: first.check, lastPort: last?.lastPort, cells };
}

function lowest(line: Line): number {
  return typeof line.check.port === 'number' ? line.check.port : 0;
}

function sameCells(one: ReadonlyMap<string, VerdictStatus>, other: ReadonlyMap<string, VerdictStatus>): boolean {
  return one.size === other.size && [...one].every(([pair, status]) => other.get(pair) === status);
}

function portsOf({ check, lastPort }: Line): string {
  const ports = lastPort === undefined || lastPort === check.port ? `${check.port}` : `${check.port}-${lastPort}`;
  return `${ports}/${check.transport}${check.interface === undefined ? '' : ` ${check.interface}`}`;
}

/** First labels of DNS names, where they are enough to tell the hosts apart. */
function short(names: readonly string[]): readonly string[] {
  const firsts = names.map((name) => (/^[\d.]+$|:/.test(name) ? name : (name.split('.')[0] ?? name)));
  return new Set(firsts).size === new Set(names).size ? firsts : names;
}

function columnWidth(texts: readonly string[]): number {
  return texts.reduce((widest, text) => Math.max(widest, text.length), 0) + 2;
}

function markOf(status: VerdictStatus | undefined, marks: Glyphs): string {
  return status === undefined ? '' : marks.paint(status, marks.marks[status]);
}

function* drawn(rows: string[][], marks: Glyphs): Generator<string, void> {
  const text = table(rows, {
    border: { ...getBorderCharacters('void'), joinBody: marks.line },
    columnDefault: { paddingLeft: 0, paddingRight: 2 },
    drawHorizontalLine: (index) => index === 1,
    drawVerticalLine: () => false,
  });
  for (const line of text.split('\n')) if (line.trim() !== '') yield line.trimEnd();
}

function* columnKey(heads: readonly (readonly string[])[], width: number): Generator<string, void> {
  yield* wrap(heads.map((head, index) => `${index + 1}: ${head.join(' ')}`).join(';  '), width - 2);
}
