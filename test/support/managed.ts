/** Managed nodes for a test: the endpoint, the document that a publisher would make, and the product that is told of both by its environment. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { GetObjectCommand, S3 } from '@aws-sdk/client-s3';
import { CreateDocumentCommand, SSM } from '@aws-sdk/client-ssm';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { contractVersion } from '../../agent/contract/job.ts';
import type { Policy } from '../../agent/contract/policy.ts';
import { documentFor, documentName, inlineDocumentFor, inlineDocumentName, packageKey } from '../../src/agent-document.ts';
import { readScripts, sha256 } from '../../src/agent-package.ts';
import { tarGzip } from '../../src/archive.ts';
import { agentScript } from '../../src/bundle.ts';
import { packInline } from '../../src/commands/agent.ts';
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
  /** Where the agent lies before anything is sent. Default: in the offline folder. Other than there, the document says where it can be downloaded. */
  readonly staged?: 'offline' | 'cache';
  /** The agent. Default: the one of these sources. */
  readonly script?: string;
  /** SHA-256 of the runtime for Windows. */
  readonly windowsRuntime?: string;
  /** Where the document that carries the agent in itself looks for Node.js; absent: there is no such document. */
  readonly nodeFiles?: readonly string[];
  /** Nodes whose cache is a disk of 64 KB. */
  readonly small?: readonly string[];
}

/** The folders of a node: where it keeps its packages, and where a staged one lies. */
export interface Places {
  readonly cache: string;
  readonly offline: string;
}

/** The nodes and their endpoint. */
export interface ManagedNodes {
  readonly endpoint: Endpoint & Clients;
  readonly placesOf: (instance: string) => Places;
  /** SHA-256 of the package, which is the name of its folder in a cache, and its key in the bucket of packages. */
  readonly archive: string;
  readonly key: string;
}

/** The bucket of packages. */
export const packageBucket = 'packages';

/** And the product beside them. */
export interface Managed extends ManagedNodes {
  /** Where the product runs; holds the inventory and the matrix. */
  readonly folder: string;
  /** Starts the product as users do, with these variables beside those of the endpoint. Its report lies in the folder that `--out` names. */
  readonly start: (words: readonly string[], env?: Readonly<Record<string, string>>) => Started;
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

/** A runtime that is small enough to be fetched and verified often. A node's variable may put a command before the program, such as faketime. */
const lightRuntime = `#!/bin/sh\nexec $TEST_BEFORE_NODE '${process.execPath}' "$@"\n`;

let runtimeHash: string | undefined;

/** Sets up managed nodes, and the document in each of their places. */
export async function manageNodes(t: Scope, options: ManagedOptions): Promise<ManagedNodes> {
  const { policy = anything, staged = 'offline', nodes, small = [], windowsRuntime } = options;
  const [cache, offline] = [folderWith(t, {}), folderWith(t, {})];
  const places = new Map(nodes.map(({ instance }) => [instance, { cache: folderWith(t, {}), offline: folderWith(t, {}) }]));
  const placesOf = (instance: string): Places => places.get(instance) ?? assert.fail(`${instance} is no node`);
  const endpoint = await openEndpoint(t, {
    ...options,
    buckets: [packageBucket, ...(options.buckets ?? [])],
    nodes: nodes.map((node) => apart(node, placesOf(node.instance), { cache, offline }, small.includes(node.instance))),
  });
  const script = options.script ?? (await agentScript('ssm'));
  const content = await tarGzip([
    { name: 'node', content: Buffer.from(lightRuntime), isExecutable: true },
    { name: 'agent.cjs', content: Buffer.from(script) },
    { name: 'manifest.json', content: Buffer.from('{}\n') },
  ]);
  const archive = sha256(content);
  for (const { instance } of nodes) {
    const own = placesOf(instance);
    if (staged === 'offline') stage(own.offline, script);
    if (staged === 'cache') stage(join(own.cache, archive), script, lightRuntime);
  }
  if (staged === 'offline') runtimeHash ??= sha256(readFileSync(process.execPath));
  const location = { bucket: packageBucket, region: 'eu-central-1', prefix: 'agents/' };
  const key = packageKey(location, 'linux-x64', archive);
  const literals = {
    contract: contractVersion,
    bundle: sha256(script),
    packages: {
      'linux-x64': { archive, runtime: staged === 'offline' ? (runtimeHash ?? '') : sha256(lightRuntime) },
      ...(windowsRuntime !== undefined && { 'windows-x64': { archive: '0'.repeat(64), runtime: windowsRuntime } }),
    },
    ...(staged !== 'offline' && { location }),
    policy,
    cache: { linux: cache, windows: 'C:\\PortMatrix' },
    offline: { linux: offline, windows: 'C:\\PortMatrix-Offline' },
  };
  const inline = { ...literals, inline: packInline(script), nodes: options.nodeFiles ?? [] };
  const documents = {
    [documentName]: documentFor(literals, readScripts()),
    ...(options.nodeFiles !== undefined && { [inlineDocumentName]: inlineDocumentFor(inline, readScripts()) }),
  };
  for (const place of new Set(nodes.map(({ account, region }) => `${account ?? ''} ${region ?? ''}`))) {
    const [account = '', region = ''] = place.split(' ');
    const { ssm } = clientsFor(t, endpoint, account === '' ? undefined : account, region === '' ? undefined : region);
    for (const [Name, Content] of Object.entries(documents))
      await ssm.send(new CreateDocumentCommand({ Name, Content, DocumentType: 'Command', DocumentFormat: 'JSON' }));
  }
  return { endpoint, placesOf, archive, key };
}

/** Puts the agent into a folder, with a runtime of that text or the one that runs this. */
function stage(folder: string, script: string, runtime?: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'agent.cjs'), script);
  if (runtime === undefined) symlinkSync(process.execPath, join(folder, 'node'));
  else writeFileSync(join(folder, 'node'), runtime, { mode: 0o755 });
}

/** The same, with a folder that holds these files (`inventory.yaml`, `mine.yaml`), and the product in it. */
export async function manage(t: Scope, options: ManagedOptions, files: Readonly<Record<string, string>>): Promise<Managed> {
  const managed = await manageNodes(t, options);
  const { endpoint } = managed;
  const folder = folderWith(t, files);
  return {
    ...managed,
    folder,
    start: (words, env = {}) => start(t, [process.execPath, bin, ...words], { cwd: folder, env: { ...endpoint.environment, ...env } }),
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

/** The node with folders of its own in those places: nodes of one machine would share them, which those of a network never do. */
function apart(node: ManagedNode, own: Places, shared: Places, isSmall: boolean): ManagedNode {
  const disk = isSmall ? 'mount -t tmpfs -o size=64k none "$1"' : 'mount --bind "$0" "$1"';
  const mounts = `${disk} && mount --bind "$2" "$3" && shift 3 && exec "$@"`;
  const words = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', mounts, own.cache, shared.cache, own.offline, shared.offline];
  return { ...node, prefix: [...(node.prefix ?? []), ...words] };
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
