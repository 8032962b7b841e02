/** Commands that an earlier controller sent for a run, found again: it may have been killed between a command and the note of it. */
import { isDeepStrictEqual } from 'node:util';
import { type Envelope, unpackEnvelope } from '../../../agent/contract/envelope.ts';
import type { Job } from '../../../agent/contract/job.ts';
import { type Aws, type AwsPlace, type Command, nameOf } from '../../aws.ts';
import type { ManagedNode } from '../../host.ts';
import type { Host } from '../../inventory.ts';
import type { Ticket } from '../connector.ts';
import { envelopeFor, readComment } from './batch.ts';
import { ticketOf } from './send.ts';

/** The run whose commands are looked for. */
export interface Sought {
  readonly job: Job;
  readonly document: string;
  /** When it began, in milliseconds since 1970. */
  readonly since: number;
}

/**
 * Lists what was sent since then where these hosts are managed, and resolves to a ticket for each node of each command of this run. Everybody who may send a
 * command can write any comment, so a command counts only where it is of our document, carries this very job, and went to the nodes that these hosts are.
 * Rejects with what AWS says when it cannot be asked.
 */
export async function recoverTickets(aws: Aws, hosts: readonly Host[], sought: Sought): Promise<readonly Ticket[]> {
  const places = new Map(
    hosts.flatMap(({ connector }) => (connector.kind === 'ssm' ? [[nameOf(connector.node), placeOf(connector.node)] as const] : [])),
  );
  const found = await Promise.all([...places.values()].map((place) => commandsIn(aws, place, sought.since)));
  const nodes = new Map(hosts.flatMap(({ name, connector }) => (connector.kind === 'ssm' ? [[name, connector.node] as const] : [])));
  return found.flat().flatMap(({ place, command }) => ticketsOf(place, command, sought, nodes));
}

async function commandsIn(aws: Aws, place: AwsPlace, since: number): Promise<readonly { readonly place: AwsPlace; readonly command: Command }[]> {
  const ssm = await aws.ssm(place);
  const commands: Command[] = [];
  let token: string | undefined;
  do {
    const filters = [{ key: 'InvokedAfter' as const, value: new Date(since).toISOString().replace(/\.\d+/, '') }];
    const page = await ssm.listCommands({ Filters: filters, MaxResults: 50, ...(token !== undefined && { NextToken: token }) });
    commands.push(...(page.Commands ?? []));
    token = page.NextToken === '' ? undefined : page.NextToken;
  } while (token !== undefined);
  return commands.map((command) => ({ place, command }));
}

function ticketsOf(
  place: AwsPlace,
  { CommandId: id, Comment: comment = '', DocumentName: name = '', InstanceIds: instances = [], Parameters: parameters, ExpiresAfter: end }: Command,
  { job, document }: Sought,
  nodes: ReadonlyMap<string, ManagedNode>,
): readonly Ticket[] {
  const mark = readComment(comment);
  if (mark?.run !== job.run || id === undefined || bare(name) !== bare(document)) return [];
  const envelope = unpackEnvelope(parameters?.['Job']?.[0] ?? '');
  if (envelope === undefined || !isOf(envelope, job)) return [];
  return instances.flatMap((instance) => {
    const source = envelope.nodes[instance];
    const node = source === undefined ? undefined : nodes.get(source);
    if (source === undefined || node === undefined || nameOf(node) !== nameOf(place)) return [];
    if ('instance' in node.wanted && node.wanted.instance !== instance) return [];
    return [ticketOf({ source, place, instance, platform: mark.platform }, id, { fetches: mark.fetches, endsBy: end?.getTime() ?? 0 })];
  });
}

/** Whether it tells its nodes exactly what this job tells them: the ids of checks do not say where a check goes. */
function isOf(envelope: Envelope, job: Job): boolean {
  const recipients = Object.entries(envelope.nodes).map(([instance, source]) => ({ instance, source }));
  const expected: unknown = JSON.parse(JSON.stringify(envelopeFor(job, recipients)));
  return isDeepStrictEqual(envelope, expected);
}

/** A document's name, where it is given by its ARN too. */
function bare(document: string): string {
  return document.replace(/^arn:.*:document\//, '');
}

function placeOf({ region, account }: AwsPlace): AwsPlace {
  return { region, ...(account !== undefined && { account }) };
}
