/** Managed nodes for a test: the endpoint, the document that a publisher would make, and the product that is told of both by its environment. */
import assert from 'node:assert/strict';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { GetObjectCommand, S3 } from '@aws-sdk/client-s3';
import { CreateDocumentCommand, SSM } from '@aws-sdk/client-ssm';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { contractVersion } from '../../agent/contract/job.ts';
import type { Policy } from '../../agent/contract/policy.ts';
import { documentFor, documentName } from '../../src/agent-document.ts';
import { readScripts, sha256 } from '../../src/agent-package.ts';
import { agentScript } from '../../src/bundle.ts';
import type { Aws } from '../../src/aws.ts';
import type { Ticket } from '../../src/connectors/connector.ts';
import { connectByCommand } from '../../src/connectors/exec.ts';
import { connectBySsm, type Patience } from '../../src/connectors/ssm/connection.ts';
import { readInventory } from '../../src/inventory.ts';
import { findMatrix } from '../../src/matrix.ts';
import { plan } from '../../src/plan.ts';
import type { Report, Result } from '../../src/report.ts';
import { run } from '../../src/run.ts';
import { type Clients, clientsFor, openEndpoint } from './aws/clients.ts';
import type { Endpoint, EndpointOptions } from './aws/endpoint.ts';
import type { ManagedNode } from './aws/managed-node.ts';
import { accessKeyFor } from './aws/incoming.ts';
import { bin, start, type Started } from './binary.ts';
import { usualChoice } from './planning.ts';
import { folderWith } from './temporary-folder.ts';

type Scope = Pick<TestContext, 'after'>;

/** Everything that a loopback test may dial. */
export const anything: Policy = {
  destinations: ['0.0.0.0/0', '::/0'],
  ports: ['1-65535/tcp', '1-65535/udp'],
  endsAfterMs: 600_000,
};

/** What a test wants other than usual. */
export interface ManagedOptions extends EndpointOptions {
  readonly nodes: readonly ManagedNode[];
  readonly policy?: Policy;
  /** Where the agent lies before anything is sent. Default: in the offline folder. */
  readonly staged?: 'offline' | 'nowhere';
}

/** The nodes and their endpoint. */
export interface ManagedNodes {
  readonly endpoint: Endpoint & Clients;
  /** Where the nodes keep their packages, and where a staged package lies. */
  readonly cache: string;
  readonly offline: string;
}

/** And the product beside them. */
export interface Managed extends ManagedNodes {
  /** Where the product runs; holds the inventory and the matrix. */
  readonly folder: string;
  /** Starts the product as users do. Its report lies in the folder that `--out` names. */
  readonly start: (words: readonly string[]) => Started;
  readonly reportIn: (out: string) => Report;
  /** The same run in this process, which asks Systems Manager more often. `stop` is what Ctrl-C aborts; `kept` is told of tickets. */
  readonly run: (stop?: AbortSignal, kept?: (tickets: readonly Ticket[]) => void) => Promise<Report>;
}

/** The words of a run with the files of `manage`. */
export const usualWords: readonly string[] = ['run', '-i', 'inventory.yaml', '-m', './mine.yaml', '--without-control', '--out', 'out'];

/** So that a test waits for what it is about, and not for the next look. */
const impatience: Patience = {
  firstLookMs: 20,
  longestWaitMs: 200,
  rereadMs: [20, 50, 100, 100],
  throttledMs: Array.from({ length: 10 }, () => 20),
  graceMs: 1_000,
  cancelMs: 10_000,
};

let runtimeHash: string | undefined;

/** Sets up managed nodes, and the document in each of their places. */
export async function manageNodes(t: Scope, options: ManagedOptions): Promise<ManagedNodes> {
  const { policy = anything, staged = 'offline', nodes } = options;
  const [cache, offline] = [folderWith(t, {}), folderWith(t, {})];
  const endpoint = await openEndpoint(t, { ...options, nodes: nodes.map((node) => apart(t, node, cache)) });
  const script = await agentScript('ssm');
  if (staged === 'offline') {
    writeFileSync(join(offline, 'agent.cjs'), script);
    symlinkSync(process.execPath, join(offline, 'node'));
  }
  runtimeHash ??= sha256(readFileSync(process.execPath));
  const literals = {
    contract: contractVersion,
    bundle: sha256(script),
    packages: { 'linux-x64': { archive: '0'.repeat(64), runtime: runtimeHash } },
    policy,
    cache: { linux: cache, windows: 'C:\\PortMatrix' },
    offline: { linux: offline, windows: 'C:\\PortMatrix-Offline' },
  };
  const content = documentFor(literals, readScripts());
  for (const place of new Set(nodes.map(({ account, region }) => `${account ?? ''} ${region ?? ''}`))) {
    const [account = '', region = ''] = place.split(' ');
    const { ssm } = clientsFor(t, endpoint, account === '' ? undefined : account, region === '' ? undefined : region);
    await ssm.send(new CreateDocumentCommand({ Name: documentName, Content: content, DocumentType: 'Command', DocumentFormat: 'JSON' }));
  }
  return { endpoint, cache, offline };
}

