/** What one command carries to many nodes: the job, and which of its sources each node is. */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { countPair } from './expand.ts';
import { contractVersion, type Job } from './job.ts';
import { isJob } from './job-shape.ts';

/** `nodes` maps the id of a managed node (`i-…`, `mi-…`) to the name of the source that it is. */
export interface Envelope {
  readonly contract: typeof contractVersion;
  readonly nodes: Readonly<Record<string, string>>;
  readonly job: Job;
}

/** Longest text that is looked at. A document's parameter holds far less; a file may hold more. */
const longestText = 1024 * 1024;
const largestJson = 16 * 1024 * 1024;
/** Most checks that one agent takes on: several times what any plan has for a source. */
const mostChecks = 200_000;

/** The envelope as text of the base64 alphabet, in one line. */
export function packEnvelope({ contract, nodes, job }: Envelope): string {
  const json = Buffer.from(JSON.stringify({ contract, nodes, job }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: json.length };
  return brotliCompressSync(json, { params }).toString('base64');
}

/**
 * The envelope in that text, which may have line breaks and a byte order mark. Undefined where the text is cut or changed, where it unpacks to more than a job can be, for a job
 * that another version of the contract describes, and for one that does not hold what it names.
 */
export function unpackEnvelope(text: string): Envelope | undefined {
  if (text.length > longestText) return undefined;
  const bare = text.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(bare) || bare.length % 4 !== 0) return undefined;
  try {
    const value: unknown = JSON.parse(brotliDecompressSync(Buffer.from(bare, 'base64'), { maxOutputLength: largestJson }).toString());
    return isEnvelope(value) ? value : undefined;
  } catch {
    // Neither brotli nor JSON: it is no envelope.
    return undefined;
  }
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null) return false;
  const { contract, nodes, job }: Partial<Record<string, unknown>> = { ...value };
  if (contract !== contractVersion || typeof nodes !== 'object' || nodes === null || !isJob(job)) return false;
  return Object.values(nodes).every((source) => typeof source === 'string' && checksOf(job, source) <= mostChecks);
}

function checksOf(job: Job, source: string): number {
  return job.pairs.reduce((count, pair) => (job.hosts[pair[0]]?.name === source ? count + countPair(job, pair) : count), 0);
}
