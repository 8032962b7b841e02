/** Preflight: locate the DCs from this host, ask those that count all that the purpose needs, and conclude. */
import type { LocateJob } from '../agent/contract/locate.ts';
import type { Connection } from './connectors/connector.ts';
import type { Host, Inventory } from './inventory.ts';
import { locate, type Search } from './locate.ts';
import { type Plan, plan } from './plan.ts';
import type { Conclusion, DomainPurpose } from './preflight/conclusion.ts';
import { conclude, concludeLost } from './preflight/decision.ts';
import { concludeEndpoints } from './preflight/endpoints.ts';
import { type Questions, sourceRole } from './preflight/purpose.ts';
import { inventoryOf, selectDcs, type Selection, selectPdcs, type Self } from './preflight/selection.ts';
import { concludeTrust, type Side } from './preflight/trust.ts';
import { type Report, reportSchema, summarize } from './report.ts';
import { type Circumstances, matrixRecord, run } from './run.ts';

/** What is to be found out, and who asks. */
export interface Intent {
  readonly purpose: DomainPurpose;
  readonly questions: Questions;
  readonly self: Self;
}

/** The parts of a run's circumstances that do not follow from the intent. */
export type Surroundings = Pick<Circumstances, 'version' | 'signal' | 'emergency' | 'now'> & { readonly connection: Connection };

/** Locates, asks and concludes. Resolves to an ordinary report with its conclusion; where no DC was found, one without results. */
export async function preflight(job: LocateJob, intent: Intent, surroundings: Surroundings): Promise<Report> {
  const { purpose, questions, self } = intent;
  const inquiry = begin(job, intent, surroundings);
  const search = await inquiry.search(job);
  if ('lost' in search) return inquiry.lost(search.lost);
  const { located } = search;
  const selection = selectDcs(located, job.domain, addressesIn(job));
  const inventory = inventoryOf([{ domain: job.domain, near: selection.near }], self, located.resolvers.map(addressOf));
  const report = await inquiry.ask(inventory);
  const evidence = { located, selection, dcs: dcsOf(inventory), results: report?.results ?? [] };
  return inquiry.close(report, conclude(purpose, job.domain, questions, evidence));
}

/**
 * The same for a trust of the job's domain with `trusted`: both are located, both PDC emulators are asked, and those of `trusted` for the job's domain too,
 * since each must find the other. Named DCs whose name ends in `trusted` are DCs of that domain.
 */
export async function preflightTrust(job: LocateJob, trusted: string, intent: Intent, surroundings: Surroundings): Promise<Report> {
  const { questions, self } = intent;
  const inquiry = begin(job, intent, surroundings);
  const isAbroad = ({ dnsName }: LocateJob['dcs'][number]): boolean => dnsName.endsWith(`.${trusted}`);
  const jobs = {
    home: { ...job, dcs: job.dcs.filter((dc) => !isAbroad(dc)) },
    abroad: { ...job, domain: trusted, dcs: job.dcs.filter(isAbroad) },
  } as const;
  const [home, abroad] = await Promise.all([inquiry.search(jobs.home), inquiry.search(jobs.abroad)]);
  if ('lost' in home) return inquiry.lost(home.lost);
  if ('lost' in abroad) return inquiry.lost(abroad.lost);
  const selectionOf = ({ domain, dcs }: LocateJob, { located }: typeof home): Selection => selectPdcs(located, domain, addressesIn({ dcs }), self);
  const [near, far] = [selectionOf(jobs.home, home), selectionOf(jobs.abroad, abroad)];
  const nameServers = far.near.map(addressOf);
  const back = nameServers.length === 0 ? undefined : await inquiry.search({ ...jobs.home, resolvers: nameServers, dcs: [] });
  if (back !== undefined && 'lost' in back) return inquiry.lost(back.lost);
  const parties = [
    { domain: job.domain, near: near.near },
    { domain: trusted, near: far.near },
  ];
  const inventory = inventoryOf(parties, self, home.located.resolvers.map(addressOf));
  const report = await inquiry.ask(inventory);
  const sideOf = (domain: string, { located }: typeof home, selection: Selection): Side => {
    const dcs = dcsOf(inventory).filter((host) => host.domain === domain);
    return { domain, located, selection, dcs };
  };
  const evidence = {
    home: sideOf(job.domain, home, near),
    abroad: sideOf(trusted, abroad, far),
    ...(back !== undefined && { wayBack: back.located }),
    results: report?.results ?? [],
  };
  return inquiry.close(report, concludeTrust(questions, evidence, self));
}

