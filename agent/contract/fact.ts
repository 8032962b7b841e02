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
  /** How many SRV targets there were, where `srvTargets` holds only some of them; the destination's own name is among those if it is listed at all. */
  readonly srvTotal?: number;
  readonly soaPrimary?: string;
  /** DNS: addresses that the server gives for the destination's own name, sorted. */
  readonly ownAddresses?: readonly string[];
  /** DNS: what TCP 389 did on those of them that were not the one that was asked, at most 4 (`192.0.2.9 filtered no-response`), sorted. */
  readonly otherAddresses?: readonly string[];
  /** DNS: SRV targets of the site that was asked for, in lower case, sorted, at most 64. */
  readonly siteTargets?: readonly string[];

  /** LDAP: result code of the search or the bind, whether replication is in step, whether the global catalog serves, highest functional level, vendor. */
  readonly resultCode?: number;
  /** True when the server announced that it hangs up (RFC 4511 §4.4.1); `resultCode` is then its reason. */
  readonly disconnected?: boolean;
  readonly synchronized?: boolean;
  readonly globalCatalogReady?: boolean;
  readonly functionalLevel?: number;
  readonly vendor?: string;

  /** Kerberos and kpasswd: realm that answered, error code (RFC 4120 §7.5.9; 0 where a ticket came in place of an error) and the client principal that was named. */
  readonly realm?: string;
  readonly errorCode?: number;
  readonly principal?: string;
  /** kpasswd: the service that the refusal names, where it is not `kadmin/changepw`. Tickets: the service that one was asked for. */
  readonly servicePrincipal?: string;

  /** RPC: TCP port of each interface the endpoint mapper knows, those it does not know, and what a bind said. */
  readonly rpcPorts?: Readonly<Record<string, number>>;
  readonly rpcAbsent?: readonly string[];
  readonly rpcInterface?: string;
  /** Why a bind was refused, as far as it is known: `congestion`, `local-limit`, `version`, otherwise `other`. */
  readonly rpcRefusal?: string;
  /** Port that the RPC server says it listens on: another than the one dialled means port translation. */
  readonly rpcSecondaryPort?: number;
  /** True when the endpoint mapper refuses anonymous questions ([MS-RPCE] 3.1.1.1.3). */
  readonly rpcAnonymousRefused?: boolean;

  /** SMB: dialect (`3.1.1`), whether signing is required, GUID of the server. */
  readonly dialect?: string;
  /** SMB: NTSTATUS of a refusal to negotiate (`0xc00000bb`), or `no-dialect` from a server that took none of those offered. */
  readonly smbRefusal?: string;
  readonly signingRequired?: boolean;
  readonly serverGuid?: string;

  /** NTP: stratum, leap indicator 0 to 3, reference id, and kiss code where the server refuses. */
  readonly stratum?: number;
  readonly leap?: number;
  readonly referenceId?: string;
  readonly kissCode?: string;

  /** NetBIOS: registered names as `NAME<suffix>`, and what the session service answered. */
  readonly netbiosNames?: readonly string[];
  /** NetBIOS: code of the error that the name service answered in place of names (RFC 1002 §4.2.1.1). */
  readonly nameServiceError?: number;
  readonly sessionCode?: string;

  /** RDP: the security that the server chose of those that it was offered (`rdp` for its own, `tls`, `credssp`, `credssp-early`), or the code of its refusal. */
  readonly rdpSecurity?: string;
  readonly rdpFailure?: number;

  /** ADWS: why the server refuses a preamble, by the name of the fault ([MC-NMF] 2.2.4.4): `EndpointNotFound`. */
  readonly framingFault?: string;

  /** QUIC: versions that the server speaks, in hex, at most 16, without those that are reserved. */
  readonly quicVersions?: readonly string[];

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
  /** `trusted`, `not-checked` (no CA bundle was given, and it is no public server), or why the chain is not trusted. */
  readonly certificateChain?: string;
  readonly certificateFingerprint?: string;

  /** Names: each address of the destination with its state (`192.0.2.1 open`), sorted, and how many there are, where only some were asked. */
  readonly addresses?: readonly string[];
  readonly addressTotal?: number;
  /** Why there is no address: `no-such-name`, or `no-answer` from the resolver. Of the proxy's name where there is a `proxy`. */
  readonly resolution?: string;

  /** HTTP: proxy that was asked for the way (`proxy.corp.example:3128`), the status of its answer, and whether its URL holds credentials that were not sent. */
  readonly proxy?: string;
  readonly proxyStatus?: number;
  readonly proxyCredentialsWithheld?: boolean;
  /** HTTP: status of the answer, what the server calls itself, and the authentication schemes that it offers, in lower case, sorted, at most 16. */
  readonly httpStatus?: number;
  readonly httpServer?: string;
  readonly httpSchemes?: readonly string[];

  /** First bytes (at most 64) of an answer that was not understood, in hex, and what they look like: `http`, `tls`, `ssh`, … */
  readonly firstBytes?: string;
  readonly looksLike?: string;
  /** Why an answer was not understood, in a few words of ours. */
  readonly complaint?: string;
  /** What became of a second question that this answer asked for, where that one was not answered: `udp/53 truncated; tcp/53 no-response`. */
  readonly followUp?: string;
  /** How many questions this answer took, where the first one led to another: that one was no retry. */
  readonly questions?: number;
  /** How many bytes the answer had, where a long one was asked for. */
  readonly answerBytes?: number;
  /** How many times the path said that the question was too big for a link (ICMP fragmentation needed, ICMPv6 packet too big); it was then asked again, in fragments. */
  readonly fragmentationNeeded?: number;
  /** True when rejections were still arriving late when the run ended: silence may be a rejection held back by a rate limit. */
  readonly rejectionsLimited?: boolean;
}

