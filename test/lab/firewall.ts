import { run } from './command.ts';
import { ROUTER_NETNS, hostOf, inNetns } from './topology.ts';
import type { Host } from './topology.ts';

/**
 * What happens to a request that a rule matches, and what a program on the source sees of it with plain Node sockets (TCP:
 * the error of `connect`; UDP: of a connected socket; Linux 6.18, measured by `firewall.test.ts`):
 *
 * | action             | router does                               | TCP/IPv4     | TCP/IPv6     | UDP/IPv4     | UDP/IPv6     |
 * | ------------------ | ----------------------------------------- | ------------ | ------------ | ------------ | ------------ |
 * | `accept`           | pass the request and its replies          | connected    | connected    | reply        | reply        |
 * | `drop`             | drop the request                          | timeout      | timeout      | timeout      | timeout      |
 * | `drop-reply`       | pass the request, drop what comes back    | timeout      | timeout      | timeout      | timeout      |
 * | `reset`            | RST (TCP only)                            | ECONNREFUSED | ECONNREFUSED | -            | -            |
 * | `port-unreach`     | ICMP 3/3, ICMPv6 1/4                      | ECONNREFUSED | ECONNREFUSED | ECONNREFUSED | ECONNREFUSED |
 * | `admin-prohibited` | ICMP 3/13, ICMPv6 1/1                     | EHOSTUNREACH | EACCES       | EHOSTUNREACH | EACCES       |
 * | `host-unreach`     | ICMP 3/1, ICMPv6 1/3 (address)            | EHOSTUNREACH | EHOSTUNREACH | timeout      | timeout      |
 * | `net-unreach`      | ICMP 3/0, ICMPv6 1/0 (no route)           | ENETUNREACH  | ENETUNREACH  | timeout      | timeout      |
 * | `proto-unreach`    | ICMP 3/2; IPv6 has no such type: drop     | ENOPROTOOPT  | timeout      | ENOPROTOOPT  | timeout      |
 *
 * A closed port behind no rule shows ECONNREFUSED in all four columns. `drop-reply` drops TCP and UDP replies, so of a
 * closed TCP port too; the ICMP error of a closed UDP port is neither and passes.
 */
export type Action =
  'accept' | 'drop' | 'drop-reply' | 'reset' | 'port-unreach' | 'admin-prohibited' | 'host-unreach' | 'net-unreach' | 'proto-unreach';

/** What the router does with the traffic from one host to some ports of another, over IPv4 and IPv6. */
export type FirewallRule = {
  readonly source: Host['name'];
  readonly destination: Host['name'];
  readonly transport: 'tcp' | 'udp';
  /** One port or an inclusive range: '389' or '49152-65535'. */
  readonly ports: string;
  readonly action: Action;
};

/** All that one host sends to another, or only what it sends to some TCP ports (`389`, `1-388`), goes to a third, which answers in the other's name. */
export type Diversion = {
  readonly source: Host['name'];
  readonly destination: Host['name'];
  readonly to: Host['name'];
  readonly tcpPorts?: string;
};

const table = 'inet portmatrix';

/** nft statements of the actions that match requests; the ICMP ones by family, as the types differ. */
const verdicts = {
  accept: { ip: 'accept', ip6: 'accept' },
  drop: { ip: 'drop', ip6: 'drop' },
  reset: { ip: 'reject with tcp reset', ip6: 'reject with tcp reset' },
  'port-unreach': { ip: 'reject with icmp type port-unreachable', ip6: 'reject with icmpv6 type port-unreachable' },
  'admin-prohibited': { ip: 'reject with icmp type admin-prohibited', ip6: 'reject with icmpv6 type admin-prohibited' },
  'host-unreach': { ip: 'reject with icmp type host-unreachable', ip6: 'reject with icmpv6 type addr-unreachable' },
  'net-unreach': { ip: 'reject with icmp type net-unreachable', ip6: 'reject with icmpv6 type no-route' },
  'proto-unreach': { ip: 'reject with icmp type prot-unreachable', ip6: 'drop' },
} as const satisfies Record<Exclude<Action, 'drop-reply'>, { ip: string; ip6: string }>;

