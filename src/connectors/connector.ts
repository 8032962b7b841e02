/** How agents reach their hosts, whatever the way. */
import type { Job } from '../../agent/contract/job.ts';
import type { LocateJob } from '../../agent/contract/locate.ts';
import type { Message } from '../../agent/contract/message.ts';
import type { Host } from '../inventory.ts';

/** A job handed to one host: plain data, so that it can outlive the process that sent it where the way allows. */
export interface Ticket {
  readonly source: string;
  readonly id: string;
}

/** Something came from a host, or nothing more will: `lost` says why, in words. */
export type Delivery = { readonly source: string; readonly message: Message } | { readonly source: string; readonly lost: string };

/**
 * Sends a job to hosts and collects what their agents say. The signal given to `send` makes agents stop in good order, and what they still say is
 * delivered; the one given to `collect` ends them at once.
 */
export interface Connection {
  readonly send: (sources: readonly Host[], job: Job | LocateJob, signal: AbortSignal) => Promise<readonly Ticket[]>;
  readonly collect: (tickets: readonly Ticket[], signal: AbortSignal) => AsyncIterable<Delivery>;
}
