/** The report itself: JSON with one result to a line, so that it streams, and so that two of them can be compared line by line. */
import type { Check } from '../../agent/contract/check.ts';
import type { Endpoint, Failed, Observed, Outcome, Service } from '../../agent/contract/outcome.ts';
import type { Size } from '../../agent/contract/probe.ts';
import type {
  Conclusion,
  DcConclusion,
  EndpointConclusion,
  Endpoints,
  FarDc,
  Obstacle,
  Prediction,
  ResolverConclusion,
  Skipped,
  TrustedDomain,
  Warning,
} from '../preflight/conclusion.ts';
import type { Diagnosis, Exclusion, ReportFrame, Result, RuleRecord, SourceRecord } from '../report.ts';
import type { Finding, Verdict } from '../verdict.ts';
import type { StreamedReport } from './reporter.ts';

/** Results that travel in one chunk. */
const batch = 100;

/** Renders the report as JSON. Keys have one fixed order, whatever the order in which the agent sent them; nothing is left out. */
export function* renderJson(report: StreamedReport): Generator<string, void> {
  yield '{\n';
  yield `${member('schema', report.schema)},\n`;
  yield `${member('tool', { name: report.tool.name, version: report.tool.version } satisfies Whole<ReportFrame['tool']>)},\n`;
  yield `${member('run', runInOrder(report.run))},\n`;
  yield* members('matrices', report.matrices.map(matrixInOrder));
  yield ',\n';
  yield* members('sources', report.sources.map(sourceInOrder));
  yield ',\n';
  yield* members(
    'excluded',
    report.excluded.map(({ source, destination, reason }) => ({ source, destination, reason }) satisfies Whole<Exclusion>),
  );
  yield ',\n';
  yield* members('results', map(report.results, resultInOrder));
  yield ',\n';
  yield* members('diagnoses', report.diagnoses.map(diagnosisInOrder));
  if (report.preflight !== undefined) yield `,\n${member('preflight', preflightInOrder(report.preflight))}`;
  yield `,\n${member('summary', summaryInOrder(report.summary))}\n}\n`;
}

/** Characters that JSON allows and a terminal or an eye does not take well; inside a string, where alone they occur, their escape means the same. */
const hidden = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g;

