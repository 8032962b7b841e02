/** Finding the domain controllers of a domain, as a member of the domain would: what is asked for and what comes back. */
import type { contractVersion } from './job.ts';
import type { Outcome } from './outcome.ts';

/** A job that locates instead of checking. It has one source: the host that runs it. */
export interface LocateJob {
  readonly kind: 'locate';
  readonly contract: typeof contractVersion;
  readonly run: string;
  /** AD domain, lower case. */
  readonly domain: string;
  /** Addresses of the resolvers to ask; empty: those that the host is configured with. */
  readonly resolvers: readonly string[];
  /** DCs that the user named, so that they are found even when DNS is not. */
  readonly dcs: readonly { readonly dnsName: string; readonly address: string }[];
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly endsAfterMs: number;
}

/** One question to one resolver. `found` are names or addresses, sorted; empty with the reason in `outcome` or `rcode`. */
export interface Lookup {
  readonly name: string;
  readonly outcome: Outcome;
  readonly rcode?: string;
  readonly found: readonly string[];
}

/** What one resolver says. Each is asked on its own: hosts fail over on a time-out, not on a wrong answer. */
export interface ResolverView {
  readonly address: string;
  /** SRV of `_ldap._tcp.dc._msdcs.<domain>`: every DC. */
  readonly dcs: Lookup;
  /** SRV of `_ldap._tcp.pdc._msdcs.<domain>`: the PDC emulator. */
  readonly pdc: Lookup;
  /** SRV of `_ldap._tcp.<site>._sites.dc._msdcs.<domain>`: the DCs of the client's site, once that is known. */
  readonly siteDcs?: Lookup;
}

/** An address that may be a DC's, and what its LDAP ping came to. */
export interface Candidate {
  readonly dnsName: string;
  readonly address: string;
  /** The resolvers that named it; empty when only the user did. */
  readonly resolvers: readonly string[];
  readonly ping: Outcome;
}

/** The answer to a locate job. */
export interface Located {
  readonly kind: 'located';
  readonly resolvers: readonly ResolverView[];
  readonly candidates: readonly Candidate[];
  /** AD site of this host, as the first DC that answered the ping maps its address; empty: its subnet is missing in AD. */
  readonly clientSite?: string;
  /** How many names or addresses were left out, because there were too many. */
  readonly leftOut: number;
}
