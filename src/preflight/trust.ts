/** Concludes the preflight of a trust: both PDC emulators, and the DNS of each domain that must find the other. Pure. */
import type { Located } from '../../agent/contract/locate.ts';
import type { Host } from '../inventory.ts';
import type { Result } from '../report.ts';
import type { Conclusion, DcConclusion, LocatorFinding, Prediction } from './conclusion.ts';
import { farOf, halfReady } from './decision.ts';
import { predict } from './prediction.ts';
import { checksPerDc, type Questions } from './purpose.ts';
import { clockFindings, readinessOf, skippedOf, warningsOf } from './readiness.ts';
import { resolve, type Resolution } from './resolution.ts';
import { pdcNames, type Selection, type Self } from './selection.ts';

/** What is known of one of the two domains. `dcs` are the hosts that stand for its PDC emulator, less this host itself. */
export interface Side {
  readonly domain: string;
  readonly located: Located;
  readonly selection: Selection;
  readonly dcs: readonly Host[];
}

/** What a conclusion rests on. `wayBack` is what the name servers of the trusted domain say of this one; absent where there was nobody to ask. */
export interface TrustEvidence {
  readonly home: Side;
  readonly abroad: Side;
  readonly wayBack?: Located;
  readonly results: readonly Result[];
}

/** One side, weighed. `stop` is where a trust ends before any port of a DC matters. */
interface Weighed {
  readonly resolution: Resolution;
  readonly stop?: Exclude<Resolution['stop'], undefined> | 'locator';
  readonly dcs: readonly DcConclusion[];
  readonly findings: readonly LocatorFinding[];
  readonly state: DcConclusion['state'];
}

/** Concludes. GO: both PDC emulators are ready (one may be this host) and each domain's DNS finds the other; each of these alone is a NO-GO. */
export function concludeTrust({ matrix, noteworthy }: Questions, { home, abroad, wayBack, results }: TrustEvidence, self: Self): Conclusion {
  const [here, there] = [weigh(home, results, self), weigh(abroad, results, self)];
  const back = wayBack === undefined ? undefined : readWayBack(wayBack, home.domain);
  const dcs = [...here.dcs, ...there.dcs];
  const findings = distinct([
    ...here.findings,
    ...placeFindings(home, self),
    ...there.findings.map((finding) => placed(finding, abroad.domain)).filter(isOfInterest),
    ...(back?.findings ?? []),
    ...dcs.flatMap(clockFindings),
  ]);
  const warnings = warningsOf(results, noteworthy, new Set(dcs.filter(({ state }) => state === 'ready').map(({ host }) => host)));
  const isWhole = findings.length === 0 && warnings.length === 0 && dcs.every(({ state }) => state === 'ready');
  const decision = decide([here.state, there.state, back?.state ?? 'undecided'], isWhole);
  const isGo = decision === 'go' || decision === 'go-with-warnings';
  return {
    purpose: 'trust',
    domain: home.domain,
    decision,
    ...(isGo && { inboundUntested: new Set(abroad.selection.near.map(({ dnsName }) => dnsName)).size }),
    ...(home.located.clientSite !== undefined && { clientSite: home.located.clientSite }),
    resolvers: here.resolution.resolvers,
    trusted: { domain: abroad.domain, resolvers: there.resolution.resolvers, wayBack: back?.resolvers ?? [] },
    dcs,
    far: [...farOf(home.selection, home.domain), ...farOf(abroad.selection, abroad.domain)],
    findings,
    warnings,
    predictions: isGo ? [] : predictionsOf([here, there], back?.state === 'not-ready'),
    skipped: there.dcs.length > 0 ? skippedOf(results) : [{ because: 'dns', checks: checksPerDc(matrix), perDc: true }],
  };
}

function weigh(side: Side, results: readonly Result[], self: Self): Weighed {
  const { domain, located, dcs: hosts } = side;
  const resolution = resolve(located, domain);
  const dcs = hosts.map((host) =>
    readinessOf(
      host,
      results.filter(({ check }) => check.destination === host.name),
    ),
  );
  const pdcs = pdcNames(located, domain);
  const stop = resolution.stop ?? stopAtPdc(located, pdcs);
  const ready = new Set(dcs.filter(({ state }) => state === 'ready').map(({ name }) => name));
  const findings = [
    ...resolution.findings,
    ...(stop === 'locator' ? [{ code: 'no-pdc', domain } as const] : []),
    ...dcs.flatMap((dc) => halfReady(dc, ready)),
  ];
  // Where DNS names two, nobody knows which is the one.
  const states = pdcs.map((name) =>
    located.candidates.some((candidate) => candidate.dnsName === name && isSelf(candidate, self))
      ? 'ready'
      : bestOf(dcs.filter((dc) => dc.name === name)),
  );
  const state = stop === undefined ? worstOf(states) : stop === 'unknown' ? 'undecided' : 'not-ready';
  return { resolution, ...(stop !== undefined && { stop }), dcs, findings, state };
}

