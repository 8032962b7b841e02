/** Whether one DC is ready for a purpose, from the results of its checks. Pure. */
import type { Check } from '../../agent/contract/check.ts';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import type { ProbeName } from '../../agent/contract/probe.ts';
import type { Host } from '../inventory.ts';
import type { Result } from '../report.ts';
import { type DcConclusion, type LocatorFinding, type Obstacle, type Skipped, type Step, steps, type Warning } from './conclusion.ts';

/** The step of a join that asks this. */
const stepOf: Readonly<Partial<Record<ProbeName, Step>>> = {
  dns: 'dns',
  cldap: 'locator',
  ldap: 'ldap',
  smb: 'smb',
  kerberos: 'kerberos',
  epm: 'endpoint-mapper',
  rpc: 'rpc',
  kpasswd: 'kpasswd',
};

/** How the DC did. A failure counts whatever else stayed open; a check that was skipped because of another leaves that other to count. */
export function readinessOf(host: Host, results: readonly Result[]): DcConclusion {
  const deciding = results.filter(({ expected, verdict }) => expected.requirement === 'required' && verdict.finding?.code !== 'not-applicable');
  const failed = deciding.filter(({ verdict }) => verdict.status === 'fail');
  const open = deciding.filter(({ verdict }) => verdict.status === 'error' || verdict.status === 'inconclusive');
  // Where nothing went wrong and yet something was not asked, that is what stays open.
  const unasked = failed.length + open.length > 0 ? [] : deciding.filter(({ verdict }) => verdict.status === 'skip');
  const isWhole = deciding.length > 0 && deciding.every(({ verdict }) => verdict.status === 'pass' || verdict.status === 'warn');
  return {
    host: host.name,
    name: host.dnsName,
    address: host.address,
    ...(host.site !== undefined && { site: host.site }),
    readOnly: host.readOnly,
    state: failed.length > 0 ? 'not-ready' : isWhole ? 'ready' : 'undecided',
    failed: failed.map(obstacle).toSorted(byStep),
    undecided: [...open, ...unasked].map(obstacle).toSorted(byStep),
    clocks: clocksOf(results),
  };
}

function obstacle({ check, verdict, outcome }: Result): Obstacle {
  const finding = verdict.finding?.code ?? 'not-checked';
  const isReset = outcome?.kind === 'observed' && (outcome.reason === 'reset' || outcome.service?.status === 'disconnected');
  const usual = stepOf[check.probe] ?? 'other';
  const step = finding === 'clock-skew' ? 'clock' : isReset && (usual === 'rpc' || usual === 'endpoint-mapper') ? 'rpc-reset' : usual;
  return { step, rule: check.rule, port: portOf(check), ...(check.interface !== undefined && { interface: check.interface }), finding };
}

function portOf({ port, transport }: Check): string {
  return `${port}/${transport}`;
}

function byStep(one: Obstacle, other: Obstacle): number {
  return steps.indexOf(one.step) - steps.indexOf(other.step);
}

function clocksOf(results: readonly Result[]): DcConclusion['clocks'] {
  const offsetOf = (probe: ProbeName): number | undefined =>
    results
      .filter(({ check }) => check.probe === probe)
      .map(({ outcome }) => factsOf(outcome)?.clockOffsetMs)
      .find((offset) => offset !== undefined);
  const [kerberos, smb, ntp] = [offsetOf('kerberos'), offsetOf('smb'), offsetOf('ntp')];
  return { ...(kerberos !== undefined && { kerberos }), ...(smb !== undefined && { smb }), ...(ntp !== undefined && { ntp }) };
}

function factsOf(outcome: Outcome | undefined): Facts | undefined {
  return outcome?.kind === 'observed' && outcome.service?.status === 'identified' ? outcome.service.facts : undefined;
}

/** Clocks of one host agree to well under this, whatever the protocol's resolution. */
const clockSpreadMs = 5_000;

/** Clocks behind one address that cannot be one clock. */
export function clockFindings({ name, clocks }: DcConclusion): readonly LocatorFinding[] {
  const offsets = Object.values(clocks);
  const spreadMs = offsets.length < 2 ? 0 : Math.max(...offsets) - Math.min(...offsets);
  return spreadMs > clockSpreadMs ? [{ code: 'clocks-disagree', dc: name, spreadMs }] : [];
}

/** Warnings of these hosts that are worth telling: of rules that decide, and of those that a member needs later. */
export function warningsOf(results: readonly Result[], noteworthy: ReadonlySet<string>, hosts: ReadonlySet<string>): readonly Warning[] {
  const warned = results.filter(
    ({ check, verdict, expected }) =>
      hosts.has(check.destination) &&
      verdict.status === 'warn' &&
      (expected.requirement === 'required' || (noteworthy.has(check.rule) && !isUntelling(verdict))),
  );
  const groups = Map.groupBy(warned, ({ check, verdict }) => JSON.stringify([check.rule, portOf(check), verdict.finding?.code]));
  return [...groups.values()].flatMap((members) => {
    const [first] = members;
    if (first?.verdict.finding === undefined) return [];
    const destinations = [...new Set(members.map(({ check }) => check.destination))];
    return [{ rule: first.check.rule, port: portOf(first.check), finding: first.verdict.finding.code, hosts: destinations }];
  });
}

/** True for what proves nothing against the port: a service that a probe does not know how to talk to, or that may stay silent. */
function isUntelling({ finding }: Result['verdict']): boolean {
  return finding?.code === 'unproven' || finding?.code === 'uninformative';
}

/** How many checks were skipped because an earlier one failed, by that one's rule. What was not asked in large packets since it failed in small ones is no news. */
export function skippedOf(results: readonly Result[]): readonly Skipped[] {
  const rules = new Map(results.map(({ check }) => [check.id, check.rule]));
  const counts = new Map<string, number>();
  for (const { check, verdict } of results) {
    if (verdict.finding?.code !== 'prerequisite' || check.size !== undefined) continue;
    const rule = rules.get(verdict.finding.because) ?? verdict.finding.because;
    counts.set(rule, (counts.get(rule) ?? 0) + 1);
  }
  return [...counts].map(([because, checks]) => ({ because, checks }));
}
