/** The words of a preflight: codes in, one sentence out. What a peer said is made harmless here. */
import type {
  Conclusion,
  EndpointConclusion,
  EndpointStep,
  Endpoints,
  LocatorFinding,
  Obstacle,
  Prediction,
  Skipped,
} from '../preflight/conclusion.ts';
import { count, list, plain } from './text.ts';

/** The conclusion in one line, as people say it. */
export function decisionWords({ decision, inboundUntested }: Pick<Conclusion, 'decision' | 'inboundUntested'>): string {
  const half = inboundUntested === undefined ? '' : ` (outbound only; inbound from ${count(inboundUntested, 'DC')} untested)`;
  switch (decision) {
    case 'go':
      return `GO${half}`;
    case 'go-with-warnings':
      return `GO with warnings${half}`;
    case 'no-go':
      return 'NO-GO';
    case 'undecided':
      return 'undecided';
    default:
      return decision satisfies never;
  }
}

const aims = {
  'join-windows': 'a domain join from Windows',
  'join-linux': 'a domain join from Linux',
  trust: 'a trust',
  'ad-connector': 'AD Connector',
  promote: 'a promotion to domain controller',
  ssm: 'Systems Manager',
} as const satisfies Readonly<Record<Conclusion['purpose'], string>>;

/** What for: `a domain join from Windows, corp.example.com`, `a trust, corp.example.com with partner.example.com`. */
export function aimWords({ purpose, domain, trusted, endpoints }: Pick<Conclusion, 'purpose' | 'domain' | 'trusted' | 'endpoints'>): string {
  return `${aims[purpose]}, ${plain(domain ?? endpoints?.region ?? '')}${trusted === undefined ? '' : ` with ${plain(trusted.domain)}`}`;
}

const windowsErrors: Readonly<Record<string, string>> = {
  '0x54B': '"The specified domain either does not exist or could not be contacted" (1355)',
  '0x232B': '"DNS name does not exist" (9003)',
  '0xA8B': '"An attempt to resolve the DNS name of a domain controller in the domain being joined has failed" (2699)',
  '0x3A': '"The specified server cannot perform the requested operation" (58)',
  '0x35': '"The network path was not found" (53)',
  '0x40': '"The specified network name is no longer available" (64)',
  '0x576': '"There is a time and/or date difference between the client and server" (1398)',
  '0x6BA': '"The RPC server is unavailable" (1722)',
  '0x6D9': '"There are no more endpoints available from the endpoint mapper" (1753), or 0x6BA "The RPC server is unavailable" (1722)',
  '0x6BF': '"The remote procedure call failed and did not execute" (1727)',
};

const adcliErrors: Readonly<Partial<Record<Prediction['step'], string>>> = {
  dns: "Couldn't find usable domain controller to connect to",
  srv: "Couldn't find usable domain controller to connect to",
  address: "Couldn't find usable domain controller to connect to",
  locator: "Couldn't find usable domain controller to connect to",
  ldap: "Couldn't connect to host: …: Connection timed out",
  kerberos: "Couldn't get kerberos ticket for: …: Cannot contact any KDC for realm …",
  clock: "Couldn't get kerberos ticket for: …: Clock skew too great",
  kpasswd: "Couldn't set password for computer account: …: Cannot contact any KDC for requested realm",
};

const connectorErrors: Readonly<Partial<Record<Prediction['step'], string>>> = {
  dns: 'DNS unavailable (TCP port 53)',
  srv: 'SRV record for LDAP does not exist',
  address: 'DNS unavailable (TCP port 53)',
  locator: 'LDAP unavailable',
  ldap: 'LDAP unavailable (TCP port 389)',
  kerberos: 'Kerberos/authentication unavailable (TCP port 88)',
};

/** Ends of the SSM Agent's "RequestError: send request failed", as its issues show them and Go's net/http words them. */
const agentErrors = {
  name: 'dial tcp: lookup … : no such host',
  'name-silence': 'dial tcp: lookup … : i/o timeout',
  proxy: 'proxyconnect tcp: dial tcp …',
  'proxy-refused': 'the status of the proxy, like Forbidden or Proxy Authentication Required',
  connect: 'dial tcp …:443: i/o timeout',
  'connect-refused': 'dial tcp …:443: connect: connection refused',
  unreachable: 'dial tcp …:443: connect: no route to host',
  tls: 'EOF, connection reset by peer, or TLS handshake timeout',
  authority: 'x509: certificate signed by unknown authority',
  'certificate-name': 'x509: certificate is valid for …, not …',
  'certificate-time': 'x509: certificate has expired or is not yet valid',
} as const satisfies Readonly<Record<EndpointStep, string>>;

const attempts: Readonly<Partial<Record<Conclusion['purpose'], string>>> = { promote: 'a real promotion', trust: 'making the trust' };

/** What a real attempt would likely say. */
export function predictionSentence({ step, code }: Prediction, { purpose, decision }: Pick<Conclusion, 'purpose' | 'decision'>): string {
  const likely = decision === 'undecided' ? 'If what stayed open fails, the likely error' : 'Likely error';
  if (code === 'ssm-agent')
    return `${likely} in the log of the SSM Agent: "RequestError: send request failed", caused by: ${isEndpointStep(step) ? agentErrors[step] : plain(step)}.`;
  if (code === 'adcli') return `${likely} of adcli or realm join: "${adcliErrors[step] ?? 'Joining the domain failed'}".`;
  if (code === 'ad-connector') return `${likely} of AD Connector: "Connectivity issues detected: ${connectorErrors[step] ?? 'unavailable ports'}".`;
  return `${likely} of ${attempts[purpose] ?? 'a real join'}: ${plain(code, 20)} ${windowsErrors[code] ?? ''}`.trimEnd().concat('.');
}

