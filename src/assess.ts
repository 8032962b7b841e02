/** What the facts of an identified service mean, given what the destination should be and the rule's limits. */
import type { Facts } from '../agent/contract/fact.ts';
import type { ProbeName, Size } from '../agent/contract/probe.ts';
import { isSameAddress } from './address.ts';
import type { Limits } from './matrix.ts';
import type { Finding } from './verdict.ts';

/** Who should answer: the destination as the inventory has it. */
export interface ExpectedIdentity {
  /** AD domain; undefined: not known, and not compared. */
  readonly domain?: string | undefined;
  /** The computer's own DNS name; without a dot only first labels are compared. */
  readonly dnsName: string;
  readonly domainGuid?: string | undefined;
  /** A read-only DC, which registers fewer names. */
  readonly readOnly: boolean;
  /** AD sites of the DC, and of the source that asks; undefined: not known, and not compared. */
  readonly site?: string | undefined;
  readonly clientSite?: string | undefined;
  /** The site whose own DNS records were asked for, where any were. */
  readonly askedSite?: string | undefined;
  /** Every address of this computer. */
  readonly addresses?: readonly string[] | undefined;
  /** Every DC of the domain; undefined: not all are known, and they are not compared. */
  readonly dcs?: readonly { readonly dnsName: string; readonly readOnly: boolean; readonly site?: string | undefined }[] | undefined;
}

/** An identified service's answer, and what to hold it against. */
export interface Answer {
  readonly probe: ProbeName;
  /** The port that was dialled in the end. */
  readonly port: number;
  /** The range that the rule opens, as it writes it, where the port was learned from the endpoint mapper. */
  readonly range?: string | undefined;
  /** What the check made large, where it did. */
  readonly size?: Size | undefined;
  readonly facts: Facts;
  readonly limits: Limits;
  readonly expected: ExpectedIdentity;
  /** When it was observed: UTC in ISO 8601. */
  readonly at: string;
  /** The DCs that the same server lists over UDP; undefined: it does not, or this is that answer. */
  readonly listedOverUdp?: readonly string[] | undefined;
  /** Addresses that this source could not reach at all. */
  readonly unreachable?: readonly string[] | undefined;
  /** True when TCP 389 of the destination itself did not open for this source. */
  readonly directoryShut?: boolean | undefined;
}

/** A finding about an answer. `fail`: clients are not served by it; `warn`: they are, and somebody should look. */
export interface Assessed {
  readonly finding: Finding;
  readonly severity: 'fail' | 'warn';
}

/** One rule finds one thing, or nothing. */
type Rule = (answer: Answer) => Assessed | undefined;

const directory: readonly Rule[] = [activeDirectory, directoryRefusal, domain, hostName, domainGuid, replication, globalCatalog];
const certificate: readonly Rule[] = [
  certificateTime,
  certificateName,
  certificateUsage,
  certificateChain,
  certificateUnread,
  certificateKey,
  certificateSignature,
  tlsVersion,
];

const rules: Readonly<Record<ProbeName, readonly Rule[]>> = {
  tcp: [],
  udp: [],
  dns: [
    dnsAnswer,
    dnsAuthority,
    dnsTargets,
    dnsRegistration,
    otherRegistrations,
    readOnlyRegistrations,
    siteRegistrations,
    unknownDcs,
    dnsAgreement,
    reachableAddresses,
    knownAddresses,
  ],
  cldap: [pingedDomain, directoryRefusal, domain, hostName, domainGuid, paused, dcSite, clientSite],
  ldap: directory,
  ldaps: [...certificate, ...directory],
  kerberos: [realm, wrongRealm, kdcComplaint, preAuthentication],
  kpasswd: [realm, wrongRealm, passwordService],
  ntp: [timeRefused, timeSource, localClock],
  smb: [negotiation, signing, dialect],
  epm: [portTranslation, anonymousRefused, mapperComplaint],
  rpc: [portTranslation, portRange, bindRefusal],
  'ldap-ticket': [ticketRefusal],
  'cifs-ticket': [ticketRefusal],
  'ldap-bind': [ticketBind],
  netbios: [netbiosName, nameService],
  // Who issued it comes first: that names the device which answers in the place of the endpoint.
  https: [certificateChain, ...certificate.filter((rule) => rule !== certificateChain)],
  'netbios-datagram': [domain, hostName, domainGuid, paused],
  rdp: [rdpRefusal, rdpSecurity],
  adws: [framingRefusal],
  quic: [],
  winrm: [winRm, basicInClear],
  'winrm-tls': [...certificate, winRm],
  rdgw: [...certificate, gateway],
};

