/** What a DNS server has of the domain and its DCs. */
import { isSameAddress } from '../address.ts';
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';
import { isSameName, isSameText, lacking } from './sameness.ts';

/** Rules for the answer of a DNS server. */
export const registrationRules: readonly Rule[] = [
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
];

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