function isEndpointStep(step: Prediction['step']): step is EndpointStep {
  return Object.hasOwn(agentErrors, step);
}

/** The way to the endpoints, in one or two sentences. */
export function wayWords({ proxies, isDirect }: Endpoints): string {
  if (proxies.length === 0) return isDirect ? 'directly: the environment names no proxy for them' : '';
  const through = `through the proxy ${list(
    proxies.map((proxy) => plain(proxy, 120)),
    2,
  )}${isDirect ? ', and some directly' : ''}`;
  return `${through}, as the environment of this process says; the SSM Agent is a service and has an environment of its own`;
}

/** An endpoint that is not ready, or worth a look: `s3.eu-central-1.amazonaws.com (optional)  not ready: no-answer`. */
export function endpointWords({ name, isRequired, state, finding }: EndpointConclusion): string {
  const words = { ready: 'ready', 'not-ready': 'not ready', undecided: 'undecided' } as const;
  return `${plain(name)}${isRequired ? '' : ' (optional)'}  ${words[state]}${finding === undefined ? '' : `: ${finding}`}`;
}

/** One sentence about finding the DCs. */
export function locatorSentence(finding: LocatorFinding): string {
  switch (finding.code) {
    case 'no-resolver':
      return 'This host has no resolver, so nobody could be asked for the domain (--dns-server names one).';
    case 'resolver-silent':
      return `The resolver ${plain(finding.resolver)} does not answer.`;
    case 'resolver-refused':
      return `The resolver ${plain(finding.resolver)} refuses: nobody serves DNS there, or a firewall rejects.`;
    case 'resolver-not-asked':
      return `The resolver ${plain(finding.resolver)} could not be asked: ${plain(finding.message)}.`;
    case 'no-srv':
      return `The resolver ${plain(finding.resolver)} answers, and knows no DC of ${finding.domain === undefined ? 'the domain' : plain(finding.domain)} (${finding.rcode === 'NOERROR' ? 'no SRV record' : plain(finding.rcode, 20)}).`;
    case 'resolvers-disagree':
      return `The resolvers disagree: ${difference(finding.resolver, finding.only, finding.missing)}, unlike ${plain(finding.other)}. A host turns to its next resolver only when one is silent, never because of what it says.`;
    case 'no-address':
      return `DNS gives no address for ${list(
        finding.names.map((name) => plain(name)),
        4,
      )}.`;
    case 'no-site':
      return 'This host is in no AD site: its subnet is missing in AD, so it may be sent to any DC, however far.';
    case 'site-uncovered':
      return `No DC serves the site ${plain(finding.site)} of this host, so it may be sent to any DC.`;
    case 'no-ping':
      return `No DC${finding.domain === undefined ? '' : ` of ${plain(finding.domain)}`} answers the LDAP ping (389/udp), without which the locator takes none of them.`;
    case 'left-out':
      return `${count(finding.names, 'more name')} or addresses of DCs than are looked at.`;
    case 'address-not-ready':
      return `${plain(finding.name)} is ready at another address, and not at ${plain(finding.address)}: who picks that one waits, or fails.`;
    case 'clocks-disagree':
      return `The clocks of ${plain(finding.dc)} are ${(finding.spreadMs / 1_000).toFixed(0)} s apart: there are different hosts behind one address.`;
    case 'no-pdc':
      return `Neither DNS nor a DC says which DC is the PDC emulator of ${plain(finding.domain)}, and a trust is made with that one.`;
    case 'not-the-pdc':
      return `A trust is made from the PDC emulator, ${plain(finding.pdc)}: from there the way may be another than from this host.`;
    case 'no-way-back':
      return `The name server ${plain(finding.resolver)} of the other domain knows no DC of ${plain(finding.domain)} (${finding.rcode === 'NOERROR' ? 'no SRV record' : plain(finding.rcode, 20)}): a conditional forwarder is missing there, or does not work.`;
    case 'way-back-untold':
      return `Whether the other domain finds ${plain(finding.domain)} is open: no name server at ${plain(finding.resolver)} tells this host. Ask there: nslookup -type=srv _ldap._tcp.pdc._msdcs.${plain(finding.domain)}.`;
    default:
      return finding satisfies never;
  }
}

function difference(resolver: string, only: readonly string[], missing: readonly string[]): string {
  const names = (dcs: readonly string[]): string =>
    list(
      dcs.map((name) => plain(name)),
      4,
    );
  const parts = [...(only.length > 0 ? [`names ${names(only)}`] : []), ...(missing.length > 0 ? [`does not name ${names(missing)}`] : [])];
  return `${plain(resolver)} ${parts.join(' and ')}`;
}

/** `7 checks skipped because the locator failed`. */
export function skippedSentence({ because, checks, perDc }: Skipped): string {
  const step = because === 'dns' ? 'DNS named no DC' : because === 'address' ? 'DNS gave no address' : `${plain(because, 60)} failed`;
  return `${count(checks, 'check')}${perDc === true ? ' of each DC' : ''} skipped because ${step}.`;
}

/** `389/tcp ldap no-answer`, each once; RPC interfaces that share a fate share the words. */
export function obstacleWords(obstacles: readonly Obstacle[]): readonly string[] {
  const alike = Map.groupBy(obstacles, ({ rule, port, finding }) => `${plain(port, 30)} ${plain(rule, 40)} ${finding}`);
  return [...alike].map(([words, members]) => {
    const interfaces = members.flatMap((member) => (member.interface === undefined ? [] : [plain(member.interface, 20)]));
    return interfaces.length === 0 ? words : `${words} (${interfaces.join(', ')})`;
  });
}
