/** Matrices and inventory to plan: which host asks which, what, and what is left out and why. Everything is resolved here; what remains is a flat job. */
import { createHash } from 'node:crypto';
import type { Check } from '../agent/contract/check.ts';
import { expandRule } from '../agent/contract/expand.ts';
import { contractVersion, type Job, type JobHost, type JobRule, type KerberosUse, type Pair, type PortSpan } from '../agent/contract/job.ts';
import type { Host, Inventory } from './inventory.ts';
import type { Matrix, PortRange, Rule } from './matrix.ts';
import { type PaceChoice, paceOf, worstCase } from './pace.ts';
import { meetings, reasonApart } from './meetings.ts';
import { quote } from './quotation.ts';
import type { Exclusion } from './report.ts';
import { UsageError } from './usage-error.ts';
import type { Finding, Requirement } from './verdict.ts';

/** What a user may choose for a run. */
export interface Choice extends PaceChoice {
  readonly run: string;
  /** Names; empty means all. Rules are named `rule` or `matrix/rule`. */
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
  readonly rules: readonly string[];
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly sourcePorts?: PortSpan;
  /** Present where sources may use their own Kerberos credentials. */
  readonly kerberos?: KerberosUse;
}

/** A rule as it is asked: one transport, one port entry or RPC interface. Stands at the same index as its row in `job.rules`. */
export interface PlannedRule {
  readonly matrix: Matrix;
  readonly rule: Rule;
  readonly requirement: Requirement;
}

/** A rule for one pair: asked, or left out with the reason. */
export interface Member {
  readonly rule: number;
  readonly skip?: Finding;
}

/** One source towards one destination (indices into `job.hosts`), with every rule that concerns the two. */
export interface PlannedPair {
  readonly source: number;
  readonly destination: number;
  readonly members: readonly Member[];
}

export interface Plan {
  readonly job: Job;
  readonly hosts: readonly Host[];
  readonly matrices: readonly Matrix[];
  readonly rules: readonly PlannedRule[];
  readonly pairs: readonly PlannedPair[];
  readonly excluded: readonly Exclusion[];
  /** Rules that the user did not choose and that a chosen one needs. */
  readonly drawnIn: readonly string[];
  /** Names of the hosts whose agents run. */
  readonly sources: readonly string[];
  /** Longest that the agents can take, in milliseconds. */
  readonly worstCaseMs: number;
}

/** A planned check: asked as number `index` of its source, or left out. */
export interface PlannedCheck {
  readonly check: Check;
  readonly rule: PlannedRule;
  readonly destination: Host;
  readonly index?: number;
  readonly skip?: Finding;
}

