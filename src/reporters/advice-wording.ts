/** Words for what to do next about a finding. */
import type { FailureCode, Reason } from '../../agent/contract/outcome.ts';
import type { Finding } from '../verdict.ts';
import { quote, word } from './quotes.ts';
import { plain } from './text.ts';

/** Between whom an advice is given, in words: `source` an address or names, `destination` a name or names, `target` as in `10.99.1.11:389/tcp`. */
export interface Flow {
  readonly source: string;
  /** As in `10.99.3.21:*`. */
  readonly origin: string;
  readonly destination: string;
  readonly target: string;
  /** True when the rule wants the traffic not to get through. */
  readonly forbidden: boolean;
  /** True when the destination is an endpoint that clients know by its name. */
  readonly endpoint: boolean;
}

/** What to do next about a finding, in one sentence. */
export function advice(finding: Finding, flow: Flow): string {
  const { source, origin, destination, target } = flow;
  switch (finding.code) {
    case 'refused':
      return `Check on ${destination} whether the service runs and listens (netstat -ano); if it does, look for a rule that rejects ${origin} → ${target}, on the host and on the path.`;
    case 'no-answer':
    case 'rejected':
      return unreachedAdvice(finding.reason, flow);
    case 'wrong-service':
      return `Find out what listens behind ${target}: another service, a load balancer, or a proxy on the path.`;
    case 'service-silent':
      return `Look for a device that inspects ${origin} → ${target} (application control, TLS inspection, a proxy), then at the service's log on ${destination}.`;
    case 'service-absent':
      return `Check on ${destination} whether the service runs: a host without it may not be the DC that the inventory says.`;
    case 'size-lost':
      return `Compare with the other sizes from ${source} to ${destination}: where all large packets are lost, allow ICMP "fragmentation needed" (type 3 code 4; ICMPv6 type 2) and fragments on the path, or clamp the TCP MSS; where only these are, look for a device that inspects ${target}.`;
    case 'answer-short':
      return `Ask for fewer bytes (replySize in the matrix); ${destination} has no longer answer to give.`;
    case 'wrong-host':
      return `Compare the address of ${destination} in the inventory with DNS, and look for address translation or a load balancer before ${target}.`;
    case 'reply-lost':
      return `Ask for the reply direction ${target} → ${source} (ephemeral ports) to be allowed, and look for asymmetric routes.`;
    case 'reached-host':
      if (finding.interface !== undefined) return `To prove the block, run again when ${word(finding.interface)} is registered there.`;
      return `If the block is meant to be the firewall's, ask for ${origin} → ${target} to be dropped there.`;
    case 'no-control':
      if (finding.byName === true) {
        return `Ask the same name and port from a host that may reach it, in the same run (a matrix of your own with -m), and something that answers ${source} (-m may be repeated).`;
      }
      return `See that ${destination} is up, and run a matrix of permitted traffic with this one (-m may be repeated), so that something from ${source} to ${destination} shows that it is alive.`;
    case 'accept-all':
      return `Find out what accepts connections in the place of ${destination} (a SYN proxy, a transparent proxy, a load balancer), and ask past it; answers in a protocol count as ever.`;
    case 'forbidden-open':
      return `Ask for ${origin} → ${target} to be blocked, or correct the matrix if the traffic is meant to pass.`;
    case 'uninformative':
      return `Look for ${target} in the firewall's log, or capture on ${destination}: from the source alone it cannot be decided.`;
    case 'unproven':
      return `Compare with a client that is known to work, or with the service's log on ${destination}; the network let the connection through.`;
    case 'clock-skew':
    case 'clock-not-synchronized':
    case 'clock-local':
      return `Look at the time source of ${destination} (w32tm /query /status) and of ${source}: Kerberos refuses to work beyond five minutes.`;
    case 'certificate-expired':
    case 'certificate-not-yet-valid':
    case 'certificate-expires-soon':
    case 'certificate-name':
    case 'certificate-usage':
    case 'certificate-weak':
      if (flow.endpoint) {
        return `Compare the certificate's issuer and the address with what ${destination} has elsewhere: a device on the path (TLS inspection, a captive portal) or a DNS entry may put another server in its place; and look at the clock of ${source}.`;
      }
      return `Renew the certificate of ${destination} with the right names, the server authentication usage and a strong key; the network is not at fault.`;
    case 'certificate-untrusted':
      if (flow.endpoint) {
        return `Exempt ${destination} from TLS inspection on the path; or, if the clients on ${source} trust that issuer, name its CA under authorities in the inventory.`;
      }
      return `Give clients the CA of ${destination}, or look for a device on the path that replaces certificates (TLS inspection).`;
    case 'tls-old':
      return `Enable TLS 1.2 or later on ${destination}, or on the device that ends TLS in its place.`;
    case 'not-authoritative':
    case 'dns-failure':
      return `Check whether ${destination} holds the zone of the domain, and that no device on the path answers DNS in its place.`;
    case 'paused':
    case 'not-synchronized':
    case 'global-catalog-not-ready':
      return `Look at the health of ${destination} (dcdiag, repadmin /showrepl); the network let the question through.`;
    case 'ldap-refused':
      return `Look at the load and the health of ${destination} (dcdiag, its directory service log), and for an LDAP proxy before ${target}; the network let the question through.`;
    case 'not-active-directory':
      return `Compare the address of ${destination} in the inventory with DNS: another directory server has it.`;
    case 'no-srv':
      return `Check whether ${destination} holds the zones of the domain (with _msdcs) and its DCs register there (nltest /dsregdns), and that no device on the path answers DNS in its place.`;
    case 'not-registered':
      return `Check whether ${destination} registers its SRV records (nltest /dsregdns) and whether they replicate.`;
    case 'dcs-not-registered':
      return `On each of these run nltest /dsregdns, and see whether the zone replicates to ${destination} (repadmin /showrepl); a DC that is gone belongs out of the inventory.`;
    case 'read-only-dcs-registered':
      return 'A read-only DC registers only in its site by default: see whether RegisterSiteSpecificDnsRecordsOnly is set to 0 there on purpose, and delete records that are left from before it was read-only; or correct readOnly in the inventory.';
    case 'dcs-not-in-site':
      return `On each of these run nltest /dsregdns (a read-only DC has a writable one register it), compare its site in AD Sites and Services with the inventory, and see whether the zone replicates to ${destination}.`;
    case 'unknown-dcs':
      return 'Add them to the inventory, so that they are asked too; of a DC that is gone, clean up the metadata and delete the records.';
    case 'dns-disagrees':
      return `Find out what answers TCP and UDP 53 in the place of ${destination}: a load balancer, a DNS proxy, or a firewall that inspects DNS.`;
    case 'dc-registers-unreachable-address':
      return `Make that address reachable, or keep ${destination} from registering it (the adapter's DNS registration, PublishAddresses, RegisterDnsARecords).`;
    case 'dc-registers-unknown-address':
      return `Add the address to the inventory as a host of its own with the dnsName of ${destination}, or keep ${destination} from registering it (the adapter's DNS registration).`;
    case 'wrong-site':
      return finding.whose === 'dc'
        ? `Move ${destination} to its site in AD Sites and Services, or correct its site in the inventory.`
        : `In AD Sites and Services add the subnet of ${source}, or give it its right site (nltest /dsgetsite shows what a client believes), or correct the inventory.`;
    case 'signing-not-required':
      return `Require SMB signing on ${destination}, or correct the inventory if it is not a DC.`;
    case 'framing-refused':
      return `Check on ${destination} whether Active Directory Web Services runs (ADWS), and whether it is what listens behind ${target}; the network let the question through.`;
    case 'winrm-refused':
      return `Check on ${destination} whether WinRM runs and on what it listens (winrm enumerate winrm/config/listener), or enable it (winrm quickconfig); the network let the question through.`;
    case 'basic-in-clear':
      return `Switch Basic off on ${destination} (winrm set winrm/config/service/auth @{Basic="false"}), or use WinRM over HTTPS (5986) alone.`;
    case 'no-gateway':
      return `Check on ${destination} whether Remote Desktop Gateway is installed and runs (service TSGateway), and that ${target} is not another web server; the network let the question through.`;
    case 'rdp-without-tls':
    case 'rdp-refused':
      return `Look at the security layer and the certificate of remote desktop on ${destination} (group policy: "Require use of specific security layer"); the network let the question through.`;
    case 'anonymous-refused':
      return `Give the RPC ports of ${destination} in the inventory (rpc: {interface: port}), so that they can be asked without the endpoint mapper.`;
    case 'rpc-refused':
      return `Look at the load and the RPC restrictions of ${destination}, and find out what listens behind ${target}; the network let the question through.`;
    case 'negotiation-refused':
      return `Look at the SMB settings of ${destination} (dialects, access by address), or find out what listens behind ${target}; the network let the question through.`;
    case 'name-service-refused':
      return `Find out what listens behind ${target}: Windows and Samba tell their names to anybody who asks.`;
    case 'dialect-old':
      return `Enable a newer SMB dialect on ${destination}.`;
    case 'port-outside-range':
      return `Set the dynamic range of ${destination} back (netsh int ipv4 set dynamicport tcp), or name the fixed port in the inventory (rpc) and open it.`;
    case 'port-translated':
      return `Take the port translation off ${origin} → ${target}: RPC names its ports inside the protocol.`;
    case 'kdc-complaint':
      return `Check whether ${destination} serves the domain of the inventory; the network let the question through.`;
    case 'no-preauthentication':
      return `Clear "Do not require Kerberos preauthentication" on the account ${quote(finding.principal)}; the network let the question through.`;
    case 'other-service':
      return `Find out what listens behind ${target}: a port that is forwarded to a KDC (88) answers so.`;
    case 'ticket-refused':
      return ticketAdvice(finding.errorCode, flow);
    case 'bind-refused':
      return `Look at the directory service log of ${destination}, at its machine account (does every DC have its current key?) and at duplicate service principal names (setspn -X); the network let the bind through.`;
    case 'time-refused':
      return `Look at the restrictions of the time service on ${destination}; the network let the question through.`;
    case 'follow-up':
      return `Run again, and if it repeats, look at the second question's own port and transport: large DNS and Kerberos answers need ${destination} on the same port over TCP.`;
    case 'not-checked':
      return failureAdvice(finding.because, flow);
    case 'not-equipped':
      return `Where tickets are wanted from ${source}: Linux with MIT Kerberos (libgssapi_krb5), and npm install kerberos@7.0.0 where its agent starts. Without, run without --kerberos.`;
    case 'prerequisite':
      return `Repair what ${plain(finding.because)} found, then run again.`;
    case 'not-applicable':
      return `If ${destination} has the feature ${quote(finding.feature)}, say so in the inventory.`;
    case 'no-vantage':
      return `Name a host in the same network that stands for ${source} (standsFor in the inventory), or give it a connector.`;
    case 'field-missing':
      return `Give ${source} its ${word(finding.field)} in the inventory.`;
    case 'name-unknown':
      return finding.proxy === undefined
        ? `Look ${destination} up on ${source} (nslookup, getent hosts), and at the zones and forwarders of its resolver; a VPC endpoint needs private DNS or a zone of its own.`
        : `Correct the proxy ${word(finding.proxy)} in the environment of ${source} (HTTPS_PROXY), or the zone that should hold its name.`;
    case 'name-unsettled':
      return `Look at the resolvers of ${source} and at the way to them (53/udp, 53/tcp), then run again.`;
    case 'proxy-unreachable':
      return `Check that ${word(finding.proxy)} is the right proxy in the environment of ${source} (HTTPS_PROXY, NO_PROXY), that it runs, and that ${origin} → ${word(finding.proxy)}/tcp is allowed.`;
    case 'proxy-silent':
      return `Look for ${destination} in the log of the proxy ${word(finding.proxy)}, and at its own way out.`;
    case 'proxy-refused':
      return finding.status === 407
        ? `Exempt ${destination} from the login at ${word(finding.proxy)}, or give the clients on ${source} credentials for it.`
        : `Ask for ${destination} to be allowed on the proxy ${word(finding.proxy)}, or for an exemption from it (NO_PROXY) where there is a direct way.`;
    default:
      return finding satisfies never;
  }
}

