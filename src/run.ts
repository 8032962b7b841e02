/** The one pipeline: a plan goes out, outcomes come back, and every planned check gets its verdict. */
import type { Check } from '../agent/contract/check.ts';
import { siteToAsk } from '../agent/contract/job.ts';
import type { Settled } from '../agent/contract/message.ts';
import type { Outcome, Service } from '../agent/contract/outcome.ts';
import { assess, isIdentityUnknown } from './assess.ts';
import type { ExpectedIdentity } from './assess/answer.ts';
import type { Ticket } from './connectors/connector.ts';
import { isControl } from './control.ts';
import { diagnose } from './diagnose.ts';
import { dispatch, type Seen, type SourceReturn, type Ways } from './dispatch.ts';
import type { Host, Inventory } from './inventory.ts';
import { judge, type PlannedSkip } from './judge.ts';
import type { Matrix } from './matrix.ts';
import { agentsAtOnce, type PaceChoice } from './pace.ts';
import { type Plan, type PlannedCheck, plannedChecks } from './plan.ts';
import { type Report, reportSchema, type Result, type SourceRecord, summarize } from './report.ts';
import { pairOf, type View, viewsOf } from './vantage.ts';
import type { Verdict } from './verdict.ts';
import { type Witnesses, witnessesOf } from './witness.ts';

/** What a run needs beside its plan. */
export interface Circumstances {
  readonly inventory: Inventory;
  readonly pace: PaceChoice;
  readonly ways: Ways;
  /** What an earlier controller sent for this plan: it is collected, and nothing is sent. */
  readonly sent?: readonly Ticket[];
  /** When the run began, in milliseconds since 1970; absent: now. */
  readonly startedAt?: number;
  readonly allowInconclusive: boolean;
  readonly version: string;
  /** Aborted to stop the run in good order: what is not settled by then is `interrupted`. */
  readonly signal: AbortSignal;
  /** Aborted to stop it at once. */
  readonly emergency: AbortSignal;
  /** UTC now, in milliseconds since 1970. */
  readonly now: () => number;
  /** Told of sources of which more can still be collected, by another controller. */
  readonly unheard?: (sources: readonly string[]) => void;
  /** Told of each settled check with a first verdict, for progress. */
  readonly settled: (source: string, verdict: Verdict) => void;
}

/** Runs a plan and resolves to its report. Every planned check is in it exactly once. */
export async function run(plan: Plan, circumstances: Circumstances): Promise<Report> {
  const { inventory, ways, sent, signal, emergency, now } = circumstances;
  const startedAt = new Date(circumstances.startedAt ?? now()).toISOString();
  const asked = askedBySource(plan);
  const sources = plan.hosts.filter(({ name }) => plan.sources.includes(name));
  const identities = identitiesIn(plan, inventory);
  const watch = (source: string, settled: Settled): void => {
    const planned = asked.get(source)?.[settled.index];
    if (planned !== undefined) circumstances.settled(source, verdictOn(planned, settled, identities, { control: true }));
  };
  const atOnce = agentsAtOnce(circumstances.pace);
  const returns = await dispatch(plan.job, sources, ways, atOnce, { soft: signal, hard: emergency }, watch, sent);
  const unheard = returns.flatMap(({ name, isResumable }) => (isResumable === true ? [name] : []));
  if (unheard.length > 0) circumstances.unheard?.(unheard);
  const results = judgeAll(plan, inventory, new Map(returns.map((entry) => [entry.name, entry])));
  return {
    schema: reportSchema,
    tool: { name: 'portmatrix', version: circumstances.version },
    run: {
      id: plan.job.run,
      startedAt,
      finishedAt: new Date(now()).toISOString(),
      ...(signal.aborted && { interrupted: true }),
      ...(circumstances.allowInconclusive && { allowInconclusive: true }),
    },
    matrices: plan.matrices.map(matrixRecord),
    sources: sourceRecords(plan, returns),
    excluded: plan.excluded,
    diagnoses: diagnose(results),
    summary: summarize(results),
    results,
  };
}

/** A matrix as a report names it. */
export function matrixRecord({ name, title, sha256, asPublished, rules }: Matrix): Report['matrices'][number] {
  return {
    name,
    title,
    sha256,
    ...(asPublished && { asPublished }),
    rules: rules.map(({ id, traffic, usage, symptoms }) => ({ matrix: name, id, traffic, usage, symptoms })),
  };
}

