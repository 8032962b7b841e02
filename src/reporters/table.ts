/** The report as text for people: causes first, then a picture of each matrix, then what is wrong and what to do, and one line to end with. */
import { type Diagnosis, type ReportFrame, type Result, severity, type Summary } from '../report.ts';
import { type Note, type VerdictStatus, verdictStatuses } from '../verdict.ts';
import { diagnosisSentence } from './diagnosis-wording.ts';
import { findingSentence } from './finding-wording.ts';
import { glyphs, type Glyphs } from './glyphs.ts';
import { Grid } from './grid.ts';
import { Gathering, type Group } from './groups.ts';
import { labelled, paragraph } from './paragraph.ts';
import { conclusionLines } from './preflight.ts';
import type { Presentation, StreamedReport } from './reporter.ts';
import { count, list, plain, wrap } from './text.ts';
import { exclusionSentence, noteSentence, partialSentence, sectionTitles, sourceSentence } from './wording.ts';

/** Renders a report for people. It keeps groups and hosts, not results, so its memory does not grow with the number of checks. */
export function* renderTable(report: StreamedReport, presentation: Presentation = {}): Generator<string, void> {
  const marks = glyphs(presentation);
  const width = Math.max(60, presentation.width ?? 120);
  for (const line of lines(report, marks, width)) yield `${line}\n`;
}

function* lines(report: StreamedReport, marks: Glyphs, width: number): Generator<string, void> {
  const seen = gather(report.results);
  if (report.preflight !== undefined) yield* conclusionLines(report.preflight, marks, width);
  if (report.preflight !== undefined) yield '';
  yield* heading(report, marks);
  yield* causes(report, marks, width);
  for (const [name, grid] of seen.grids) {
    yield '';
    yield* matrixHeading(report, name, marks, width);
    for (const line of grid.draw(marks, width)) yield `  ${line}`.trimEnd();
  }
  if (seen.grids.size > 0) yield* ['', `  ${legend(report.summary, marks)}`];
  for (const status of severity) {
    const groups = seen.groups.filter((group) => group.status === status);
    if (groups.length > 0) yield* section(report, status, groups, marks, width);
  }
  yield* notes(seen.notes, marks, width);
  yield* exclusions(report, marks, width);
  yield* leftOut(report, marks, width);
  yield '';
  yield marks.strong(summaryLine(report.summary));
}

interface Gathered {
  readonly grids: ReadonlyMap<string, Grid>;
  readonly groups: readonly Group[];
  /** Notes on passes: how many, and one of them. */
  readonly notes: ReadonlyMap<Note, { readonly checks: number; readonly example: string }>;
}

function gather(results: Iterable<Result>): Gathered {
  const grids = new Map<string, Grid>();
  const gathering = new Gathering();
  const noted = new Map<Note, { readonly checks: number; readonly example: string }>();
  for (const result of results) {
    const { check, verdict } = result;
    const grid = grids.get(check.matrix) ?? new Grid();
    grids.set(check.matrix, grid);
    grid.add(result);
    if (verdict.status !== 'pass' || verdict.also !== undefined) gathering.add(result);
    else
      for (const note of verdict.notes ?? [])
        noted.set(note, { checks: (noted.get(note)?.checks ?? 0) + 1, example: noted.get(note)?.example ?? check.id });
  }
  return { grids, groups: gathering.groups(), notes: noted };
}

function* heading({ tool, run }: ReportFrame, marks: Glyphs): Generator<string, void> {
  yield marks.strong(`portmatrix ${marks.show(tool.version, 20)}  run ${marks.show(run.id, 80)}`);
  yield `${marks.show(run.startedAt, 40)} to ${marks.show(run.finishedAt, 40)} (UTC)`;
  if (run.emulated === true)
    yield marks.paint('warn', 'Emulated: a stand-in answered, or led to the sources. This says nothing about a real network.');
  if (run.interrupted === true) yield marks.paint('error', 'The run was stopped before its end: checks that were not made are errors, not findings.');
  if (run.allowInconclusive === true) yield 'Inconclusive checks do not spoil this run (--allow-inconclusive).';
}

function* causes(report: ReportFrame, marks: Glyphs, width: number): Generator<string, void> {
  const sources = report.sources.filter(({ state }) => state === 'lost' || state === 'unreachable');
  const sentences = [
    ...joined(report.diagnoses).map((diagnosis) => diagnosisSentence(diagnosis)),
    ...sources.map((source) => sourceSentence(source)),
  ];
  if (sentences.length === 0) return;
  yield '';
  yield marks.strong('Look here first');
  for (const sentence of sentences) yield* bullet(marks.show(sentence, 900), width);
}

/** Sources whose channel was too small for all that they saw. */
function* leftOut({ sources }: ReportFrame, marks: Glyphs, width: number): Generator<string, void> {
  const names = sources.filter(({ facts }) => facts === 'partial').map(({ name }) => name);
  if (names.length === 0) return;
  yield '';
  yield* bullet(marks.show(partialSentence(names), 900), width);
}