/** What holds for every protocol. */
const everywhere: readonly Rule[] = [clock, followUp];

/**
 * What is worth saying about the answer of a service that identified itself: each finding once, in the order of the rules. Of an answer to a large question
 * only that it came: what it says was said of the small one.
 */
export function assess(answer: Answer): readonly Assessed[] {
  if (answer.size !== undefined) return [answerSize(answer)].filter((found) => found !== undefined);
  return [...rules[answer.probe], ...everywhere].map((rule) => rule(answer)).filter((found) => found !== undefined);
}

/** True when answers in this protocol say who answers and this one does not, so that its identity could not be compared. */
export function isIdentityUnknown({ probe, facts, expected }: Pick<Answer, 'probe' | 'facts' | 'expected'>): boolean {
  switch (probe) {
    case 'cldap':
    case 'ldap':
    case 'ldaps':
    case 'netbios-datagram':
      return told(facts.dnsName) === undefined && (told(facts.domain) === undefined || expected.domain === undefined);
    case 'kerberos':
      // A KDC echoes the realm that it was asked for, so that most errors prove none.
      return facts.errorCode !== undefined && !tellingErrors.has(facts.errorCode);
    case 'netbios':
      // A session names nobody, a node status should.
      return facts.sessionCode === undefined && told(facts.netbiosName) === undefined;
    default:
      return false;
  }
}

// Sizes

/** A short answer shows nothing of what the path carries. */
function answerSize({ size, facts: { answerBytes = 0 } }: Answer): Assessed | undefined {
  if (size?.of !== 'reply' || answerBytes >= size.bytes) return undefined;
  return warn({ code: 'answer-short', bytes: answerBytes, wanted: size.bytes });
}

// Identity

/** Stands for the name that an answer does not give. */
const nobody = '(none)';

function domain({ facts, expected }: Answer): Assessed | undefined {
  return differing('domain', expected.domain, told(facts.domain));
}

function domainGuid({ facts, expected }: Answer): Assessed | undefined {
  return differing('guid', expected.domainGuid, told(facts.domainGuid));
}

function hostName({ facts, expected }: Answer): Assessed | undefined {
  const actual = told(facts.dnsName);
  if (actual === undefined || isSameName(actual, expected.dnsName)) return undefined;
  return fail({ code: 'wrong-host', what: 'name', expected: expected.dnsName, actual });
}

function netbiosName({ facts, expected }: Answer): Assessed | undefined {
  return differing('name', firstLabel(expected.dnsName).slice(0, 15), told(facts.netbiosName));
}

/** A DC answers the ping for a domain that it does not host with no domain at all ([MS-ADTS] 6.3.3.3). */
function pingedDomain(answer: Answer): Assessed | undefined {
  const { facts, expected } = answer;
  if (!isSuccess(facts) || namesDomain(facts) || expected.domain === undefined) return activeDirectory(answer);
  return fail({ code: 'wrong-host', what: 'domain', expected: expected.domain, actual: nobody });
}

/** Errors of a server that wants more before it shows its rootDSE, or shows it elsewhere: operationsError, referral, inappropriateAuthentication,
 * insufficientAccessRights, unwillingToPerform (RFC 4511 appendix A.2). A DC shows it to anybody. */
const foreignErrors: ReadonlySet<number> = new Set([1, 10, 48, 50, 53]);

/** Errors of a server that is overloaded, shutting down, or hardened: strongerAuthRequired, busy, unavailable. */
const passingErrors: ReadonlySet<number> = new Set([8, 51, 52]);

/** A rootDSE without a domain is another directory's. */
function activeDirectory({ facts }: Answer): Assessed | undefined {
  if (namesDomain(facts) || facts.disconnected === true) return undefined;
  return isSuccess(facts) || foreignErrors.has(facts.resultCode ?? 0) ? fail({ code: 'not-active-directory' }) : undefined;
}

/** A search that ended with an error and brought nothing, or with the announcement that the server hangs up, whatever came before it. */
function directoryRefusal({ facts }: Answer): Assessed | undefined {
  const { resultCode = 0, disconnected } = facts;
  if (disconnected === true) return warn({ code: 'ldap-refused', resultCode, disconnected });
  if (isSuccess(facts) || namesDomain(facts) || foreignErrors.has(resultCode)) return undefined;
  const finding = { code: 'ldap-refused', resultCode } as const;
  return passingErrors.has(resultCode) ? warn(finding) : fail(finding);
}

