/** The report as JUnit XML for CI: one suite for each source and destination, one case for each check (Jenkins' xUnit rules; GitLab's limits). */
import { createCB } from 'xmlbuilder2';
import { type Conclusion, exitCodeOf } from '../preflight/conclusion.ts';
import type { ReportFrame, Result, RuleRecord } from '../report.ts';
import { advice } from './advice-wording.ts';
import { diagnosisSentence } from './diagnosis-wording.ts';
import { flowOf, heardText, isForbidden, notesBeside, sightingOf, sightingText, symptomPhrases, wayText } from './evidence.ts';
import { findingSentence } from './finding-wording.ts';
import { aimWords, decisionWords, locatorSentence, predictionSentence, skippedSentence } from './preflight-wording.ts';
import type { StreamedReport } from './reporter.ts';
import { plain } from './text.ts';
import { noteSentence } from './wording.ts';

type Builder = ReturnType<typeof createCB>;

/** Longest id, and longest line of a text: GitLab takes 30 MB a file, and a peer decides how much it sends. */
const longestId = 500;
const longestLine = 600;
/** Pieces of XML that travel in one chunk. */
const batch = 500;

/** How many cases there are, and how many went wrong. */
interface Counts {
  readonly tests: string;
  readonly failures: string;
  readonly errors: string;
}

/** One source and destination: its results are gathered by reference, because they need not stand together and a suite begins with their counts. */
interface Suite {
  readonly source: string;
  readonly destination: string;
  readonly results: { readonly result: Result; readonly index: number }[];
}

/** Renders the report as JUnit XML, valid for Jenkins' xUnit plugin. */
export function* renderJunit(report: StreamedReport): Generator<string, void> {
  const suites = gather(report.results);
  const rules = new Map(report.matrices.flatMap((matrix) => matrix.rules.map((rule) => [ruleKey(rule.matrix, rule.id), rule])));
  const pieces: string[] = [];
  const xml = createCB({
    prettyPrint: true,
    data: (piece: string) => pieces.push(piece),
    error: (error: Error) => {
      throw error;
    },
  });
  const all = suites.flatMap(({ results }) => results);
  const { preflight } = report;
  const totals = added(countsOf(all), preflight === undefined ? undefined : conclusionCounts(preflight));
  xml.dec({ encoding: 'UTF-8' }).ele('testsuites', { name: `portmatrix ${plain(report.run.id, 100)}`, ...totals, time: secondsOf(all) });
  if (preflight !== undefined) conclusionSuite(xml, preflight, report);
  for (const suite of suites) {
    openSuite(xml, suite, report);
    for (const entry of suite.results) {
      testCase(xml, entry, rules);
      if (pieces.length >= batch) yield pieces.splice(0).join('');
    }
    xml.up();
  }
  xml.up().end();
  yield `${pieces.join('')}\n`;
}

/** The suite `preflight`: one case, for the conclusion. */
function conclusionSuite(xml: Builder, conclusion: Conclusion, report: ReportFrame): void {
  const counts = conclusionCounts(conclusion);
  const timestamp = plain(report.run.startedAt, 40);
  xml.ele('testsuite', { name: 'preflight', ...counts, skipped: '0', time: '0.000', timestamp });
  const name = plain(`preflight ${conclusion.purpose} ${conclusion.domain ?? conclusion.endpoints?.region ?? ''}`, longestId);
  xml.ele('testcase', { name, classname: `preflight.${conclusion.purpose}`, time: '0.000' });
  const message = plain(`${decisionWords(conclusion)} for ${aimWords(conclusion)}`, longestLine);
  const text = block([
    ...(conclusion.lost === undefined ? [] : [line('lost', conclusion.lost)]),
    ...conclusion.predictions.map((prediction) => line('predicted', predictionSentence(prediction, conclusion))),
    ...conclusion.skipped.map((skipped) => line('skipped', skippedSentence(skipped))),
    ...conclusion.findings.map((finding) => line('note', locatorSentence(finding))),
  ]);
  if (counts.failures === '1') xml.ele('failure', { type: conclusion.decision, message }).txt(text).up();
  else if (counts.errors === '1') xml.ele('error', { type: conclusion.decision, message }).txt(text).up();
  else
    xml
      .ele('system-out')
      .txt(block([message, text]))
      .up();
  xml.up().up();
}

/** NO-GO is a failure, and what is not wholly looked at an error: as the exit code says. */
function conclusionCounts(conclusion: Conclusion): Counts {
  const code = exitCodeOf(conclusion);
  return { tests: '1', failures: code === 1 ? '1' : '0', errors: code === 3 ? '1' : '0' };
}