/** What the inventory keeps apart: nobody should take its absence for a pass. */
function* exclusions({ excluded }: ReportFrame, marks: Glyphs, width: number): Generator<string, void> {
  if (excluded.length === 0) return;
  yield '';
  for (const [reason, pairs] of Map.groupBy(excluded, (pair) => pair.reason)) yield* bullet(marks.show(exclusionSentence(reason, pairs), 900), width);
}

/** The same of several sources is one sentence. */
function joined(diagnoses: readonly Diagnosis[]): Diagnosis[] {
  const alike = Map.groupBy(diagnoses, (diagnosis) => JSON.stringify({ ...diagnosis, source: undefined }));
  return [...alike.values()].flatMap((members) => {
    const [first] = members;
    if (first === undefined || !('source' in first)) return members;
    const sources = members.flatMap((member) => ('source' in member ? [member.source] : []));
    return [{ ...first, source: list(sources, 4) }];
  });
}

function* matrixHeading(report: ReportFrame, name: string, marks: Glyphs, width: number): Generator<string, void> {
  const matrix = report.matrices.find((one) => one.name === name);
  const title = matrix === undefined ? '' : `  ${marks.show(matrix.title, Math.max(20, width - name.length - 20))}`;
  yield `${marks.strong(marks.show(name, 60))}${title}${matrix?.asPublished === true ? '  (as published)' : ''}`;
}

function legend(summary: Summary, marks: Glyphs): string {
  const used = verdictStatuses.filter((status) => summary[status] > 0);
  return used.map((status) => `${marks.paint(status, marks.marks[status])} ${status}`).join('   ');
}

function* section(report: ReportFrame, status: VerdictStatus, groups: readonly Group[], marks: Glyphs, width: number): Generator<string, void> {
  yield '';
  yield marks.strong(`${sectionTitles[status]} (${groups.reduce((sum, group) => sum + group.count, 0)})`);
  if (status === 'skip') {
    yield* skips(groups, marks, width);
    return;
  }
  const rule = (matrix: string, id: string) => report.matrices.find(({ name }) => name === matrix)?.rules.find((one) => one.id === id);
  for (const group of groups) {
    yield '';
    yield* paragraph(group, rule, marks, width);
  }
}

/** One line for each reason: why, how many, and for which rules. */
function* skips(groups: readonly Group[], marks: Glyphs, width: number): Generator<string, void> {
  const reasons = Map.groupBy(groups, ({ finding }) =>
    finding?.code === 'not-applicable' ? `${finding.code} ${finding.feature}` : (finding?.code ?? 'no finding'),
  );
  for (const members of reasons.values()) {
    const [group] = members;
    if (group === undefined) continue;
    const total = members.reduce((sum, { count: checks }) => sum + checks, 0);
    const why =
      group.finding === undefined
        ? 'Not asked.'
        : group.finding.code === 'prerequisite' && group.sentence === undefined
          ? waited(members)
          : findingSentence(group.finding, 'tcp');
    const rules = [...new Set(members.flatMap((member) => [...member.rules.values()].map(({ rule }) => rule)))];
    yield* bullet(marks.show(`${why} (${count(total, 'check')}: ${list(rules, 6)})`, 900), width);
  }
}

function waited(groups: readonly Group[]): string {
  const ids = groups.flatMap(({ samples }) =>
    samples.flatMap(({ verdict: { finding } }) => (finding?.code === 'prerequisite' ? [finding.because] : [])),
  );
  return `Not asked: it needs the answer of another check, which did not give it: ${list(
    [...new Set(ids)].map((id) => plain(id)),
    3,
  )}.`;
}

function* notes(noted: Gathered['notes'], marks: Glyphs, width: number): Generator<string, void> {
  if (noted.size === 0) return;
  yield '';
  yield marks.strong('Notes on passes');
  for (const [note, { checks, example }] of noted) {
    yield* bullet(`${count(checks, 'check')}: ${noteSentence(note)}`, width);
    yield* labelled('', marks.faint(`such as ${marks.show(example, 160)}`), marks, Number.POSITIVE_INFINITY);
  }
}

function* bullet(text: string, width: number): Generator<string, void> {
  const [first = '', ...rest] = wrap(text, width - 4);
  yield `  * ${first}`;
  for (const line of rest) yield `    ${line}`;
}

/** `54 checks: 48 pass, 4 fail, …`: only what there is. */
function summaryLine(summary: Summary): string {
  const counts = verdictStatuses.filter((status) => summary[status] > 0);
  return `${count(summary.total, 'check')}${counts.length === 0 ? '.' : `: ${counts.map((status) => `${summary[status]} ${status}`).join(', ')}.`}`;
}
