/** A passage as a rule of an EC2 security group. */
import type { PortRange } from '../../port-range.ts';
import { isIpv6, type Opening, type Passage, single } from './passage.ts';

/** The rule on the destination's group: it keeps state, so that replies need none. */
export function securityGroup({ name, source, ports }: Passage): Opening {
  const from = isIpv6(source) ? `Ipv6Ranges=[{CidrIpv6=${single(source)}` : `IpRanges=[{CidrIp=${single(source)}`;
  const permission = ({ first, last, transport }: PortRange): string =>
    `'IpProtocol=${transport},FromPort=${first},ToPort=${last},${from},Description=${name}}]'`;
  return {
    where:
      'EC2 security group of the destination. It keeps state: the replies need no rule. (That of the source must let the request out, as it does by default.)',
    commands: [`aws ec2 authorize-security-group-ingress --group-id sg-DESTINATION --ip-permissions ${ports.map(permission).join(' ')}`],
  };
}