function askedBySource(plan: Plan): ReadonlyMap<string, readonly PlannedCheck[]> {
  const asked = new Map<string, PlannedCheck[]>();
  for (const planned of plannedChecks(plan)) {
    if (planned.index === undefined) continue;
    const checks = asked.get(planned.check.source) ?? [];
    asked.set(planned.check.source, checks);
    checks.push(planned);
  }
  return asked;
}

function judgeAll(plan: Plan, inventory: Inventory, returns: ReadonlyMap<string, SourceReturn>): readonly Result[] {
  const seenOf = ({ check, index }: PlannedCheck): Seen | undefined => (index === undefined ? undefined : returns.get(check.source)?.seen[index]);
  const views = viewsOf(sightings(plan, seenOf));
  const isProven = witnessesIn(plan, seenOf, views);
  const unreachable = unreachableBySource(plan, views);
  const identities = identitiesIn(plan, inventory);
  return Array.from(plannedChecks(plan), (planned): Result => {
    const { check, rule } = planned;
    const seen = seenOf(planned);
    const udpRefused = returns.get(check.source)?.hello?.capabilities.udpRefused;
    const view = views.get(pairOf(check));
    const verdict = verdictOn(planned, seen, identities, {
      control: view?.alive === true || (rule.rule.to !== undefined && isProven({ check, outcome: seen?.outcome })),
      acceptsAll: view?.acceptsAll,
      udpRefused,
      listedOverUdp: view?.listed.udp,
      unreachable: unreachable.get(check.source),
      directoryShut: view?.directoryShut,
    });
    return {
      check,
      expected: { states: rule.rule.expect, requirement: rule.requirement },
      ...(seen !== undefined && { outcome: seen.outcome }),
      verdict,
      attempts: seen?.attempts ?? 0,
      elapsedMs: seen?.elapsedMs ?? 0,
    };
  });
}

/** Only blocks of names need witnesses. */
function witnessesIn(plan: Plan, seenOf: (planned: PlannedCheck) => Seen | undefined, views: ReadonlyMap<string, View>): Witnesses {
  const isNeeded = plan.rules.some(({ rule }) => rule.to !== undefined && !rule.expect.includes('open'));
  return isNeeded ? witnessesOf(sightings(plan, seenOf), views) : () => false;
}

function* sightings(
  plan: Plan,
  seenOf: (planned: PlannedCheck) => Seen | undefined,
): Generator<{ check: Check; outcome: Outcome | undefined }, void> {
  for (const planned of plannedChecks(plan)) yield { check: planned.check, outcome: seenOf(planned)?.outcome };
}

/** The addresses that each source could not reach at all. */
function unreachableBySource({ hosts, pairs }: Plan, views: ReadonlyMap<string, View>): ReadonlyMap<string, readonly string[]> {
  const addresses = new Map<string, string[]>();
  for (const pair of pairs) {
    const [source, destination] = [hosts[pair.source], hosts[pair.destination]];
    if (source === undefined || destination === undefined) continue;
    if (views.get(pairOf({ source: source.name, destination: destination.name }))?.unreachable !== true) continue;
    const ofSource = addresses.get(source.name) ?? [];
    addresses.set(source.name, ofSource);
    ofSource.push(destination.address);
  }
  return addresses;
}

/** What surrounds one verdict: what the source saw of this destination and of others beside, and whether it can see refusals over UDP. */
interface Surroundings {
  readonly control: boolean;
  readonly acceptsAll?: boolean | undefined;
  readonly udpRefused?: boolean | undefined;
  readonly listedOverUdp?: readonly string[] | undefined;
  readonly unreachable?: readonly string[] | undefined;
  readonly directoryShut?: boolean | undefined;
}