/** True when the advice says to ask that the flow itself be allowed or dropped. */
export function asksForFlow(finding: Finding, { forbidden }: Pick<Flow, 'forbidden'>): boolean {
  switch (finding.code) {
    case 'no-answer':
    case 'rejected':
      return !forbidden && finding.reason !== 'name-unresolved';
    case 'reached-host':
      return finding.interface === undefined;
    case 'forbidden-open':
      return true;
    default:
      return false;
  }
}

function unreachedAdvice(reason: Reason, { source, origin, destination, target, forbidden }: Flow): string {
  if (forbidden)
    return `Make sure that ${destination} is up and has this address, so that a block can be told from a dead host; then compare with what the rule expects.`;
  switch (reason) {
    case 'host-unreach':
      return `Check whether ${destination} is up and has this address; then ask for ${origin} → ${target} to be allowed.`;
    case 'net-unreach':
      return `Look at the routes from ${source} to ${destination} (route tables, VPN, peering); then ask for ${origin} → ${target} to be allowed.`;
    case 'name-unresolved':
      return `Look at the name ${destination} and at the resolver that ${source} uses.`;
    case 'admin-prohibited':
    case 'proto-unreach':
    case 'conn-refused':
    case 'port-unreach':
    case 'reset':
      return `Ask for ${origin} → ${target} to be allowed: find the rejecting rule in the logs of the firewalls on the path.`;
    case 'no-response':
    case 'syn-ack':
    case 'udp-response':
      return `Ask for ${origin} → ${target} to be allowed, and check that the reply direction (to ephemeral ports) is too.`;
    default:
      return reason satisfies never;
  }
}

