/**
 * A local endpoint for Systems Manager, S3 and the Security Token Service that really executes: an unmodified SDK speaks to it through
 * AWS_ENDPOINT_URL_SSM, AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL_STS, and the steps of documents run as processes of the nodes.
 * It has no IAM, and no quotas but those of the API model. Documents that belong to AWS, associations and Parameter Store are not there.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CallFault, startFaults } from './call-fault.ts';
import { startTimers } from './clock.ts';
import type { SentCommand } from './command-view.ts';
import { accessKeyFor, type Outgoing, readIncoming } from './incoming.ts';
import type { ManagedNode, ScriptRunner } from './managed-node.ts';
import { type ObjectStore, startStore } from './object-store.ts';
import { killSurvivors, survivors } from './process.ts';
import { type Call, startRecord } from './record.ts';
import { answerS3 } from './s3.ts';
import { answerSsm, isForSsm } from './ssm.ts';
import { answerSts, type Role } from './sts.ts';
import type { Territory } from './territory.ts';
import { startWorkers } from './workers.ts';
import type { Lag, World } from './world.ts';

/** How an endpoint starts. */
export interface EndpointOptions {
  readonly nodes?: readonly ManagedNode[];
  readonly faults?: readonly CallFault[];
  readonly buckets?: readonly string[];
  /** Roles that may be assumed; without a list: all. */
  readonly roles?: readonly Role[];
  /** Of access keys that name no account, and of nodes. Default 111122223333. */
  readonly account?: string;
  /** Of nodes that name none. Default eu-central-1. */
  readonly region?: string;
  /** Seconds of the service that pass in a real second: 30 makes TimeoutSeconds 30 a second. Default 1. */
  readonly clock?: number;
  /** The same for timeoutSeconds of a step. Default 1, since what runs on a node has only the real clock. */
  readonly nodeClock?: number;
  readonly deliveryDelayMs?: number;
  /** Default: one read of each kind. */
  readonly lag?: Lag;
  readonly spacedDetails?: boolean;
  readonly powershell?: ScriptRunner;
  /** Serves https with this key and certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A running endpoint. */
export interface Endpoint {
  readonly url: string;
  /** What a process needs to speak to it: endpoint URLs, credentials, and no other source of either. */
  readonly environment: Readonly<Record<string, string>>;
  /** All calls so far, in order. */
  readonly calls: readonly Call[];
  readonly store: ObjectStore;
  /** What the agents of Systems Manager wrote on the nodes. */
  readonly folder: string;
  /** Reboots that exit codes asked for. */
  readonly reboots: readonly { readonly instance: string; readonly commandId: string }[];
  /** What went wrong in the endpoint itself: answered with an InternalServerError, and a bug of the tests. */
  readonly bugs: readonly unknown[];
  /** Adds an error to calls to come. */
  readonly interrupt: (fault: CallFault) => void;
  /** Changes a node, for instance after it was discovered. */
  readonly change: (instance: string, change: Partial<ManagedNode>) => void;
  /** Ends a command as when all its time is over: what has not ended is Delivery Timed Out. */
  readonly expire: (commandId: string) => void;
  /** Resolves when a command has ended on all of its nodes. */
  readonly ended: (commandId: string) => Promise<void>;
  /** Processes of the nodes that still live. */
  readonly processes: () => readonly number[];
  /** Stops all that runs on the nodes, closes the port, removes all files. */
  readonly close: () => Promise<void>;
}

const home = '127.0.0.1';

/** Starts an endpoint on a free port of the loopback interface. */
export async function startEndpoint(options: EndpointOptions = {}): Promise<Endpoint> {
  const { account = '111122223333', region = 'eu-central-1' } = options;
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-nodes-'));
  const reboots: { readonly instance: string; readonly commandId: string }[] = [];
  const bugs: unknown[] = [];
  const world: World = {
    timers: startTimers(),
    clock: options.clock ?? 1,
    nodeClock: options.nodeClock ?? 1,
    deliveryDelayMs: options.deliveryDelayMs ?? 0,
    lag: options.lag ?? { reads: 1 },
    spacedDetails: options.spacedDetails ?? true,
    store: startStore(options.buckets ?? []),
    faults: startFaults(options.faults ?? []),
    record: startRecord(),
    folder,
    ...(options.powershell === undefined ? {} : { powershell: options.powershell }),
    rebooted: (instance, commandId) => void reboots.push({ instance, commandId }),
  };
  const territories = new Map<string, Territory>();
  const territoryOf = (of: string, where: string): Territory => {
    const known = territories.get(`${of} ${where}`);
    if (known !== undefined) return known;
    const added: Territory = { account: of, region: where, documents: new Map(), nodes: new Map(), commands: new Map(), workers: startWorkers() };
    territories.set(`${of} ${where}`, added);
    return added;
  };
  for (const node of options.nodes ?? []) {
    if (!/^(i|mi)-[0-9a-f]{17}$/.test(node.instance)) throw new Error(`${node.instance} is no id of a node`);
    territoryOf(node.account ?? account, node.region ?? region).nodes.set(node.instance, node);
  }
  const answer = async (request: IncomingMessage): Promise<Outgoing> => {
    const incoming = await readIncoming(request, account);
    if (isForSsm(incoming)) return answerSsm(world, territoryOf, incoming);
    if (incoming.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true) return answerSts(world, options.roles, incoming);
    return answerS3(world, hostOf(incoming.url.hostname), incoming);
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request).then(
      (said) => respond(response, said),
      (bug: unknown) => {
        bugs.push(bug);
        respond(response, { status: 500, headers: {}, body: JSON.stringify({ __type: 'InternalServerError', message: String(bug) }) });
      },
    );
  };
  const server = options.tls === undefined ? createServer(serve) : createTlsServer(options.tls, serve);
  server.listen(0, home);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  const url = `${options.tls === undefined ? 'http' : 'https'}://${home}:${address.port}`;
  const commandIds = (): ReadonlySet<string> => new Set([...territories.values()].flatMap(({ commands }) => [...commands.keys()]));

