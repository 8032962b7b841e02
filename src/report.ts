/** The report: the whole of a run as one value. Every other output format is a pure function of it. `reports/report.schema.json` is its reference. */
import type { Check } from '../agent/contract/check.ts';
import type { Outcome } from '../agent/contract/outcome.ts';
import type { Transport } from '../agent/contract/probe.ts';
import { type Conclusion, exitCodeOf } from './preflight/conclusion.ts';
import { type Expectation, type Requirement, type Verdict, type VerdictStatus } from './verdict.ts';

/** Version of the report's format. */
export const reportSchema = 1;

/** One check, whatever became of it. `outcome` is absent only where nothing was asked because the plan says so (a condition, no vantage). */
export interface Result {
  readonly check: Check;
  readonly expected: { readonly states: Expectation; readonly requirement: Requirement };
  readonly outcome?: Outcome;
  readonly verdict: Verdict;
  /** How many times the network was asked. */
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** What became of a source: `reported`, `lost` (its agent started and did not finish), `unreachable`, or `no-vantage`. */
export interface SourceRecord {
  readonly name: string;
  readonly state: 'reported' | 'lost' | 'unreachable' | 'no-vantage';
  /** What it saw did not all fit its channel: some evidence of what is well was left out, and nothing was judged by what is missing. */
  readonly facts?: 'partial';
  /** Why, in words, when it did not report. */
  readonly message?: string;
  readonly platform?: { readonly os: string; readonly node: string };
  /** `udpRefused`: this source can tell a refused UDP port from a silent one. */
  readonly capabilities?: { readonly udpRefused: boolean };
}

/** What the words of a report need to know of a rule. */
export interface RuleRecord {
  readonly matrix: string;
  readonly id: string;
  readonly traffic: string;
  readonly usage: readonly string[];
  readonly symptoms: readonly string[];
}

/** Two hosts that a matrix would bring together, and that the inventory keeps apart: nothing was asked between them. */
export interface Exclusion {
  readonly source: string;
  readonly destination: string;
  readonly reason: string;
}

export type Summary = Readonly<Record<'total' | VerdictStatus, number>>;

/** All of a report but its results, which stream. */
export interface ReportFrame {
  readonly schema: typeof reportSchema;
  readonly tool: { readonly name: 'portmatrix'; readonly version: string };
  readonly run: {
    readonly id: string;
    readonly startedAt: string;
    readonly finishedAt: string;
    /** True when the user stopped the run before its end. */
    readonly interrupted?: true;
    /** True when an undecided required check does not spoil the run. */
    readonly allowInconclusive?: true;
    readonly emulated?: true;
  };
  readonly matrices: readonly {
    readonly name: string;
    readonly title: string;
    readonly sha256: string;
    readonly asPublished?: true;
    readonly rules: readonly RuleRecord[];
  }[];
  readonly sources: readonly SourceRecord[];
  readonly excluded: readonly Exclusion[];
  readonly diagnoses: readonly Diagnosis[];
  /** What a preflight concludes from the results. */
  readonly preflight?: Conclusion;
  readonly summary: Summary;
}

export interface Report extends ReportFrame {
  readonly results: readonly Result[];
}

/** A cause that no single check can see. */
export type Diagnosis =
  /** Nothing that `source` asked of `destination` was answered or refused: the host is down, or the whole path is shut. */
  | { readonly code: 'nothing-answers'; readonly source: string; readonly destination: string; readonly checks: number }
  /** No source got anything from `destination`. */
  | { readonly code: 'destination-silent'; readonly destination: string; readonly sources: number }
  /** 135 answers, and every port that it names is silent: the dynamic range is shut. */
  | { readonly code: 'dynamic-range-shut'; readonly source: string; readonly destination: string }
  /** TCP gets through and no UDP does. */
  | { readonly code: 'udp-shut'; readonly source: string; readonly destination: string }
  | PathDiagnosis;

/** Payload over one transport. */
export interface Load {
  readonly transport: Transport;
  readonly bytes: number;
}

/** Of the requests, of the answers, or of both. */
export type Way = 'there' | 'back' | 'both';

/**
 * What a path does to large packets. `lost` is the smallest payload that did not pass, `passed` the largest that did in one datagram, where one did.
 * `unproven`: that the service answers large questions at all has not been seen on the destination's platform.
 */
export type PathDiagnosis =
  /** A link carries less than the ends believe, and nothing tells them so. */
  | {
      readonly code: 'black-hole' | 'fragments-dropped';
      readonly source: string;
      readonly destination: string;
      readonly way: Way;
      readonly lost: Load;
      readonly passed?: Load;
      readonly unproven?: true;
    }
  /** Large datagrams are lost and large TCP requests (of `tcp` bytes) pass; where datagrams in fragments are lost too (`datagrams-limited`) the cause cannot be told. */
  | {
      readonly code: 'mss-clamped' | 'datagrams-limited';
      readonly source: string;
      readonly destination: string;
      readonly lost: Load;
      readonly passed?: Load;
      readonly tcp: number;
      readonly unproven?: true;
    }
  /** A link carries less, says so, and is believed: `passed` went there in fragments. */
  | { readonly code: 'mtu-learned'; readonly source: string; readonly destination: string; readonly passed: Load };

/** Counts results by verdict. */
export function summarize(results: Iterable<Pick<Result, 'verdict'>>): Summary {
  const summary: Record<'total' | VerdictStatus, number> = { total: 0, pass: 0, fail: 0, warn: 0, inconclusive: 0, error: 0, skip: 0 };
  for (const { verdict } of results) {
    summary.total += 1;
    summary[verdict.status] += 1;
  }
  return summary;
}

/**
 * The exit code that a report deserves (DESIGN section 7): 1 for a fail; 3 when something required is undecided, in error, or the run was cut short; else 0.
 * A required check that was skipped because of another one is undecided too, unless that other one counts by itself. In a preflight the conclusion counts
 * instead: a DC that fails is no reason to stop while others are ready.
 */
export function exitCode(report: Pick<Report, 'run' | 'results' | 'preflight'>): 0 | 1 | 3 {
  if (report.preflight !== undefined) return exitCodeOf(report.preflight) || (report.run.interrupted === true ? 3 : 0);
  let undecided = report.run.interrupted === true;
  const skippedFor: string[] = [];
  const settled = new Set<string>();
  for (const { check, verdict, expected } of report.results) {
    if (verdict.status === 'fail') return 1;
    if (verdict.status === 'pass' || verdict.status === 'warn') settled.add(check.id);
    if (verdict.status === 'error' && expected.requirement === 'required') undecided = true;
    if (verdict.status === 'inconclusive' && report.run.allowInconclusive !== true) undecided = true;
    if (verdict.finding?.code === 'prerequisite' && expected.requirement === 'required') skippedFor.push(verdict.finding.because);
  }
  const ids = new Set(report.results.map(({ check }) => check.id));
  return undecided || skippedFor.some((id) => settled.has(id) || !ids.has(id)) ? 3 : 0;
}

/** Verdicts in the order in which they matter to a reader, worst first. */
export const severity: readonly VerdictStatus[] = ['fail', 'error', 'inconclusive', 'warn', 'skip', 'pass'] satisfies readonly VerdictStatus[];
