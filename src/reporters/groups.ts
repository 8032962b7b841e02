/** Results that say the same, gathered: three hundred dropped packets are one paragraph. */
import type { Result } from '../report.ts';
import type { Finding, FindingCode, Note, VerdictStatus } from '../verdict.ts';
import { isForbidden } from './evidence.ts';
import { findingSentence } from './finding-wording.ts';

/** The ports of one rule that a group is about. */
export interface RuleTargets {
  readonly matrix: string;
  readonly rule: string;
  /** `389/tcp`, with `#interface` for an RPC interface, by port. */
  readonly ports: Map<string, Result['check']>;
}

/** Results with one status and one kind of finding. Its size depends on the hosts and ports, never on how much was said. */
export interface Group {
  readonly status: VerdictStatus;
  readonly finding: Finding | undefined;
  /** True when the rules want the traffic not to get through. */
  readonly forbidden: boolean;
  /** The one sentence that holds for every result, or undefined where each has its own. */
  sentence: string | undefined;
  readonly also: ReadonlySet<string>;
  readonly notes: Set<Note>;
  readonly rules: Map<string, RuleTargets>;
  /** Destinations by source. */
  readonly pairs: Map<string, Set<string>>;
  /** Addresses by host name, as far as they were seen. */
  readonly addresses: Map<string, string>;
  /** The first few results, as evidence. */
  samples: Result[];
  count: number;
}

/** How many results of a group are kept as evidence. */
const sampled = 4;

/** Gathers results, rule by rule, and then rules that say the same of the same hosts. */
export class Gathering {
  readonly #groups = new Map<string, Group>();

  /** Takes one result in. */
  add(result: Result): void {
    const { check, verdict } = result;
    const sentence = verdict.finding === undefined ? '' : findingSentence(verdict.finding, check.transport);
    const also = (verdict.also ?? []).map((finding) => findingSentence(finding, check.transport));
    const key = JSON.stringify([verdict.status, verdict.finding?.code, ...scope(result), ...also]);
    const group = this.#groups.get(key) ?? start(result, sentence, also);
    this.#groups.set(key, group);
    if (group.sentence !== sentence) group.sentence = undefined;
    include(group, result);
  }

  /** The groups, those that say the same of the same hosts as one, in the order in which they were met. */
  groups(): Group[] {
    const merged = new Map<string, Group>();
    for (const group of this.#groups.values()) {
      const key =
        group.sentence === undefined
          ? Symbol()
          : JSON.stringify([group.status, group.finding?.code, group.forbidden, group.sentence, ...group.also, hostsOf(group)]);
      const same = typeof key === 'string' ? merged.get(key) : undefined;
      if (same === undefined) merged.set(typeof key === 'string' ? key : `own ${merged.size}`, group);
      else absorb(same, group);
    }
    return [...merged.values()];
  }
}

/** Findings whose cause lies with a host, its resolver or its proxy, and not with a port: they are gathered across rules. */
const causedElsewhere: ReadonlySet<FindingCode> = new Set<FindingCode>(['no-vantage', 'name-unsettled', 'proxy-unreachable', 'proxy-silent']);

function scope({ check, verdict: { finding } }: Result): string[] {
  if (finding?.code === 'not-checked') return [finding.because, finding.message];
  return finding !== undefined && causedElsewhere.has(finding.code) ? [] : [check.matrix, check.rule, check.transport];
}

function start({ verdict, expected }: Result, sentence: string, also: readonly string[]): Group {
  return {
    status: verdict.status,
    finding: verdict.finding,
    forbidden: isForbidden(expected),
    sentence,
    also: new Set(also),
    notes: new Set(),
    rules: new Map(),
    pairs: new Map(),
    addresses: new Map(),
    samples: [],
    count: 0,
  };
}

function include(group: Group, result: Result): void {
  const { check, outcome, verdict } = result;
  group.count += 1;
  if (group.samples.length < sampled) group.samples.push(result);
  for (const note of verdict.notes ?? []) group.notes.add(note);
  const rule = JSON.stringify([check.matrix, check.rule]);
  const targets = group.rules.get(rule) ?? { matrix: check.matrix, rule: check.rule, ports: new Map() };
  group.rules.set(rule, targets);
  targets.ports.set(portLabel(check), check);
  const destinations = group.pairs.get(check.source) ?? new Set();
  group.pairs.set(check.source, destinations);
  destinations.add(check.destination);
  group.addresses.set(check.destination, check.address);
  if (outcome?.kind === 'observed' && outcome.local !== undefined) group.addresses.set(check.source, outcome.local.address);
}

function absorb(group: Group, other: Group): void {
  group.count += other.count;
  // One sample of each rule shows more than four of the first.
  group.samples = [...group.samples.slice(0, Math.max(1, sampled - other.samples.length)), ...other.samples].slice(0, sampled);
  for (const note of other.notes) group.notes.add(note);
  for (const [key, targets] of other.rules) {
    const known = group.rules.get(key);
    if (known === undefined) group.rules.set(key, targets);
    else for (const [label, check] of targets.ports) known.ports.set(label, check);
  }
  for (const [host, address] of other.addresses) group.addresses.set(host, address);
}

function hostsOf(group: Group): string[] {
  return [...group.pairs].map(([source, destinations]) => JSON.stringify([source, [...destinations].toSorted()])).toSorted();
}

/** `389/tcp`, or `49152-65535/tcp#drsuapi`. */
function portLabel(check: Result['check']): string {
  const port = `${check.port}/${check.transport}`;
  return check.interface === undefined ? port : `${port}#${check.interface}`;
}