  const commandOf = (id: string): SentCommand => {
    const command = [...territories.values()].map(({ commands }) => commands.get(id)).find((one) => one !== undefined);
    if (command === undefined) throw new Error(`there is no command ${id}`);
    return command;
  };
  let closing: Promise<void> | undefined;
  const shut = async (): Promise<void> => {
    world.timers.close();
    const commands = [...territories.values()].flatMap((territory) => [...territory.commands.values()]);
    for (const { invocations } of commands) for (const { stop } of invocations.values()) stop.abort('close');
    await Promise.all(commands.map(({ settled }) => settled()));
    killSurvivors(commandIds());
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    rmSync(folder, { recursive: true, force: true });
  };

  return {
    url,
    environment: {
      AWS_ENDPOINT_URL_SSM: url,
      AWS_ENDPOINT_URL_S3: url,
      AWS_ENDPOINT_URL_STS: url,
      AWS_ACCESS_KEY_ID: accessKeyFor(account, 'AKIA'),
      AWS_SECRET_ACCESS_KEY: 'a secret of the endpoint',
      AWS_REGION: region,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
    calls: world.record.calls,
    store: world.store,
    folder,
    reboots,
    bugs,
    interrupt: world.faults.add,
    change: (instance, change) => {
      const territory = [...territories.values()].find(({ nodes }) => nodes.has(instance));
      const node = territory?.nodes.get(instance);
      if (territory === undefined || node === undefined) throw new Error(`there is no node ${instance}`);
      territory.nodes.set(instance, { ...node, ...change });
    },
    expire: (commandId) => commandOf(commandId).expire(),
    ended: (commandId) => commandOf(commandId).ended,
    processes: () => survivors(commandIds()),
    close: () => (closing ??= shut()),
  };
}

/** The host of a virtual-host style request is the bucket before a host that the endpoint answers for. */
function hostOf(hostname: string): string {
  return hostname.endsWith('.localhost') ? 'localhost' : hostname;
}

function respond(response: ServerResponse, { status, headers, body }: Outgoing): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}
