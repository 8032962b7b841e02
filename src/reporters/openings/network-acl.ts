/** A passage as entries of network ACLs, which keep no state. */
import type { PortRange } from '../../port-range.ts';
import { isIpv6, type Opening, type Passage, single } from './passage.ts';
import { returnRanges, returnReason } from './return-range.ts';

/** The request and its replies on the ACL of the destination's subnet, and on that of the source's. */
export function networkAcl({ source, destination, ports, system }: Passage): Opening {
  const replies = unique(ports.flatMap((range) => returnRanges(range, system)));
  return {
    where:
      'Network ACLs of both subnets (within one subnet none is asked). They keep no state, so that the replies need entries of their own, ' +
      `to ports ${returnReason(system)}. A number N decides before higher ones: take free ones below those that deny.`,
    commands: [
      ...ports.map((range) => entry('acl-DESTINATION', '--ingress', range, source)),
      ...replies.map((range) => entry('acl-DESTINATION', '--egress', range, source)),
      ...ports.map((range) => entry('acl-SOURCE', '--egress', range, destination)),
      ...replies.map((range) => entry('acl-SOURCE', '--ingress', range, destination)),
    ],
  };
}

function entry(acl: string, way: '--ingress' | '--egress', { first, last, transport }: PortRange, peer: string): string {
  const network = isIpv6(peer) ? `--ipv6-cidr-block ${single(peer)}` : `--cidr-block ${single(peer)}`;
  const range = `--protocol ${transport} --port-range From=${first},To=${last}`;
  return `aws ec2 create-network-acl-entry --network-acl-id ${acl} ${way} --rule-number N ${range} ${network} --rule-action allow`;
}

function unique(ranges: readonly PortRange[]): readonly PortRange[] {
  return [...new Map(ranges.map((range) => [JSON.stringify(range), range])).values()];
}
