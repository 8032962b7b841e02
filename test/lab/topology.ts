/** The hosts of the lab by their short names: two domain controllers, a member network's client, a bastion. */
export type HostName = 'dc1' | 'dc2' | 'client' | 'bastion';

/** The domain controllers among the hosts. */
export type DcName = 'dc1' | 'dc2';

/** One lab host: its network namespace, its IPv4 and IPv6 address, the router's addresses on its segment. */
export type Host = {
  readonly name: HostName;
  readonly fqdn: string;
  readonly netns: string;
  readonly address: string;
  readonly address6: string;
  readonly gateway: string;
  readonly gateway6: string;
};

/** Changes whenever kept state of an older lab would no longer fit; the next raise then provisions anew. */
export const TOPOLOGY_VERSION = '1';

/** The forest's DNS name. */
export const DOMAIN = 'corp.example.test';

/** The forest's Kerberos realm. */
export const REALM = 'CORP.EXAMPLE.TEST';

/** The domain's NetBIOS name. */
export const NETBIOS_DOMAIN = 'CORP';

/** The forest's only account with a known password; it exists nowhere but in the lab. */
export const ADMINISTRATOR = { name: 'Administrator', password: 'Lab-Passw0rd.1' } as const;

/** The namespace that forwards between the segments and filters. */
export const ROUTER_NETNS = 'pm-router';

function host(name: HostName, segment: number, suffix: number): Host {
  return {
    name,
    fqdn: `${name}.${DOMAIN}`,
    netns: `pm-${name}`,
    address: `10.99.${segment}.${suffix}`,
    address6: `fd99:${segment}::${suffix}`,
    gateway: `10.99.${segment}.1`,
    gateway6: `fd99:${segment}::1`,
  };
}

/** Every lab host by name; each has its own /24 and /64. */
export const HOSTS: Readonly<Record<HostName, Host>> = {
  dc1: host('dc1', 1, 11),
  dc2: host('dc2', 2, 12),
  client: host('client', 3, 21),
  bastion: host('bastion', 4, 31),
};

/** The two domain controllers, in the order in which they are made. */
export const DCS: readonly DcName[] = ['dc1', 'dc2'];

/** The TCP ports that each DC has open, over IPv4 and IPv6; no other is. */
export const DC_TCP_PORTS: readonly number[] = [53, 88, 135, 139, 389, 445, 464, 636, 3268, 3269, 49152, 49153, 49154];

/** The UDP ports that each DC has bound over IPv4; over IPv6 the NetBIOS ones (137, 138) are not, and no other is. */
export const DC_UDP_PORTS: readonly number[] = [53, 88, 123, 137, 138, 389, 464];

/** Every namespace of the lab; whatever has one of these names is the lab's own. */
export const NAMESPACES: readonly string[] = [...Object.values(HOSTS).map(({ netns }) => netns), ROUTER_NETNS];

/** The command prefix that runs a program in a namespace. */
export function inNetns(netns: string): readonly string[] {
  return ['ip', 'netns', 'exec', netns];
}
