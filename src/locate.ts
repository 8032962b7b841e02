/** Asks an agent to find domain controllers, and waits for what it found. */
import type { LocateJob, Located } from '../agent/contract/locate.ts';
import type { Connection } from './connectors/connector.ts';
import type { Stop } from './dispatch.ts';
import type { Host } from './inventory.ts';

/** What came of it: where the DCs are, or why nobody could look. */
export type Search = { readonly located: Located } | { readonly lost: string };

/** Locates the domain's DCs from `host`. */
export async function locate(job: LocateJob, host: Host, connection: Connection, stop: Stop): Promise<Search> {
  let located: Located | undefined;
  let lost: string | undefined;
  for await (const delivery of connection.collect(await connection.send([host], job, stop.soft), job, stop.hard)) {
    if ('lost' in delivery) lost ??= delivery.lost;
    else if (delivery.message.kind === 'located') located ??= delivery.message;
    // What was cut short looks like silence, and is none.
    else if (delivery.message.kind === 'bye' && delivery.message.reason !== 'finished')
      lost ??= delivery.message.reason === 'interrupted' ? 'it was stopped' : 'the agent ran out of time';
  }
  if (lost === undefined && stop.soft.aborted) lost = 'it was stopped';
  return lost === undefined && located !== undefined ? { located } : { lost: lost ?? 'the agent ended without an answer' };
}