function failureAdvice(code: Exclude<FailureCode, 'prerequisite' | 'not-equipped'>, { source }: Flow): string {
  switch (code) {
    case 'source-unreachable':
      return `Repair the connector of ${source}, then run again: does its command start Node there? Of a managed node, portmatrix agent doctor says what is missing.`;
    case 'output-lost':
      return `Resume or repeat the run; if it happens again, look at what ends the agent on ${source} (memory, a time limit, an output limit).`;
    case 'source-denied':
      return `Look at the outbound firewall and security software on ${source} itself.`;
    case 'source-exhausted':
      return `Run again with --pace gentle or a smaller --concurrency, or raise the limits of ${source}.`;
    case 'unsupported':
      return `Look at the routes and address families of ${source}, or take the pair out of the plan.`;
    case 'no-credentials':
      return `On ${source}, kinit into a file first (KRB5CCNAME=FILE:/tmp/krb5cc_portmatrix), or run as the machine account with --keytab /etc/krb5.keytab.`;
    case 'interrupted':
      return 'Resume the run.';
    case 'unclassified':
      return 'Report the message to the project, so that it can be told apart next time.';
    default:
      return code satisfies never;
  }
}

function ticketAdvice(errorCode: number, { source, destination }: Flow): string {
  switch (errorCode) {
    case 7:
      return `Compare the DNS name of ${destination} in the inventory with its own, then look for its service principal names (setspn -L).`;
    case 14:
      return `Compare the encryption types that ${source} and ${destination} allow (msDS-SupportedEncryptionTypes); the network let the question through.`;
    case 37:
      return `Look at the time source of ${destination} (w32tm /query /status) and of ${source}: Kerberos refuses to work beyond five minutes.`;
    case 29:
    case 31:
    case 41:
      return `Look at the health of ${destination} and its replication (dcdiag, repadmin /showrepl); the network let the question through.`;
    default:
      return `Look at the account whose credentials ${source} used, and whether ${destination} has it as it is now (repadmin /showobjmeta); the network let the question through.`;
  }
}
