/** The faults that the demo injects, and what a run must find of each. */
import type { Transport } from '../../agent/contract/probe.ts';
import type { Finding } from '../verdict.ts';

/** A port of a simulated host (before it is mapped) that does not do what it should. */
export interface Fault {
  readonly host: string;
  readonly port: number;
  readonly transport: Transport;
  /** What every required check of that port must fail with. */
  readonly finding: Finding['code'];
  /** What is wrong, for people. */
  readonly words: string;
}

export const faults = {
  /** A firewall drops SMB. */
  swallowed: { host: 'dc2', port: 445, transport: 'tcp', finding: 'no-answer', words: 'swallows every SYN, as a firewall that drops' },
  /** Its substitute where the system cannot swallow TCP. */
  silent: { host: 'dc2', port: 123, transport: 'udp', finding: 'no-answer', words: 'takes every datagram and never answers' },
  /** Something else took the port of the global catalog. */
  misplaced: { host: 'dc1', port: 3268, transport: 'tcp', finding: 'wrong-service', words: 'is open, and a web server is behind it' },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof faults;
