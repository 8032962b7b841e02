/** What the host's resolvers make of the domain: whether a join would find DCs at all. Pure. */
import type { Located, ResolverView } from '../../agent/contract/locate.ts';
import type { LocatorFinding, ResolverConclusion, Step } from './conclusion.ts';
import { pingOf } from './selection.ts';

export interface Resolution {
  readonly resolvers: readonly ResolverConclusion[];
  readonly findings: readonly LocatorFinding[];
  /** The step at which every join ends, whatever the DCs say; `unknown` when nobody could look. */
  readonly stop?: Extract<Step, 'dns' | 'srv' | 'address'> | 'unknown';
}

/** Answers that end a host's search: after any other, and after silence, it turns to its next resolver. */
const final: ReadonlySet<string> = new Set(['NOERROR', 'NXDOMAIN']);

/** Reads what the resolvers said. The first one that gives a final answer decides, since a host does not look further. */
export function resolve(located: Located, domain: string): Resolution {
  const views = located.resolvers;
  const deciding = views.find(({ dcs }) => dcs.rcode !== undefined && final.has(dcs.rcode));
  const resolved = new Set(located.candidates.filter(({ resolvers }) => resolvers.length > 0).map(({ dnsName }) => dnsName));
  const unresolved = located.leftOut > 0 ? [] : [...new Set(views.flatMap(({ dcs }) => dcs.found))].filter((name) => !resolved.has(name));
  const findings: readonly LocatorFinding[] = [
    ...(views.length === 0 ? [{ code: 'no-resolver' } as const] : []),
    ...views.flatMap(findingOf),
    ...disagreements(views),
    ...(unresolved.length > 0 ? [{ code: 'no-address', names: unresolved } as const] : []),
    ...siteFindings(located, domain),
    ...(located.leftOut > 0 ? [{ code: 'left-out', names: located.leftOut } as const] : []),
  ];
  const stop = stopOf(located, deciding);
  return { resolvers: views.map(resolverOf), findings, ...(stop !== undefined && { stop }) };
}

function stopOf({ resolvers, candidates }: Located, deciding: ResolverView | undefined): Resolution['stop'] {
  if (deciding === undefined) return resolvers.every(({ dcs }) => dcs.outcome.kind === 'failed') ? 'unknown' : 'dns';
  if (deciding.dcs.found.length === 0) return 'srv';
  return candidates.some((candidate) => candidate.resolvers.includes(deciding.address)) ? undefined : 'address';
}

function resolverOf({ address, dcs }: ResolverView): ResolverConclusion {
  return { address, state: stateOf(dcs), ...(dcs.rcode !== undefined && { rcode: dcs.rcode }), dcs: dcs.found.length };
}

function stateOf({ outcome, rcode }: ResolverView['dcs']): ResolverConclusion['state'] {
  if (rcode !== undefined) return 'answered';
  if (outcome.kind === 'failed') return 'not-asked';
  return outcome.state === 'closed' ? 'refused' : 'silent';
}

function findingOf({ address, dcs }: ResolverView): readonly LocatorFinding[] {
  const state = stateOf(dcs);
  if (state === 'not-asked')
    return [{ code: 'resolver-not-asked', resolver: address, message: dcs.outcome.kind === 'failed' ? dcs.outcome.message : '' }];
  if (state !== 'answered') return [{ code: `resolver-${state}`, resolver: address }];
  return dcs.found.length === 0 ? [{ code: 'no-srv', resolver: address, rcode: dcs.rcode ?? '' }] : [];
}

/** Hosts fail over on a time-out only, so a resolver that answers otherwise than the others decides for every query that it gets. */
function disagreements(views: readonly ResolverView[]): readonly LocatorFinding[] {
  const [first, ...others] = views.filter(({ dcs }) => dcs.rcode !== undefined);
  if (first === undefined) return [];
  return others.flatMap((other): readonly LocatorFinding[] => {
    const only = other.dcs.found.filter((name) => !first.dcs.found.includes(name));
    const missing = first.dcs.found.filter((name) => !other.dcs.found.includes(name));
    if (only.length + missing.length === 0) return [];
    return [{ code: 'resolvers-disagree', resolver: other.address, other: first.address, only, missing }];
  });
}

function siteFindings({ resolvers, candidates, clientSite }: Located, domain: string): readonly LocatorFinding[] {
  const pings = candidates.map(({ ping }) => pingOf(ping, domain)).filter((facts) => facts !== undefined);
  if (candidates.length > 0 && pings.length === 0) return [{ code: 'no-ping' }];
  if (clientSite === undefined) return [];
  if (clientSite === '') return [{ code: 'no-site' }];
  const isCovered = resolvers.some(({ siteDcs }) => (siteDcs?.found.length ?? 0) > 0) || pings.some(({ site }) => site === clientSite);
  return isCovered ? [] : [{ code: 'site-uncovered', site: clientSite }];
}
