/** A passage as rules of the Windows Firewall. */
import type { Transport } from '../../../agent/contract/probe.ts';
import type { PortRange } from '../../port-range.ts';
import type { Opening, Passage } from './passage.ts';

/** The rules on the destination: one a transport. It keeps state, so that replies need none. */
export function windowsFirewall({ name, source, ports }: Passage): Opening {
  const transports = [...Map.groupBy(ports, ({ transport }) => transport)];
  return {
    where: 'Windows Firewall of the destination, in an elevated PowerShell. A rule that blocks still wins over one that allows.',
    commands: transports.map(([transport, ranges]) => rule(name, source, transport, ranges)),
  };
}

function rule(name: string, source: string, transport: Transport, ranges: readonly PortRange[]): string {
  const ports = ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
  const protocol = transport.toUpperCase();
  return `New-NetFirewallRule -DisplayName '${name} ${protocol}' -Direction Inbound -Action Allow -Protocol ${protocol} -LocalPort ${ports} -RemoteAddress ${source}`;
}