/** The step at which the search for the PDC emulator ends: nobody names it, or its name has no address. */
function stopAtPdc({ candidates }: Located, pdcs: readonly string[]): 'locator' | 'address' | undefined {
  if (pdcs.length === 0) return 'locator';
  return pdcs.every((name) => candidates.some(({ dnsName }) => dnsName === name)) ? undefined : 'address';
}

/** A DC is ready when it is at one of its addresses. */
function bestOf(addresses: readonly DcConclusion[]): DcConclusion['state'] {
  const states = addresses.map(({ state }) => state);
  if (states.includes('ready')) return 'ready';
  return states.length === 0 || states.includes('undecided') ? 'undecided' : 'not-ready';
}

function worstOf(states: readonly DcConclusion['state'][]): DcConclusion['state'] {
  if (states.includes('not-ready')) return 'not-ready';
  return states.includes('undecided') ? 'undecided' : 'ready';
}

function decide(states: readonly DcConclusion['state'][], isWhole: boolean): Conclusion['decision'] {
  const worst = worstOf(states);
  if (worst === 'ready') return isWhole ? 'go' : 'go-with-warnings';
  return worst === 'undecided' ? 'undecided' : 'no-go';
}

function isSelf({ address }: { readonly address: string }, { addresses }: Self): boolean {
  return addresses.includes(address);
}

function predictionsOf(sides: readonly Weighed[], hasNoWayBack: boolean): readonly Prediction[] {
  const wanted = sides
    .filter(({ state }) => state !== 'ready')
    .flatMap(({ stop, dcs }) => predict('trust', stop === undefined ? {} : { stop: stop === 'locator' ? 'srv' : stop }, dcs));
  return distinct([...wanted, ...(hasNoWayBack ? predict('trust', { stop: 'srv' }, []) : [])]);
}

/** Where a trust is made from: on the PDC emulator, whose packets may take another way than this host's. */
function placeFindings({ domain, located }: Side, self: Self): readonly LocatorFinding[] {
  const [pdc] = pdcNames(located, domain);
  const isHere = located.candidates.some((candidate) => candidate.dnsName === pdc && isSelf(candidate, self));
  return pdc === undefined || isHere ? [] : [{ code: 'not-the-pdc', pdc }];
}

/** What the name servers of the trusted domain make of ours. One that says that there is no such domain decides, whatever another one says. */
function readWayBack(
  located: Located,
  domain: string,
): { readonly state: DcConclusion['state']; readonly resolvers: Resolution['resolvers']; readonly findings: readonly LocatorFinding[] } {
  const { resolvers } = resolve(located, domain);
  const findings = resolvers.flatMap(({ address: resolver, rcode, dcs }): readonly LocatorFinding[] => {
    if (dcs > 0) return [];
    return rcode !== undefined && isDenial(rcode)
      ? [{ code: 'no-way-back', resolver, rcode, domain }]
      : [{ code: 'way-back-untold', resolver, domain }];
  });
  const isDenied = findings.some(({ code }) => code === 'no-way-back');
  return { state: isDenied ? 'not-ready' : resolvers.some(({ dcs }) => dcs > 0) ? 'ready' : 'undecided', resolvers, findings };
}

/** A server that refuses strangers (REFUSED) says nothing of what it would do for its own domain; one that cannot find out (SERVFAIL) has no working forwarder. */
function isDenial(rcode: string): boolean {
  return rcode === 'NXDOMAIN' || rcode === 'NOERROR' || rcode === 'SERVFAIL';
}

/** The finding with the domain that it is about. */
function placed(finding: LocatorFinding, domain: string): LocatorFinding {
  return finding.code === 'no-srv' || finding.code === 'no-ping' ? { ...finding, domain } : finding;
}

/** A foreign forest knows nothing of our subnets, and need not. */
function isOfInterest({ code }: LocatorFinding): boolean {
  return code !== 'no-site' && code !== 'site-uncovered';
}

function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
