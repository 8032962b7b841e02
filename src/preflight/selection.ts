/** Which of the located DCs are asked on every port, and as which hosts. Pure. */
import type { Candidate, Located } from '../../agent/contract/locate.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Host, Inventory } from '../inventory.ts';
import { sourceRole } from './purpose.ts';

/** DCs that are asked on every port beside those that the user named: more than a join will ever try. */
const mostAsked = 8;

/** This host as preflight needs it: its name and its addresses. */
export interface Self {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** Which DCs are asked on every port, and which only answered (or not) the LDAP ping. */
export interface Selection {
  readonly near: readonly Candidate[];
  readonly far: readonly Candidate[];
}

/**
 * The DCs of the client's site, or those that cover it: as their own answers say, or as DNS lists them for the site (which also finds the dead ones).
 * Without a site, or where it has no writable DC, any DC that answers will do, as for the locator; where none answers, all. Those that the user named
 * are always asked.
 */
export function selectDcs({ candidates, clientSite = '', resolvers }: Located, domain: string, named: readonly string[]): Selection {
  const dialable = candidates.filter(
    (one) => !isOutOfReach(one) || candidates.every((other) => other.dnsName !== one.dnsName || isOutOfReach(other)),
  );
  const listed = new Set(resolvers.flatMap(({ siteDcs }) => siteDcs?.found ?? []));
  const answered = dialable.filter(({ ping }) => pingOf(ping, domain) !== undefined);
  const inSite = dialable.filter((candidate) => {
    const facts = pingOf(candidate.ping, domain);
    return clientSite !== '' && (listed.has(candidate.dnsName) || facts?.site === clientSite || facts?.roles?.includes('closest') === true);
  });
  const wanted = inSite.some(({ ping }) => !isReadOnly(pingOf(ping, domain))) ? inSite : [...new Set([...inSite, ...answered])];
  const pool = wanted.length > 0 ? wanted : dialable;
  const isNamed = ({ address }: Candidate): boolean => named.includes(address);
  const others = pool.filter((candidate) => !isNamed(candidate)).toSorted((one, other) => rank(one) - rank(other));
  const near = [...candidates.filter(isNamed), ...others.slice(0, mostAsked)];
  return { near, far: dialable.filter((candidate) => !near.includes(candidate)) };

  function rank(candidate: Candidate): number {
    return answered.includes(candidate) ? 0 : 1;
  }
}

/** What a DC of the domain said in its answer to the LDAP ping; undefined for silence, and for a server of another domain. */
export function pingOf(ping: Outcome, domain: string): Facts | undefined {
  const facts = ping.kind === 'observed' && ping.service?.status === 'identified' ? ping.service.facts : undefined;
  return facts?.domain?.toLowerCase() === domain ? facts : undefined;
}

function isReadOnly(facts: Facts | undefined): boolean {
  return facts?.roles?.includes('read-only') ?? false;
}

/** True when this host has no way to dial the address at all (no route, no such protocol): no join will try it either. */
function isOutOfReach({ ping }: Candidate): boolean {
  return ping.kind === 'failed' && ping.code === 'unsupported';
}

/**
 * For a trust: the PDC emulators of a domain, as DNS names them, or, where it names none, as the DCs say themselves; and the DCs that the user named.
 * This host asks itself nothing.
 */
export function selectPdcs({ candidates, resolvers }: Located, domain: string, named: readonly string[], self: Self): Selection {
  const others = candidates.filter(({ address }) => !self.addresses.includes(address));
  const dialable = others.filter((one) => !isOutOfReach(one) || others.every((other) => other.dnsName !== one.dnsName || isOutOfReach(other)));
  const pdcs = pdcNames({ candidates, resolvers }, domain);
  const isNear = ({ dnsName, address }: Candidate): boolean => pdcs.includes(dnsName) || named.includes(address);
  return { near: dialable.filter(isNear), far: dialable.filter((candidate) => !isNear(candidate)) };
}

/** DNS names of a domain's PDC emulator: one, unless DNS or the DCs contradict each other. */
export function pdcNames({ candidates, resolvers }: Pick<Located, 'candidates' | 'resolvers'>, domain: string): readonly string[] {
  const listed = [...new Set(resolvers.flatMap(({ pdc }) => pdc.found))];
  if (listed.length > 0) return listed;
  const claiming = candidates.filter(({ ping }) => pingOf(ping, domain)?.roles?.includes('pdc') === true);
  return [...new Set(claiming.map(({ dnsName }) => dnsName))];
}

/** DCs of one domain that are asked. */
export interface Party {
  readonly domain: string;
  readonly near: readonly Candidate[];
}

/** The inventory of a preflight: this host, once for each address family, and the DCs. A DC's DNS counts only when this host uses it as a resolver. */
export function inventoryOf(parties: readonly Party[], self: Self, resolvers: readonly string[]): Inventory {
  const base = { joined: false, readOnly: false, node: 'node', rpc: {}, features: [] } as const;
  const taken = new Set<string>();
  const nameFor = (wanted: string, six: boolean): string => {
    const forms = [wanted, ...(six ? [`${wanted}-ipv6`] : [])];
    for (let number = 2; ; number += 1) {
      const name = forms.shift() ?? `${wanted}-${number}`;
      if (taken.has(name.toLowerCase())) continue;
      taken.add(name.toLowerCase());
      return name;
    }
  };
  const members = parties.flatMap(({ domain, near }) => near.map((candidate) => ({ domain, ...candidate })));
  const dcs = members.map(({ domain, dnsName, address, ping }): Host => {
    const facts = pingOf(ping, domain);
    const isCatalog = facts?.roles?.includes('gc') ?? true;
    return {
      ...base,
      name: nameFor(dnsName.split('.')[0] ?? dnsName, isSix(address)),
      address,
      dnsName,
      domain,
      roles: ['dc'],
      readOnly: isReadOnly(facts),
      features: ['ldaps', ...(isCatalog ? ['gc'] : []), ...(resolvers.includes(address) ? ['dns'] : [])],
      connector: { kind: 'none' },
      ...(facts?.site !== undefined && facts.site !== '' && { site: facts.site }),
    };
  });
  const families = [...new Set(members.map(({ address }) => isSix(address)))].toSorted((one, other) => Number(one) - Number(other));
  const sources = families.map((six): Host => {
    const address = self.addresses.find((literal) => isSix(literal) === six) ?? (six ? '::1' : '127.0.0.1');
    return { ...base, name: nameFor(self.name, six), address, dnsName: self.name, roles: [sourceRole], connector: { kind: 'local' } };
  });
  return { file: 'preflight', hosts: [...sources, ...dcs], links: [], except: [] };
}

function isSix(address: string): boolean {
  return address.includes(':');
}
