/**
 * What the publisher of a document allows its agents to dial, whoever sends the job: networks and ports. It is a literal of the document, never a parameter.
 *
 * Only what is dialled is held to it. Names are still given to the host's own resolver, as every program of that host may do; what they mean is dialled only
 * where the policy allows the address.
 */
import type { Transport } from './probe.ts';

/** `destinations` are networks (`10.0.0.0/8`, `fd00::/8`), `ports` ports or ranges of one transport (`53/udp`, `49152-65535/tcp`). An empty list allows nothing. */
export interface Policy {
  readonly destinations: readonly string[];
  readonly ports: readonly string[];
  /** An agent ends then, whatever its job says. */
  readonly endsAfterMs: number;
}

/** What is to be dialled: `address` a literal, IPv6 with or without its zone. */
export interface Dialled {
  readonly address: string;
  readonly port: number;
  readonly transport: Transport;
}

/** Longest text of a policy that is looked at. */
const longestPolicy = 64 * 1024;
/** Most networks, and most ports and ranges, of a policy. */
const mostEntries = 1_000;

/** An address as the number that it is. An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) is dialled over IPv4, so it is that IPv4 address. */
interface Literal {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

interface Network extends Literal {
  readonly prefix: number;
}

interface Ports {
  readonly transport: string;
  readonly first: number;
  readonly last: number;
}

/** True for a policy in which every entry means something. A network whose address has bits beyond its prefix means nothing: it may be a slip of one digit. */
export function isPolicy(value: unknown): value is Policy {
  if (typeof value !== 'object' || value === null) return false;
  const { destinations, ports, endsAfterMs }: Partial<Record<string, unknown>> = { ...value };
  return (
    isListOf(destinations, (text) => networkOf(text) !== undefined) &&
    isListOf(ports, (text) => portsOf(text) !== undefined) &&
    typeof endsAfterMs === 'number' &&
    Number.isSafeInteger(endsAfterMs) &&
    endsAfterMs > 0
  );
}

/** The policy as a document carries it: base64url of JSON. */
export function packPolicy({ destinations, ports, endsAfterMs }: Policy): string {
  return Buffer.from(JSON.stringify({ destinations, ports, endsAfterMs })).toString('base64url');
}

/** The policy in that text, or undefined where there is anything in it that is none. */
export function unpackPolicy(text: string): Policy | undefined {
  if (text.length > longestPolicy || !/^[\w-]+$/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return isPolicy(value) ? value : undefined;
  } catch {
    // No JSON is no policy.
    return undefined;
  }
}

/** Whether the policy allows that to be dialled. What is no literal address or no port is not allowed, and an entry that means nothing allows nothing. */
export function allows(policy: Policy, dialled: Dialled): boolean {
  return gateOf(policy)(dialled);
}

/** The same for many questions to one policy. */
export function gateOf(policy: Policy): (dialled: Dialled) => boolean {
  const networks = policy.destinations.flatMap((text) => networkOf(text) ?? []);
  const spans = policy.ports.flatMap((text) => portsOf(text) ?? []);
  return ({ address, port, transport }) => {
    const literal = literalOf(address.replace(/%[^%]+$/, ''));
    return (
      literal !== undefined &&
      Number.isInteger(port) &&
      spans.some((span) => span.transport === transport && span.first <= port && port <= span.last) &&
      networks.some((network) => network.bits === literal.bits && head(network, network.prefix) === head(literal, network.prefix))
    );
  };
}

function head({ bits, value }: Literal, prefix: number): bigint {
  return value >> BigInt(bits - prefix);
}

function networkOf(text: string): Network | undefined {
  const [, address = '', length = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const literal = literalOf(address);
  if (literal === undefined) return undefined;
  // The prefix of an IPv4 network inside IPv6 counts the 96 bits before it.
  const prefix = Number(length) - (literal.bits === 32 && address.includes(':') ? 96 : 0);
  if (prefix < 0 || prefix > literal.bits) return undefined;
  const network = { ...literal, prefix };
  return head(literal, prefix) << BigInt(literal.bits - prefix) === literal.value ? network : undefined;
}

function portsOf(text: string): Ports | undefined {
  const [, first = '', last = first, transport] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?\/(tcp|udp)$/.exec(text) ?? [];
  if (transport === undefined || Number(first) > Number(last) || Number(last) > 65_535) return undefined;
  return { transport, first: Number(first), last: Number(last) };
}

/** Reads an address in the usual text forms only (RFC 4291 §2.2): no leading zeros in IPv4, no octal, no hex, no missing parts. */
function literalOf(text: string): Literal | undefined {
  const four = fourOf(text);
  if (four !== undefined) return { bits: 32, value: BigInt(four) };
  const [, before = '', dotted] = /^(.*:)?(\d+\.[\d.]+)?$/.exec(text) ?? [];
  const tail = dotted === undefined ? undefined : fourOf(dotted);
  if (dotted !== undefined && (tail === undefined || before === '')) return undefined;
  const groups = groupsOf(tail === undefined ? text : `${before}${(tail >>> 16).toString(16)}:${(tail & 0xffff).toString(16)}`);
  if (groups === undefined) return undefined;
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value };
}

function fourOf(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function groupsOf(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  const [left = [], right = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - left.length - right.length;
  if (halves.length > 2 || ![...left, ...right].every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...left, ...Array<string>(missing).fill('0'), ...right].map((group) => Number.parseInt(group, 16));
}

function isListOf(value: unknown, isMember: (text: string) => boolean): boolean {
  return Array.isArray(value) && value.length <= mostEntries && value.every((entry) => typeof entry === 'string' && isMember(entry));
}
