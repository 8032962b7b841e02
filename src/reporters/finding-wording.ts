/** Words for findings: a code with its arguments in, one or two sentences out. What a peer said is quoted, cut and made harmless. */
import type { Transport } from '../../agent/contract/probe.ts';
import type { Finding } from '../verdict.ts';
import { lossSentence, unprovenSize } from './diagnosis-wording.ts';
import { kerberosError, kerberosName, ldapError, ntStatus, rdpFailure } from './error-names.ts';
import { namesOrNone, quote, quotes, seconds, word } from './quotes.ts';
import { failureSentence, proxyAnswer, proxyReasons, reasonSentence, serviceWords, silenceSentence } from './reason-wording.ts';
import { count, plain } from './text.ts';

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
        ? `The KDC is reached, and does not know the account that it was asked for (${kerberosName(6)}): it serves another domain, or the computer has another name than the inventory says.`
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

const identity = { domain: 'domain', name: 'name', guid: 'domain GUID' } as const;

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
