/** The rules that open a passage, for every kind of filter that is known. */
import { networkAcl } from './network-acl.ts';
import { nftables } from './nftables.ts';
import type { Opening, Passage } from './passage.ts';
import { securityGroup } from './security-group.ts';
import { windowsFirewall } from './windows-firewall.ts';

/** One opening a kind of filter, from the cloud to the host. */
export function openings(passage: Passage): readonly Opening[] {
  return [securityGroup(passage), networkAcl(passage), nftables(passage), windowsFirewall(passage)];
}