/** The same, with a folder that holds these files (`inventory.yaml`, `mine.yaml`), and the product in it. */
export async function manage(t: Scope, options: ManagedOptions, files: Readonly<Record<string, string>>): Promise<Managed> {
  const managed = await manageNodes(t, options);
  const { endpoint } = managed;
  const folder = folderWith(t, files);
  const surroundings = { cwd: folder, env: endpoint.environment };
  return {
    ...managed,
    folder,
    start: (words) => start(t, [process.execPath, bin, ...words], surroundings),
    reportIn: (out) => reportIn(join(folder, out)),
    run: (stop = new AbortController().signal, kept = () => undefined) => {
      const inventory = readInventory(join(folder, 'inventory.yaml'));
      const matrix = findMatrix('./mine.yaml', { cwd: folder, asPublished: false });
      const { systemsManager } = inventory;
      assert.ok(systemsManager !== undefined);
      const keep = (tickets: readonly Ticket[]): Promise<void> => Promise.resolve(kept(tickets));
      const managed = connectBySsm({ aws: awsAt(endpoint), systemsManager, atOnce: 32, stop, keep, now: Date.now, patience: impatience });
      return run(plan([matrix], inventory, usualChoice), {
        inventory,
        pace: usualChoice,
        ways: { byCommand: connectByCommand(), managed },
        allowInconclusive: false,
        version: '1.2.3',
        signal: stop,
        emergency: new AbortController().signal,
        now: Date.now,
        settled: () => undefined,
      });
    },
  };
}

/** The node with a cache of its own in that place: nodes of one machine would share it, which those of a network never do. */
function apart(t: Scope, node: ManagedNode, cache: string): ManagedNode {
  const own = [
    'unshare',
    '--user',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    'mount --bind "$0" "$1" && shift && exec "$@"',
    folderWith(t, {}),
    cache,
  ];
  return { ...node, prefix: [...(node.prefix ?? []), ...own] };
}

/** The report that a run left in a folder. */
function reportIn(folder: string): Report {
  const report: Report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
  return report;
}

/** Calls are repeated as often as the product's, and a moment after. */
const hurried = {
  acquireInitialRetryToken: () => Promise.resolve(tokenOf(0)),
  refreshRetryTokenForRetry: (token: ReturnType<typeof tokenOf>, { errorType }: { readonly errorType: string }) =>
    (errorType === 'THROTTLING' || errorType === 'TRANSIENT') && token.getRetryCount() < 10
      ? Promise.resolve(tokenOf(token.getRetryCount() + 1))
      : Promise.reject(new Error('not retried')),
  recordSuccess: () => undefined,
};

/** And those that are made once are not. */
const never = { ...hurried, refreshRetryTokenForRetry: () => Promise.reject(new Error('not retried')) };

function tokenOf(count: number) {
  return { getRetryCount: () => count, getRetryDelay: () => 10 };
}

/** The SDK's clients for the endpoint. They are retried as often as the product's, and sooner. */
function awsAt({ url }: Endpoint): Aws {
  const settings = (account = '111122223333') => ({
    endpoint: url,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKeyFor(account, 'AKIA'), secretAccessKey: 'a secret of the endpoint' },
    retryStrategy: hurried,
  });
  return {
    ssm: ({ account, region }, manner) =>
      Promise.resolve(new SSM(manner === 'once' ? { ...settings(account), region, retryStrategy: never } : { ...settings(account), region })),
    s3: ({ account, region }) => Promise.resolve(new S3({ ...settings(account), region })),
    // As documents want them: with TLS, which this endpoint has not.
    presign: async ({ account, region }, bucket, key, seconds) => {
      const url = await getSignedUrl(new S3({ ...settings(account), region }), new GetObjectCommand({ Bucket: bucket, Key: key }), {
        expiresIn: seconds,
      });
      return url.replace('http:', 'https:');
    },
  };
}

/** Each check once, as `source:port status finding`, so that a test can write down a whole report. */
export function verdicts({ results }: Pick<Report, 'results'>): readonly string[] {
  const words = ({ check, outcome, verdict }: Result): string =>
    [`${check.source}:${check.port}`, verdict.status, verdict.finding?.code ?? '', outcome?.kind === 'failed' ? outcome.code : '']
      .filter((word) => word !== '')
      .join(' ');
  const ids = results.map(({ check }) => check.id);
  assert.equal(new Set(ids).size, ids.length, 'each check is in the report once');
  return results.map(words);
}
