/** Ports as rules write them: `389/tcp`, `49152-65535/udp`. */
import type { Transport } from '../agent/contract/probe.ts';

/** Inclusive range of ports of one transport; `389/tcp` is 389 to 389. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
  readonly transport: Transport;
}

/** The range that a text names, or what was expected instead of that text. */
export function parsePortRange(text: string): PortRange | { readonly expected: string } {
  const [, low, high, transport] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?\/(tcp|udp)$/.exec(text) ?? [];
  const first = Number(low);
  const last = Number(high ?? low);
  if ((transport !== 'tcp' && transport !== 'udp') || !isPort(first) || !isPort(last)) {
    return { expected: 'a port from 1 to 65535 or a range of them with its transport, like 389/tcp or 49152-65535/udp' };
  }
  if (first > last) return { expected: `the lower port first, ${last}-${first}/${transport}` };
  return { first, last, transport };
}

/** The text of a range, as rules write it. */
export function portText({ first, last, transport }: PortRange): string {
  return `${first === last ? first : `${first}-${last}`}/${transport}`;
}

/** True when some port of some transport is in both ranges. */
export function overlaps(one: PortRange, other: PortRange): boolean {
  return one.transport === other.transport && one.first <= other.last && other.first <= one.last;
}

/** True for a range of more than one port. */
export function isWide(range: PortRange): boolean {
  return range.first < range.last;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= 65_535;
}