/** Facts that differ between two identical runs of an unchanged network. Drift ignores them, and a frame carries them apart. */
export const volatileFacts = ['clockOffsetMs', 'clockUncertaintyMs'] as const satisfies readonly (keyof Facts)[];

/** What each fact is made of; `ports` maps names to port numbers. */
const kinds = {
  netbiosName: 'text',
  dnsName: 'text',
  domain: 'text',
  netbiosDomain: 'text',
  forest: 'text',
  domainGuid: 'text',
  site: 'text',
  clientSite: 'text',
  roles: 'list',
  paused: 'flag',
  clockOffsetMs: 'number',
  clockUncertaintyMs: 'number',
  rcode: 'text',
  authoritative: 'flag',
  truncated: 'flag',
  srvTargets: 'list',
  srvTotal: 'number',
  soaPrimary: 'text',
  ownAddresses: 'list',
  otherAddresses: 'list',
  siteTargets: 'list',
  resultCode: 'number',
  disconnected: 'flag',
  synchronized: 'flag',
  globalCatalogReady: 'flag',
  functionalLevel: 'number',
  vendor: 'text',
  realm: 'text',
  errorCode: 'number',
  principal: 'text',
  servicePrincipal: 'text',
  rpcPorts: 'ports',
  rpcAbsent: 'list',
  rpcInterface: 'text',
  rpcRefusal: 'text',
  rpcSecondaryPort: 'number',
  rpcAnonymousRefused: 'flag',
  dialect: 'text',
  smbRefusal: 'text',
  signingRequired: 'flag',
  serverGuid: 'text',
  stratum: 'number',
  leap: 'number',
  referenceId: 'text',
  kissCode: 'text',
  netbiosNames: 'list',
  nameServiceError: 'number',
  sessionCode: 'text',
  rdpSecurity: 'text',
  rdpFailure: 'number',
  quicVersions: 'list',
  framingFault: 'text',
  tlsProtocol: 'text',
  tlsCipher: 'text',
  tlsError: 'text',
  certificateSubject: 'text',
  certificateIssuer: 'text',
  certificateNames: 'list',
  certificateNotBefore: 'text',
  certificateNotAfter: 'text',
  certificateUsages: 'list',
  certificateKeyType: 'text',
  certificateKeyBits: 'number',
  certificateSignature: 'text',
  certificateChain: 'text',
  certificateFingerprint: 'text',
  addresses: 'list',
  addressTotal: 'number',
  resolution: 'text',
  proxy: 'text',
  proxyStatus: 'number',
  proxyCredentialsWithheld: 'flag',
  httpStatus: 'number',
  httpServer: 'text',
  httpSchemes: 'list',
  firstBytes: 'text',
  looksLike: 'text',
  complaint: 'text',
  followUp: 'text',
  questions: 'number',
  answerBytes: 'number',
  fragmentationNeeded: 'number',
  rejectionsLimited: 'flag',
} as const satisfies Readonly<Record<keyof Facts, 'text' | 'number' | 'flag' | 'list' | 'ports'>>;

/** True for what may stand as facts: known names, each with a value of its kind. */
export function isFacts(value: unknown): value is Facts {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const table: Readonly<Record<string, string>> = kinds;
  return Object.entries(value).every(([name, fact]) => Object.hasOwn(table, name) && isOfKind(fact, table[name]));
}

function isOfKind(fact: unknown, kind: string | undefined): boolean {
  switch (kind) {
    case 'text':
      return typeof fact === 'string';
    case 'number':
      return Number.isFinite(fact);
    case 'flag':
      return typeof fact === 'boolean';
    case 'list':
      return Array.isArray(fact) && fact.every((entry) => typeof entry === 'string');
    case 'ports':
      return typeof fact === 'object' && fact !== null && Object.values(fact).every(Number.isFinite);
    default:
      return false;
  }
}