function added(one: Counts, other: Counts | undefined): Counts {
  const sum = (key: keyof Counts): string => `${Number(one[key]) + Number(other?.[key] ?? 0)}`;
  return { tests: sum('tests'), failures: sum('failures'), errors: sum('errors') };
}

function gather(results: Iterable<Result>): Suite[] {
  const suites = new Map<string, Suite>();
  let index = 0;
  for (const result of results) {
    const { source, destination } = result.check;
    const key = JSON.stringify([source, destination]);
    const suite = suites.get(key) ?? { source, destination, results: [] };
    suites.set(key, suite);
    index += 1;
    suite.results.push({ result, index });
  }
  return [...suites.values()];
}

function openSuite(xml: Builder, { source, destination, results }: Suite, report: ReportFrame): void {
  const skipped = results.filter(({ result }) => result.verdict.status === 'skip').length;
  xml.ele('testsuite', {
    name: plain(`${source}->${destination}`, longestId),
    ...countsOf(results),
    skipped: `${skipped}`,
    time: secondsOf(results),
    timestamp: plain(report.run.startedAt, 40),
    hostname: plain(source, longestId),
  });
  const causes = report.diagnoses.filter(
    (diagnosis) => diagnosis.destination === destination && (!('source' in diagnosis) || diagnosis.source === source),
  );
  if (causes.length > 0)
    xml
      .ele('system-out')
      .txt(block(causes.map((cause) => diagnosisSentence(cause))))
      .up();
}

function testCase(xml: Builder, { result, index }: Suite['results'][number], rules: ReadonlyMap<string, RuleRecord>): void {
  const { check, verdict, elapsedMs } = result;
  xml.ele('testcase', {
    name: idOf(check.id, index),
    classname: plain(`${check.matrix}.${check.source}->${check.destination}`, longestId),
    time: (elapsedMs / 1000).toFixed(3),
  });
  const code = verdict.finding?.code ?? verdict.status;
  const message = verdict.finding === undefined ? verdict.status : plain(findingSentence(verdict.finding, check.transport), longestLine);
  switch (verdict.status) {
    case 'pass':
      break;
    case 'fail':
      xml.ele('failure', { type: code, message }).txt(body(result, rules)).up();
      break;
    case 'error':
    case 'inconclusive':
      xml.ele('error', { type: code, message }).txt(body(result, rules)).up();
      break;
    case 'skip':
      xml.ele('skipped', { message }).up();
      break;
    case 'warn':
      xml
        .ele('system-out')
        .txt(block([`warn ${code}: ${message}`, body(result, rules)]))
        .up();
      break;
    default:
      verdict.status satisfies never;
  }
  xml.up();
}

/** Evidence, symptoms and advice, a line each. */
function body(result: Result, rules: ReadonlyMap<string, RuleRecord>): string {
  const { check, verdict, expected } = result;
  const breaks = isForbidden(expected) || verdict.status === 'error' ? [] : symptomPhrases([rules.get(ruleKey(check.matrix, check.rule))]);
  const sighting = sightingOf(result);
  return block([
    line('seen', sighting === undefined ? '' : sightingText(sighting)),
    line('way', wayText(result)),
    line('heard', heardText(result)),
    ...(verdict.also ?? []).map((finding) => line('also', findingSentence(finding, check.transport))),
    ...notesBeside(verdict.finding, verdict.notes ?? []).map((note) => line('note', noteSentence(note))),
    line(verdict.status === 'fail' ? 'breaks' : 'at risk', breaks.join(', ')),
    verdict.finding === undefined ? '' : line('do', advice(verdict.finding, flowOf(result))),
  ]);
}

function line(label: string, text: string): string {
  return text === '' ? '' : `${label}: ${plain(text, longestLine)}`;
}

/** Lines of our own making: each is already plain. */
function block(lines: readonly string[]): string {
  return lines.filter((text) => text !== '').join('\n');
}

/** The check's id; where that had to be changed, with the result's place in the report, so that no two cases share a name. */
function idOf(id: string, index: number): string {
  const name = plain(id, longestId);
  return name === id ? name : `${name} ~${index}`;
}

function countsOf(entries: Suite['results']): Counts {
  let failures = 0;
  let errors = 0;
  for (const { result } of entries) {
    if (result.verdict.status === 'fail') failures += 1;
    if (result.verdict.status === 'error' || result.verdict.status === 'inconclusive') errors += 1;
  }
  return { tests: `${entries.length}`, failures: `${failures}`, errors: `${errors}` };
}

function secondsOf(entries: Suite['results']): string {
  return (entries.reduce((sum, { result }) => sum + result.elapsedMs, 0) / 1000).toFixed(3);
}

function ruleKey(matrix: string, rule: string): string {
  return JSON.stringify([matrix, rule]);
}
