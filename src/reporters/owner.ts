/** Whom to ask about a finding: who can change what was seen. */
import type { Finding, FindingCode } from '../verdict.ts';

/** Somebody who keeps something between a source and an answer; `operator` is whoever runs portmatrix. */
export type Owner = 'network' | 'host-firewall' | 'service' | 'directory' | 'time' | 'certificate' | 'source' | 'proxy' | 'operator';

const names: Readonly<Record<Owner, string>> = {
  network: 'whoever keeps the network (firewalls, security groups, network ACLs, routes)',
  'host-firewall': 'whoever keeps the host firewall of the destination',
  service: 'the owner of the service on the destination',
  directory: 'the administrators of the directory (DNS, sites, replication)',
  time: 'whoever keeps the time of the destination',
  certificate: 'whoever issues the certificates of the destination',
  source: 'whoever keeps the source',
  proxy: 'whoever keeps the proxy',
  operator: 'nobody else: inventory, matrix and agents are yours',
};

/** By finding, who is asked first and who then. */
const owners: Readonly<Record<FindingCode, readonly [Owner, ...Owner[]]>> = {
  refused: ['service', 'host-firewall', 'network'],
  'no-answer': ['network', 'host-firewall', 'service'],
  rejected: ['network', 'host-firewall'],
  'wrong-service': ['service', 'network'],
  'service-silent': ['network', 'service'],
  'service-absent': ['service'],
  'size-lost': ['network'],
  'answer-short': ['operator'],
  'wrong-host': ['operator', 'network'],
  'reply-lost': ['network'],
  'reached-host': ['network', 'service'],
  'no-control': ['operator'],
  'accept-all': ['network'],
  'forbidden-open': ['network', 'host-firewall'],
  uninformative: ['network', 'service'],
  unproven: ['service'],
  'clock-skew': ['time', 'source'],
  'certificate-expired': ['certificate'],
  'certificate-not-yet-valid': ['certificate'],
  'certificate-expires-soon': ['certificate'],
  'certificate-name': ['certificate'],
  'certificate-usage': ['certificate'],
  'certificate-untrusted': ['certificate', 'network'],
  'certificate-weak': ['certificate'],
  'tls-old': ['service'],
  'not-authoritative': ['directory'],
  paused: ['directory'],
  'not-synchronized': ['directory'],
  'global-catalog-not-ready': ['directory'],
  'not-active-directory': ['operator', 'service'],
  'no-srv': ['directory'],
  'dns-failure': ['directory'],
  'not-registered': ['directory'],
  'dcs-not-registered': ['directory'],
  'read-only-dcs-registered': ['directory'],
  'dcs-not-in-site': ['directory', 'operator'],
  'unknown-dcs': ['operator', 'directory'],
  'dns-disagrees': ['network', 'directory'],
  'dc-registers-unreachable-address': ['directory', 'network'],
  'dc-registers-unknown-address': ['operator', 'directory'],
  'wrong-site': ['directory', 'operator'],
  'clock-not-synchronized': ['time'],
  'clock-local': ['time'],
  'ldap-refused': ['service', 'directory'],
  'rpc-refused': ['service'],
  'negotiation-refused': ['service'],
  'name-service-refused': ['service'],
  'signing-not-required': ['service'],
  'anonymous-refused': ['service'],
  'rdp-without-tls': ['service'],
  'rdp-refused': ['service'],
  'winrm-refused': ['service'],
  'no-gateway': ['service', 'operator'],
  'basic-in-clear': ['service'],
  'ticket-refused': ['directory', 'operator'],
  'bind-refused': ['directory', 'service'],
  'not-equipped': ['source'],
  'framing-refused': ['service'],
  'dialect-old': ['service'],
  'port-outside-range': ['service', 'network'],
  'port-translated': ['network'],
  'kdc-complaint': ['directory', 'operator'],
  'no-preauthentication': ['directory'],
  'other-service': ['service', 'network'],
  'time-refused': ['time'],
  'follow-up': ['network', 'service'],
  'not-checked': ['source', 'operator'],
  prerequisite: ['operator'],
  'not-applicable': ['operator'],
  'no-vantage': ['operator'],
  'field-missing': ['operator'],
  'name-unknown': ['source', 'directory'],
  'name-unsettled': ['source', 'network'],
  'proxy-unreachable': ['proxy', 'source'],
  'proxy-silent': ['proxy'],
  'proxy-refused': ['proxy'],
};

/** Whom to ask about the finding, the first one first. */
export function ownersOf({ code }: Finding): readonly [Owner, ...Owner[]] {
  return owners[code];
}

/** The owners in words, in the order in which they are asked. */
export function ownersText(finding: Finding): string {
  return ownersOf(finding)
    .map((owner) => names[owner])
    .join('; then ');
}

/** The owners in a word or two each, where the same are named again and again. */
export function ownersInShort(finding: Finding): string {
  return ownersOf(finding)
    .map((owner) => owner.replaceAll('-', ' '))
    .join(', then ');
}
