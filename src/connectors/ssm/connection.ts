/**
 * Reaches managed nodes by AWS Systems Manager Run Command.
 *
 * 1. `DescribeInstanceInformation`, all pages: which nodes there are. Who is not there, or offline, is refused with Systems Manager's own word.
 * 2. `DescribeDocument`: which version runs; it is pinned with its hash.
 * 3. `SendCommand` for at most 50 nodes of one account, Region and platform. A command names its run, so that a controller that was killed finds it again.
 * 4. `ListCommandInvocations`, 50 a page, until every node is done; then `GetCommandInvocation` for the step that ran, and for those that print further parts.
 * 5. A node that does not have the agent yet says so, and is sent the same job once more, to fetch it.
 *
 * Right after a command was sent Systems Manager may not know it, and right after it succeeded its output may be empty: both are asked again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Aws, type AwsPlace, nameOf, refusalOf, type SSM } from '../../aws.ts';
import type { Host, SystemsManager } from '../../inventory.ts';
import type { ManagedNode } from '../../host.ts';
import type { Connection, Delivery, Errand, Ticket } from '../connector.ts';
import { type Batch, batchesOf, nextRound, type Recipient } from './batch.ts';
import { bucket, type Spend } from './bucket.ts';
import { hear } from './hearing.ts';
import { type Invocation, isOver } from './invocation.ts';
import { findNodes, matchNode } from './nodes.ts';
import { NoPackage, packageUrl } from './package-url.ts';
import { type Pin, refusal, sendBatch } from './send.ts';

/** What the connection works with. */
export interface Means {
  readonly aws: Aws;
  readonly systemsManager: SystemsManager;
  /** How many nodes may work at the same time. */
  readonly atOnce: number;
  /** Aborted to cancel what was sent. What came back until then is kept. */
  readonly stop: AbortSignal;
  /** Told of all tickets after each command, before anything is asked of it. */
  readonly keep: (tickets: readonly Ticket[]) => Promise<void>;
  readonly patience?: Patience;
  /** Told of each node that does not have the agent, which is then not sent the job again. Absent: it is, so that the node fetches the agent. */
  readonly lacking?: (recipient: Recipient) => void;
  /** UTC now, in milliseconds since 1970. */
  readonly now: () => number;
}

/** How often and how long Systems Manager is asked. */
export interface Patience {
  /** Wait before the first look, and the longest wait between two. */
  readonly firstLookMs: number;
  readonly longestWaitMs: number;
  /** Waits before an output that should be there is asked for again. */
  readonly rereadMs: readonly number[];
  /** Waits before a command that was throttled is sent again. */
  readonly throttledMs: readonly number[];
  /** How long after its time a command may stay without an end. */
  readonly graceMs: number;
  /** How long cancelled commands are waited for. */
  readonly cancelMs: number;
}

const usualPatience: Patience = {
  firstLookMs: 2_000,
  longestWaitMs: 15_000,
  rereadMs: [1_000, 3_000, 6_000, 10_000],
  throttledMs: [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000, 15_000, 15_000],
  graceMs: 60_000,
  cancelMs: 15_000,
};

/** Calls a second, and at once: Systems Manager's own rates are not published, and a client that is throttled slows down by itself. */
const rates = { send: [1, 5], list: [2, 5], get: [10, 20] } as const;

/** A command, and those of its nodes that nothing final is known of. */
interface Command {
  readonly place: AwsPlace;
  readonly id: string;
  readonly waiting: Map<string, Ticket & { readonly errand: Errand }>;
}

