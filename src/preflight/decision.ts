/** Concludes a preflight: from what was located and what the checks showed to GO, NO-GO or undecided. Pure. */
import type { Located } from '../../agent/contract/locate.ts';
import type { Host } from '../inventory.ts';
import type { Result } from '../report.ts';
import type { Conclusion, DcConclusion, FarDc, LocatorFinding, DomainPurpose } from './conclusion.ts';
import { predict } from './prediction.ts';
import { checksPerDc, type Questions } from './purpose.ts';
import { clockFindings, readinessOf, skippedOf, warningsOf } from './readiness.ts';
import { resolve, type Resolution } from './resolution.ts';
import { pingOf, type Selection } from './selection.ts';

/** What a conclusion rests on. `dcs` are the hosts that stand for the selected DCs. */
export interface Evidence {
  readonly located: Located;
  readonly selection: Selection;
  readonly dcs: readonly Host[];
  readonly results: readonly Result[];
}

/** Concludes. GO: two DCs are ready and nothing is worth a warning; with warnings: one is, or something else is not as it should be. */
export function conclude(purpose: DomainPurpose, domain: string, { matrix, noteworthy }: Questions, evidence: Evidence): Conclusion {
  const { located, selection, results } = evidence;
  const resolution = resolve(located, domain);
  const dcs = evidence.dcs.map((host) =>
    readinessOf(
      host,
      results.filter(({ check }) => check.destination === host.name),
    ),
  );
  const ready = new Set(dcs.filter(({ state, readOnly }) => state === 'ready' && !readOnly).map(({ name }) => name));
  const findings = [...resolution.findings, ...dcs.flatMap(clockFindings), ...dcs.flatMap((dc) => halfReady(dc, ready))];
  const hosts = new Set(dcs.filter(({ state }) => state === 'ready').map(({ host }) => host));
  const warnings = warningsOf(results, noteworthy, hosts);
  const isClean = ready.size >= 2 && findings.length === 0 && warnings.length === 0 && dcs.every(({ state }) => state === 'ready');
  const decision = decide(resolution, ready.size, dcs, isClean);
  const isGo = decision === 'go' || decision === 'go-with-warnings';
  const others = new Set([...selection.near, ...selection.far].map(({ dnsName }) => dnsName)).size;
  return {
    purpose,
    domain,
    decision,
    ...(purpose === 'promote' && isGo && { inboundUntested: others }),
    ...(located.clientSite !== undefined && { clientSite: located.clientSite }),
    resolvers: resolution.resolvers,
    dcs,
    far: farOf(selection, domain),
    findings,
    warnings,
    predictions: isGo ? [] : predict(purpose, resolution, dcs),
    skipped:
      dcs.length > 0
        ? skippedOf(results)
        : [{ because: resolution.stop === 'address' ? 'address' : 'dns', checks: checksPerDc(matrix), perDc: true }],
  };
}

/** The conclusion of a preflight whose agent never told what it found: nothing is known. */
export function concludeLost(purpose: DomainPurpose, domain: string, lost: string): Conclusion {
  return { purpose, domain, decision: 'undecided', lost, resolvers: [], dcs: [], far: [], findings: [], warnings: [], predictions: [], skipped: [] };
}

function decide({ stop }: Resolution, ready: number, dcs: readonly DcConclusion[], isClean: boolean): Conclusion['decision'] {
  if (stop === 'unknown') return 'undecided';
  if (stop !== undefined) return 'no-go';
  if (ready > 0) return isClean ? 'go' : 'go-with-warnings';
  return dcs.some(({ state, readOnly }) => state === 'undecided' && !readOnly) ? 'undecided' : 'no-go';
}

/** The DCs that were only pinged. */
export function farOf({ far }: Selection, domain: string): readonly FarDc[] {
  return far.map(({ dnsName, address, ping }) => {
    const facts = pingOf(ping, domain);
    return { name: dnsName, address, ...(facts?.site !== undefined && { site: facts.site }), answered: facts !== undefined };
  });
}

/** A ready DC with another address that is not: whoever picks that one waits, or fails. */
export function halfReady({ name, address, state }: DcConclusion, ready: ReadonlySet<string>): readonly LocatorFinding[] {
  return ready.has(name) && state !== 'ready' ? [{ code: 'address-not-ready', name, address }] : [];
}
