/** What all accounts and Regions of an endpoint share. */
import type { CallFaults } from './call-fault.ts';
import type { Timers } from './clock.ts';
import type { ScriptRunner } from './managed-node.ts';
import type { ObjectStore } from './object-store.ts';
import type { CallRecord } from './record.ts';

/** How reads lag behind, by count rather than by time, so that a test cannot race with it. */
export interface Lag {
  /** So many first lists of a command's invocations are empty, and so many first looks at one invocation say that it does not exist. */
  readonly reads: number;
}

/** Shared by every operation of an endpoint. */
export interface World {
  readonly timers: Timers;
  /** Seconds of the service (delivery timeouts, expiry) that pass in a real second. */
  readonly clock: number;
  /** Seconds of the nodes (execution timeouts) that pass in a real second. */
  readonly nodeClock: number;
  /** Real time from SendCommand to the node's acknowledgement. */
  readonly deliveryDelayMs: number;
  readonly lag: Lag;
  /** StatusDetails as "Delivery Timed Out" (what the API documents) or as "DeliveryTimedOut" (what its filters take). */
  readonly spacedDetails: boolean;
  readonly store: ObjectStore;
  readonly faults: CallFaults;
  readonly record: CallRecord;
  /** Holds a folder per node, as /var/lib/amazon/ssm does. */
  readonly folder: string;
  /** Runs PowerShell steps of nodes that have no runner of their own. */
  readonly powershell?: ScriptRunner;
  /** Told each time that a step's exit code asked for a reboot. */
  readonly rebooted: (instance: string, commandId: string) => void;
}