function isSuccess({ resultCode = 0, disconnected }: Facts): boolean {
  return resultCode === 0 && disconnected !== true;
}

function namesDomain(facts: Facts): boolean {
  return [facts.domain, facts.forest, facts.netbiosDomain, facts.domainGuid].some((text) => told(text) !== undefined);
}

// Kerberos (RFC 4120 §7.5.9)

const kerberosErrors = { none: 0, clientUnknown: 6, preAuthenticationRequired: 25, responseTooBig: 52, wrongRealm: 68 } as const;

/** Answers that show that the KDC looked: it knows the account, or does not serve the realm. */
const tellingErrors: ReadonlySet<number> = new Set([kerberosErrors.none, kerberosErrors.preAuthenticationRequired, kerberosErrors.wrongRealm]);

/** An unknown client proves no realm: Samba says so for any, and echoes it. */
function realm({ facts, expected }: Answer): Assessed | undefined {
  const isTelling = facts.errorCode !== kerberosErrors.clientUnknown && facts.errorCode !== kerberosErrors.wrongRealm;
  return isTelling ? differing('domain', expected.domain, told(facts.realm)) : undefined;
}

function wrongRealm({ facts, expected }: Answer): Assessed | undefined {
  if (facts.errorCode !== kerberosErrors.wrongRealm) return undefined;
  // Without a known domain the realm was a guess of ours.
  if (expected.domain === undefined) return warn({ code: 'kdc-complaint', errorCode: facts.errorCode });
  const actual = told(facts.realm);
  const named = actual === undefined || isSameText(actual, expected.domain) ? nobody : actual;
  return fail({ code: 'wrong-host', what: 'domain', expected: expected.domain, actual: named });
}

/** All but the one answer that a healthy KDC has for an account that it holds. One that is too big leads to another question, which says what became of it. */
function kdcComplaint({ facts: { errorCode, followUp: trouble } }: Answer): Assessed | undefined {
  if (errorCode === undefined || tellingErrors.has(errorCode)) return undefined;
  if (errorCode === kerberosErrors.responseTooBig && trouble !== undefined) return undefined;
  return warn({ code: 'kdc-complaint', errorCode });
}

/** A ticket in place of an error: with it anybody can try passwords of the account at home. */
function preAuthentication({ facts: { errorCode, principal = nobody } }: Answer): Assessed | undefined {
  return errorCode === kerberosErrors.none ? warn({ code: 'no-preauthentication', principal }) : undefined;
}

/** The password-change service names itself in its refusals; that Windows does has not been seen, so another name is no proof against it. */
function passwordService({ facts: { servicePrincipal } }: Answer): Assessed | undefined {
  return servicePrincipal === undefined ? undefined : warn({ code: 'other-service', service: servicePrincipal });
}

/**
 * Errors that no client would be spared: the service is unknown or has no common encryption type, the KDC is out of service, has other keys than the one
 * that gave the ticket-granting ticket, or another time. Any other says something of the credentials that we came with.
 */
const refusalsToAnybody: ReadonlySet<number> = new Set([7, 14, 29, 31, 37, 41]);

function ticketRefusal({ facts: { errorCode = 0, servicePrincipal = nobody } }: Answer): Assessed | undefined {
  if (errorCode === kerberosErrors.none) return undefined;
  const finding = { code: 'ticket-refused', service: servicePrincipal, errorCode } as const;
  return refusalsToAnybody.has(errorCode) ? fail(finding) : warn(finding);
}

/** A bind that goes on was not refused: the server's token comes only after it has read the ticket. */
const saslBindInProgress = 14;

/** A server that is overloaded, shutting down, or wants a protection that was not agreed on, says nothing against the ticket. */
function ticketBind({ facts: { resultCode = 0, disconnected } }: Answer): Assessed | undefined {
  if (disconnected === true) return warn({ code: 'bind-refused', resultCode, disconnected });
  if (resultCode === 0 || resultCode === saslBindInProgress) return undefined;
  const finding = { code: 'bind-refused', resultCode } as const;
  return passingErrors.has(resultCode) ? warn(finding) : fail(finding);
}

// DNS

/** The zone is not here: the port is open, and yet no client finds a DC through this server. */
const zoneMissing: ReadonlySet<string> = new Set(['NXDOMAIN', 'REFUSED', 'SERVFAIL', 'NOTAUTH']);