/** Makes the plan. Throws a `UsageError` where the choice names what is not there, or leaves nothing to ask. */
export function plan(matrices: readonly Matrix[], inventory: Inventory, choice: Choice): Plan {
  const { hosts } = inventory;
  checkNames(
    '--source',
    choice.sources,
    hosts.map(({ name }) => name),
  );
  checkNames(
    '--destination',
    choice.destinations,
    hosts.map(({ name }) => name),
  );
  checkNames(
    '--rule',
    choice.rules,
    matrices.flatMap(({ name, rules }) => rules.flatMap(({ id }) => [id, `${name}/${id}`])),
  );
  const twice = matrices.find(({ name }, index) => matrices.findIndex((other) => other.name === name) !== index);
  if (twice !== undefined)
    throw new UsageError(`two matrices are named "${twice.name}": expected different names, since a check is known by the name of its matrix`);
  for (const matrix of matrices) for (const wanted of [matrix.from, [matrix.to]]) checkRoles(matrix, wanted, inventory);

  const { chosen, drawnIn } = chooseRules(matrices, choice.rules);
  const { rows, planned, forward, reverse } = flatten(chosen);
  const pairs = new Map<string, { source: number; destination: number; rules: Set<number> }>();
  const excluded = new Map<string, Exclusion>();
  for (const matrix of matrices) {
    for (const { source, destination, reversed } of meetings(matrix, hosts)) {
      const [from, to] = [hosts[source], hosts[destination]];
      const asks = (reversed ? reverse : forward).get(matrix) ?? [];
      if (from === undefined || to === undefined || asks.length === 0 || !isChosen(choice, from, to)) continue;
      const key = `${source}>${destination}`;
      const reason = reasonApart(inventory, from, to);
      if (reason !== undefined) {
        excluded.set(key, { source: from.name, destination: to.name, reason });
        continue;
      }
      const pair = pairs.get(key) ?? { source, destination, rules: new Set<number>() };
      pairs.set(key, pair);
      for (const index of asks) pair.rules.add(index);
    }
  }
  const plannedPairs = resolve([...pairs.values()], hosts, planned);
  const asked = plannedPairs.some(({ members }) => members.some(({ skip }) => skip === undefined));
  if (!asked) throw new UsageError(nothingToAsk(inventory, plannedPairs, excluded.size));

  const sources = hosts.filter(
    (host, index) => host.connector.kind !== 'none' && plannedPairs.some((pair) => pair.source === index && pair.members.some(isAsked)),
  );
  const draft = flatJob(inventory, rows, plannedPairs, choice, sources);
  const worstCaseMs = worstCase(draft);
  return {
    job: { ...draft, endsAfterMs: Math.min(longestTimerMs, Math.ceil(worstCaseMs * 1.25) + secondLookMs) },
    hosts,
    matrices,
    rules: planned,
    pairs: plannedPairs,
    excluded: [...excluded.values()],
    drawnIn,
    sources: sources.map(({ name }) => name),
    worstCaseMs,
  };
}

/** Yields every planned check once, in the one order of the plan. */
export function* plannedChecks({ job, hosts, rules, pairs }: Plan): Generator<PlannedCheck, void> {
  const indices = new Map<number, number>();
  for (const { source, destination, members } of pairs) {
    const asked = members.filter(isAsked).map(({ rule }) => rule);
    const host = hosts[destination];
    let index = indices.get(source) ?? 0;
    for (const member of members) {
      const rule = rules[member.rule];
      if (rule === undefined || host === undefined) throw new Error('plan: a pair names a rule or a host that is not there');
      for (const check of expandRule(job, member.rule, source, destination, asked)) {
        if (member.skip !== undefined) {
          yield { check, rule, destination: host, skip: member.skip };
        } else {
          yield { check, rule, destination: host, index };
          index += 1;
        }
      }
    }
    indices.set(source, index);
  }
}

/** The longest that looking again at rate-limited rejections takes (see `agent/second-look.ts`). */
const secondLookMs = 70_000;

/** A timer that is set for longer goes off at once. */
const longestTimerMs = 2 ** 31 - 1;

function isAsked({ skip }: Member): boolean {
  return skip === undefined;
}

function checkNames(option: string, names: readonly string[], known: readonly string[]): void {
  for (const name of names) {
    if (known.includes(name)) continue;
    const list = [...new Set(known)];
    const shown = list.slice(0, 12).join(', ');
    throw new UsageError(
      `${option} ${quote(name)} is not in the plan: expected one of ${shown}${list.length > 12 ? `, … (${list.length} in all)` : ''}`,
    );
  }
}

function checkRoles(matrix: Matrix, wanted: readonly string[], { hosts, file }: Inventory): void {
  if (hosts.some(({ roles }) => wanted.some((role) => roles.includes(role)))) return;
  const roles = [...new Set(hosts.flatMap((host) => host.roles))].join(', ');
  throw new UsageError(
    `${file}: matrix "${matrix.name}" needs a host with the role ${wanted.map((role) => `"${role}"`).join(' or ')}, and no host has it: the roles here are ${roles}`,
  );
}

