/** Commands that an earlier controller sent for a run, found again: it may have been killed between a command and the note of it. */
import { unpackEnvelope } from '../../../agent/contract/envelope.ts';
import { type Aws, type AwsPlace, type Command, nameOf } from '../../aws.ts';
import type { Host } from '../../inventory.ts';
import type { Ticket } from '../connector.ts';
import { readComment } from './batch.ts';
import { ticketOf } from './send.ts';

/**
 * Lists what was sent since then where these hosts are managed, and resolves to a ticket for each node of each command of this run. Commands are known by
 * their comment, and their nodes' names by the job that they carry. Rejects with what AWS says when it cannot be asked.
 */
export async function recoverTickets(aws: Aws, hosts: readonly Host[], run: string, since: number): Promise<readonly Ticket[]> {
  const places = new Map(
    hosts.flatMap(({ connector }) => (connector.kind === 'ssm' ? [[nameOf(connector.node), placeOf(connector.node)] as const] : [])),
  );
  const found = await Promise.all([...places.values()].map((place) => commandsIn(aws, place, since)));
  return found.flat().flatMap(({ place, command }) => ticketsOf(place, command, run));
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
  { CommandId: id, Comment: comment = '', InstanceIds: instances = [], Parameters: parameters, ExpiresAfter: end }: Command,
  run: string,
): readonly Ticket[] {
  const mark = readComment(comment);
  const envelope = unpackEnvelope(parameters?.['Job']?.[0] ?? '');
  if (mark?.run !== run || id === undefined || envelope === undefined) return [];
  return instances.flatMap((instance) => {
    const source = envelope.nodes[instance];
    if (source === undefined) return [];
    return [ticketOf({ source, place, instance, platform: mark.platform }, id, { fetches: mark.fetches, endsBy: end?.getTime() ?? 0 })];
  });
}

function placeOf({ region, account }: AwsPlace): AwsPlace {
  return { region, ...(account !== undefined && { account }) };
}
