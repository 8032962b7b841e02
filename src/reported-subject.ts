/** What a user wants explained of a run: one check of a report, with its rule and the addresses that were in play. */
import { isHostAddress } from './address.ts';
import type { Matrix, Rule } from './matrix.ts';
import { parsePortRange, type PortRange } from './port-range.ts';
import { bare, quote } from './quotation.ts';
import type { Report, Result } from './report.ts';
import { defaultLimits } from './rule.ts';
import type { Edition, Subject } from './subject.ts';
import { alike } from './suggestion.ts';
import { UsageError } from './usage-error.ts';

/** A result of a report, and what surrounds it. */
export interface ReportedSubject {
  readonly subject: Subject;
  readonly result: Result;
  /** Literals where the report has them, else the hosts' names; nothing in them means anything to a shell. */
  readonly source: string;
  readonly destination: string;
  /** The domain that the destination serves, where the report tells. */
  readonly domain?: string;
  /** What the source runs on, as its agent said. */
  readonly system?: 'windows' | 'linux';
}

const idsNamed = 3;
/** An id is there to be copied. */
const longestId = 400;
const harmlessName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** The check of that id in the report that was read from `file`. An id that it does not have is a UsageError that names the nearest ones. */
export function reportedSubject(id: string, report: Report, file: string, editions: readonly Edition[]): ReportedSubject {
  const result = report.results.find(({ check }) => check.id === id);
  if (result === undefined) throw stranger(id, report, file);
  const { check } = result;
  const domain = domainOf(result, report);
  const system = systemOf(report.sources.find(({ name }) => name === check.source)?.platform?.os);
  return {
    subject: subjectOf(result, report, editions),
    result,
    source: sourceAddress(result, report) ?? nameOf(check.source, 'SOURCE'),
    destination: isHostAddress(check.address) ? check.address : nameOf(check.destination, 'DESTINATION'),
    ...(domain !== undefined && { domain }),
    ...(system !== undefined && { system }),
  };
}

function stranger(id: string, { results }: Report, file: string): UsageError {
  const near = alike(
    id,
    results.map(({ check }) => check.id),
    idsNamed,
  );
  const expected = near.length > 0 ? near : results.slice(0, idsNamed).map(({ check }) => check.id);
  const hint =
    expected.length === 0
      ? 'another report: this one has no checks'
      : `the id of one of its checks, like ${expected.map((one) => bare(one, longestId)).join(', ')}`;
  return new UsageError(`${file} has no check ${quote(id)}, expected ${hint}`);
}

/** The rule as the matrix of the run has it, where that matrix is at hand; else as much of it as the report tells. */
function subjectOf({ check, expected }: Result, report: Report, editions: readonly Edition[]): Subject {
  const record = report.matrices.find(({ name }) => name === check.matrix);
  const edition = editions.find(({ corrected }) => corrected.name === check.matrix && corrected.sha256 === record?.sha256);
  const matrix = (record?.asPublished === true ? edition?.published : edition?.corrected) ?? toldMatrix(check.matrix, record);
  const known = matrix.rules.find(({ id }) => id === check.rule);
  const rule = { ...(known ?? toldRule(check, record)), expect: expected.states, requirement: expected.requirement };
  return {
    matrix,
    rule,
    published: edition?.published.rules.find(({ id }) => id === check.rule) ?? rule,
    ports: portsOf(check),
    between: { source: check.source, destination: check.destination },
    ...(check.interface !== undefined && { interface: check.interface }),
  };
}

function toldMatrix(name: string, record: Report['matrices'][number] | undefined): Matrix {
  const { title = name, sha256 = '' } = record ?? {};
  return { name, title, from: ['source'], to: 'destination', source: '', onRequest: false, rules: [], sha256, asPublished: false };
}

function toldRule(check: Result['check'], record: Report['matrices'][number] | undefined): Rule {
  const told = record?.rules.find(({ id }) => id === check.rule);
  return {
    id: check.rule,
    ...(check.address === check.destination && !isHostAddress(check.address) && { to: { name: check.destination } }),
    ports: portsOf(check),
    probe: check.probe,
    direction: 'forward',
    requirement: 'required',
    reverseRequirement: 'required',
    when: [],
    expect: ['open'],
    limits: defaultLimits,
    after: [],
    interfaces: check.interface === undefined ? [] : [check.interface],
    ...(check.size !== undefined && { size: check.size }),
    sample: 1,
    traffic: told?.traffic ?? check.rule,
    usage: told?.usage ?? [],
    purposes: [],
    symptoms: told?.symptoms ?? [],
    source: '',
  };
}

function portsOf({ port, transport }: Result['check']): readonly PortRange[] {
  const range = parsePortRange(`${port}/${transport}`);
  return 'expected' in range ? [] : [range];
}

/** The source's own end, as this check or another one of it towards the same destination showed it; else the address by which others ask it. */
function sourceAddress({ check, outcome }: Result, { results }: Report): string | undefined {
  const ofPair = results.filter((other) => other.check.source === check.source && other.check.destination === check.destination);
  const locals = [outcome, ...ofPair.map((other) => other.outcome)].map((one) => (one?.kind === 'observed' ? one.local?.address : undefined));
  const isIpv6 = check.address.includes(':');
  const asked = results.filter((other) => other.check.destination === check.source).map((other) => other.check.address);
  return [...locals, ...asked].find((address) => address !== undefined && isHostAddress(address) && address.includes(':') === isIpv6);
}

function domainOf({ check }: Result, { results, preflight }: Report): string | undefined {
  const facts = results
    .filter((other) => other.check.destination === check.destination)
    .map(({ outcome }) => (outcome?.kind === 'observed' ? outcome.service?.facts.domain : undefined));
  return [...facts, preflight?.domain].find((domain) => domain !== undefined && harmlessName.test(domain));
}

function systemOf(os: string | undefined): ReportedSubject['system'] {
  if (os?.startsWith('linux') === true) return 'linux';
  return os?.startsWith('win32') === true ? 'windows' : undefined;
}

function nameOf(host: string, placeholder: string): string {
  return harmlessName.test(host) ? host : placeholder;
}
