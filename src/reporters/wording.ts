/** The only place with words: codes in, one sentence out. What a peer said is quoted, cut and made harmless here. */
import type { FailureCode, Reason, ServiceStatus } from '../../agent/contract/outcome.ts';
import type { Transport } from '../../agent/contract/probe.ts';
import type { Diagnosis, Load, SourceRecord, Way } from '../report.ts';
import type { Finding, Note, VerdictStatus } from '../verdict.ts';
import { count, list, plain } from './text.ts';

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

/** What a finding means, in one or two true sentences that a firewall engineer would agree with. */
export function findingSentence(finding: Finding, transport: Transport): string {
  switch (finding.code) {
    case 'refused':
    case 'no-answer':
    case 'rejected':
      return reasonSentence(finding.reason, transport);
    case 'wrong-service':
      return `The port is open, but what answers is not the expected service${finding.looksLike === undefined ? '' : `: it looks like ${word(finding.looksLike)}`}. Something else listens there, or a device on the path answers in its place.`;
    case 'service-silent':
      return silenceSentence(finding.status);
    case 'service-absent':
      return finding.interface === undefined
        ? 'The right service answers, and says that what was asked for is not there.'
        : `RPC answers, and says that no ${word(finding.interface)} interface is registered there.`;
    case 'size-lost':
      return `${lossSentence(finding, transport)}${finding.unproven === true ? unprovenSize : ''}`;
    case 'answer-short':
      return `The answer had ${finding.bytes} bytes, fewer than the ${finding.wanted} that it was to have: whether more would get through was not seen.`;
    case 'wrong-host':
      return `Another machine answers than the one meant: its ${identity[finding.what]} is ${quote(finding.actual)}, expected is ${quote(finding.expected)}.`;
    case 'reply-lost':
      return 'The far end received the datagram, but its reply never came back: the way there is open, the way back is not.';
    case 'reached-host':
      if (finding.interface !== undefined) {
        return `The endpoint mapper names no port for ${word(finding.interface)} today, so none was dialled: nothing forbidden got through, and whether a firewall would stop it is not known.`;
      }
      return 'The port is closed but not blocked as the rule wants: something refused. If that was the host, the path is open and only nobody listens today; a firewall that rejects looks the same.';
    case 'no-control':
      if (finding.byName === true) {
        return 'It did not get through, as the rule wants, but no other source of this run got through to the same addresses while this one was heard elsewhere: a server that is down, a source without a route or a name that leads elsewhere look the same.';
      }
      return 'Silence, as the rule wants, but nothing in this run showed that the destination is alive for this source: a dead host looks the same as a firewall that drops.';
    case 'accept-all':
      return 'A port that no service has (the control of this pair) connects too: something on the path completes every handshake, so that a handshake alone proves nothing.';
    case 'forbidden-open':
      return 'This traffic must be blocked, and it got through.';
    case 'uninformative':
      return 'No answer, and silence proves nothing here: a healthy service may leave this question unanswered, and a firewall that drops looks the same.';
    case 'unproven':
      return `The port is open, but the service did not identify itself (${serviceWords[finding.status]}). This probe has not yet been seen to work on the destination's platform, so that proves nothing against the service.`;
    case 'clock-skew':
      return `The destination's clock is ${seconds(Math.abs(finding.offsetMs))} ${finding.offsetMs < 0 ? 'behind' : 'ahead of'} the source's; the limit is ${seconds(finding.limitMs)}.`;
    case 'certificate-expired':
      return `The certificate expired at ${word(finding.notAfter)}.`;
    case 'certificate-not-yet-valid':
      return `The certificate is not valid before ${word(finding.notBefore)}.`;
    case 'certificate-expires-soon':
      return `The certificate expires in ${count(finding.days, 'day')}, at ${word(finding.notAfter)}.`;
    case 'certificate-name':
      return `The certificate is not for ${quote(finding.expected)}: it names ${finding.names.length === 0 ? 'nothing' : quotes(finding.names)}.`;
    case 'certificate-usage':
      return 'The certificate is not meant for server authentication (extended key usage), so clients will not accept it.';
    case 'certificate-untrusted':
      return `The certificate's chain is not trusted: ${word(finding.why)}.${finding.issuer === undefined ? '' : ` It was issued by ${quote(finding.issuer, 120)}.`}`;
    case 'certificate-weak':
      return `The certificate is weaker than the rule allows: ${word(finding.what)}.`;
    case 'tls-old':
      return `The server agrees to nothing newer than ${word(finding.protocol)}.`;
    case 'not-authoritative':
      return "The DNS server answers, but not with authority for the domain: it is not one of the domain's own servers, or does not hold the zone.";
    case 'paused':
      return 'The DC answers, and says that it does not serve clients at the moment (netlogon is paused).';
    case 'not-synchronized':
      return 'The DC answers, and says that its directory is not synchronized yet (isSynchronized is FALSE).';
    case 'global-catalog-not-ready':
      return 'The global catalog answers, and says that it is not ready (isGlobalCatalogReady is FALSE).';
    case 'not-active-directory':
      return 'An LDAP server answers, but not as Active Directory does: a DC shows its rootDSE to anybody, and names its domain there.';
    case 'clock-not-synchronized':
      return 'The time server answers, and says that its own clock is not synchronized, so clients will not use it.';
    case 'clock-local':
      return finding.stratum === 1
        ? 'The time server answers, and takes the time from its own clock (LOCL): nothing keeps it right.'
        : `The time server answers at stratum ${finding.stratum}, so far from any reference clock that it is most likely a local clock which nothing keeps right.`;
    case 'ldap-refused':
      return finding.disconnected === true
        ? `The LDAP server is reached, and announces that it ends the connection (${ldapError(finding.resultCode)}).`
        : `The LDAP server is reached, and refuses to show its rootDSE (${ldapError(finding.resultCode)}), which a healthy DC shows to anybody.`;
    case 'no-srv':
      return 'The DNS server answers, and has no SRV record of any DC of the domain: no client finds a DC through it.';
    case 'dns-failure':
      return `The DNS server answers ${word(finding.rcode)} instead of the records of the domain.`;
    case 'not-registered':
      return `DNS does not list ${quote(finding.name)} as a DC; it lists ${finding.registered.length === 0 ? 'none' : quotes(finding.registered, finding.total)}.`;
    case 'dcs-not-registered':
      return `DNS here does not list ${quotes(finding.names)}, which the inventory has as writable: no client that asks here finds ${finding.names.length === 1 ? 'it' : 'them'}.`;
    case 'read-only-dcs-registered':
      return `DNS lists ${quotes(finding.names)} for the whole domain, and the inventory has ${finding.names.length === 1 ? 'it' : 'them'} as read-only: clients of every site may be sent there.`;
    case 'dcs-not-in-site':
      return `DNS here does not list ${quotes(finding.names)} for the site ${quote(finding.site)}, in which the inventory has ${finding.names.length === 1 ? 'it' : 'them'}: clients of that site do not prefer ${finding.names.length === 1 ? 'it' : 'them'}, and find no read-only DC at all.`;
    case 'unknown-dcs':
      return `DNS lists ${quotes(finding.names)} as ${finding.names.length === 1 ? 'a DC' : 'DCs'} of the domain, and the inventory does not have ${finding.names.length === 1 ? 'it' : 'them'}: clients are sent there, and nothing here was asked of ${finding.names.length === 1 ? 'it' : 'them'}.`;
    case 'dns-disagrees':
      return `The DNS server lists other DCs over TCP than over UDP (only over TCP: ${namesOrNone(finding.onlyTcp)}; only over UDP: ${namesOrNone(finding.onlyUdp)}): two servers answer there, or something on the path does.`;
    case 'dc-registers-unreachable-address':
      return `DNS gives ${quote(finding.name)} the address ${quotes(finding.addresses)}, which this source cannot connect to: whoever is given that address waits, or is turned away.`;
    case 'dc-registers-unknown-address':
      return `DNS gives ${quote(finding.name)} the address ${quotes(finding.addresses)}, which the inventory does not have, and which nobody asked.`;
    case 'wrong-site':
      return siteSentence(finding);
    case 'signing-not-required':
      return 'The SMB server does not require signing, as a DC should.';
    case 'framing-refused':
      return `A .NET service is reached, and refuses to talk about AD Web Services (fault ${word(finding.fault)}).`;
    case 'winrm-refused':
      return finding.status === 404
        ? 'Windows answers HTTP there (http.sys), and says that WinRM is not registered on this port (status 404).'
        : `Windows answers HTTP there (http.sys), and WinRM does not take the question (status ${finding.status}).`;
    case 'basic-in-clear':
      return 'WinRM offers Basic authentication without TLS: whoever logs on with it sends the password in the clear.';
    case 'no-gateway':
      return gatewaySentence(finding.status);
    case 'rdp-without-tls':
      return "The remote desktop server was offered TLS and network level authentication, and chose RDP's own security, by which nobody can tell which server it is.";
    case 'rdp-refused':
      return `The remote desktop server is reached, and takes none of the securities that it was offered (failure ${finding.failure}${rdpFailure(finding.failure)}).`;
    case 'anonymous-refused':
      return 'The endpoint mapper is reached, but refuses questions without a logon, so it cannot be asked for ports.';
    case 'rpc-refused':
      return `The RPC server is reached, and does not take the question: ${word(finding.why)}.`;
    case 'negotiation-refused':
      return finding.status === 'no-dialect'
        ? 'The SMB server is reached, and takes none of the dialects that it was offered.'
        : `The SMB server is reached, and refuses to negotiate (${word(finding.status)}${ntStatus(finding.status)}).`;
    case 'name-service-refused':
      return `A NetBIOS name service answers, and refuses to tell its names (error ${finding.errorCode}), so which machine it is stays unknown.`;
    case 'dialect-old':
      return `The SMB server agrees to nothing newer than dialect ${word(finding.dialect)}.`;
    case 'port-outside-range':
      return `The endpoint mapper names port ${finding.port}, which is outside the range ${word(finding.range)} of the matrix: a firewall that opens that range does not open this port.`;
    case 'port-translated':
      return `Port ${finding.dialled} was dialled, and the RPC server says that it listens on ${finding.actual}: something on the path translates ports, which RPC does not survive.`;
    case 'kdc-complaint':
      return finding.errorCode === 6
        ? `The KDC is reached, and does not know the account that it was asked for (error 6, ${kerberosErrors[6]}): it serves another domain, or the computer has another name than the inventory says.`
        : `The KDC is reached, and answers with error ${finding.errorCode}${kerberosError(finding.errorCode)}.`;
    case 'no-preauthentication':
      return `The KDC is reached, and gives a ticket for ${quote(finding.principal)} without pre-authentication: anybody who reaches this port can ask for one, and try passwords of that account on it offline (AS-REP roasting).`;
    case 'other-service':
      return `Kerberos is spoken, but the refusal is about ${quote(finding.service)} and not about kadmin/changepw: what answers may be a KDC instead of the password-change service.`;
    case 'ticket-refused':
      return `The KDC is reached, and refuses a ticket for ${quote(finding.service)} (${kerberosName(finding.errorCode)})${ticketTroubles[finding.errorCode] ?? ''}.`;
    case 'bind-refused':
      return finding.disconnected === true
        ? `The LDAP server is reached, and announces that it ends the connection (${ldapError(finding.resultCode)}).`
        : `The LDAP server is reached, and refuses a bind with the ticket that its KDC issued for it (${ldapError(finding.resultCode)}).`;
    case 'time-refused':
      return `The time server is reached, and refuses to serve this client (${word(finding.kissCode)}).`;
    case 'follow-up':
      return `The service answered; the second question that its answer led to was not settled: ${word(finding.what)}.`;
    case 'not-checked':
      return `Not checked: ${failureSentence(finding.because)}${finding.message === '' ? '' : ` It says: ${quote(finding.message, 300)}.`}`;
    case 'not-equipped':
      return `Not asked: the source is not equipped for it. It says: ${quote(finding.message, 300)}.`;
    case 'prerequisite':
      return `Not asked: it needs the answer of ${plain(finding.because)}, which did not give it.`;
    case 'not-applicable':
      return `Not asked: the rule applies only to destinations with the feature ${quote(finding.feature)}.`;
    case 'no-vantage':
      return 'Not asked: nothing can look from this source (its connector is none).';
    case 'field-missing':
      return `Not asked: the name of the destination holds the source's ${word(finding.field)}, and the inventory names none.`;
    case 'name-unknown':
      return `${finding.proxy === undefined ? "The source's resolver" : `The environment sends this through the proxy ${word(finding.proxy)}, and the source's resolver`} knows no address for the name, so nothing was dialled.`;
    case 'name-unsettled':
      return `${finding.proxy === undefined ? "The source's resolver" : `The environment sends this through the proxy ${word(finding.proxy)}, and the source's resolver`} did not say which addresses the name has (${word(finding.why)}), so nothing was dialled: that says nothing of the destination.`;
    case 'proxy-unreachable':
      return `The environment of the source sends this through the proxy ${word(finding.proxy)}, which was not reached: ${proxyReasons[finding.reason]}. The endpoint itself was not asked.`;
    case 'proxy-silent':
      return finding.status === 'malformed'
        ? `The environment of the source sends this through ${word(finding.proxy)}, and what answers there is no HTTP proxy.`
        : `The proxy ${word(finding.proxy)} took the connection and gave no answer to CONNECT (${serviceWords[finding.status]}): it hangs, or it waits for an endpoint that it cannot reach.`;
    case 'proxy-refused':
      return `The proxy ${word(finding.proxy)} did not open the way: ${proxyAnswer(finding.status)}.${finding.withheld === true ? ' The environment has credentials for it, which portmatrix never sends: programs that do may get through.' : ''} The endpoint itself was not asked.`;
    default:
      return finding satisfies never;
  }
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

/** What a note means, in one sentence. */
export function noteSentence(note: Note): string {
  switch (note) {
    case 'handshake-only':
      return 'Only the TCP handshake was looked at: that the port is open is proven, which service answers is not.';
    case 'quic-only':
      return 'A QUIC endpoint answers; which service is behind it was not looked at, as that takes a TLS handshake.';
    case 'firewall-may-refuse':
      return 'A firewall that rejects looks the same as a port where nobody listens.';
    case 'rejections-limited':
      return 'Rejections were still arriving late (a rate limit holds them back), so silence may be a rejection that did not arrive in time.';
    case 'retried':
      return 'It took more than one attempt: packets are lost on the path, or the destination is slow.';
    case 'source-cannot-see-udp-refusals':
      return 'This source cannot see a refusal over UDP (Windows hides it), so silence may be a closed port.';
    case 'from-another-port':
      return 'The question did not come from the port on which some servers want to be asked (138): the source may not have it, or somebody else holds it there.';
    case 'legacy':
      return 'The rule serves old systems only.';
    case 'identity-not-compared':
      return 'The answer did not say which machine it comes from, so that was not compared.';
    default:
      return note satisfies never;
  }
}

/** Why a check could not be made, in one sentence. None of them says anything about the network between source and destination. */
export function failureSentence(code: FailureCode): string {
  switch (code) {
    case 'source-unreachable':
      return 'the agent could not be started on the source.';
    case 'output-lost':
      return 'the agent started on the source, and this result never came back.';
    case 'source-denied':
      return "the source's own policy (its firewall or its privileges) forbade the packet.";
    case 'source-exhausted':
      return 'the source ran out of descriptors, ports or buffers.';
    case 'unsupported':
      return 'the source cannot do this: it has no route to the address, or no such protocol.';
    case 'interrupted':
      return 'the run was stopped first.';
    case 'not-equipped':
      return 'the source lacks the software that it takes.';
    case 'no-credentials':
      return 'the source has no Kerberos credentials that could be used.';
    case 'prerequisite':
      return 'another check, whose answer it needs, did not give it.';
    case 'unclassified':
      return 'an error came up that portmatrix does not know.';
    default:
      return code satisfies never;
  }
}

/** A cause that no single check can see, in one or two sentences. */
export function diagnosisSentence(diagnosis: Diagnosis): string {
  switch (diagnosis.code) {
    case 'nothing-answers':
      return `${plain(diagnosis.source)} → ${plain(diagnosis.destination)}: nothing came back to any of ${count(diagnosis.checks, 'check')}. The host is down, its address is wrong, or the whole path is shut; look at that before single ports.`;
    case 'destination-silent':
      return `${plain(diagnosis.destination)}: none of ${count(diagnosis.sources, 'source')} got anything from it. The host is down, its address is wrong, or a firewall before it shuts everything out.`;
    case 'dynamic-range-shut':
      return `${plain(diagnosis.source)} → ${plain(diagnosis.destination)}: the endpoint mapper (135/tcp) answers, and every port that it names is silent. The dynamic RPC range (49152-65535/tcp, unless fixed ports are set) is shut: "The RPC server is unavailable".`;
    case 'udp-shut':
      return `${plain(diagnosis.source)} → ${plain(diagnosis.destination)}: TCP gets through and no UDP does. A rule for UDP, or for its replies, is missing.`;
    case 'black-hole':
      return `${pairOf(diagnosis)}: large packets are lost ${wayWords[diagnosis.way]}, and nothing says so (an MTU black hole): ${limitsOf(diagnosis)}. ${
        diagnosis.lost.transport === 'tcp'
          ? 'A link carries less than both ends believe, or a device on the path stops at long exchanges.'
          : 'A link carries less than both ends believe.'
      } ${tellTheEnds}${unprovenOf(diagnosis)}`;
    case 'fragments-dropped':
      return `${pairOf(diagnosis)}: datagrams that travel in fragments are lost ${wayWords[diagnosis.way]}: ${limitsOf(diagnosis)}. A firewall drops fragments, which breaks Kerberos over UDP as soon as a ticket is large: allow them, or let Kerberos use TCP alone. (Where the sender's own link carries more than 1500 bytes, this may be an MTU black hole.)${unprovenOf(diagnosis)}`;
    case 'mss-clamped':
      return `${pairOf(diagnosis)}: large datagrams are lost on the way there, while those in fragments pass, and so does TCP (${diagnosis.tcp} bytes): ${limitsOf(diagnosis)}. A link carries less than both ends believe, and TCP alone is kept small enough, as by a clamped MSS. ${allowIcmp}, or let Kerberos use TCP alone.${unprovenOf(diagnosis)}`;
    case 'datagrams-limited':
      return `${pairOf(diagnosis)}: large datagrams are lost on the way there, in fragments or not, and TCP passes (${diagnosis.tcp} bytes): ${limitsOf(diagnosis)}. Either fragments are dropped before a link that carries less, or that link says nothing and TCP alone is kept small enough (a clamped MSS): from here the two look the same. ${allowIcmp}, and fragments, or let Kerberos use TCP alone.${unprovenOf(diagnosis)}`;
    case 'mtu-learned':
      return `${pairOf(diagnosis)}: a link carries less than the source believed, said so (ICMP), and the source learned it: ${loadWords(diagnosis.passed)} then passed in fragments. Nothing to repair, as long as this ICMP and fragments stay allowed.`;
    default:
      return diagnosis satisfies never;
  }
}

const wayWords = { there: 'on the way there', back: 'on the way back', both: 'both ways' } as const satisfies Readonly<Record<Way, string>>;

const allowIcmp = 'Allow ICMP "fragmentation needed" (type 3 code 4; ICMPv6 type 2) on the whole path';
const tellTheEnds = `${allowIcmp}, or clamp the TCP MSS where the narrow link begins and let Kerberos use TCP alone.`;

const unprovenSize =
  " That this service answers large questions has not been seen on the destination's platform, so it may also be the service's own doing.";

function unprovenOf({ unproven }: { readonly unproven?: true }): string {
  return unproven === true ? unprovenSize : '';
}

function pairOf({ source, destination }: { readonly source: string; readonly destination: string }): string {
  return `${plain(source)} → ${plain(destination)}`;
}

/** The largest payload that passed and the smallest that did not. */
function limitsOf({ lost, passed }: { readonly lost: Load; readonly passed?: Load }): string {
  return `${passed === undefined ? 'small ones pass' : `${loadWords(passed)} passed`}, ${loadWords(lost)} did not`;
}

function loadWords({ transport, bytes }: Load): string {
  return `${bytes} bytes over ${transport.toUpperCase()}`;
}

function lossSentence({ of, bytes }: Extract<Finding, { readonly code: 'size-lost' }>, transport: Transport): string {
  if (of === 'reply') return `A short answer came back, and one of ${bytes} bytes or more did not, or not all of it.`;
  return transport === 'udp'
    ? `The same question in a small packet was answered, and in one of ${bytes} bytes it was not.`
    : `The same question in a small packet was answered, and with ${bytes} bytes it was not, though the connection was made.`;
}

/** Pairs that were kept apart for one reason, in one sentence. */
export function exclusionSentence(reason: string, pairs: readonly { readonly source: string; readonly destination: string }[]): string {
  const names = list(
    pairs.map(({ source, destination }) => `${source} → ${destination}`),
    4,
  );
  return `Not asked (${reason}): ${names}.`;
}

/** What became of a source that did not report, in one sentence. */
export function sourceSentence(source: SourceRecord): string {
  const why = source.message === undefined ? '' : ` It says: ${quote(source.message, 300)}.`;
  switch (source.state) {
    case 'reported':
      return `${plain(source.name)} reported.`;
    case 'lost':
      return `${plain(source.name)}: its agent started and did not finish, so what is missing is an error, not a finding.${why}`;
    case 'unreachable':
      return `${plain(source.name)}: its agent could not be started, so nothing was looked at from there.${why}`;
    case 'no-vantage':
      return `${plain(source.name)}: nothing can look from there (connector none), so its checks are skipped.${why}`;
    default:
      return source.state satisfies never;
  }
}

/** That sources left out evidence, in one sentence. */
export function partialSentence(names: readonly string[]): string {
  return `Not all that ${list(names, 4)} saw fitted the way back: of ports that answered, some evidence is not in this report. Nothing was judged by what is missing.`;
}

/** What breaks when a rule's traffic is blocked: a short phrase for a symptom code; a code nobody knows reads as it is written. */
export function symptomPhrase(code: string): string {
  return symptoms[code] ?? plain(code.replaceAll('-', ' '), 40);
}

/** A verdict, in the one word that stands before its finding. */
export const verdictWords = {
  pass: 'PASS',
  fail: 'FAIL',
  warn: 'WARN',
  inconclusive: 'INCONCLUSIVE',
  error: 'ERROR',
  skip: 'SKIP',
} as const satisfies Readonly<Record<VerdictStatus, string>>;

/** The heading over all results of one verdict. */
export const sectionTitles = {
  pass: 'Passes with notes',
  fail: 'Failures',
  warn: 'Warnings',
  inconclusive: 'Inconclusive',
  error: 'Errors: not looked at, so nothing is known',
  skip: 'Skipped',
} as const satisfies Readonly<Record<VerdictStatus, string>>;

function reasonSentence(reason: Reason, transport: Transport): string {
  switch (reason) {
    case 'conn-refused':
      return 'Something refused the connection. Nobody listens on the port, or a firewall rejects: from the source both look the same.';
    case 'port-unreach':
      return 'Something refused the datagram (ICMP port unreachable). Nobody listens on the port, or a firewall rejects: from the source both look the same.';
    case 'reset':
      return 'Something reset the connection while it was being set up: the destination, or a device on the path.';
    case 'no-response':
      return transport === 'tcp'
        ? 'Neither an answer nor a refusal came back: the SYN or its answer is dropped on the way, or no live host has the address.'
        : 'Neither an answer nor a refusal came back: the datagram or its reply is dropped on the way, the service does not answer, or no live host has the address.';
    case 'host-unreach':
      return 'The host is unreachable: a router or firewall says so by ICMP, or nobody has the address on its network (ARP).';
    case 'net-unreach':
      return 'The network is unreachable: a router on the path has no route, or a firewall answers so.';
    case 'proto-unreach':
      return `ICMP protocol unreachable came back: a device says that the address takes no ${transport.toUpperCase()}, which in practice is a firewall's rejection.`;
    case 'admin-prohibited':
      return 'ICMP says that the traffic is prohibited: a firewall or an access list on the path rejects it.';
    case 'name-unresolved':
      return 'The name could not be resolved on the source, so no address was dialled.';
    case 'syn-ack':
    case 'udp-response':
      return 'The port answered.';
    default:
      return reason satisfies never;
  }
}

/** Why a proxy was not reached, in the middle of a sentence. */
const proxyReasons = {
  'conn-refused': 'something refused the connection',
  'port-unreach': 'something refused the connection',
  reset: 'something reset the connection',
  'no-response': 'neither an answer nor a refusal came back',
  'host-unreach': 'its host is unreachable',
  'net-unreach': 'its network is unreachable',
  'proto-unreach': 'a device on the way rejects it',
  'admin-prohibited': 'a firewall on the way rejects it',
  'name-unresolved': 'its name could not be resolved',
  'syn-ack': 'it answered and was not understood',
  'udp-response': 'it answered and was not understood',
} as const satisfies Readonly<Record<Reason, string>>;

function proxyAnswer(status: number): string {
  switch (status) {
    case 403:
      return 'it forbids this destination (403)';
    case 407:
      return 'it asks for a login (407)';
    case 502:
    case 503:
    case 504:
      return `it says that it cannot reach the destination (${status})`;
    default:
      return `it answers ${status}`;
  }
}

function silenceSentence(status: ServiceStatus): string {
  switch (status) {
    case 'silent':
      return 'The port is open, and then nothing more came: the service hangs, or a device on the path completed the handshake and swallows the data.';
    case 'disconnected':
      return 'The port is open, and the connection was ended before an answer: by the service, or by a device that inspects the traffic.';
    case 'tls-failed':
      return 'The port is open, and the TLS handshake broke: the service has no usable certificate, or a device on the path interferes.';
    case 'identified':
    case 'absent':
    case 'malformed':
      return `The port is open, and the service gave no usable answer (${serviceWords[status]}).`;
    default:
      return status satisfies never;
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

const identity = { domain: 'domain', name: 'name', guid: 'domain GUID' } as const;

const serviceWords = {
  identified: 'identified',
  absent: 'not there',
  malformed: 'not understood',
  silent: 'silent',
  disconnected: 'it hung up',
  'tls-failed': 'TLS failed',
} as const satisfies Readonly<Record<ServiceStatus, string>>;

/** The codes of the published matrices; those of other people's matrices read as they are written. */
const symptoms: Readonly<Record<string, string>> = {
  'agent-updates': 'updates of the SSM Agent',
  'amazon-q': 'Amazon Q Developer',
  'cli-sign-in': 'sign-in of the AWS CLI and SDKs',
  'ad-powershell': 'the AD PowerShell module',
  'dc-not-found': 'finding a DC',
  'domain-join': 'domain join',
  'file-access': 'file shares',
  'group-policy': 'group policy',
  'legacy-names': 'NetBIOS names',
  logon: 'logon',
  'name-resolution': 'name resolution',
  'not-managed': 'registration with Systems Manager',
  'password-change': 'password change',
  'remote-desktop': 'remote desktop',
  'remote-management': 'remote management',
  patching: 'Patch Manager',
  provisioning: 'provisioning of users and groups',
  replication: 'replication',
  'rpc-unavailable': '"The RPC server is unavailable"',
  'run-command': 'Run Command',
  'secure-ldap': 'LDAP over TLS',
  'session-logs': 'logs of sessions and commands',
  'session-manager': 'Session Manager',
  'sign-in': 'sign-in to AWS',
  'state-manager': 'State Manager',
  'time-skew': 'clock skew',
  trust: 'trusts',
  'vss-snapshots': 'VSS snapshots',
  'universal-groups': 'universal groups at logon',
};

/** Names of the KDC's errors that a probe is likely to meet (RFC 4120 §7.5.9, [MS-KILE] 2.2.1). */
const kerberosErrors: Readonly<Record<number, string>> = {
  6: 'KDC_ERR_C_PRINCIPAL_UNKNOWN',
  7: 'KDC_ERR_S_PRINCIPAL_UNKNOWN',
  12: 'KDC_ERR_POLICY',
  14: 'KDC_ERR_ETYPE_NOSUPP',
  18: 'KDC_ERR_CLIENT_REVOKED',
  23: 'KDC_ERR_KEY_EXPIRED',
  24: 'KDC_ERR_PREAUTH_FAILED',
  25: 'KDC_ERR_PREAUTH_REQUIRED',
  29: 'KDC_ERR_SVC_UNAVAILABLE',
  31: 'KRB_AP_ERR_BAD_INTEGRITY',
  32: 'KRB_AP_ERR_TKT_EXPIRED',
  37: 'KRB_AP_ERR_SKEW',
  41: 'KRB_AP_ERR_MODIFIED',
  52: 'KRB_ERR_RESPONSE_TOO_BIG',
  60: 'KRB_ERR_GENERIC',
  61: 'KRB_ERR_FIELD_TOOLONG',
  68: 'KDC_ERR_WRONG_REALM',
};

/** What the KDC's refusal of a ticket means, where its name does not say it. */
const ticketTroubles: Readonly<Record<number, string>> = {
  6: ': it does not know the account whose credentials were used',
  7: ': it knows no such service, so no client can authenticate to it',
  14: ': they have no encryption type in common',
  18: ': the account whose credentials were used is disabled, expired or locked',
  23: ': the password of the account whose credentials were used has expired',
  24: ': the key of the source is not the one that this KDC has for the account',
  31: ': it cannot read the ticket-granting ticket, which another KDC of the domain issued',
  41: ': it cannot read the ticket-granting ticket, which another KDC of the domain issued',
  32: ': the ticket-granting ticket has ended by its clock',
  37: ': its clock and that of the source differ too much',
};

function kerberosError(code: number): string {
  const name = kerberosErrors[code];
  return name === undefined ? '' : ` (${name})`;
}

function kerberosName(code: number): string {
  const name = kerberosErrors[code];
  return name === undefined ? `error ${code}` : `error ${code}, ${name}`;
}

/** Names of the results that a rootDSE search or a bind is likely to end with (RFC 4511 §4.1.9). */
const ldapErrors: Readonly<Record<number, string>> = {
  1: 'operationsError',
  2: 'protocolError',
  3: 'timeLimitExceeded',
  7: 'authMethodNotSupported',
  8: 'strongerAuthRequired',
  11: 'adminLimitExceeded',
  32: 'noSuchObject',
  49: 'invalidCredentials',
  51: 'busy',
  52: 'unavailable',
  80: 'other',
};

function ldapError(code: number): string {
  const name = ldapErrors[code];
  return name === undefined ? `error ${code}` : `error ${code}, ${name}`;
}

/** Names of the refusals that an SMB server is likely to give ([MS-ERREF] 2.3.1). */
const ntStatuses: Readonly<Record<string, string>> = {
  '0xc000000d': 'STATUS_INVALID_PARAMETER',
  '0xc0000022': 'STATUS_ACCESS_DENIED',
  '0xc00000bb': 'STATUS_NOT_SUPPORTED',
  '0xc0000205': 'STATUS_INSUFF_SERVER_RESOURCES',
};

function ntStatus(status: string): string {
  const name = ntStatuses[status];
  return name === undefined ? '' : `, ${name}`;
}

/** Names of the failures of RDP's negotiation ([MS-RDPBCGR] 2.2.1.2.2). */
const rdpFailures: Readonly<Record<number, string>> = {
  1: 'SSL_REQUIRED_BY_SERVER',
  2: 'SSL_NOT_ALLOWED_BY_SERVER',
  3: 'SSL_CERT_NOT_ON_SERVER',
  4: 'INCONSISTENT_FLAGS',
  5: 'HYBRID_REQUIRED_BY_SERVER',
  6: 'SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER',
};

function rdpFailure(code: number): string {
  const name = rdpFailures[code];
  return name === undefined ? '' : `, ${name}`;
}

function gatewaySentence(status: number): string {
  if (status === 401)
    return 'A web server asks for a logon, but not as a Remote Desktop Gateway does (Negotiate or NTLM), so that it may be another.';
  return status >= 500 && status !== 501
    ? `A web server answers for the Remote Desktop Gateway, and says that it does not serve now (status ${status}).`
    : `A web server answers, and has no Remote Desktop Gateway (of Windows Server 2012 or later): it answers with status ${status}.`;
}

function siteSentence({ whose, expected, actual }: Extract<Finding, { readonly code: 'wrong-site' }>): string {
  if (whose === 'dc') return `The DC says that it stands in the site ${quote(actual)}, and the inventory has it in ${quote(expected)}.`;
  const found = actual === '' ? 'in no site at all, since AD has no subnet for its address' : `in the site ${quote(actual)}`;
  return `The DC sees this source ${found}, and the inventory has it in ${quote(expected)}: its clients may use DCs that are far away.`;
}

function namesOrNone(names: readonly string[]): string {
  return names.length === 0 ? 'none' : quotes(names);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

function word(text: string): string {
  return plain(text, 120);
}

function quote(text: string, longest = 80): string {
  return `"${plain(text, longest)}"`;
}

/** Up to five or six texts, and how many more there are of `total`. */
function quotes(texts: readonly string[], total = texts.length): string {
  const most = 5;
  const quoted = texts.map((text) => quote(text));
  return total === texts.length ? list(quoted, most) : `${quoted.slice(0, most).join(', ')} and ${total - Math.min(most, quoted.length)} more`;
}