/** A DC with DNS must serve its zone, so that is a failure; the other codes may be a dislike of the way we ask. */
function dnsAnswer({ facts: { rcode }, expected }: Answer): Assessed | undefined {
  if (rcode === undefined || rcode === 'NOERROR') return undefined;
  const finding = { code: 'dns-failure', rcode } as const;
  return expected.domain !== undefined && zoneMissing.has(rcode) ? fail(finding) : warn(finding);
}

function dnsAuthority({ facts: { rcode = 'NOERROR', authoritative } }: Answer): Assessed | undefined {
  return rcode === 'NOERROR' && authoritative === false ? warn({ code: 'not-authoritative' }) : undefined;
}

/** No client finds any DC through such a server, even if this one is read-only. Of a domain that nobody named the name was a guess of ours. */
function dnsTargets({ facts: { rcode = 'NOERROR', srvTargets, truncated }, expected }: Answer): Assessed | undefined {
  if (rcode !== 'NOERROR' || srvTargets === undefined || srvTargets.length > 0 || truncated === true) return undefined;
  return expected.domain === undefined ? warn({ code: 'no-srv' }) : fail({ code: 'no-srv' });
}

/** A truncated list proves nothing missing, and a read-only DC registers only in its own site. A list that the agent shortened holds the DC if it is there. */
function dnsRegistration({ facts: { rcode = 'NOERROR', srvTargets = [], srvTotal: total, truncated }, expected }: Answer): Assessed | undefined {
  if (rcode !== 'NOERROR' || srvTargets.length === 0 || truncated === true || expected.readOnly) return undefined;
  if (srvTargets.some((target) => isSameName(target, expected.dnsName))) return undefined;
  return warn({ code: 'not-registered', name: expected.dnsName, registered: srvTargets, ...(total !== undefined && { total }) });
}

/** As many targets of a site as the agent tells at most. */
const mostInSite = 64;

/** The list as far as it may be held against others: one that the agent shortened holds only some, and one that was cut on the way none. */
function listOf({ facts: { rcode = 'NOERROR', srvTargets, truncated } }: Answer): readonly string[] {
  return rcode === 'NOERROR' && truncated !== true ? (srvTargets ?? []) : [];
}

/** The other writable DCs of the inventory, each of which registers here; the destination itself has a finding of its own. */
function otherRegistrations(answer: Answer): Assessed | undefined {
  const { facts, expected } = answer;
  const listed = listOf(answer);
  if (listed.length === 0 || facts.srvTotal !== undefined) return undefined;
  const others = (expected.dcs ?? []).filter(({ dnsName, readOnly }) => !readOnly && !isSameName(dnsName, expected.dnsName));
  const names = lacking([...new Set(others.map(({ dnsName }) => dnsName))], listed);
  return names.length === 0 ? undefined : warn({ code: 'dcs-not-registered', names });
}

/**
 * A read-only DC keeps to the records of its own site unless it is told otherwise (Netlogon's RegisterSiteSpecificDnsRecordsOnly). In the list of the whole domain
 * clients of every site may be sent to it.
 */
function readOnlyRegistrations(answer: Answer): Assessed | undefined {
  const names = namesOf((answer.expected.dcs ?? []).filter(({ readOnly }) => readOnly));
  const listed = names.filter((name) => lacking([name], listOf(answer)).length === 0);
  return listed.length === 0 ? undefined : warn({ code: 'read-only-dcs-registered', names: listed });
}

/** Every DC of a site, read-only or not, is found there by the clients of the site. A list that the agent shortened holds only some. */
function siteRegistrations({ facts: { siteTargets }, expected: { dcs = [], askedSite: site } }: Answer): Assessed | undefined {
  if (siteTargets === undefined || siteTargets.length >= mostInSite || site === undefined) return undefined;
  const names = lacking(namesOf(dcs.filter((dc) => dc.site !== undefined && isSameText(dc.site, site))), siteTargets);
  return names.length === 0 ? undefined : warn({ code: 'dcs-not-in-site', site, names });
}

function namesOf(dcs: readonly { readonly dnsName: string }[]): readonly string[] {
  return [...new Set(dcs.map(({ dnsName }) => dnsName))];
}

/** A DC that nobody knows of takes clients all the same. */
function unknownDcs(answer: Answer): Assessed | undefined {
  const { dcs } = answer.expected;
  if (dcs === undefined) return undefined;
  const names = lacking(
    [...new Set([...listOf(answer), ...(answer.facts.siteTargets ?? [])])],
    dcs.map(({ dnsName }) => dnsName),
  );
  return names.length === 0 ? undefined : warn({ code: 'unknown-dcs', names });
}

