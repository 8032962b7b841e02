/**
 * Permissions as an nftables ruleset for a firewall between the hosts. One chain a source lets through what the matrices want, and drops what they forbid and,
 * where they are complete, the rest of TCP and UDP towards the same destinations. Traffic of other hosts, and ICMP, is none of its business. Loading it again replaces it.
 */
import type { Transport } from '../../agent/contract/probe.ts';
import type { Host } from '../inventory.ts';
import type { Matrix, PortRange } from '../matrix.ts';
import { isLegacy, type Permission } from '../permission.ts';
import { list, plain } from './text.ts';

/** Where the permissions come from, as the ruleset names it. */
export interface Origin {
  readonly matrices: readonly Matrix[];
  readonly inventory: string;
  readonly version: string;
}

/** The ruleset, for `nft -f`. */
export function* ruleset(permissions: readonly Permission[], { matrices, inventory, version }: Origin): Generator<string, void> {
  const legacy = matrices.flatMap(({ name, rules }) => rules.filter(isLegacy).map(({ id }) => `${name}/${id}`));
  yield `# ${matrices.map(({ name, asPublished }) => `${name}${asPublished ? ' as published' : ''}`).join(', ')} for ${plain(inventory)}, written by portmatrix ${version}.\n`;
  yield '# For a firewall between these hosts (hook forward): nft -f FILE. On a source itself the hook is output, on a destination input.\n';
  yield '# A source has one chain: what it may send to each destination, and then a drop of all other TCP and UDP to them (not where a matrix only forbids some ports).\n';
  if (legacy.length > 0) yield `# Nothing is opened for legacy rules: ${list(legacy, 20)}.\n`;
  yield 'table inet portmatrix\ndelete table inet portmatrix\ntable inet portmatrix {\n';
  const sources = [...Map.groupBy(permissions, ({ source }) => source)];
  yield '  chain forward {\n    type filter hook forward priority filter; policy accept;\n    ct state established,related accept\n';
  for (const [source] of sources) yield `    ${family(source)} saddr ${source.address} jump ${chainOf(source)}\n`;
  yield '  }\n';
  for (const [source, ofSource] of sources) {
    yield `\n  chain ${chainOf(source)} {\n`;
    yield* statements(ofSource, 'forbidden', 'drop');
    yield* statements(ofSource, 'allowed', 'accept');
    const complete = ofSource.filter((permission) => permission.complete);
    if (complete.length > 0) yield `    ${towards(complete)} meta l4proto { tcp, udp } counter drop\n`;
    yield '  }\n';
  }
  yield '}\n';
}

/** One statement for all destinations that have the same ports, and each transport. */
function* statements(permissions: readonly Permission[], which: 'allowed' | 'forbidden', verdict: 'accept' | 'drop'): Generator<string, void> {
  for (const alike of Map.groupBy(permissions, (permission) => JSON.stringify(permission[which])).values()) {
    for (const transport of ['tcp', 'udp'] as const) {
      const ports = portSet(alike[0]?.[which] ?? [], transport);
      if (ports !== undefined) yield `    ${towards(alike)} ${transport} dport ${ports} ${verdict}\n`;
    }
  }
}

/** A source meets only hosts of its own address family. */
function towards(permissions: readonly Permission[]): string {
  const destinations = permissions.map(({ destination }) => destination);
  const [first] = destinations;
  if (first === undefined) throw new Error('a ruleset without destinations');
  return `${family(first)} daddr { ${destinations.map(({ address }) => address).join(', ')} }`;
}

function portSet(ranges: readonly PortRange[], transport: Transport): string | undefined {
  const ofTransport = ranges.filter((range) => range.transport === transport);
  const texts = ofTransport.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  return texts.length === 0 ? undefined : `{ ${texts.join(', ')} }`;
}

function family({ address }: Host): 'ip' | 'ip6' {
  return address.includes(':') ? 'ip6' : 'ip';
}

/** Longest name of a host that still makes a chain's name; the kernel takes 255 characters. */
const longestName = 200;

/** A prefix keeps a host's name from being a word of the language; names are letters, digits, dots, underscores and hyphens. */
function chainOf({ name, address }: Host): string {
  return name.length <= longestName ? `from-${name}` : `from-${name.slice(0, longestName)}-${address.replaceAll(':', '_')}`;
}
