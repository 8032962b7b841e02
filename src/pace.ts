/** How hard a run pushes, and how long it can take. */
import { countChecks } from '../agent/contract/expand.ts';
import type { Job, Pace } from '../agent/contract/job.ts';
import { mostTickets, ordersTicket, type ProbeName } from '../agent/contract/probe.ts';
import type { Host } from './inventory.ts';

export const paceNames = ['gentle', 'normal', 'bulk'] as const;
export type PaceName = (typeof paceNames)[number];

/** What a user may choose of the pace. The numbers override what the name stands for. */
export interface PaceChoice {
  readonly paceName: PaceName;
  /** Sockets in flight from one source. */
  readonly concurrency?: number;
  /** Sockets in flight towards one destination, from all sources together. */
  readonly perDestination?: number;
}

/** Sockets in flight at the pace "bulk": 16,384 checks and the controls of 64 destinations; an agent whose host allows fewer descriptors takes fewer. */
const bulk = 16_384 + 64;

/** The pace of one source. What one destination may bear is divided among the sources that run at the same time. */
export function paceOf({ roles, os }: Host, { paceName, concurrency, perDestination }: PaceChoice, sources: number): Pace {
  // Ephemeral ports of a DC, and of Windows, serve others too.
  const careful = roles.includes('dc') || os === 'windows';
  const whole = perDestination ?? (paceName === 'bulk' ? (concurrency ?? bulk) : paceName === 'gentle' ? 8 : 32);
  const inFlight = concurrency ?? (paceName === 'bulk' ? bulk : careful || paceName === 'gentle' ? 64 : 256);
  const together = Math.min(sources, whole);
  const share = Math.max(1, Math.floor(whole / together));
  return { inFlight, perDestination: Math.min(share, inFlight), ...(paceName === 'gentle' && { flowsPerSecond: 5 / together }) };
}

/** How many agents may run at once, so that no destination bears more than its limit whatever the number of sources. */
export function agentsAtOnce(choice: PaceChoice): number {
  return Math.min(32, choice.perDestination ?? (choice.paceName === 'gentle' ? 8 : 32));
}

/** Longest time that any source can take when nothing answers: waves of checks, each as long as a late answer allows. */
export function worstCase({ sets, pairs, rules, pace, hosts, timeoutMs }: Job): number {
  const size = sets.map((members) => members.reduce((count, rule) => count + countChecks(rules[rule] ?? { ports: [] }), 0));
  const orders = sets.map((members) => members.filter((rule) => isOrder(rules[rule]?.probe)).length);
  const chained = sets.map((members) => (members.some((rule) => (rules[rule]?.after?.length ?? 0) > 0) ? 1 : 0));
  const bySource = new Map<number, { checks: number; tickets: number; waves: number; pacedMs: number }>();
  for (const [source, , set] of pairs) {
    const { perDestination = 1, flowsPerSecond } = pace[hosts[source]?.name ?? ''] ?? {};
    const load = bySource.get(source) ?? { checks: 0, tickets: 0, waves: 0, pacedMs: 0 };
    const checks = size[set] ?? 0;
    bySource.set(source, {
      checks: load.checks + checks,
      tickets: load.tickets + (orders[set] ?? 0),
      waves: Math.max(load.waves, Math.ceil(checks / perDestination) + (chained[set] ?? 0)),
      pacedMs: flowsPerSecond === undefined ? 0 : Math.max(load.pacedMs, (checks * 1_000) / flowsPerSecond),
    });
  }
  const agents = [...bySource].map(([source, { checks, tickets, waves, pacedMs }]) => {
    const { inFlight = 1 } = pace[hosts[source]?.name ?? ''] ?? {};
    return pacedMs + Math.max(waves, Math.ceil(checks / inFlight), Math.ceil(tickets / mostTickets)) * timeoutMs * 1.5;
  });
  return Math.max(...agents);
}

function isOrder(probe: ProbeName | undefined): boolean {
  return probe !== undefined && ordersTicket(probe);
}
