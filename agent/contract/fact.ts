/** The vocabulary of facts: everything a probe may report about a service, each under one name and in one unit, whatever the protocol. */

/** Facts of one answer. Agents report them; only the controller's `assess` decides what they mean. All text is what the peer sent, cut to 256 characters. */
export interface Facts {
  /** First label of the computer's own name, as the service gives it: `DC1`. */
  readonly netbiosName?: string;
  /** The computer's own DNS name, as the service gives it: `dc1.corp.example.com`. */
  readonly dnsName?: string;
  /** The AD domain that the service serves, as a DNS name in lower case. */
  readonly domain?: string;
  readonly netbiosDomain?: string;
  readonly forest?: string;
  /** GUID of the AD domain, in the usual text form, lower case. */
  readonly domainGuid?: string;
  /** AD site of the server, and the one it maps the asking address to (empty: the subnet is missing in AD). */
  readonly site?: string;
  readonly clientSite?: string;
  /** Roles the LDAP ping's flags name, sorted: `gc`, `kdc`, `ldap`, `pdc`, `time`, `writable`, `read-only`, `adws`, … ([MS-ADTS] 6.3.1.2). */
  readonly roles?: readonly string[];
  /** True when the DC says that it does not advertise itself (netlogon paused). */
  readonly paused?: boolean;

  /** Server's clock minus ours, in milliseconds, and half the round trip plus the clock's resolution. */
  readonly clockOffsetMs?: number;
  readonly clockUncertaintyMs?: number;

  /** DNS: response code name (`NOERROR`), AA and TC bits, SRV targets in lower case, sorted, and the zone's primary. */
  readonly rcode?: string;
  readonly authoritative?: boolean;
  readonly truncated?: boolean;
  readonly srvTargets?: readonly string[];
  readonly soaPrimary?: string;

  /** LDAP: result code of the search, whether replication is in step, whether the global catalog serves, highest functional level, vendor. */
  readonly resultCode?: number;
  readonly synchronized?: boolean;
  readonly globalCatalogReady?: boolean;
  readonly functionalLevel?: number;
  readonly vendor?: string;

  /** Kerberos and kpasswd: realm that answered, error code (RFC 4120 §7.5.9) and the client principal that was named. */
  readonly realm?: string;
  readonly errorCode?: number;
  readonly principal?: string;

  /** RPC: TCP port of each interface the endpoint mapper knows, those it does not know, and what a bind said. */
  readonly rpcPorts?: Readonly<Record<string, number>>;
  readonly rpcAbsent?: readonly string[];
  readonly rpcInterface?: string;
  /** Port that the RPC server says it listens on: another than the one dialled means port translation. */
  readonly rpcSecondaryPort?: number;
  /** True when the endpoint mapper refuses anonymous questions ([MS-RPCE] 3.1.1.1.3). */
  readonly rpcAnonymousRefused?: boolean;

  /** SMB: dialect (`3.1.1`), whether signing is required, GUID of the server. */
  readonly dialect?: string;
  readonly signingRequired?: boolean;
  readonly serverGuid?: string;

  /** NTP: stratum, leap indicator 0 to 3, reference id, and kiss code where the server refuses. */
  readonly stratum?: number;
  readonly leap?: number;
  readonly referenceId?: string;
  readonly kissCode?: string;

  /** NetBIOS: registered names as `NAME<suffix>`, and what the session service answered. */
  readonly netbiosNames?: readonly string[];
  readonly sessionCode?: string;

  /** TLS: protocol and cipher agreed, and the server's certificate. */
  readonly tlsProtocol?: string;
  readonly tlsCipher?: string;
  readonly tlsError?: string;
  readonly certificateSubject?: string;
  readonly certificateIssuer?: string;
  /** DNS names of the subject alternative name, lower case, sorted; empty when there are none. */
  readonly certificateNames?: readonly string[];
  readonly certificateNotBefore?: string;
  readonly certificateNotAfter?: string;
  /** Extended key usage OIDs; empty when the certificate has no such extension. */
  readonly certificateUsages?: readonly string[];
  readonly certificateKeyType?: string;
  readonly certificateKeyBits?: number;
  /** Signature algorithm, by name where it is known (`sha256WithRSAEncryption`), otherwise its OID. */
  readonly certificateSignature?: string;
  /** `trusted`, `not-checked` (no CA bundle was given), or why the chain is not trusted. */
  readonly certificateChain?: string;
  readonly certificateFingerprint?: string;

  /** First bytes (at most 64) of an answer that was not understood, in hex, and what they look like: `http`, `tls`, `ssh`, … */
  readonly firstBytes?: string;
  readonly looksLike?: string;
  /** Why an answer was not understood, in a few words of ours. */
  readonly complaint?: string;
  /** What became of a second question that this answer asked for, where that one was not answered: `udp/53 truncated; tcp/53 no-response`. */
  readonly followUp?: string;
  /** True when rejections were still arriving late when the run ended: silence may be a rejection held back by a rate limit. */
  readonly rejectionsLimited?: boolean;
}

/** Facts that differ between two identical runs of an unchanged network. Drift ignores them, and a frame carries them apart. */
export const volatileFacts = ['clockOffsetMs', 'clockUncertaintyMs'] as const satisfies readonly (keyof Facts)[];