function stringify(value: unknown): string {
  return JSON.stringify(value).replace(hidden, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function member(name: string, value: unknown): string {
  return `  ${JSON.stringify(name)}: ${stringify(value)}`;
}

function* members(name: string, values: Iterable<unknown>): Generator<string, void> {
  yield `  ${JSON.stringify(name)}: [`;
  let lines: string[] = [];
  let first = true;
  for (const value of values) {
    lines.push(`${first ? '\n' : ',\n'}    ${stringify(value)}`);
    first = false;
    if (lines.length < batch) continue;
    yield lines.join('');
    lines = [];
  }
  yield `${lines.join('')}${first ? '' : '\n  '}]`;
}

function* map<T, U>(values: Iterable<T>, change: (value: T) => U): Generator<U, void> {
  for (const value of values) yield change(value);
}

/** Every key of a type: one that the type gains and the literal does not have is a type error. */
type Whole<T> = Readonly<Record<keyof T, unknown>>;

function resultInOrder({ check, expected, outcome, verdict, attempts, elapsedMs }: Result): unknown {
  return {
    check: checkInOrder(check),
    expected: { states: expected.states, requirement: expected.requirement } satisfies Whole<Result['expected']>,
    outcome: outcome === undefined ? undefined : outcomeInOrder(outcome),
    verdict: verdictInOrder(verdict),
    attempts,
    elapsedMs,
  } satisfies Whole<Result>;
}

function checkInOrder(check: Check): unknown {
  const { id, matrix, rule, source, destination, address, transport, port, probe, size, after } = check;
  return {
    id,
    matrix,
    rule,
    source,
    destination,
    address,
    transport,
    port,
    probe,
    interface: check.interface,
    size: size === undefined ? undefined : ({ of: size.of, bytes: size.bytes } satisfies Whole<Size>),
    after,
  } satisfies Whole<Check>;
}

function outcomeInOrder(outcome: Outcome): unknown {
  if (outcome.kind === 'failed') {
    const { kind, code, message, because } = outcome;
    return { kind, code, message, because } satisfies Whole<Failed>;
  }
  const { kind, state, reason, port, service, local, target, at } = outcome;
  return {
    kind,
    state,
    reason,
    port,
    service: service === undefined ? undefined : ({ status: service.status, facts: byName(service.facts) } satisfies Whole<Service>),
    local: local === undefined ? undefined : endpointInOrder(local),
    target: endpointInOrder(target),
    at,
  } satisfies Whole<Observed>;
}

function endpointInOrder({ address, port }: Endpoint): unknown {
  return { address, port } satisfies Whole<Endpoint>;
}

function verdictInOrder({ status, finding, also, notes }: Verdict): unknown {
  return {
    status,
    finding: finding === undefined ? undefined : findingInOrder(finding),
    also: also?.map(findingInOrder),
    notes,
  } satisfies Whole<Verdict>;
}

function findingInOrder({ code, ...rest }: Finding): unknown {
  return { code, ...byName(rest) };
}

function diagnosisInOrder({ code, ...rest }: Diagnosis): unknown {
  return { code, ...byName(rest) };
}

function preflightInOrder(conclusion: Conclusion): unknown {
  const {
    purpose,
    domain,
    decision,
    inboundUntested,
    lost,
    clientSite,
    resolvers,
    trusted,
    endpoints,
    dcs,
    far,
    findings,
    warnings,
    predictions,
    skipped,
  } = conclusion;
  return {
    decision,
    purpose,
    domain,
    inboundUntested,
    lost,
    predictions: predictions.map(({ step, code }) => ({ step, code }) satisfies Whole<Prediction>),
    skipped: skipped.map(({ because, checks, perDc }) => ({ because, checks, perDc }) satisfies Whole<Skipped>),
    clientSite,
    resolvers: resolvers.map(resolverInOrder),
    trusted:
      trusted === undefined
        ? undefined
        : ({
            domain: trusted.domain,
            resolvers: trusted.resolvers.map(resolverInOrder),
            wayBack: trusted.wayBack.map(resolverInOrder),
          } satisfies Whole<TrustedDomain>),
    endpoints: endpoints === undefined ? undefined : endpointsInOrder(endpoints),
    dcs: dcs.map(dcInOrder),
    far: far.map(({ name, address, site, answered }) => ({ name, address, site, answered }) satisfies Whole<FarDc>),
    findings: findings.map(({ code, ...rest }) => ({ code, ...byName(rest) })),
    warnings: warnings.map(({ rule, port, finding, hosts }) => ({ rule, port, finding, hosts }) satisfies Whole<Warning>),
  } satisfies Whole<Conclusion>;
}

function resolverInOrder({ address, state, rcode, dcs }: ResolverConclusion): unknown {
  return { address, state, rcode, dcs } satisfies Whole<ResolverConclusion>;
}

function endpointsInOrder({ region, proxies, isDirect, list }: Endpoints): unknown {
  const ordered = list.map(
    ({ name, rule, isRequired, state, finding }) => ({ name, rule, isRequired, state, finding }) satisfies Whole<EndpointConclusion>,
  );
  return { region, proxies, isDirect, list: ordered } satisfies Whole<Endpoints>;
}

function dcInOrder({ host, name, address, site, readOnly, state, failed, undecided, clocks }: DcConclusion): unknown {
  const ordered = { host, name, address, site, readOnly, state, failed: failed.map(obstacleInOrder), undecided: undecided.map(obstacleInOrder) };
  return { ...ordered, clocks: { kerberos: clocks.kerberos, smb: clocks.smb, ntp: clocks.ntp } } satisfies Whole<DcConclusion>;
}

function obstacleInOrder({ step, rule, port, interface: rpcInterface, finding }: Obstacle): unknown {
  return { step, rule, port, interface: rpcInterface, finding } satisfies Whole<Obstacle>;
}

function sourceInOrder({ name, state, facts, message, platform, capabilities }: SourceRecord): unknown {
  return {
    name,
    state,
    facts,
    message,
    platform: platform === undefined ? undefined : { os: platform.os, node: platform.node },
    capabilities: capabilities === undefined ? undefined : { udpRefused: capabilities.udpRefused },
  } satisfies Whole<SourceRecord>;
}

function matrixInOrder({ name, title, sha256, asPublished, rules }: ReportFrame['matrices'][number]): unknown {
  return { name, title, sha256, asPublished, rules: rules.map(ruleInOrder) } satisfies Whole<ReportFrame['matrices'][number]>;
}

function ruleInOrder({ matrix, id, traffic, usage, symptoms }: RuleRecord): unknown {
  return { matrix, id, traffic, usage, symptoms } satisfies Whole<RuleRecord>;
}

function runInOrder({ id, startedAt, finishedAt, interrupted, allowInconclusive, emulated }: ReportFrame['run']): unknown {
  return { id, startedAt, finishedAt, interrupted, allowInconclusive, emulated } satisfies Whole<ReportFrame['run']>;
}

function summaryInOrder({ total, pass, fail, warn, inconclusive, error, skip }: ReportFrame['summary']): unknown {
  return { total, pass, fail, warn, inconclusive, error, skip } satisfies Whole<ReportFrame['summary']>;
}

/** The same value with the keys of every object in it in the order of the alphabet. */
function byName(value: object): Record<string, unknown> {
  const sorted: [string, unknown][] = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  // fromEntries, unlike assignment, also keeps a key called __proto__.
  return Object.fromEntries(
    sorted.map(([key, inner]) => [key, typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? byName(inner) : inner]),
  );
}