/** A server that says one thing over UDP and another over TCP is two servers, or something on the path answers for it. */
function dnsAgreement(answer: Answer): Assessed | undefined {
  const { listedOverUdp: overUdp, facts } = answer;
  const overTcp = listOf(answer);
  if (overUdp === undefined || facts.srvTargets === undefined || facts.srvTotal !== undefined || facts.truncated === true) return undefined;
  const finding = { code: 'dns-disagrees', onlyTcp: lacking(overTcp, overUdp), onlyUdp: lacking(overUdp, overTcp) } as const;
  return finding.onlyTcp.length + finding.onlyUdp.length === 0 ? undefined : warn(finding);
}

/** Whoever is given an address of the DC that does not answer waits, or goes without. */
function reachableAddresses(answer: Answer): Assessed | undefined {
  const { facts, expected } = answer;
  const dead = (facts.ownAddresses ?? []).filter((address) => isDead(address, answer));
  return dead.length === 0 ? undefined : warn({ code: 'dc-registers-unreachable-address', name: expected.dnsName, addresses: dead });
}

/**
 * Nothing came from it in all the checks of this source; or TCP 389 did not open there, while on the address that was asked it does; or it leads every host
 * to itself. Clients do not dial a family for which they have no route.
 */
function isDead(address: string, { facts: { otherAddresses = [] }, unreachable = [], directoryShut, expected }: Answer): boolean {
  const { addresses: known = [address] } = expected;
  if (isOfItself(address) && !known.some(isOfItself)) return true;
  const shut = directoryShut === true ? [] : otherAddresses.filter((entry) => /^\S+ (?:closed|filtered) /.test(entry)).map(addressOf);
  return [...unreachable, ...shut].some((other) => isSameAddress(address, other));
}

/** True for an address by which each host means itself: loopback, and the unspecified one. */
function isOfItself(address: string): boolean {
  return /^(?:127\.|0\.|::1?$|(?:0:){7}[01]$)/.test(address);
}

/** The address of an entry that tells its state too. */
function addressOf(entry: string): string {
  return entry.split(' ', 1)[0] ?? entry;
}

/** Clients are sent to an address that nobody asked: the inventory does not have it, and this source did not dial it, though it could have. */
function knownAddresses(answer: Answer): Assessed | undefined {
  const { facts, expected } = answer;
  const { ownAddresses: addresses = [] } = facts;
  const { addresses: known = addresses } = expected;
  const dialled = (facts.otherAddresses ?? []).filter((entry) => /^\S+ (?:open|closed|filtered|unsupported)/.test(entry));
  const asked = [...known, ...dialled.map(addressOf), ...(answer.unreachable ?? [])];
  const strange = addresses.filter((address) => !asked.some((other) => isSameAddress(address, other)));
  return strange.length === 0 ? undefined : warn({ code: 'dc-registers-unknown-address', name: expected.dnsName, addresses: strange });
}

// Sites

function dcSite({ facts, expected }: Answer): Assessed | undefined {
  const actual = told(facts.site);
  if (actual === undefined || expected.site === undefined || isSameText(actual, expected.site)) return undefined;
  return warn({ code: 'wrong-site', whose: 'dc', expected: expected.site, actual });
}

/** An empty site is the answer to an address that lies in no subnet of AD. */
function clientSite({ facts: { clientSite: actual }, expected }: Answer): Assessed | undefined {
  if (actual === undefined || expected.clientSite === undefined || isSameText(actual, expected.clientSite)) return undefined;
  return warn({ code: 'wrong-site', whose: 'source', expected: expected.clientSite, actual });
}

// LDAP

const globalCatalogPorts: ReadonlySet<number> = new Set([3268, 3269]);

function paused({ facts }: Answer): Assessed | undefined {
  return facts.paused === true ? warn({ code: 'paused' }) : undefined;
}

function replication({ facts }: Answer): Assessed | undefined {
  return facts.synchronized === false ? warn({ code: 'not-synchronized' }) : undefined;
}

function globalCatalog({ facts, port }: Answer): Assessed | undefined {
  return facts.globalCatalogReady === false && globalCatalogPorts.has(port) ? fail({ code: 'global-catalog-not-ready' }) : undefined;
}

// TLS

