import { attempt, run } from './command.ts';
import { HOSTS, ROUTER_NETNS, inNetns } from './topology.ts';
import type { HostName } from './topology.ts';

/**
 * What the router does to large packets on their way to a host:
 *
 * - `narrow`: the link towards it carries packets of `mtu` bytes and no larger. Those that may be cut up are; of the others the router tells the sender (ICMP
 *   3/4, ICMPv6 2), as it does of all over IPv6.
 * - `mute`: the router says nothing of that kind, to anybody.
 * - `no-fragments`: what comes to the router in fragments is dropped.
 * - `clamp`: connections are made with segments of at most `mss` bytes, both ways.
 */
export type Condition =
  | { readonly kind: 'narrow'; readonly towards: HostName; readonly mtu: number }
  | { readonly kind: 'mute' }
  | { readonly kind: 'no-fragments'; readonly towards: HostName }
  | { readonly kind: 'clamp'; readonly mss: number };

const table = 'inet portmatrix_path';

/**
 * Puts these conditions in the place of all others, and makes every host forget what it has learned of its paths. Fragments are looked at before connection
 * tracking could put them together (priority -450, before -400), or the rule would meet none as soon as anything in the namespace tracks connections.
 */
export async function applyPath(conditions: readonly Condition[]): Promise<void> {
  await clearPath();
  const rules = (kind: Condition['kind']): string =>
    conditions.flatMap((condition) => (condition.kind === kind ? statements(condition) : [])).join('\n    ');
  const script = `table ${table} {
  chain fragments {
    type filter hook prerouting priority -450; policy accept;
    ${rules('no-fragments')}
  }
  chain forwarding {
    type filter hook forward priority 10; policy accept;
    ${rules('clamp')}
  }
  chain own {
    type filter hook output priority 0; policy accept;
    ${rules('mute')}
  }
}
`;
  await run([...inNetns(ROUTER_NETNS), 'nft', '-f', '-'], { input: script });
  for (const condition of conditions) {
    if (condition.kind !== 'narrow') continue;
    for (const [family, target] of routesTo(condition.towards)) {
      await run(['ip', '-n', ROUTER_NETNS, family, 'route', 'replace', target, 'dev', condition.towards, 'mtu', 'lock', String(condition.mtu)]);
    }
  }
}

/**
 * Takes all conditions back, whoever made them. Links are made wide before the router may speak again: a segment that is still being repeated for an earlier
 * scenario would otherwise be told of a narrow link in between, and what a host learns then outlives it. What was learned is forgotten last.
 */
export async function clearPath(): Promise<void> {
  const hosts = Object.values(HOSTS);
  for (const { name } of hosts) {
    // Only a narrow link has a route of its own.
    for (const [family, target] of routesTo(name)) await attempt(['ip', '-n', ROUTER_NETNS, family, 'route', 'delete', target, 'dev', name]);
  }
  await run([...inNetns(ROUTER_NETNS), 'nft', '-f', '-'], { input: `table ${table}\ndelete table ${table}\n` });
  for (const { netns } of hosts) {
    for (const family of ['-4', '-6']) await run(['ip', '-n', netns, family, 'route', 'flush', 'cache']);
  }
}

function routesTo(name: HostName): readonly (readonly [family: string, target: string])[] {
  const { address, address6 } = HOSTS[name];
  return [
    ['-4', `${address}/32`],
    ['-6', `${address6}/128`],
  ];
}

function statements(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case 'narrow':
      return [];
    case 'mute':
      return ['icmp type destination-unreachable icmp code frag-needed drop', 'icmpv6 type packet-too-big drop'];
    case 'no-fragments': {
      const { address, address6 } = HOSTS[condition.towards];
      // The flag "more fragments" and the offset: the rest of the field is "don't fragment".
      return [`ip daddr ${address} ip frag-off & 0x3fff != 0 drop`, `ip6 daddr ${address6} exthdr frag exists drop`];
    }
    case 'clamp':
      return [`tcp flags syn tcp option maxseg size set ${condition.mss}`];
    default:
      return condition satisfies never;
  }
}
