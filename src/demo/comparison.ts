/** Whether a run found exactly the injected faults. */
import type { Plan } from '../plan.ts';
import { plannedChecks } from '../plan.ts';
import type { Result } from '../report.ts';
import { type Fault } from './fault.ts';
import { mapPort, type SimulatedHost } from './layout.ts';

/** Where a run and the injected faults differ, a line each; empty when exactly the faults were found. Skipped and optional checks do not count. */
export function differences(plan: Plan, hosts: readonly SimulatedHost[], injected: readonly Fault[], results: readonly Result[]): readonly string[] {
  const expected = expectedOf(plan, hosts, injected);
  return results.flatMap(({ check: { id }, verdict: { status, finding } }) => {
    const wanted = expected.get(id);
    const isTrouble = status === 'fail' || status === 'error' || status === 'inconclusive';
    const found = `${status}${finding === undefined ? '' : ` ${finding.code}`}`;
    if (wanted !== undefined) return status === 'fail' && finding?.code === wanted ? [] : [`${id}: expected fail ${wanted}, found ${found}`];
    return isTrouble ? [`${id}: expected no trouble, found ${found}`] : [];
  });
}

/** The finding of each required check that meets a fault, by its id. */
function expectedOf(plan: Plan, hosts: readonly SimulatedHost[], injected: readonly Fault[]): ReadonlyMap<string, Fault['finding']> {
  const expected = new Map<string, Fault['finding']>();
  for (const { check, rule, skip } of plannedChecks(plan)) {
    if (skip !== undefined || rule.requirement !== 'required') continue;
    const host = hosts.find(({ name }) => name === check.destination);
    const fault = injected.find(
      ({ host: name, port, transport }) =>
        name === check.destination && transport === check.transport && host !== undefined && mapPort(host, port) === check.port,
    );
    if (fault !== undefined) expected.set(check.id, fault.finding);
  }
  return expected;
}