/**
 * Replaces all rules and diversions of the router by these, in one transaction: no packet meets a half-made set.
 *
 * The first rule that matches a packet decides; what none matches passes. No connection tracking: a TCP rule looks at
 * opening segments (SYN without ACK), so connections that are already open go on; a UDP rule looks at every datagram to
 * the ports, thus also at replies to a destination whose own requests come from these ports. An `accept` passes the
 * request and its replies. Throws on ports that are no port or range, and on a `reset` for UDP.
 * Only diversions need connection tracking, and they come first: rules then see the third host.
 */
export async function applyFirewall(rules: readonly FirewallRule[], diversions: readonly Diversion[] = []): Promise<void> {
  const lines = rules
    .flatMap(statements)
    .map((statement) => `    ${statement}\n`)
    .join('');
  const script = `table ${table}
delete table ${table}
table ${table} {
  chain forwarding {
    type filter hook forward priority 0; policy accept;
${lines}  }
${diverting(diversions)}}
`;
  await run([...inNetns(ROUTER_NETNS), 'nft', '-f', '-'], { input: script });
}

/** Removes all rules of the router: everything passes. */
export async function clearFirewall(): Promise<void> {
  await run([...inNetns(ROUTER_NETNS), 'nft', '-f', '-'], { input: `table ${table}\ndelete table ${table}\n` });
}

function diverting(diversions: readonly Diversion[]): string {
  if (diversions.length === 0) return '';
  const lines = diversions.flatMap(({ source, destination, to, tcpPorts }) => {
    if (tcpPorts !== undefined) checkPorts(tcpPorts);
    const ports = tcpPorts === undefined ? '' : ` tcp dport ${tcpPorts}`;
    return [
      `    ${between(source, destination, 'ip')}${ports} dnat ip to ${hostOf(to).address}\n`,
      `    ${between(source, destination, 'ip6')}${ports} dnat ip6 to ${hostOf(to).address6}\n`,
    ];
  });
  return `  chain diverting {
    type nat hook prerouting priority dstnat; policy accept;
${lines.join('')}  }
`;
}

function statements(rule: FirewallRule): string[] {
  const { action } = rule;
  checkPorts(rule.ports);
  if (action === 'reset' && rule.transport === 'udp') throw new Error('a firewall cannot reset UDP: use port-unreach');
  return (['ip', 'ip6'] as const).flatMap((family) => {
    if (action === 'drop-reply') return [`${replies(rule, family)} drop`];
    const request = `${requests(rule, family)} ${verdicts[action][family]}`;
    return action === 'accept' ? [request, `${replies(rule, family)} accept`] : [request];
  });
}

function requests({ source, destination, transport, ports }: FirewallRule, family: 'ip' | 'ip6'): string {
  const opening = transport === 'tcp' ? ' tcp flags & (syn | ack) == syn' : '';
  return `${between(source, destination, family)} ${transport} dport ${ports}${opening}`;
}

function replies({ source, destination, transport, ports }: FirewallRule, family: 'ip' | 'ip6'): string {
  // A TCP reply has ACK set, also a refusal; an opening segment in the other direction is not a reply.
  const answering = transport === 'tcp' ? ' tcp flags & ack == ack' : '';
  return `${between(destination, source, family)} ${transport} sport ${ports}${answering}`;
}

function between(from: Host['name'], to: Host['name'], family: 'ip' | 'ip6'): string {
  const key = family === 'ip' ? 'address' : 'address6';
  return `${family} saddr ${hostOf(from)[key]} ${family} daddr ${hostOf(to)[key]}`;
}

function checkPorts(ports: string): void {
  const [low = NaN, high = low] = /^\d{1,5}(-\d{1,5})?$/.test(ports) ? ports.split('-').map(Number) : [];
  if (!(low >= 0 && low <= high && high <= 65_535)) throw new Error(`'${ports}' is neither a port nor a range of ports`);
}
