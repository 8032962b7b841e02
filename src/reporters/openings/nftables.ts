/** A passage as rules of nftables. */
import type { PortRange } from '../../port-range.ts';
import { isIpv6, type Opening, type Passage } from './passage.ts';

/** The rules for a firewall on the way: what is established passes, and what opens a connection by address and port. */
export function nftables({ source, destination, ports }: Passage): Opening {
  const family = isIpv6(source) ? 'ip6' : 'ip';
  const opens = ({ first, last, transport }: PortRange): string =>
    `nft add rule inet filter forward ${family} saddr ${source} ${family} daddr ${destination} ${transport} dport ${first === last ? first : `${first}-${last}`} ct state new accept`;
  return {
    where:
      'nftables on a firewall between them (chain forward; on the destination itself it is input). Where the chain ends in a rule that drops, insert instead of add.',
    commands: ['nft add rule inet filter forward ct state established,related accept', ...ports.map(opens)],
  };
}
