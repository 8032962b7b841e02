/** What a plan asks of managed nodes, as what a document must let them dial. Pure. */
import type { JobHost, JobRule } from '../agent/contract/job.ts';
import { canonicalAddress, isHostAddress } from './address.ts';
import type { ManagedNode } from './host.ts';
import { joined } from './permission.ts';
import type { Plan } from './plan.ts';
import { parsePortRange, type PortRange, portText } from './port-range.ts';

/** All that the managed nodes of a plan dial. Everything else of the plan goes another way, and no document is asked for it. */
export interface PlanAllowance {
  /** Each address as a network of its own, in the order of the plan. */
  readonly destinations: readonly string[];
  /** Every port that is asked of any of them, in as few ranges as possible. */
  readonly ports: readonly string[];
  /** Destinations that are known by name: what they resolve to is known on the nodes only. */
  readonly names: readonly string[];
  /** How long the agents may take. */
  readonly endsAfterMs: number;
}

/** Probes that ask over TCP again what was cut off over UDP. */
const asksAgain: ReadonlySet<string> = new Set(['dns', 'kerberos']);

/** Sums up the checks whose source is a managed node, or one of those that `isMeant` picks; empty lists where there are none. */
export function allowanceOf({ job, hosts }: Plan, isMeant: (node: ManagedNode) => boolean = () => true): PlanAllowance {
  const destinations = new Set<string>();
  const names = new Set<string>();
  const ranges = new Map<string, PortRange>();
  for (const [source, destination, set] of job.pairs) {
    const to = job.hosts[destination];
    const connector = hosts[source]?.connector;
    if (connector?.kind !== 'ssm' || !isMeant(connector.node) || to === undefined) continue;
    if (!isHostAddress(to.address)) names.add(to.name);
    else destinations.add(networkOf(to.address));
    for (const index of job.sets[set] ?? []) for (const range of rangesOf(job.rules[index], to)) ranges.set(portText(range), range);
  }
  return {
    destinations: [...destinations],
    ports: joined([...ranges.values()]).map(portText),
    names: [...names],
    endsAfterMs: job.endsAfterMs,
  };
}

/** The address alone, as a network; a zone belongs to one host and to no policy. */
function networkOf(address: string): string {
  const plain = canonicalAddress(address).replace(/%.*$/, '');
  return `${plain}/${plain.includes(':') ? 128 : 32}`;
}

function rangesOf(rule: JobRule | undefined, { rpc = {} }: JobHost): readonly PortRange[] {
  if (rule === undefined) return [];
  const { ports, transport, probe, interface: named } = rule;
  const fixed = named === undefined ? undefined : rpc[named];
  if (fixed !== undefined) return [{ first: fixed, last: fixed, transport }];
  if (typeof ports === 'string') {
    const range = parsePortRange(`${ports}/${transport}`);
    return 'expected' in range ? [] : [range];
  }
  const transports = transport === 'udp' && asksAgain.has(probe) ? (['udp', 'tcp'] as const) : [transport];
  return transports.flatMap((over) => ports.map(([first, last]): PortRange => ({ first, last, transport: over })));
}
