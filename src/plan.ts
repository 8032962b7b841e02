/** Matrices and inventory to plan: which host asks which, what, and what is left out and why. Everything is resolved here; what remains is a flat job. */
import type { Check } from '../agent/contract/check.ts';
import { expandRule } from '../agent/contract/expand.ts';
import { contractVersion, type Job, type JobHost, type JobRule, type KerberosUse, type Pair, type PortSpan } from '../agent/contract/job.ts';
import { control, needsControl } from './control.ts';
import { type NameField, nameDestinations } from './destination-name.ts';
import type { Host, Inventory } from './inventory.ts';
import type { Matrix, Rule } from './matrix.ts';
import { type PaceChoice, paceOf, worstCase } from './pace.ts';
import { meetings, reasonApart } from './meetings.ts';
import { quote } from './quotation.ts';
import type { Exclusion } from './report.ts';
import { chooseRules, flatten, type PlannedRule } from './rule-rows.ts';
import { UsageError } from './usage-error.ts';
import type { Finding } from './verdict.ts';

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
  /** True: the port that must not answer (`control.ts`) is not asked, and what completes every handshake is not noticed. */
  readonly withoutControl?: boolean;
  /** Present where sources may use their own Kerberos credentials. */
  readonly kerberos?: KerberosUse;
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
  const named = nameDestinations(matrices, inventory);
  const hosts = [...inventory.hosts, ...named.hosts];
  checkNames(
    '--source',
    choice.sources,
    inventory.hosts.map(({ name }) => name),
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
  const names = [...matrices, control].map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new UsageError(`two matrices are named "${twice}": expected different names, since a check is known by the name of its matrix`);
  for (const matrix of matrices)
    for (const wanted of [matrix.from, ...(matrix.to === undefined ? [] : [[matrix.to]])]) checkRoles(matrix, wanted, inventory);

  const { chosen, drawnIn } = chooseRules(matrices, choice.rules);
  const { rows, planned, forward, reverse } = flatten(new Map([...chosen, [control, control.rules]]));
  const pairs = new Map<string, { source: number; destination: number; rules: Set<number> }>();
  const excluded = new Map<string, Exclusion>();
  const bring = (source: number, destination: number, asks: readonly number[], apart: (from: Host, to: Host) => string | undefined): void => {
    const [from, to] = [hosts[source], hosts[destination]];
    if (from === undefined || to === undefined || asks.length === 0 || !isChosen(choice, from, to)) return;
    const key = `${source}>${destination}`;
    const reason = apart(from, to);
    if (reason !== undefined) {
      excluded.set(key, { source: from.name, destination: to.name, reason });
      return;
    }
    const pair = pairs.get(key) ?? { source, destination, rules: new Set<number>() };
    pairs.set(key, pair);
    for (const index of asks) pair.rules.add(index);
  };
  for (const matrix of matrices) {
    const isOfRole = (index: number): boolean => planned[index]?.rule.to === undefined;
    const asks = { there: (forward.get(matrix) ?? []).filter(isOfRole), back: reverse.get(matrix) ?? [] };
    for (const { source, destination, reversed } of meetings(matrix, inventory.hosts))
      bring(source, destination, reversed ? asks.back : asks.there, (from, to) => reasonApart(inventory, from, to));
    // Links are between hosts of the inventory: names are nobody's site.
    for (const index of forward.get(matrix) ?? []) {
      const { to } = planned[index]?.rule ?? {};
      if (to === undefined) continue;
      for (const [source, host] of inventory.hosts.entries())
        if (matrix.from.some((role) => host.roles.includes(role))) bring(source, named.indexOf(to.name, host), [index], () => undefined);
    }
  }
  const controls = choice.withoutControl === true ? [] : (forward.get(control) ?? []);
  const plannedPairs = resolve([...pairs.values()], hosts, planned, controls, named.missing);
  const asked = plannedPairs.some(({ members }) => members.some(({ skip }) => skip === undefined));
  if (!asked) throw new UsageError(nothingToAsk(inventory, plannedPairs, excluded.size));

  const sources = hosts.filter(
    (host, index) => host.connector.kind !== 'none' && plannedPairs.some((pair) => pair.source === index && pair.members.some(isAsked)),
  );
  const draft = flatJob(inventory, hosts, rows, plannedPairs, choice, sources);
  const worstCaseMs = worstCase(draft);
  return {
    job: { ...draft, endsAfterMs: Math.min(longestTimerMs, Math.ceil(worstCaseMs * 1.25) + secondLookMs) },
    hosts,
    matrices: plannedPairs.some(({ members }) => members.some(({ rule }) => planned[rule]?.matrix === control)) ? [...matrices, control] : matrices,
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

function isChosen(choice: Choice, source: Host, destination: Host): boolean {
  const among = (names: readonly string[], { name }: Host): boolean => names.length === 0 || names.includes(name);
  return among(choice.sources, source) && among(choice.destinations, destination);
}

/** Settles for each pair which rules are asked, and with them the control. Pairs that have the same rules and the same skips share one list. */
function resolve(
  pairs: readonly { readonly source: number; readonly destination: number; readonly rules: ReadonlySet<number> }[],
  hosts: readonly Host[],
  planned: readonly PlannedRule[],
  controls: readonly number[],
  missing: ReadonlyMap<number, NameField>,
): PlannedPair[] {
  const lists = new Map<string, readonly Member[]>();
  return pairs
    .toSorted((one, other) => one.source - other.source || one.destination - other.destination)
    .map(({ source, destination, rules }) => {
      const vantage = hosts[source]?.connector.kind !== 'none';
      const features = hosts[destination]?.features;
      const field = missing.get(destination);
      const key = [vantage, features?.join(), field, [...rules].join()].join('|');
      const members =
        lists.get(key) ??
        withControl(
          [...rules].map((rule): Member => membership(rule, planned[rule]?.rule, vantage, features, field)),
          planned,
          controls,
        );
      lists.set(key, members);
      return { source, destination, members };
    })
    .filter(({ members }) => members.length > 0);
}

function withControl(members: readonly Member[], planned: readonly PlannedRule[], controls: readonly number[]): readonly Member[] {
  const isNeeded = members.some((member) => {
    const rule = planned[member.rule]?.rule;
    return isAsked(member) && rule !== undefined && needsControl(rule);
  });
  return isNeeded ? [...members, ...controls.map((rule): Member => ({ rule }))] : members;
}

function membership(
  rule: number,
  { when }: Partial<Rule> = {},
  vantage: boolean,
  features: readonly string[] | undefined,
  field: NameField | undefined,
): Member {
  if (field !== undefined) return { rule, skip: { code: 'field-missing', field } };
  const missing = features === undefined ? undefined : when?.find((feature) => !features.includes(feature));
  if (missing !== undefined) return { rule, skip: { code: 'not-applicable', feature: missing } };
  return vantage ? { rule } : { rule, skip: { code: 'no-vantage' } };
}

function nothingToAsk({ file }: Inventory, pairs: readonly PlannedPair[], excluded: number): string {
  if (pairs.length === 0)
    return `${file}: nothing to ask: ${excluded > 0 ? `${excluded === 1 ? 'the only pair' : `all ${excluded} pairs`} of hosts ${excluded === 1 ? 'is' : 'are'} excluded by links or address family` : 'no two hosts meet in these matrices'}`;
  const skips = pairs.flatMap(({ members }) => members.flatMap(({ skip }) => (skip?.code === 'field-missing' ? [skip.field] : [])));
  if (skips.length > 0)
    return `${file}: nothing to ask: no source has the field ${quote(skips[0])}, expected it where the name of a destination holds it`;
  return `${file}: nothing to ask: no source has a connector (expected at least one with "connector: local" or "connector: {exec: [...]}"), or no rule applies`;
}

function flatJob(
  inventory: Inventory,
  hosts: readonly Host[],
  rules: readonly JobRule[],
  planned: readonly PlannedPair[],
  choice: Choice,
  sources: readonly Host[],
): Job {
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
    hosts: hosts.map(jobHosts(hosts)),
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

/** Hosts as a job has them: with their site only where a read-only DC of their domain stands in it. */
function jobHosts(hosts: readonly Host[]): (host: Host) => JobHost {
  const place = ({ domain, site }: Host): string => `${domain ?? ''} ${site?.toLowerCase() ?? ''}`;
  const readOnly = new Set(hosts.filter((host) => host.readOnly && host.domain !== undefined).map(place));
  return (host) => {
    const { name, address, domain, dnsName, joined, rpc, site } = host;
    return {
      name,
      address,
      dnsName,
      ...(domain !== undefined && { domain }),
      ...(site !== undefined && readOnly.has(place(host)) && { site }),
      ...(joined && { joined }),
      ...(Object.keys(rpc).length > 0 && { rpc }),
    };
  };
}
