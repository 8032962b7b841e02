/**
 * A dialogue: what a probe says and expects, as a generator that touches no socket and no clock. `converse` plays it over a conversation.
 *
 * A probe yields steps and returns an answer. If the peer stays silent, hangs up or talks nonsense, the generator is simply not resumed: that outcome
 * is the conversation's to tell. So every probe has the same four ways to go wrong without a line of code for them.
 */
import type { Facts } from '../contract/fact.ts';
import type { Endpoint, FailureCode, ServiceStatus } from '../contract/outcome.ts';
import type { RpcInterface, Size, Transport } from '../contract/probe.ts';
import type { Decoded } from '../codecs/decoded.ts';
import type { TlsSession } from '../codecs/tls-session.ts';

/** Verdict of a step on the bytes received so far (TCP: all since the last step; UDP: one datagram). `unrelated`: an answer, but not to our question. */
export type Acceptance = { readonly kind: 'accepted' | 'incomplete' | 'unrelated' } | { readonly kind: 'malformed'; readonly why: string };

/** What a chain is judged by: the job's own authorities, and not at all without any; or the roots of public servers, with the job's beside them. */
export type Anchors = 'job' | 'public';

/** A ticket that is wanted: for `service` on the host of that name, from the KDC at that address and port. */
export interface Order {
  readonly service: string;
  readonly dnsName: string;
  readonly realm: string;
  readonly address: string;
  readonly port: number;
}

/** What the KDC made of an order: a ticket, as the token that begins a bind with it, or an error (RFC 4120 §7.5.9). `principal` is who asked. */
export type Issue = { readonly principal: string } & ({ readonly token: Buffer } | { readonly errorCode: number });

/** What is told of an order, in order: that the KDC is being asked, and then one ending. */
export type Notice =
  | { readonly kind: 'asking' }
  | { readonly kind: 'issue'; readonly issue: Issue }
  /** The KDC did not take the question, or hung up. */
  | { readonly kind: 'unreached' }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly message: string };

/** Orders a ticket and returns what lets go of the order at once, after which nothing more is told. */
export type OrderTicket = (order: Order, told: (notice: Notice) => void) => () => void;

export type Step =
  /** `gathered`: facts that earlier steps brought, so that they are not lost when this one stays without an answer. */
  | { readonly kind: 'ask'; readonly send: Uint8Array; readonly gathered: Facts; readonly accept: (received: Buffer) => Acceptance }
  | {
      readonly kind: 'tls';
      readonly serverName: string;
      readonly anchors: Anchors;
      readonly gathered: Facts;
      readonly accept: (session: TlsSession) => void;
    }
  /** Lets go of the connection, which has shown that the port is open, and has a ticket ordered from the same address and port. */
  | { readonly kind: 'ticket'; readonly order: Pick<Order, 'service' | 'dnsName' | 'realm'>; readonly accept: (issue: Issue) => void };

/** Another question to the same address. After that one: `elsewhere`, addresses of the same host, each of which is to be dialled. */
export interface Next {
  readonly transport?: Transport;
  readonly variant?: string;
  readonly elsewhere?: readonly string[];
}

/** What a probe concludes when the dialogue went to its end. `next` is another question that this answer asks for; the runner decides whether to ask it. */
export interface Answer {
  readonly status: Extract<ServiceStatus, 'identified' | 'absent' | 'malformed'>;
  readonly facts: Facts;
  /** A ticket that later checks of this destination use. It is no fact, and leaves the agent only towards that destination. */
  readonly ticket?: Buffer;
  readonly next?: Next;
  /** True when the peer will repeat its last datagram for a while. */
  readonly isRepeated?: true;
}

export type Dialogue = Generator<Step, Answer, void>;

/** What is known of a destination from earlier answers of this run, and is needed to ask well. */
export interface Known {
  readonly netbiosName?: string;
  readonly netbiosDomain?: string;
  readonly dnsName?: string;
  readonly domain?: string;
  readonly rpcPorts?: Readonly<Record<string, number>>;
  readonly rpcAbsent?: readonly string[];
}

/** All that a probe may use to phrase its question. */
export interface Question {
  readonly transport: Transport;
  readonly port: number;
  /** AD domain of the destination, lower case, where the inventory names it. */
  readonly domain?: string;
  /** DNS name that the destination is expected to have. */
  readonly dnsName: string;
  readonly known: Known;
  readonly interface?: RpcInterface;
  /** AD site whose own records are asked for too. */
  readonly site?: string;
  /** The source's own machine account in the destination's domain (`CLIENT$`), where it has one. */
  readonly account?: string;
  readonly authorities?: string;
  /** The destination is behind a proxy, which is what was dialled: the destination's own port, and the facts of the proxy. */
  readonly tunnel?: { readonly port: number; readonly facts: Facts };
  /** The source's own end of the flow once it is dialled, for protocols that write it into their questions. */
  readonly local?: () => Endpoint | undefined;
  /** What is to be large; absent: nothing, the question is asked as it is. */
  readonly size?: Size;
  /** The token that begins a bind with a ticket for the destination's LDAP service. It is good for one bind: a second one would be a replay. */
  readonly ticket?: Buffer;
  /** Which form of the question, 0 first; and the variant that an earlier answer asked for. */
  readonly form: number;
  readonly variant?: string;
  /** Random bytes, for identifiers and nonces. */
  readonly random: (length: number) => Buffer;
  /** UTC now, in milliseconds since 1970. */
  readonly now: () => number;
}

/** A probe's way of speaking: from a question to a dialogue. Pure. */
export type Speak = (question: Question) => Dialogue;

/** Sends `bytes` and returns the first value that `decode` reads and `isOurs` recognises as the answer to them. `gathered` are the facts known before. */
export function* ask<T>(
  bytes: Uint8Array,
  decode: (received: Buffer) => Decoded<T>,
  isOurs: (value: T) => boolean = () => true,
  gathered: Facts = {},
): Generator<Step, T, void> {
  const answers: T[] = [];
  yield {
    kind: 'ask',
    send: bytes,
    gathered,
    accept: (received) => {
      const decoded = decode(received);
      if (decoded.kind !== 'value') return decoded;
      if (!isOurs(decoded.value)) return { kind: 'unrelated' };
      answers.push(decoded.value);
      return { kind: 'accepted' };
    },
  };
  const [answer] = answers;
  if (answer === undefined) throw new Error('a dialogue was resumed without an answer');
  return answer;
}

/** Has a ticket ordered from the KDC that was dialled, and returns what it made of that. */
export function* orderTicket(order: Pick<Order, 'service' | 'dnsName' | 'realm'>): Generator<Step, Issue, void> {
  const issues: Issue[] = [];
  yield { kind: 'ticket', order, accept: (issue) => void issues.push(issue) };
  const [issue] = issues;
  if (issue === undefined) throw new Error('a dialogue was resumed without a ticket');
  return issue;
}

/** Wraps the connection in TLS and returns what the handshake showed. `gathered` are the facts known before. */
export function* startTls(serverName: string, anchors: Anchors, gathered: Facts = {}): Generator<Step, TlsSession, void> {
  const sessions: TlsSession[] = [];
  yield { kind: 'tls', serverName, anchors, gathered, accept: (session) => void sessions.push(session) };
  const [session] = sessions;
  if (session === undefined) throw new Error('a dialogue was resumed without a TLS session');
  return session;
}
