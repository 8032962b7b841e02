/** What a publisher lets agents dial: networks, ports and a longest run. */
import { isPolicy, type Policy } from '../agent/contract/policy.ts';
import type { Matrix } from './matrix.ts';
import { overlaps, portText } from './port-range.ts';
import { UsageError } from './usage-error.ts';

/** Private networks (RFC 1918, RFC 4193): where domain controllers are. */
export const usualDestinations: readonly string[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'];

/** Longest run, in minutes. */
export const usualMinutes = 15;

/** What the publisher said; what is empty is as usual. */
export interface Allowance {
  readonly destinations: readonly string[];
  readonly ports: readonly string[];
  readonly minutes: number;
}

/** The policy of an allowance: without ports of its own, those of the matrices. An entry that means nothing is a `UsageError`. */
export function policyOf({ destinations, ports, minutes }: Allowance, matrices: readonly Matrix[]): Policy {
  const endsAfterMs = minutes * 60_000;
  const policy = {
    destinations: destinations.length > 0 ? destinations : usualDestinations,
    ports: ports.length > 0 ? ports : portsOf(matrices),
    endsAfterMs,
  };
  for (const destination of policy.destinations)
    if (!isPolicy({ ...policy, ports: [], destinations: [destination] }))
      throw new UsageError(
        `--allow-destination ${JSON.stringify(destination)} is no network: expected one like 10.0.0.0/8 or fd00::/8, with no bits beyond its prefix`,
      );
  for (const port of policy.ports)
    if (!isPolicy({ ...policy, destinations: [], ports: [port] }))
      throw new UsageError(`--allow-port ${JSON.stringify(port)} is no port: expected one like 389/tcp, or a range like 49152-65535/tcp`);
  return policy;
}

/** The ports of the matrices' rules, in order; what lies within another range is left out. */
function portsOf(matrices: readonly Matrix[]): readonly string[] {
  const ranges = matrices.flatMap(({ rules }) => rules.flatMap((rule) => rule.ports));
  const widest = ranges.filter(
    (range) =>
      !ranges.some(
        (other) =>
          other !== range &&
          overlaps(range, other) &&
          other.first <= range.first &&
          range.last <= other.last &&
          other.last - other.first > range.last - range.first,
      ),
  );
  widest.sort((one, other) => one.first - other.first || (one.transport < other.transport ? -1 : 1));
  return [...new Set(widest.map(portText))];
}