/** The chosen rules of each matrix, with all that they need. */
function chooseRules(
  matrices: readonly Matrix[],
  names: readonly string[],
): { readonly chosen: Map<Matrix, readonly Rule[]>; readonly drawnIn: string[] } {
  const drawnIn: string[] = [];
  const chosen = new Map<Matrix, readonly Rule[]>();
  for (const matrix of matrices) {
    const isNamed = ({ id }: Rule): boolean => names.length === 0 || names.includes(id) || names.includes(`${matrix.name}/${id}`);
    const wanted = new Set(matrix.rules.filter(isNamed).map(({ id }) => id));
    for (let grown = true; grown;) {
      const needed = matrix.rules.filter(({ id }) => wanted.has(id)).flatMap(({ after }) => after);
      const missing = needed.filter((id) => !wanted.has(id));
      for (const id of missing) wanted.add(id);
      drawnIn.push(...new Set(missing.map((id) => `${matrix.name}/${id}`)));
      grown = missing.length > 0;
    }
    chosen.set(matrix, prerequisitesFirst(matrix.rules.filter(({ id }) => wanted.has(id))));
  }
  return { chosen, drawnIn };
}

/** The rules in their order, but each after those that it needs. The reader of matrices has refused cycles. */
function prerequisitesFirst(rules: readonly Rule[]): readonly Rule[] {
  const placed = new Map<string, Rule>();
  const place = (rule: Rule): void => {
    if (placed.has(rule.id)) return;
    for (const other of rules) if (rule.after.includes(other.id)) place(other);
    placed.set(rule.id, rule);
  };
  for (const rule of rules) place(rule);
  return [...placed.values()];
}

/** The rows of the job, and which of them each matrix asks forward and in reverse. */
function flatten(chosen: Map<Matrix, readonly Rule[]>): {
  readonly rows: JobRule[];
  readonly planned: PlannedRule[];
  readonly forward: Map<Matrix, number[]>;
  readonly reverse: Map<Matrix, number[]>;
} {
  const rows: JobRule[] = [];
  const planned: PlannedRule[] = [];
  const forward = new Map<Matrix, number[]>();
  const reverse = new Map<Matrix, number[]>();
  for (const [matrix, rules] of chosen) {
    const add = (rule: Rule, requirement: Requirement, first: ReadonlyMap<string, number>): number[] =>
      rowsOf(matrix, rule).map((row) => {
        const after = rule.after.flatMap((id) => first.get(id) ?? []);
        planned.push({ matrix, rule, requirement });
        return rows.push({ ...row, ...(after.length > 0 && { after }) }) - 1;
      });
    const direction = (
      pick: (rule: Rule) => Requirement | undefined,
      reuse: ReadonlyMap<string, readonly number[]>,
    ): Map<string, readonly number[]> => {
      const indices = new Map<string, readonly number[]>();
      const first = new Map<string, number>();
      for (const rule of rules) {
        const requirement = pick(rule);
        if (requirement === undefined) continue;
        const known = requirement === rule.requirement ? reuse.get(rule.id) : undefined;
        const added = known ?? add(rule, requirement, first);
        indices.set(rule.id, added);
        if (added[0] !== undefined) first.set(rule.id, added[0]);
      }
      return indices;
    };
    const there = direction(({ requirement }) => requirement, new Map());
    const back = direction((rule) => (rule.direction === 'both' ? rule.reverseRequirement : undefined), there);
    forward.set(matrix, [...there.values()].flat());
    reverse.set(matrix, [...back.values()].flat());
  }
  return { rows, planned, forward, reverse };
}

function rowsOf(matrix: Matrix, rule: Rule): JobRule[] {
  const base = { matrix: matrix.name, rule: rule.id, probe: rule.probe };
  return rule.ports.flatMap((range): JobRule[] => {
    const { transport } = range;
    if (rule.interfaces.length > 0) {
      return rule.interfaces.map((name) => ({ ...base, transport, ports: `${range.first}-${range.last}`, interface: name }));
    }
    return [{ ...base, transport, ports: spansOf(range, rule, `${matrix.name}/${rule.id}`) }];
  });
}