/** For Systems Manager nobody is located: the endpoints of `region` are asked by name, as this host and its environment would have it. */
export async function preflightEndpoints(
  id: string,
  region: string,
  { questions, self }: Pick<Intent, 'questions' | 'self'>,
  surroundings: Surroundings,
): Promise<Report> {
  const inventory = { file: 'preflight', hosts: [{ ...asker(self), region }], links: [], except: [] };
  const report = await runQuestions(id, questions, inventory, surroundings);
  const lost = report.sources.find(({ state }) => state !== 'reported')?.message;
  return { ...report, preflight: concludeEndpoints(region, report.results, lost) };
}

function runQuestions(id: string, questions: Questions, inventory: Inventory, surroundings: Surroundings): Promise<Report> {
  const pace = { paceName: 'normal' } as const;
  return run(planOf(id, questions, inventory), {
    ...surroundings,
    ways: { byCommand: surroundings.connection },
    inventory,
    pace,
    allowInconclusive: false,
    settled: () => undefined,
  });
}

/** A preflight under way: what both kinds do alike. */
interface Undertaking {
  readonly search: (job: LocateJob) => Promise<Search>;
  /** The report of an ordinary run; undefined where there is no DC to ask. */
  readonly ask: (inventory: Inventory) => Promise<Report | undefined>;
  readonly close: (report: Report | undefined, conclusion: Conclusion) => Report;
  readonly lost: (why: string) => Report;
}

function begin(job: LocateJob, { purpose, questions, self }: Intent, surroundings: Surroundings): Undertaking {
  const { connection, signal, emergency, now, version } = surroundings;
  const startedAt = new Date(now()).toISOString();
  const empty = (conclusion: Conclusion, lost?: string): Report => ({
    schema: reportSchema,
    tool: { name: 'portmatrix', version },
    run: { id: job.run, startedAt, finishedAt: new Date(now()).toISOString(), ...(signal.aborted && { interrupted: true }) },
    matrices: [matrixRecord(questions.matrix)],
    sources: [lost === undefined ? { name: self.name, state: 'reported' } : { name: self.name, state: 'lost', message: lost }],
    excluded: [],
    diagnoses: [],
    preflight: conclusion,
    summary: summarize([]),
    results: [],
  });
  return {
    search: (wanted) => locate(wanted, asker(self), connection, { soft: signal, hard: emergency }),
    ask: async (inventory) => (dcsOf(inventory).length === 0 ? undefined : runQuestions(job.run, questions, inventory, surroundings)),
    close: (report, conclusion) =>
      report === undefined
        ? empty(conclusion)
        : // A source of one address family never meets a DC of the other: that is how two families are asked, and no news.
          { ...report, run: { ...report.run, startedAt }, excluded: [], preflight: conclusion },
    lost: (why) => empty(concludeLost(purpose, job.domain, why), why),
  };
}

/** How long one check may take, and how often it may ask: as in a run. */
const patience = { timeoutMs: 5_000, attempts: 2 } as const;

function planOf(id: string, { matrix }: Questions, inventory: Inventory): Plan {
  return plan([matrix], inventory, { run: id, sources: [], destinations: [], rules: [], paceName: 'normal', ...patience });
}

function dcsOf({ hosts }: Inventory): readonly Host[] {
  return hosts.filter(({ roles }) => roles.includes('dc'));
}

function addressesIn({ dcs }: Pick<LocateJob, 'dcs'>): readonly string[] {
  return dcs.map(addressOf);
}

function addressOf({ address }: { readonly address: string }): string {
  return address;
}

/** This host before anything is known of its neighbours. */
function asker({ name, addresses }: Self): Host {
  return {
    name,
    address: addresses[0] ?? '127.0.0.1',
    dnsName: name,
    roles: [sourceRole],
    joined: false,
    readOnly: false,
    node: 'node',
    rpc: {},
    connector: { kind: 'local' },
  };
}
