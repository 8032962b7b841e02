/** Preflight: locate the DCs from this host, ask those that count all that the purpose needs, and conclude. */
import type { LocateJob } from '../agent/contract/locate.ts';
import type { Connection } from './connectors/connector.ts';
import type { Host, Inventory } from './inventory.ts';
import { locate } from './locate.ts';
import { type Plan, plan } from './plan.ts';
import type { Conclusion, Purpose } from './preflight/conclusion.ts';
import { conclude, concludeLost } from './preflight/decision.ts';
import { type Questions, sourceRole } from './preflight/purpose.ts';
import { inventoryOf, selectDcs, type Self } from './preflight/selection.ts';
import { type Report, reportSchema, summarize } from './report.ts';
import { type Circumstances, matrixRecord, run } from './run.ts';

/** What is to be found out, and who asks. */
export interface Intent {
  readonly purpose: Purpose;
  readonly questions: Questions;
  readonly self: Self;
}

/** The parts of a run's circumstances that do not follow from the intent. */
export type Surroundings = Pick<Circumstances, 'version' | 'signal' | 'emergency' | 'now'> & { readonly connection: Connection };

/** Locates, asks and concludes. Resolves to an ordinary report with its conclusion; where no DC was found, one without results. */
export async function preflight(job: LocateJob, { purpose, questions, self }: Intent, surroundings: Surroundings): Promise<Report> {
  const { connection, signal, emergency, now, version } = surroundings;
  const startedAt = new Date(now()).toISOString();
  const search = await locate(job, asker(self), connection, { soft: signal, hard: emergency });
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
  if ('lost' in search) return empty(concludeLost(purpose, job.domain, search.lost), search.lost);

  const { located } = search;
  const named = job.dcs.map(({ address }) => address);
  const selection = selectDcs(located, job.domain, named);
  if (selection.near.length === 0) return empty(conclude(purpose, job.domain, questions, { located, selection, dcs: [], results: [] }));
  const resolvers = located.resolvers.map(({ address }) => address);
  const inventory = inventoryOf(job.domain, self, selection.near, resolvers);
  const report = await run(planOf(job.run, questions, inventory), {
    ...surroundings,
    inventory,
    pace: { paceName: 'normal' },
    allowInconclusive: false,
    settled: () => undefined,
  });
  const dcs = inventory.hosts.filter(({ roles }) => roles.includes('dc'));
  const conclusion = conclude(purpose, job.domain, questions, { located, selection, dcs, results: report.results });
  // A source of one address family never meets a DC of the other: that is how two families are asked, and no news.
  return { ...report, run: { ...report.run, startedAt }, excluded: [], preflight: conclusion };
}

/** How long one check may take, and how often it may ask: as in a run. */
const patience = { timeoutMs: 5_000, attempts: 2 } as const;

function planOf(id: string, { matrix }: Questions, inventory: Inventory): Plan {
  return plan([matrix], inventory, { run: id, sources: [], destinations: [], rules: [], paceName: 'normal', ...patience });
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