/** A TCP range is asked port by port; a UDP range by samples, which are the same in every run of the same rule. */
function spansOf({ first, last, transport }: PortRange, { sample }: Rule, seed: string): readonly PortSpan[] {
  const size = last - first + 1;
  if (transport === 'tcp' || size <= sample) return [[first, last]];
  const ports = new Set<number>();
  for (let turn = 0; ports.size < sample; turn += 1) {
    const hash = createHash('sha256').update(`${seed}:${turn}`).digest();
    ports.add(first + (hash.readUInt32BE(0) % size));
  }
  return [...ports].toSorted((one, other) => one - other).map((port) => [port, port]);
}

function isChosen(choice: Choice, source: Host, destination: Host): boolean {
  const among = (names: readonly string[], { name }: Host): boolean => names.length === 0 || names.includes(name);
  return among(choice.sources, source) && among(choice.destinations, destination);
}

/** Settles for each pair which rules are asked. Pairs that have the same rules and the same skips share one list. */
function resolve(
  pairs: readonly { readonly source: number; readonly destination: number; readonly rules: ReadonlySet<number> }[],
  hosts: readonly Host[],
  planned: readonly PlannedRule[],
): PlannedPair[] {
  const lists = new Map<string, readonly Member[]>();
  return pairs
    .toSorted((one, other) => one.source - other.source || one.destination - other.destination)
    .map(({ source, destination, rules }) => {
      const vantage = hosts[source]?.connector.kind !== 'none';
      const features = hosts[destination]?.features;
      const key = [vantage, features?.join(), [...rules].join()].join('|');
      const members = lists.get(key) ?? [...rules].map((rule): Member => membership(rule, planned[rule]?.rule, vantage, features));
      lists.set(key, members);
      return { source, destination, members };
    })
    .filter(({ members }) => members.length > 0);
}

function membership(rule: number, { when }: Partial<Rule> = {}, vantage: boolean, features: readonly string[] | undefined): Member {
  const missing = features === undefined ? undefined : when?.find((feature) => !features.includes(feature));
  if (missing !== undefined) return { rule, skip: { code: 'not-applicable', feature: missing } };
  return vantage ? { rule } : { rule, skip: { code: 'no-vantage' } };
}

function nothingToAsk({ file }: Inventory, pairs: readonly PlannedPair[], excluded: number): string {
  if (pairs.length === 0)
    return `${file}: nothing to ask: ${excluded > 0 ? `${excluded === 1 ? 'the only pair' : `all ${excluded} pairs`} of hosts ${excluded === 1 ? 'is' : 'are'} excluded by links or address family` : 'no two hosts meet in these matrices'}`;
  return `${file}: nothing to ask: no source has a connector (expected at least one with "connector: local" or "connector: {exec: [...]}"), or no rule applies`;
}

function flatJob(inventory: Inventory, rules: readonly JobRule[], planned: readonly PlannedPair[], choice: Choice, sources: readonly Host[]): Job {
  const sets = new Map<readonly Member[], number>();
  const pairs: Pair[] = [];
  for (const { source, destination, members } of planned) {
    if (!members.some(isAsked)) continue;
    const set = sets.get(members) ?? sets.size;
    sets.set(members, set);
    pairs.push([source, destination, set]);
  }
  return {
    contract: contractVersion,
    run: choice.run,
    timeoutMs: choice.timeoutMs,
    attempts: choice.attempts,
    endsAfterMs: 0,
    hosts: inventory.hosts.map(jobHost),
    rules,
    sets: [...sets.keys()].map((members) => members.filter(isAsked).map(({ rule }) => rule)),
    pairs,
    pace: Object.fromEntries(sources.map((host) => [host.name, paceOf(host, choice, sources.length)])),
    ...(choice.sourcePorts !== undefined && { sourcePorts: choice.sourcePorts }),
    ...(choice.kerberos !== undefined && { kerberos: choice.kerberos }),
    ...(inventory.authorities !== undefined && { authorities: inventory.authorities }),
    reply: 'messages',
  };
}

function jobHost({ name, address, domain, dnsName, joined, rpc }: Host): JobHost {
  return {
    name,
    address,
    dnsName,
    ...(domain !== undefined && { domain }),
    ...(joined && { joined }),
    ...(Object.keys(rpc).length > 0 && { rpc }),
  };
}