const serverAuthentication = '1.3.6.1.5.5.7.3.1';
const anyUsage = '2.5.29.37.0';
const dayMs = 86_400_000;
const oldTls: ReadonlySet<string> = new Set(['SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1']);
const weakSignature = /sha-?1(?!\d)|md[245]/i;
const weakSignatureOids: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.2',
  '1.2.840.113549.1.1.3',
  '1.2.840.113549.1.1.4',
  '1.2.840.113549.1.1.5',
  '1.2.840.10040.4.3',
  '1.2.840.10045.4.1',
  '1.3.14.3.2.29',
]);

/** Both ends of the validity belong to it (RFC 5280 §4.1.2.5). */
function certificateTime({ facts, limits, at }: Answer): Assessed | undefined {
  const { certificateNotBefore: notBefore, certificateNotAfter: notAfter } = facts;
  const now = Date.parse(at);
  if (notBefore !== undefined && now < Date.parse(notBefore)) return fail({ code: 'certificate-not-yet-valid', notBefore });
  if (notAfter === undefined) return undefined;
  const days = (Date.parse(notAfter) - now) / dayMs;
  if (days < 0) return fail({ code: 'certificate-expired', notAfter });
  return days <= limits.certificateDays ? warn({ code: 'certificate-expires-soon', notAfter, days: Math.floor(days) }) : undefined;
}

/** Clients that verify refuse another name. Without any alternative name some still take the subject's: that is a warning. */
function certificateName({ facts, expected }: Answer): Assessed | undefined {
  const { certificateNames: names, certificateSubject: subject = '' } = facts;
  if (names === undefined || names.some((name) => isCoveredBy(expected.dnsName, name))) return undefined;
  const finding = { code: 'certificate-name', expected: expected.dnsName, names } as const;
  const commonName = /(?:^|[,/+\n]\s*)CN\s*=\s*([^,/+\n]+)/i.exec(subject)?.[1]?.trim();
  return names.length === 0 && commonName !== undefined && isCoveredBy(expected.dnsName, commonName) ? warn(finding) : fail(finding);
}

/** A certificate for any usage is good enough for some clients only. */
function certificateUsage({ facts: { certificateUsages: usages = [] } }: Answer): Assessed | undefined {
  if (usages.length === 0 || usages.includes(serverAuthentication)) return undefined;
  return usages.includes(anyUsage) ? warn({ code: 'certificate-usage' }) : fail({ code: 'certificate-usage' });
}

/** Who issued the certificate is what tells a private authority from a device that puts its own certificates in the place of others'. */
function certificateChain({ facts: { certificateChain: chain = 'not-checked', certificateIssuer } }: Answer): Assessed | undefined {
  const issuer = told(certificateIssuer);
  if (chain === 'trusted' || chain === 'not-checked') return undefined;
  return fail({ code: 'certificate-untrusted', why: chain, ...(issuer !== undefined && { issuer }) });
}

/** A certificate that was not understood was not judged either. */
function certificateUnread({ facts: { tlsProtocol, certificateNotAfter, complaint } }: Answer): Assessed | undefined {
  if (tlsProtocol === undefined || certificateNotAfter !== undefined || complaint === undefined) return undefined;
  return warn({ code: 'certificate-untrusted', why: complaint });
}

function certificateKey({ facts: { certificateKeyType: type, certificateKeyBits: bits }, limits }: Answer): Assessed | undefined {
  if (type === undefined || bits === undefined || !/^rsa/i.test(type) || bits >= limits.rsaBits) return undefined;
  return warn({ code: 'certificate-weak', what: `RSA key of ${bits} bits` });
}

function certificateSignature({ facts: { certificateSignature: signature } }: Answer): Assessed | undefined {
  if (signature === undefined || !(weakSignature.test(signature) || weakSignatureOids.has(signature))) return undefined;
  return warn({ code: 'certificate-weak', what: signature });
}

function tlsVersion({ facts: { tlsProtocol: protocol } }: Answer): Assessed | undefined {
  return protocol !== undefined && oldTls.has(protocol) ? warn({ code: 'tls-old', protocol }) : undefined;
}

/** A wildcard stands for the left-most label, whole, and for no more than one (RFC 6125 §6.4.3). */
function isCoveredBy(name: string, pattern: string): boolean {
  // Only of the destination may the rest of the name be unknown: a bare name in a certificate covers no full one.
  const isFull = name.includes('.');
  if (!pattern.startsWith('*.')) return isFull ? isSameText(name, pattern) : isSameName(name, pattern);
  return !isFull || isSameText(name.slice(name.indexOf('.')), pattern.slice(1));
}

// Time

