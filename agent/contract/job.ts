/** A job: all that a run's agents need, flat and resolved. Every agent gets the same one and takes the rows of its own source. */
import type { ProbeName, RpcInterface, Size, Transport } from './probe.ts';

/** Version of everything in this folder. Agent and controller of different versions refuse each other. */
export const contractVersion = 2;

/** A host of the run, as source or destination. */
export interface JobHost {
  readonly name: string;
  /** IPv4 or IPv6 literal; of a destination that is known by name only, the name. */
  readonly address: string;
  /** AD domain that the host belongs to, in lower case; absent when it belongs to none that we know of. */
  readonly domain?: string;
  /** The computer's DNS name, as it is expected to give it. */
  readonly dnsName: string;
  /** AD site of a host that shares it with a read-only DC: such a DC is registered only there, so that the site's own records are asked for too. */
  readonly site?: string;
  /** True when the host is known to have a machine account (`NAME$`) in its domain. */
  readonly joined?: boolean;
  /** Ports that the site fixed for RPC interfaces of this host; the endpoint mapper is not needed for them. */
  readonly rpc?: Readonly<Partial<Record<RpcInterface, number>>>;
}

/** The site whose own DNS records are asked for: the destination's, or that from which a client of its domain asks; undefined: none's. */
export function siteToAsk(destination: JobHost | undefined, source: JobHost | undefined): string | undefined {
  return destination?.site ?? (source?.domain === destination?.domain ? source?.site : undefined);
}

/** Inclusive: `[389, 389]` is one port. */
export type PortSpan = readonly [first: number, last: number];

/** One row of the question, for every pair whose set names it: one transport, one probe. */
export interface JobRule {
  readonly matrix: string;
  readonly rule: string;
  readonly probe: ProbeName;
  readonly transport: Transport;
  /** One check for each port of each span; or the rule's text, where the endpoint mapper names the port of `interface` (a port that is fixed is a span). */
  readonly ports: readonly PortSpan[] | string;
  readonly interface?: RpcInterface;
  readonly size?: Size;
  /** Indices of the rules whose answers this one uses, for the same pair. Each of them makes exactly one check. */
  readonly after?: readonly number[];
}

/** How hard one source may push. */
export interface Pace {
  /** Sockets in flight from this source, and of those, towards one destination. */
  readonly inFlight: number;
  readonly perDestination: number;
  /** New flows a second towards one destination; absent: as fast as the sockets allow. */
  readonly flowsPerSecond?: number;
}

/** Indices into a job's `hosts`, `hosts` and `sets`. */
export type Pair = readonly [source: number, destination: number, set: number];

/** How sources use their own Kerberos credentials. */
export interface KerberosUse {
  /** The folder of this portmatrix: where it is on the source too, its package `kerberos` is the first that is tried. */
  readonly installation: string;
  /** A key table on the source, to be used in place of its credential cache. */
  readonly keytab?: string;
}

export interface Job {
  readonly contract: typeof contractVersion;
  readonly run: string;
  /** How long one check may take, and how often it may ask within that time. */
  readonly timeoutMs: number;
  readonly attempts: number;
  /** When every agent stops, whatever is left: longer than the worst case of the plan. */
  readonly endsAfterMs: number;
  readonly hosts: readonly JobHost[];
  readonly rules: readonly JobRule[];
  /** Which rules go together: indices into `rules`, prerequisites before what needs them. */
  readonly sets: readonly (readonly number[])[];
  /** Who asks whom, and which set. A source and a destination make at most one pair. */
  readonly pairs: readonly Pair[];
  /** The pace of each source, by name. */
  readonly pace: Readonly<Record<string, Pace>>;
  /** Inclusive range of local ports to dial from; absent: the system chooses. */
  readonly sourcePorts?: PortSpan;
  /** CA certificates in PEM that the destinations' chains are judged by; absent: only the chains of public servers are. */
  readonly authorities?: string;
  /** Present where the user lets the sources use their own Kerberos credentials. It holds none itself. */
  readonly kerberos?: KerberosUse;
  /** How results come back: a message each as they come, or one frame at the end. */
  readonly reply: 'messages' | 'frame';
}
