/** How agents reach their hosts, whatever the way. */
import type { Job } from '../../agent/contract/job.ts';
import type { LocateJob } from '../../agent/contract/locate.ts';
import type { Message } from '../../agent/contract/message.ts';
import type { FailureCode } from '../../agent/contract/outcome.ts';
import type { AwsPlace } from '../aws.ts';
import type { Host } from '../inventory.ts';

/** A command of Systems Manager, and the node that it went to. */
export interface Errand {
  readonly place: AwsPlace;
  readonly command: string;
  readonly instance: string;
  readonly platform: 'linux' | 'windows';
  /** True when this errand may fetch the agent; the first of a node does not, so that nothing is downloaded that is there. */
  readonly fetches: boolean;
  /** When Systems Manager must have ended it, in milliseconds since 1970. */
  readonly endsBy: number;
}

/** A job handed to one host: plain data, so that it can outlive the process that sent it where the way allows. */
export interface Ticket {
  readonly source: string;
  readonly id: string;
  readonly errand?: Errand;
  /** The host cannot be sent anything: why, in words. */
  readonly refused?: string;
}

/** Nothing more will come from a host: why, in words. `code`: what each check without a result has failed by; absent: what follows from how far the agent came. */
export interface Loss {
  readonly source: string;
  readonly lost: string;
  readonly code?: FailureCode;
  /** It was only this controller that could not hear: what the host says can still be collected. */
  readonly isResumable?: true;
}

/** Something came from a host, or nothing more will. */
export type Delivery = { readonly source: string; readonly message: Message } | Loss;

/**
 * Sends a job to hosts and collects what their agents say of it. The signal given to `send` makes agents stop in good order, and what they still say is
 * delivered; the one given to `collect` ends them at once.
 */
export interface Connection {
  readonly send: (sources: readonly Host[], job: Job | LocateJob, signal: AbortSignal) => Promise<readonly Ticket[]>;
  readonly collect: (tickets: readonly Ticket[], job: Job | LocateJob, signal: AbortSignal) => AsyncIterable<Delivery>;
}
