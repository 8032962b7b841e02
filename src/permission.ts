/** What a firewall has to know of matrices and hosts: between whom, which ports. Other than a plan it asks nobody, so who can look does not matter. */
import type { Host, Inventory } from './inventory.ts';
import type { Matrix, PortRange, Rule } from './matrix.ts';
import { meetings, reasonApart } from './meetings.ts';

/** One source towards one destination. */
export interface Permission {
  readonly source: Host;
  readonly destination: Host;
  /** What must get through, and what must not; sorted, and no port twice. */
  readonly allowed: readonly PortRange[];
  readonly forbidden: readonly PortRange[];
  /** True when `allowed` is all that is meant to get through. A matrix that forbids single ports says nothing of the others. */
  readonly complete: boolean;
}

/** The permissions of every two hosts that are meant to talk, in the order of the inventory. */
export function permissions(matrices: readonly Matrix[], inventory: Inventory): readonly Permission[] {
  const { hosts } = inventory;
  const pairs = new Map<string, { source: Host; destination: Host; allowed: PortRange[]; forbidden: PortRange[]; complete: boolean }>();
  for (const matrix of matrices) {
    for (const { source: from, destination: to, reversed } of meetings(matrix, hosts)) {
      const [source, destination] = [hosts[from], hosts[to]];
      if (source === undefined || destination === undefined || reasonApart(inventory, source, destination) !== undefined) continue;
      const rules = matrix.rules.filter((rule) => appliesTo(rule, destination, reversed));
      if (rules.length === 0) continue;
      const key = `${from}>${to}`;
      const pair = pairs.get(key) ?? { source, destination, allowed: [], forbidden: [], complete: false };
      pairs.set(key, pair);
      pair.complete ||= matrix.rules.every(wantsOpen);
      for (const rule of rules) (wantsOpen(rule) ? pair.allowed : pair.forbidden).push(...portsFor(rule, destination));
    }
  }
  return [...pairs.values()].map(({ allowed, forbidden, ...hostsOf }) => ({ ...hostsOf, allowed: joined(allowed), forbidden: joined(forbidden) }));
}

/** True for a rule that serves old systems only: nothing is opened for it. */
export function isLegacy({ requirement }: Rule): boolean {
  return requirement === 'legacy';
}

function wantsOpen({ expect }: Rule): boolean {
  return expect.includes('open');
}

function appliesTo(rule: Rule, { features }: Host, reversed: boolean): boolean {
  // A name has no address that a firewall rule could hold.
  if (rule.to !== undefined) return false;
  if (isLegacy(rule) || (reversed && (rule.direction === 'forward' || rule.reverseRequirement === 'legacy'))) return false;
  return features === undefined || rule.when.every((feature) => features.includes(feature));
}

/** Where the destination fixed all ports of the interfaces, only those. */
function portsFor({ ports, interfaces }: Rule, { rpc }: Host): readonly PortRange[] {
  const fixed = interfaces.flatMap((name) => rpc[name] ?? []).map((port): PortRange => ({ first: port, last: port, transport: 'tcp' }));
  return interfaces.length > 0 && fixed.length === interfaces.length ? fixed : [...ports, ...fixed];
}

/** The same ports in as few ranges as possible, by transport and number. */
export function joined(ranges: readonly PortRange[]): readonly PortRange[] {
  const runs: PortRange[] = [];
  const sorted = ranges.toSorted((one, other) => one.transport.localeCompare(other.transport) || one.first - other.first);
  for (const range of sorted) {
    const last = runs.at(-1);
    if (last === undefined || last.transport !== range.transport || range.first > last.last + 1) runs.push(range);
    else runs[runs.length - 1] = { ...last, last: Math.max(last.last, range.last) };
  }
  return runs;
}
