/** Addresses that can be a host's own. */
import { BlockList, isIP, isIPv6, SocketAddress } from 'node:net';

const nobodys = new BlockList();
nobodys.addAddress('0.0.0.0');
nobodys.addAddress('255.255.255.255');
nobodys.addSubnet('224.0.0.0', 4);
nobodys.addAddress('::', 'ipv6');
nobodys.addSubnet('ff00::', 8, 'ipv6');

/** True for the IPv4 or IPv6 literal of one machine: not unspecified, not broadcast, not multicast. */
export function isHostAddress(text: string): boolean {
  if (isIP(text) === 0) return false;
  return !nobodys.check(withoutZone(text), isIPv6(text) ? 'ipv6' : 'ipv4');
}

/** The one spelling of a literal, so that two of them can be compared. */
export function canonicalAddress(literal: string): string {
  const address = withoutZone(literal);
  const zone = literal.slice(address.length);
  return new SocketAddress({ address, family: isIPv6(literal) ? 'ipv6' : 'ipv4' }).address + zone;
}

/** True for two spellings of one address. What is no address is the same only as itself. */
export function isSameAddress(one: string, other: string): boolean {
  return isIP(one) !== 0 && isIP(other) !== 0 ? canonicalAddress(one) === canonicalAddress(other) : one === other;
}

function withoutZone(literal: string): string {
  return literal.replace(/%.*$/, '');
}