function verdictOn(
  { check, rule, destination, skip }: PlannedCheck,
  seen: Seen | undefined,
  identities: Identities,
  { listedOverUdp, unreachable, directoryShut, ...surroundings }: Surroundings,
): Verdict {
  const outcome = seen?.outcome;
  const service = outcome?.kind === 'observed' ? outcome.service : undefined;
  const answer =
    outcome?.kind === 'observed' && service !== undefined && isTold(check, service)
      ? {
          probe: check.probe,
          port: outcome.target.port,
          range: rangeOf(check),
          size: check.size,
          facts: service.facts,
          limits: rule.rule.limits,
          expected: identities(destination, check.source),
          at: outcome.at,
          // Said once, of the transport that fewer use.
          listedOverUdp: check.transport === 'tcp' ? listedOverUdp : undefined,
          unreachable,
          directoryShut,
        }
      : undefined;
  return judge({
    expect: rule.rule.expect,
    requirement: rule.requirement,
    probe: check.probe,
    transport: check.transport,
    interface: check.interface,
    size: check.size,
    platform: destination.os,
    outcome,
    skip: isPlannedSkip(skip) ? skip : undefined,
    assessed: answer === undefined ? [] : assess(answer),
    attempts: seen?.attempts,
    identityUnknown: answer !== undefined && check.size === undefined && isIdentityUnknown(answer),
    isControl: isControl(check),
    byName: rule.rule.to !== undefined,
    ...surroundings,
  });
}

/** True when there is something to assess: an answer, or the certificate of an endpoint that gave none after it. */
function isTold({ probe }: Check, { status, facts }: Service): boolean {
  return status === 'identified' || (probe === 'https' && facts.tlsProtocol !== undefined);
}

/** The text of a range whose port the endpoint mapper names; a port that the site fixed may lie anywhere. */
function rangeOf({ port, after }: Check): string | undefined {
  return typeof port === 'string' && after !== undefined ? port : undefined;
}

/** Who should answer at a destination, and as whom it should know the source. */
type Identities = (destination: Host, source: string) => ExpectedIdentity;

/** What every check would look up in the whole inventory is looked up once. */
function identitiesIn({ hosts, job }: Plan, { domain, domainGuid, namesEveryDc }: Inventory): Identities {
  const asking = new Map(job.hosts.map((host) => [host.name, host]));
  const sites = new Map(hosts.map(({ name, site }) => [name, site]));
  const addresses = Map.groupBy(hosts, ({ dnsName }) => dnsName);
  const isDc = ({ roles, domain: own }: Host): boolean => roles.includes('dc') && own !== undefined;
  const dcs = Map.groupBy(namesEveryDc === true ? hosts.filter(isDc) : [], (host) => host.domain);
  const known = new Map(
    hosts.map((host): [string, ExpectedIdentity] => [
      host.name,
      {
        domain: host.domain,
        dnsName: host.dnsName,
        domainGuid: host.domain !== undefined && host.domain === domain ? domainGuid : undefined,
        readOnly: host.readOnly,
        site: host.site,
        addresses: addresses.get(host.dnsName)?.map(({ address }) => address),
        dcs: isDc(host) ? dcs.get(host.domain) : undefined,
      },
    ]),
  );
  return (destination, source) => {
    const identity = known.get(destination.name);
    if (identity === undefined) throw new Error(`${destination.name} is not in the plan`);
    return { ...identity, clientSite: sites.get(source), askedSite: siteToAsk(asking.get(destination.name), asking.get(source)) };
  };
}

function isPlannedSkip(skip: PlannedCheck['skip']): skip is PlannedSkip {
  return skip?.code === 'not-applicable' || skip?.code === 'no-vantage' || skip?.code === 'field-missing';
}

function sourceRecords({ hosts, pairs }: Plan, returns: readonly SourceReturn[]): readonly SourceRecord[] {
  const bystanders = hosts.filter(({ connector }, index) => connector.kind === 'none' && pairs.some(({ source }) => source === index));
  return [
    ...returns.map(({ name, hello, lost, facts, seen }): SourceRecord => {
      const hasStarted = hello !== undefined || seen.some(({ outcome }) => outcome.kind === 'failed' && outcome.code === 'output-lost');
      return {
        name,
        state: !hasStarted ? 'unreachable' : lost === undefined ? 'reported' : 'lost',
        ...(facts !== undefined && { facts }),
        ...(lost !== undefined && { message: lost }),
        ...(hello !== undefined && { platform: hello.platform, capabilities: hello.capabilities }),
      };
    }),
    ...bystanders.map(({ name }): SourceRecord => ({ name, state: 'no-vantage' })),
  ];
}
