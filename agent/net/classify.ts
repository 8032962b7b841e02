/** The only file that knows errno names: what each one says about the path, or about this host. */
import { isIPv6 } from 'node:net';
import type { FailureCode, Reason, State } from '../contract/outcome.ts';
import type { Transport } from '../contract/probe.ts';

/** What an error means: a state of the port with its evidence, or a trouble of our own that says nothing about the port. */
export type Meaning = { readonly state: State; readonly reason: Reason } | { readonly code: FailureCode; readonly message: string };

/** Where an error came up: before the first packet could leave, or after. */
export type Phase = 'before-send' | 'after-send';

/** The code of an error that says in its message what may not be dialled, and why. */
export const notAllowed = 'NOT_ALLOWED';

/** Errors of the host that dials, whatever the transport. */
const local: Readonly<Record<string, FailureCode>> = {
  EPERM: 'source-denied',
  EMFILE: 'source-exhausted',
  ENFILE: 'source-exhausted',
  ENOBUFS: 'source-exhausted',
  ENOMEM: 'source-exhausted',
  EADDRNOTAVAIL: 'source-exhausted',
  EADDRINUSE: 'source-exhausted',
  EAFNOSUPPORT: 'unsupported',
  EPROTONOSUPPORT: 'unsupported',
  EINVAL: 'unsupported',
};

/** Errors that a TCP connect brings back from the network (nmap's table; Linux `icmp_err_convert` for the rest). */
const tcp: Readonly<Record<string, { readonly state: State; readonly reason: Reason }>> = {
  ECONNREFUSED: { state: 'closed', reason: 'conn-refused' },
  // A SYN that is answered with RST is ECONNREFUSED; these two are a handshake that was made, and reset before we looked.
  ECONNRESET: { state: 'open', reason: 'syn-ack' },
  EPIPE: { state: 'open', reason: 'syn-ack' },
  ETIMEDOUT: { state: 'filtered', reason: 'no-response' },
  EHOSTUNREACH: { state: 'filtered', reason: 'host-unreach' },
  EHOSTDOWN: { state: 'filtered', reason: 'host-unreach' },
  ENONET: { state: 'filtered', reason: 'host-unreach' },
  ENETUNREACH: { state: 'filtered', reason: 'net-unreach' },
  ENOPROTOOPT: { state: 'filtered', reason: 'proto-unreach' },
};

/** Errors that a connected UDP socket brings back. Plain host and net unreachable are soft errors that it hides, so what it does show is a prohibition. */
const udp: Readonly<Record<string, { readonly state: State; readonly reason: Reason }>> = {
  ECONNREFUSED: { state: 'closed', reason: 'port-unreach' },
  EHOSTUNREACH: { state: 'filtered', reason: 'admin-prohibited' },
  ENETUNREACH: { state: 'filtered', reason: 'admin-prohibited' },
  EHOSTDOWN: { state: 'filtered', reason: 'host-unreach' },
  ENONET: { state: 'filtered', reason: 'host-unreach' },
  ENOPROTOOPT: { state: 'filtered', reason: 'proto-unreach' },
  // The datagram did not arrive, and nothing else is known; see `isTooBig`.
  EMSGSIZE: { state: 'open|filtered', reason: 'no-response' },
};

/**
 * True when the path said that a datagram of ours is too big for one of its links (ICMP 3/4, ICMPv6 2). That is no failure: the system has learned the size,
 * and sends the next one in fragments. Over TCP it does so by itself.
 */
export function isTooBig(errno: string, transport: Transport, phase: Phase): boolean {
  return errno === 'EMSGSIZE' && transport === 'udp' && phase === 'after-send';
}

/**
 * Errors that come from the routing table as well as from elsewhere: only a look at the routes tells which. EADDRNOTAVAIL is a local port that is taken,
 * or a host without any address of the family, as where IPv6 is switched off.
 */
const ambiguous = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EADDRNOTAVAIL']);

/** Why a resolver gave no address: the name is known not to exist (or to have none), or nothing is known. `message` is a few words for people. */
export interface LookupFailure {
  readonly resolution: 'no-such-name' | 'no-answer';
  readonly message: string;
}

/** What getaddrinfo's EAI_NONAME and EAI_NODATA have become by the time that they get here. */
const noSuchName = new Set(['ENOTFOUND', 'ENODATA']);

/** The meaning of an error of the system's resolver. Only a plain "no such name" says something about the name. */
export function classifyLookup(error: NodeJS.ErrnoException): LookupFailure {
  const errno = error.code ?? 'no errno';
  return noSuchName.has(errno)
    ? { resolution: 'no-such-name', message: `no such name (${errno})` }
    : { resolution: 'no-answer', message: `no answer (${errno})` };
}

/** True when the meaning of this error depends on whether the source has a route at all. */
export function dependsOnRoute(errno: string): boolean {
  return ambiguous.has(errno);
}

/**
 * The meaning of an error met while dialling `address`. `hasRoute` false: the source's own routing table refused the address.
 * An errno that is not in the tables is `unclassified` with its text, never guessed into a state.
 */
export function classify(error: NodeJS.ErrnoException, transport: Transport, address: string, phase: Phase, hasRoute: boolean): Meaning {
  const errno = error.code ?? '';
  if (errno === notAllowed) return { code: 'source-denied', message: error.message };
  if (!hasRoute && ambiguous.has(errno)) {
    return errno === 'EACCES'
      ? { code: 'source-denied', message: `this host's routing forbids ${address} (${errno})` }
      : { code: 'unsupported', message: `this host has no route to ${address} (${errno})` };
  }
  // Linux gives ICMPv6 "administratively prohibited" and "policy failed" as EACCES; over IPv4, and on other systems, the same word is a local refusal.
  if (errno === 'EACCES') {
    return process.platform === 'linux' && isIPv6(address) && (transport === 'tcp' || phase === 'after-send')
      ? { state: 'filtered', reason: 'admin-prohibited' }
      : { code: 'source-denied', message: `this host forbids the packet (${errno})` };
  }
  if (errno === 'EMSGSIZE' && transport === 'udp' && phase === 'before-send') {
    return { code: 'unsupported', message: `this host sends no datagram of that size (${errno})` };
  }
  const code = local[errno];
  if (code !== undefined) return { code, message: `${describe[code]} (${errno})` };
  const seen = transport === 'tcp' ? tcp[errno] : phase === 'after-send' ? udp[errno] : undefined;
  return seen ?? { code: 'unclassified', message: `${error.message} (${errno === '' ? 'no errno' : errno})` };
}

const describe: Readonly<Partial<Record<FailureCode, string>>> = {
  'source-denied': 'this host forbids the packet',
  'source-exhausted': 'this host has run out of descriptors, ports or buffers',
  unsupported: 'this host cannot dial this address',
};