/** A connection to managed nodes. All sources are sent their job at once: Systems Manager limits how many work at the same time. */
export function connectBySsm({ aws, systemsManager, atOnce, stop, keep, now, lacking, patience = usualPatience }: Means): Connection {
  const budgets = new Map<string, { readonly send: Spend; readonly list: Spend; readonly get: Spend }>();
  const budgetOf = (place: AwsPlace) => {
    const name = nameOf(place);
    const budget = budgets.get(name) ?? { send: bucket(...rates.send), list: bucket(...rates.list), get: bucket(...rates.get) };
    budgets.set(name, budget);
    return budget;
  };
  const pins = new Map<string, Promise<Pin>>();
  const pinIn = (ssm: SSM, place: AwsPlace): Promise<Pin> => {
    const pin = pins.get(nameOf(place)) ?? pinDocument(ssm, systemsManager);
    pins.set(nameOf(place), pin);
    return pin;
  };
  const kept: Ticket[] = [];

  /** Sends the batches; a batch that is refused as a whole becomes tickets that say why. */
  const sendAll = async (run: string, batches: readonly Batch[]): Promise<readonly Ticket[]> => {
    const sent = await Promise.all(
      batches.map(async (batch): Promise<readonly Ticket[]> => {
        const { place, recipients } = batch;
        try {
          const ssm = await aws.ssm(place);
          const pin = await pinIn(ssm, place);
          const spend = (): Promise<void> => budgetOf(place).send(stop);
          const { output, fetch } = systemsManager;
          const url = batch.lacks === undefined || fetch === 'role' ? undefined : await packageUrl(aws, place, pin, batch.lacks);
          return await sendBatch(await aws.ssm(place, 'once'), batch, {
            run,
            pin,
            spend,
            throttledMs: patience.throttledMs,
            stop,
            endsBy: endOf(batch, now()),
            ...(url !== undefined && { packageUrl: url }),
            ...(output !== undefined && { output }),
          });
        } catch (error) {
          if (stop.aborted) return recipients.map((recipient) => refusal(recipient, 'it was stopped'));
          if (error instanceof NoPackage) return recipients.map((recipient) => refusal(recipient, error.message));
          const { name, message } = refusalOf(error);
          return recipients.map((recipient) => refusal(recipient, `${name}: ${message}`));
        }
      }),
    );
    kept.push(...sent.flat());
    await keep(kept);
    return sent.flat();
  };

  /** Who of these hosts can be sent anything, and tickets for the others. */
  const recipientsAmong = async (
    hosts: readonly Host[],
  ): Promise<{ readonly recipients: readonly Recipient[]; readonly refused: readonly Ticket[] }> => {
    const managed = hosts.map((host) => ({ host, node: nodeOf(host) }));
    const found = await Promise.all(
      [...Map.groupBy(managed, ({ node }) => nameOf(node)).values()].map(async (group) => {
        const place = placeOf(group[0]?.node);
        try {
          const wanted = group.map(({ node }) => node.wanted);
          const nodes = await findNodes(await aws.ssm(place), wanted, () => budgetOf(place).list(stop));
          return group.map(({ host, node }) => ({ host, place, match: matchNode(host, node, nodes) }));
        } catch (error) {
          const { name, message } = refusalOf(error);
          return group.map(({ host }) => ({ host, place, match: { refused: `${name}: ${message}` } }));
        }
      }),
    );
    const recipients: Recipient[] = [];
    const refused: Ticket[] = [];
    const machines = Map.groupBy(found.flat(), ({ match }) => ('refused' in match ? '' : match.node.instance));
    for (const { host, place, match } of found.flat()) {
      const stranger = 'refused' in match ? undefined : machines.get(match.node.instance)?.find(({ host: { dnsName } }) => dnsName !== host.dnsName);
      if (stranger !== undefined && !('refused' in match)) {
        // What one machine sees must not stand for what another sees.
        const why = `${match.node.instance} cannot be both ${host.name} and ${stranger.host.name}: give each its own node, or, where they are one machine at two addresses, the same dnsName`;
        refused.push(refusal({ source: host.name }, why));
      } else if ('refused' in match) refused.push(refusal({ source: host.name }, match.refused));
      else recipients.push({ source: host.name, place, instance: match.node.instance, platform: match.platform });
    }
    return { recipients, refused };
  };

  return {
    send: async (hosts, job) => {
      if ('kind' in job) throw new Error('ssm: nothing is located through Systems Manager');
      const { recipients, refused } = await recipientsAmong(hosts);
      const batches = batchesOf(job, recipients, atOnce, systemsManager.deliverySeconds);
      kept.push(...refused);
      return [...refused, ...(await sendAll(job.run, batches))];
    },

    collect: async function* collect(tickets, job, signal) {
      if ('kind' in job) throw new Error('ssm: nothing is located through Systems Manager');
      for (const { source, refused } of tickets) if (refused !== undefined) yield { source, lost: refused };
      const commands = commandsOf(tickets);
      let cancelledAt: number | undefined;
      let waitMs = patience.firstLookMs;
      // Those that lack the agent are sent the job again when all others are done: a command knows nothing of the nodes that another keeps at work.
      const unsent: Recipient[] = [];
      while (commands.length > 0 || unsent.length > 0) {
        await sleep(jitter(waitMs), undefined, { signal: AbortSignal.any([signal, ...(cancelledAt === undefined ? [stop] : [])]) }).catch(
          () => undefined,
        );
        waitMs = Math.min(patience.longestWaitMs, waitMs * 1.5);
        if (signal.aborted || (cancelledAt !== undefined && now() - cancelledAt > patience.cancelMs)) {
          for (const { waiting } of commands) for (const { source } of waiting.values()) yield { source, lost: 'it was stopped' };
          for (const { source } of unsent) yield { source, lost: 'it was stopped' };
          return;
        }
        if (stop.aborted && cancelledAt === undefined) {
          cancelledAt = now();
          waitMs = patience.firstLookMs;
          await Promise.all(commands.map((command) => cancel(command)));
        }
        const swept = await Promise.all(commands.map((command) => sweep(command)));
        for (const { deliveries } of swept) yield* deliveries;
        for (const recipient of swept.flatMap(({ missing }) => missing)) {
          if (lacking === undefined) unsent.push(recipient);
          else lacking(recipient);
        }
        commands.splice(0, commands.length, ...commands.filter(({ waiting }) => waiting.size > 0));
        if (stop.aborted) for (const { source } of unsent.splice(0)) yield { source, lost: 'it was stopped' };
        if (unsent.length > 0 && commands.length === 0) {
          waitMs = patience.firstLookMs;
          const told = new Set(nextRound(unsent, atOnce));
          unsent.splice(0, unsent.length, ...unsent.filter((recipient) => !told.has(recipient)));
          const sent = await sendAll(job.run, batchesOf(job, [...told], atOnce, systemsManager.deliverySeconds));
          for (const { source, refused } of sent) if (refused !== undefined) yield { source, lost: refused };
          commands.push(...commandsOf(sent));
        }
      }
    },
  };

  /** One look at a command: what its nodes have said since the last one, and which of them lack the agent. */
  async function sweep({
    place,
    id,
    waiting,
  }: Command): Promise<{ readonly deliveries: readonly Delivery[]; readonly missing: readonly Recipient[] }> {
    const deliveries: Delivery[] = [];
    const missing: Recipient[] = [];
    const ssm = await aws.ssm(place);
    const { list, get } = budgetOf(place);
    let trouble = '';
    try {
      const invocations = await listInvocations(ssm, id, list);
      const heard = await Promise.allSettled(
        [...waiting.values()].map(async ({ source, errand }) => {
          const invocation = invocations.get(errand.instance);
          if (invocation === undefined || !isOver(invocation)) return;
          const said = await hear({ aws, systemsManager, ssm, spend: get, rereadMs: patience.rereadMs }, errand, invocation);
          waiting.delete(errand.instance);
          if (said.kind === 'missing') missing.push({ source, place, instance: errand.instance, platform: errand.platform, lacks: said.lacks });
          else if (said.kind === 'lost') deliveries.push({ source, lost: said.why, ...(said.code !== undefined && { code: said.code }) });
          else deliveries.push(...said.messages.map((message) => ({ source, message })));
        }),
      );
      // Only now that all are heard: what came after this look is over would reach nobody.
      const failure = heard.find((end) => end.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
    } catch (error) {
      // Whatever is the matter with the way to AWS may pass; the command goes on without us.
      const { name, message } = refusalOf(error);
      trouble = `${name}: ${message}`;
      if (/AccessDenied|UnrecognizedClient|ExpiredToken|InvalidCommandId|Credentials/.test(name)) {
        deliveries.push(...[...waiting.values()].map(({ source }) => ({ source, lost: trouble, code: 'output-lost', isResumable: true }) as const));
        waiting.clear();
      }
    }
    for (const { source, errand } of [...waiting.values()].filter(({ errand: { endsBy } }) => now() > endsBy + patience.graceMs)) {
      waiting.delete(errand.instance);
      const why = trouble === '' ? 'Systems Manager does not say what became of the command' : trouble;
      deliveries.push({ source, lost: `${errand.instance}: ${why}`, code: 'output-lost' });
    }
    return { deliveries, missing };
  }

  async function cancel({ place, id, waiting }: Command): Promise<void> {
    try {
      await (await aws.ssm(place)).cancelCommand({ CommandId: id, InstanceIds: [...waiting.keys()] });
    } catch (error) {
      // It may be over, or not ours to cancel: what comes back tells.
      refusalOf(error);
    }
  }
}

/** The version of the document that runs, and its hash. */
async function pinDocument(ssm: SSM, { document, version }: SystemsManager): Promise<Pin> {
  const { Document: description } = await ssm.describeDocument({ Name: document, ...(version !== undefined && { DocumentVersion: version }) });
  const { DocumentVersion: found = '$DEFAULT', Hash: hash, HashType: type, Parameters: parameters } = description ?? {};
  const fetches = parameters === undefined || parameters.some(({ Name: name }) => name === 'Fetch');
  return { document, version: version ?? found, fetches, ...(hash !== undefined && type === 'Sha256' && { hash }) };
}

async function listInvocations(ssm: SSM, command: string, spend: Spend): Promise<ReadonlyMap<string, Invocation>> {
  const invocations = new Map<string, Invocation>();
  let token: string | undefined;
  do {
    await spend();
    const page = await ssm.listCommandInvocations({ CommandId: command, MaxResults: 50, ...(token !== undefined && { NextToken: token }) });
    for (const { InstanceId: instance, Status: status = '', StatusDetails: details = status } of page.CommandInvocations ?? [])
      if (instance !== undefined) invocations.set(instance, { status, details });
    token = page.NextToken === '' ? undefined : page.NextToken;
  } while (token !== undefined);
  return invocations;
}

/** The commands of these tickets. A node that was sent the job again did nothing the first time. */
function commandsOf(tickets: readonly Ticket[]): Command[] {
  const commands = new Map<string, Command>();
  const fetching = new Set(tickets.flatMap(({ source, errand }) => (errand?.fetches === true ? [source] : [])));
  for (const ticket of tickets) {
    const { source, errand } = ticket;
    if (errand === undefined || (fetching.has(source) && !errand.fetches)) continue;
    const command = commands.get(errand.command) ?? { place: errand.place, id: errand.command, waiting: new Map() };
    commands.set(errand.command, command);
    command.waiting.set(errand.instance, { ...ticket, errand });
  }
  return [...commands.values()];
}

function endOf({ executionSeconds, deliverySeconds }: Batch, now: number): number {
  return now + (executionSeconds + deliverySeconds) * 1_000;
}

function nodeOf({ name, connector }: Host): ManagedNode {
  if (connector.kind !== 'ssm') throw new Error(`ssm: ${name} is no managed node`);
  return connector.node;
}

function placeOf(node: ManagedNode | undefined): AwsPlace {
  if (node === undefined) throw new Error('ssm: a group of nobody');
  return { region: node.region, ...(node.account !== undefined && { account: node.account }) };
}

function jitter(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4);
}
