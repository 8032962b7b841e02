/** The ports that replies come back to: what a filter without state must let through beside the request. */
import type { PortRange } from '../../port-range.ts';
import type { SourceSystem } from './passage.ts';

/** Ports that a system asks from unless it was told otherwise. */
const ephemeral: Readonly<Record<SourceSystem, readonly [first: number, last: number]>> = {
  // Since Vista and Server 2008: netsh int ipv4 show dynamicport tcp.
  windows: [49_152, 65_535],
  // net.ipv4.ip_local_port_range.
  linux: [32_768, 60_999],
};
const either: readonly [first: number, last: number] = [32_768, 65_535];

/** Services over UDP whose clients may ask from the service's own port: w32time, and NetBIOS. */
const fromOwnPort: ReadonlySet<number> = new Set([123, 137, 138]);

/** The ranges that replies from `range` come back to. */
export function returnRanges({ first, last, transport }: PortRange, system: SourceSystem | undefined): readonly PortRange[] {
  const [low, high] = system === undefined ? either : ephemeral[system];
  const usual = { first: low, last: high, transport };
  return transport === 'udp' && first === last && fromOwnPort.has(first) ? [{ first, last, transport }, usual] : [usual];
}

/** Which ports the replies come back to, and why. */
export function returnReason(system: SourceSystem | undefined): string {
  const [low, high] = system === undefined ? either : ephemeral[system];
  const reason =
    system === undefined
      ? 'from both a Windows source, which asks from 49152-65535, and a Linux one, which asks from 32768-60999: narrow it where you know which'
      : `because a ${system === 'windows' ? 'Windows' : 'Linux'} source asks from these`;
  return `${low}-${high}, ${reason}`;
}
