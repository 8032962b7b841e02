/** What one check saw: the only thing an agent ever says about a port. It never says pass or fail. */
import type { Facts } from './fact.ts';

/** A port as this source sees it, in nmap's words: a state belongs to a (source, destination, port) triple, never to the port alone. */
export const states = ['open', 'closed', 'filtered', 'open|filtered'] as const;
export type State = (typeof states)[number];

/** The evidence behind a state, in nmap's words (`name-unresolved` and `proto-unreach` likewise). */
export const reasons = [
  'syn-ack',
  'udp-response',
  'conn-refused',
  'port-unreach',
  'no-response',
  'host-unreach',
  'net-unreach',
  'proto-unreach',
  'admin-prohibited',
  'reset',
  'name-unresolved',
] as const;
export type Reason = (typeof reasons)[number];

/**
 * What the service behind an open port did with the question.
 *
 * - `identified`: it answered in the expected protocol, and the answer belongs to our question.
 * - `absent`: the right protocol answered that what was asked for is not there (the endpoint mapper has no such interface).
 * - `malformed`: bytes came that are not the expected protocol, or not an answer to our question.
 * - `silent`: no complete answer before the deadline.
 * - `disconnected`: the peer ended the connection before a complete answer.
 * - `tls-failed`: the TLS handshake was refused or broke.
 */
export const serviceStatuses = ['identified', 'absent', 'malformed', 'silent', 'disconnected', 'tls-failed'] as const;
export type ServiceStatus = (typeof serviceStatuses)[number];

/**
 * Why a check could not be made at all. None of these says anything about the network between source and destination.
 *
 * - `source-unreachable`: the agent never started. - `output-lost`: it started, and this result never came.
 * - `source-denied`: the source's own policy forbade the packet. - `source-exhausted`: it had no descriptor, port or buffer left.
 * - `unsupported`: it cannot do this (no route for this address, no such protocol). - `interrupted`: the run was stopped first.
 * - `not-equipped`: the source lacks the software that it takes. - `no-credentials`: it has none that could be used.
 * - `prerequisite`: a check whose answer this one needs did not give it. - `unclassified`: an error nobody has met yet, with its text.
 */
export const failureCodes = [
  'source-unreachable',
  'output-lost',
  'source-denied',
  'source-exhausted',
  'unsupported',
  'interrupted',
  'not-equipped',
  'no-credentials',
  'prerequisite',
  'unclassified',
] as const;
export type FailureCode = (typeof failureCodes)[number];

/** One end of a flow. `address` is a literal, or the name of a destination that has none; `port` 1 to 65535. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What the service behind the port showed. Absent from an outcome when only the port was asked for. */
export interface Service {
  readonly status: ServiceStatus;
  readonly facts: Facts;
}

/** The network was looked at. `target` is what was dialled, `local` the source's own end where it is known, `at` UTC in ISO 8601 with milliseconds. */
export interface Observed {
  readonly kind: 'observed';
  readonly state: State;
  readonly reason: Reason;
  /** The port that was dialled in the end, where the check names a range. */
  readonly port?: number;
  readonly service?: Service;
  readonly local?: Endpoint;
  readonly target: Endpoint;
  readonly at: string;
}

/** The network was not looked at. `because` is the id of the check that stood in the way, for `prerequisite`. */
export interface Failed {
  readonly kind: 'failed';
  readonly code: FailureCode;
  readonly message: string;
  readonly because?: string;
}

export type Outcome = Observed | Failed;