/** Only skew that is certain counts. A refusal to tell the time tells none. */
function clock({ facts: { clockOffsetMs: offsetMs, clockUncertaintyMs = 0, kissCode }, limits }: Answer): Assessed | undefined {
  if (offsetMs === undefined || kissCode !== undefined) return undefined;
  const certainMs = Math.abs(offsetMs) - clockUncertaintyMs;
  if (certainMs > limits.clockSkewMs) return fail({ code: 'clock-skew', offsetMs, limitMs: limits.clockSkewMs });
  return certainMs > limits.clockSkewWarnMs ? warn({ code: 'clock-skew', offsetMs, limitMs: limits.clockSkewWarnMs }) : undefined;
}

function timeRefused({ facts: { kissCode } }: Answer): Assessed | undefined {
  return kissCode === undefined ? undefined : warn({ code: 'time-refused', kissCode });
}

/** Clients turn such a server down, but it answers, it is so for minutes after every boot, and skew that hurts is found by itself: a warning. */
function timeSource({ facts: { leap, stratum, kissCode } }: Answer): Assessed | undefined {
  if (kissCode !== undefined) return undefined;
  return leap === 3 || stratum === 0 || (stratum !== undefined && stratum >= 16) ? warn({ code: 'clock-not-synchronized' }) : undefined;
}

/** Beyond it nobody synchronizes on purpose, and Windows' own clock is stratum 1 under this name. A local clock between (chrony's) is there by design. */
const deepestStratum = 10;
const ownClock = 'LOCL';

function localClock({ facts: { leap, stratum, referenceId, kissCode } }: Answer): Assessed | undefined {
  if (kissCode !== undefined || leap === 3 || stratum === undefined || stratum >= 16) return undefined;
  const isOwn = stratum === 1 && referenceId === ownClock;
  return isOwn || stratum > deepestStratum ? warn({ code: 'clock-local', stratum }) : undefined;
}

// NetBIOS

function nameService({ facts: { nameServiceError: errorCode } }: Answer): Assessed | undefined {
  return errorCode === undefined ? undefined : warn({ code: 'name-service-refused', errorCode });
}

// RDP

/** The server is reached, and clients that offer something else may be served. */
function rdpRefusal({ facts: { rdpFailure: failure } }: Answer): Assessed | undefined {
  return failure === undefined ? undefined : warn({ code: 'rdp-refused', failure });
}

function rdpSecurity({ facts }: Answer): Assessed | undefined {
  return facts.rdpSecurity === 'rdp' ? warn({ code: 'rdp-without-tls' }) : undefined;
}

// ADWS

/** Some .NET service is reached. That ADWS answers the preamble otherwise has not been seen on Windows, so that a fault is no proof against it. */
function framingRefusal({ facts: { framingFault: fault } }: Answer): Assessed | undefined {
  return fault === undefined ? undefined : warn({ code: 'framing-refused', fault });
}

// WinRM, Remote Desktop Gateway

/** An IdentifyResponse, a demand to log on and a refusal of the method are WinRM's own; any other status is that of http.sys before it. */
const servedStatuses: ReadonlySet<number> = new Set([200, 401, 405]);

/** Clients do not get further there, but that Windows answers our question so has not been seen, so that it is no proof against WinRM. */
function winRm({ facts: { httpStatus: status } }: Answer): Assessed | undefined {
  return status === undefined || servedStatuses.has(status) ? undefined : warn({ code: 'winrm-refused', status });
}

function basicInClear({ facts: { httpSchemes = [] } }: Answer): Assessed | undefined {
  return httpSchemes.includes('basic') ? warn({ code: 'basic-in-clear' }) : undefined;
}

/** Schemes by which a gateway lets clients in, and hardly another web server ([MS-TSGU] 3.3.5.1). */
const gatewaySchemes: readonly string[] = ['kerberos', 'negotiate', 'ntlm'];

/** What a server says that cannot serve now. */
const passingStatuses: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** A demand to log on in another way may be that of any web server, and is neither proof of a gateway nor against it. */
function gateway({ facts: { httpStatus: status, httpSchemes = [] } }: Answer): Assessed | undefined {
  if (status === undefined) return undefined;
  if (status === 401) return gatewaySchemes.some((scheme) => httpSchemes.includes(scheme)) ? undefined : warn({ code: 'no-gateway', status });
  return passingStatuses.has(status) ? warn({ code: 'no-gateway', status }) : fail({ code: 'no-gateway', status });
}

// SMB, RPC

/** STATUS_NOT_SUPPORTED: it speaks SMB2, and none of the dialects that we offered ([MS-SMB2] 3.3.5.4). */
const notSupported = '0xc00000bb';

