/** What a filter has to let through: which ports of which destination, for which source. */
import type { PortRange } from '../../port-range.ts';

/** What the source runs on, as far as it decides which ports the replies come back to. */
export type SourceSystem = 'windows' | 'linux';

/** Traffic that is to be let through. Addresses are literals, or words in capitals to be replaced. */
export interface Passage {
  /** What the rules in the filter are called: matrix and rule. */
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly ports: readonly PortRange[];
  /** Absent: nobody knows. */
  readonly system?: SourceSystem;
}

/** Words that stand for what is not known yet. */
export const placeholders = { source: 'SOURCE-ADDRESS', destination: 'DESTINATION-ADDRESS' } as const;

/** One filter's rules for a passage: where they go and why they are as they are, and the commands, each on one line. */
export interface Opening {
  readonly where: string;
  readonly commands: readonly string[];
}

/** True for an IPv6 literal. */
export function isIpv6(address: string): boolean {
  return address.includes(':');
}

/** The address as a network of one; a placeholder keeps its place. */
export function single(address: string): string {
  return `${address}/${isIpv6(address) ? 128 : 32}`;
}
