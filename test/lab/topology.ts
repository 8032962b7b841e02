/** The hosts of the lab by their short names: two domain controllers, a member network's client, a bastion. */
export type HostName = 'dc1' | 'dc2' | 'client' | 'bastion';

/** The domain controllers among the hosts. */
export type DcName = 'dc1' | 'dc2';

/** Those, and the one of the second forest, which only some tests raise. */
export type AnyDcName = DcName | 'dc3';

/** A forest of one domain: its DNS name, its Kerberos realm, its NetBIOS name. */
export type Domain = { readonly name: string; readonly realm: string; readonly netbiosName: string };

/** One lab host: its network namespace, its IPv4 and IPv6 address, the router's addresses on its segment. */
export type Host<Name = HostName | 'dc3'> = {
  readonly name: Name;
  readonly domain: Domain;
  readonly fqdn: string;
  readonly netns: string;
  readonly address: string;
  readonly address6: string;
  readonly gateway: string;
  readonly gateway6: string;
};

/** Changes whenever kept state of an older lab would no longer fit; the next raise then provisions anew. */
export const TOPOLOGY_VERSION = '2';

/** The forest's DNS name. */
export const DOMAIN = 'corp.example.test';

/** The forest's Kerberos realm. */
export const REALM = 'CORP.EXAMPLE.TEST';

/** The domain's NetBIOS name. */
export const NETBIOS_DOMAIN = 'CORP';

/** The forest that all hosts but dc3 belong to. */
export const CORP: Domain = { name: DOMAIN, realm: REALM, netbiosName: NETBIOS_DOMAIN };

/** The second forest, of dc3 alone. */
export const OTHER: Domain = { name: 'other.example.test', realm: 'OTHER.EXAMPLE.TEST', netbiosName: 'OTHER' };

/** Each forest's only account with a known password; it exists nowhere but in the lab. */
export const ADMINISTRATOR = { name: 'Administrator', password: 'Lab-Passw0rd.1' } as const;

/** The namespace that forwards between the segments and filters. */
export const ROUTER_NETNS = 'pm-router';

function host<Name extends Host['name']>(name: Name, segment: number, suffix: number, domain = CORP): Host<Name> {
  return {
    name,
    domain,
    fqdn: `${name}.${domain.name}`,
    netns: `pm-${name}`,
    address: `10.99.${segment}.${suffix}`,
    address6: `fd99:${segment}::${suffix}`,
    gateway: `10.99.${segment}.1`,
    gateway6: `fd99:${segment}::1`,
  };
}

/** Every lab host by name; each has its own /24 and /64. */
export const HOSTS: { readonly [Name in HostName]: Host<Name> } = {
  dc1: host('dc1', 1, 11),
  dc2: host('dc2', 2, 12),
  client: host('client', 3, 21),
  bastion: host('bastion', 4, 31),
};

/** The second forest's DC, on a segment of its own. */
export const DC3 = host('dc3', 5, 13, OTHER);

/** A host by its name, dc3 among them. */
export function hostOf(name: Host['name']): Host {
  return name === 'dc3' ? DC3 : HOSTS[name];
}

/** The two domain controllers, in the order in which they are made. */
export const DCS: readonly DcName[] = ['dc1', 'dc2'];

/** The TCP ports that each DC has open, over IPv4 and IPv6; no other is. */
export const DC_TCP_PORTS: readonly number[] = [53, 88, 135, 139, 389, 445, 464, 636, 3268, 3269, 49152, 49153, 49154];

/** The UDP ports that each DC has bound over IPv4; over IPv6 the NetBIOS ones (137, 138) are not, and no other is. */
export const DC_UDP_PORTS: readonly number[] = [53, 88, 123, 137, 138, 389, 464];

/** Every namespace that a raised forest has. */
export const NAMESPACES: readonly string[] = [...Object.values(HOSTS).map(({ netns }) => netns), ROUTER_NETNS];

/** Those, and that of the second forest; whatever has one of these names is the lab's own. */
export const ALL_NAMESPACES: readonly string[] = [...NAMESPACES, DC3.netns];

/** The command prefix that runs a program in a namespace. */
export function inNetns(netns: string): readonly string[] {
  return ['ip', 'netns', 'exec', netns];
}