function negotiation({ facts: { smbRefusal: status } }: Answer): Assessed | undefined {
  if (status === undefined) return undefined;
  const finding = { code: 'negotiation-refused', status } as const;
  return status === notSupported ? warn(finding) : fail(finding);
}

/** Dialects before encryption and secure negotiation ([MS-SMB2] 1.7). */
const oldDialects: ReadonlySet<string> = new Set(['1', '2.0.2', '2.1']);

function signing({ facts }: Answer): Assessed | undefined {
  return facts.signingRequired === false ? warn({ code: 'signing-not-required' }) : undefined;
}

function dialect({ facts }: Answer): Assessed | undefined {
  return facts.dialect !== undefined && oldDialects.has(facts.dialect) ? warn({ code: 'dialect-old', dialect: facts.dialect }) : undefined;
}

/** A firewall that opens what the matrix says does not open this port. */
function portRange({ port, range }: Answer): Assessed | undefined {
  const [first = 0, last = 65_535] = range?.split('-').map(Number) ?? [];
  return range === undefined || (port >= first && port <= last) ? undefined : warn({ code: 'port-outside-range', port, range });
}

function portTranslation({ facts: { rpcSecondaryPort: actual }, port: dialled }: Answer): Assessed | undefined {
  return actual === undefined || actual === dialled ? undefined : warn({ code: 'port-translated', dialled, actual });
}

function anonymousRefused({ facts }: Answer): Assessed | undefined {
  return facts.rpcAnonymousRefused === true ? warn({ code: 'anonymous-refused' }) : undefined;
}

/** The mapper is reached, but some or all of what it was asked stays unknown. A refusal of anonymous questions has its own finding. */
function mapperComplaint({ facts: { rpcPorts, rpcAbsent, rpcAnonymousRefused, complaint } }: Answer): Assessed | undefined {
  if (rpcAnonymousRefused === true) return undefined;
  if (complaint !== undefined) return warn({ code: 'rpc-refused', why: complaint });
  const isEmpty = rpcPorts !== undefined && Object.keys(rpcPorts).length === 0 && (rpcAbsent ?? []).length === 0;
  return isEmpty ? warn({ code: 'rpc-refused', why: 'it names no interface, and says of none that it is not there' }) : undefined;
}

/** Refusals that a healthy server gives when it has too much to do, or to a dialect of RPC; with any other the interface is not to be had there. */
const passingRefusals: ReadonlySet<string> = new Set(['congestion', 'local-limit', 'version']);

function bindRefusal({ facts: { rpcRefusal, complaint } }: Answer): Assessed | undefined {
  if (rpcRefusal === undefined) return undefined;
  const finding = { code: 'rpc-refused', why: complaint ?? rpcRefusal } as const;
  return passingRefusals.has(rpcRefusal) ? warn(finding) : fail(finding);
}

function followUp({ facts }: Answer): Assessed | undefined {
  return facts.followUp === undefined ? undefined : warn({ code: 'follow-up', what: facts.followUp });
}

// Words

function differing(what: 'domain' | 'name' | 'guid', expected: string | undefined, actual: string | undefined): Assessed | undefined {
  if (expected === undefined || actual === undefined || isSameText(expected, actual)) return undefined;
  return fail({ code: 'wrong-host', what, expected, actual });
}

/** A bare name can only be compared with the first label of the other. */
function isSameName(one: string, other: string): boolean {
  const areFull = [one, other].every((name) => canonical(name).includes('.'));
  return areFull ? isSameText(one, other) : isSameText(firstLabel(one), firstLabel(other));
}

/** The names for which `isSameName` finds none among the others. A domain of hundreds of DCs lists each of them in each answer, so nothing is compared pair by pair. */
function lacking(names: readonly string[], others: readonly string[]): readonly string[] {
  const known = others.map(canonical);
  const whole = new Set(known);
  const labels = new Set(known.map(firstLabel));
  const isKnown = (name: string): boolean => (name.includes('.') ? whole.has(name) || whole.has(firstLabel(name)) : labels.has(name));
  return names.filter((name) => !isKnown(canonical(name)));
}

/** DNS and NetBIOS names know no case, and a final dot says nothing. */
function isSameText(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function firstLabel(name: string): string {
  return name.split('.', 1)[0] ?? name;
}

function told(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function fail(finding: Finding): Assessed {
  return { finding, severity: 'fail' };
}

function warn(finding: Finding): Assessed {
  return { finding, severity: 'warn' };
}
