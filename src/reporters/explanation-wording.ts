/** The words of an explanation: what is asked and why, what an answer means, and how to ask by hand. */
import type { Observed, Reason, ServiceStatus, State } from '../../agent/contract/outcome.ts';
import { type ProbeName, traitsOf, type Transport } from '../../agent/contract/probe.ts';
import type { Rule } from '../rule.ts';
import { bracketed } from './evidence.ts';
import { questions } from './question-wording.ts';
import { seenAnswering } from './seen.ts';
import { plain } from './text.ts';

/** Where a question by hand goes. `host` and `domain` may be placeholders. */
export interface Place {
  readonly host: string;
  readonly domain: string;
  /** `389`, or a range of which one port is meant. */
  readonly port: string;
  readonly transport: Transport;
}

/** A way to ask by hand: where it runs, and what is typed there. */
export type ByHand = readonly [where: string, command: string];

/** What goes over the wire, and how far this project knows the answer. */
export function askedSentence(probe: ProbeName): string {
  const seen = seenAnswering(probe).join(' and ');
  const known = traitsOf(probe).identifies
    ? seen === ''
      ? 'not yet seen answered'
      : `seen answered by ${seen}`
    : 'only the port is asked, not the service behind it';
  return `${questions[probe]} (probe ${probe}: ${known})`;
}

/** What it means that nobody answers. */
export function silenceSentence(probe: ProbeName): string {
  return traitsOf(probe).silence === 'failure'
    ? 'a healthy service answers this question, so silence is a fault.'
    : 'a healthy service may leave this question unanswered, so silence decides nothing.';
}

/** What an answer is held against; empty where only the port is asked. */
export function heldAgainst(probe: ProbeName): string {
  return comparisons[probe];
}

const comparisons: Readonly<Record<ProbeName, string>> = {
  tcp: '',
  udp: '',
  dns: 'the zone must be here and with authority, its list that of the inventory’s writable DCs, over TCP as over UDP, and every address that it gives for the destination one that answers',
  cldap:
    'domain, name and GUID must be those of the inventory, the DC must not be paused, and its site and the source’s must be those of the inventory',
  ldap: 'domain and name must be those of the inventory, and the directory in step; on 3268 the global catalog ready; the clock right',
  ldaps: 'the certificate must be valid, for this name, for a server, trusted and strong; then as for LDAP',
  kerberos: 'the realm must be that of the inventory, the account known, and the clock right',
  kpasswd: 'the realm must be that of the inventory',
  ntp: 'the clock must be synchronized, and near the source’s',
  smb: 'signing must be required, the dialect not an old one, and the clock right',
  epm: 'the mapper must take the question and name the ports of the interfaces',
  rpc: 'the interface must be there, on a port within the range of the rule',
  'ldap-ticket': 'the KDC of this DC must issue the ticket',
  'cifs-ticket': 'the KDC of this DC must issue the ticket',
  'ldap-bind': 'the DC must take the ticket',
  netbios: 'the name must be that of the inventory',
  https: 'the certificate must be trusted, valid and for this name; any HTTP status will do; what a proxy refuses is blamed on the proxy',
  'netbios-datagram': 'domain, name and GUID must be those of the inventory, and the DC must not be paused',
  rdp: 'a security protocol must be chosen, and better TLS or CredSSP than RDP’s own',
  adws: 'the preamble must be acknowledged',
  quic: '',
  winrm: 'WinRM must be registered there, and better offer no Basic, which would send passwords in the clear',
  'winrm-tls': 'the certificate must be valid, for this name, for a server, trusted and strong; then WinRM must be registered there',
  rdgw: 'the certificate must be valid, for this name, for a server, trusted and strong; then a gateway must ask for a logon',
};

/** What the traffic is for, and what cannot be done without it. */
export function purposeSentence({ usage, purposes }: Pick<Rule, 'usage' | 'purposes'>): string {
  const uses = usage.map((code) => plain(code.replaceAll('-', ' '), 40)).join(', ');
  const needed = purposes.length === 0 ? '' : `preflight for ${purposes.join(', ')} is NO-GO without it`;
  return [uses, needed].filter((part) => part !== '').join('; ');
}

/** What a rule wants, and what it means when it does not get it. */
export function wantedSentence({ expect, requirement, reverseRequirement, direction, when }: Rule): string {
  const states = expect.join(' or ');
  const back = direction === 'both' && reverseRequirement !== requirement ? `; on the way back it is ${reverseRequirement}` : '';
  const where = when.length === 0 ? '' : ` Asked only where the destination has ${when.join(' and ')}.`;
  return `${states}. ${requirementWords[requirement]}${back}.${where}`;
}

const requirementWords = {
  required: 'Required: anything else fails',
  optional: 'Optional: anything else warns',
  legacy: 'Legacy, for old systems only: anything else warns',
} as const satisfies Readonly<Record<Rule['requirement'], string>>;

/** What came back, as a reader would name it. */
export function sightingWords({ state, reason, service }: Pick<Observed, 'state' | 'reason' | 'service'>, identifies: boolean): string {
  const seen = state === 'open' && service !== undefined ? serviceWords[service.status] : reasonWords(state, reason);
  return `${state}${state === 'open' && !identifies ? '' : `, ${seen}`}`;
}

const serviceWords: Readonly<Record<ServiceStatus, string>> = {
  identified: 'and the service answers in its protocol',
  absent: 'and the service says that it has no such interface',
  malformed: 'and something else answers',
  silent: 'and nothing more comes',
  disconnected: 'and it hangs up before an answer',
  'tls-failed': 'and TLS fails',
};

function reasonWords(state: State, reason: Reason): string {
  if (reason === 'no-response') return 'nothing comes back';
  return state === 'closed' ? `refused (${reason})` : `an ICMP error comes back (${reason})`;
}

/** Under what circumstances a verdict holds, where they decide. */
export const circumstanceWords = {
  usual: '',
  unseen: 'on a platform on which this project has not seen it answered',
  alone: 'where nothing else showed the destination alive to this source',
  unwitnessed: 'where no other source got through to the same addresses',
} as const;

/** The sentence for whoever keeps the firewall. */
export function firewallSentence(rule: Rule, ports: string, source: string, destination: string): string {
  const flow = flowText(ports, source, destination);
  if (!rule.expect.includes('open')) return `Drop ${flow}.`;
  const ranged = rule.probe === 'rpc' ? ' (or only the ports that are fixed on the destination)' : '';
  const both = rule.direction === 'both' ? ', and the same the other way round' : '';
  return `Allow ${flow}${ranged} and the replies${both}. ${repliesSentence}`;
}

/** The flow that a firewall is asked to let through or to drop. */
export function flowText(ports: string, source: string, destination: string): string {
  return `${bracketed(plain(source))}:* → ${bracketed(plain(destination))}:${ports}`;
}

/** What a filter without state has to allow beside a flow. */
export const repliesSentence =
  'A filter without state, such as a network ACL, must allow the replies itself (to 49152-65535 of a Windows source, 32768-60999 of a Linux one).';

/** How a row was published, where the rule differs from it: one phrase a field. */
export function correctionPhrases(rule: Rule, published: Rule, portsOf: (rule: Rule) => string): readonly string[] {
  const fields: readonly (readonly [name: string, text: (one: Rule) => string])[] = [
    ['ports', portsOf],
    ['probe', ({ probe }) => probe],
    ['interfaces', ({ interfaces }) => interfaces.join(', ')],
    ['direction', ({ direction }) => direction],
    ['requirement', ({ requirement }) => requirement],
    ['on the way back', ({ direction, reverseRequirement }) => (direction === 'both' ? reverseRequirement : '')],
    ['when', ({ when }) => when.join(' and ')],
    ['after', ({ after }) => after.join(', ')],
  ];
  return fields
    .filter(([, text]) => text(rule) !== text(published))
    .map(([name, text]) => `${name} ${text(published) || 'none'}, here ${text(rule) || 'none'}`);
}

/** How to ask by hand, on Linux and on Windows; nothing needs a password unless it says so. */
export function byHand(probe: ProbeName, place: Place): readonly ByHand[] {
  return commands[probe](place);
}

/** What no name is: a literal has no place in SNI. */
function isLiteral(host: string): boolean {
  return host.includes(':') || /^[\d.]+$/.test(host);
}

function nmap(host: string): string {
  return host.includes(':') ? 'nmap -6' : 'nmap';
}

const handshake = ({ host, port }: Place): readonly ByHand[] => [
  ['Linux', `nc -vz -w 5 ${host} ${port}`],
  ['Windows', `Test-NetConnection ${host} -Port ${port}`],
];

const datagram = ({ host, port }: Place): readonly ByHand[] => [
  ['Linux', `sudo ${nmap(host)} -sU -Pn --reason -p ${port} ${host}`],
  ['Windows', `portqry -n ${host} -p udp -e ${port}`],
];

const commands: Readonly<Record<ProbeName, (place: Place) => readonly ByHand[]>> = {
  tcp: (place) => [...handshake(place), ['Linux', `${nmap(place.host)} -sT -Pn --reason -p ${place.port} ${place.host}`]],
  udp: datagram,
  dns: ({ host, domain, transport }) => [
    ['Linux', `dig @${host} +norecurse ${transport === 'tcp' ? '+tcp' : '+notcp'} SRV _ldap._tcp.dc._msdcs.${domain}`],
    ['Windows', `Resolve-DnsName -Server ${host}${transport === 'tcp' ? ' -TcpOnly' : ''} -Type SRV _ldap._tcp.dc._msdcs.${domain}`],
  ],
  cldap: ({ host, domain }) => [
    ['Linux', `net ads lookup -S ${host}`],
    ['Linux', `ldapsearch -x -H cldap://${bracketed(host)} -s base -b '' '(&(DnsDomain=${domain})(NtVer=\\06\\00\\00\\00))' netlogon`],
    ['Windows', `nltest /dsgetdc:${domain} /force`],
    ['Windows', `portqry -n ${host} -p udp -e 389`],
  ],
  ldap: ({ host, port }) => [
    ['Linux', `ldapsearch -x -H ldap://${bracketed(host)}:${port} -s base -b '' defaultNamingContext dnsHostName isSynchronized`],
    ['Windows', `Test-NetConnection ${host} -Port ${port}`],
    ['Windows', `portqry -n ${host} -p tcp -e ${port}`],
  ],
  ldaps: ({ host, port }) => [
    ['Linux', `openssl s_client -connect ${bracketed(host)}:${port}${isLiteral(host) ? '' : ` -servername ${host}`} -showcerts </dev/null`],
    ['Linux', `LDAPTLS_REQCERT=never ldapsearch -x -H ldaps://${bracketed(host)}:${port} -s base -b '' dnsHostName`],
    ['Windows', `Test-NetConnection ${host} -Port ${port}`],
  ],
  kerberos: (place) => [
    ...(place.transport === 'tcp' ? handshake(place) : datagram(place)),
    ['Linux', `KRB5_TRACE=/dev/stderr kinit somebody@${place.domain.toUpperCase()}  (its prompt for a password is the KDC's answer: Ctrl-C)`],
    ['Windows', `klist get krbtgt/${place.domain.toUpperCase()}  (with a domain logon)`],
  ],
  kpasswd: (place) => (place.transport === 'tcp' ? handshake(place) : datagram(place)),
  ntp: ({ host }) => [
    ['Linux', `ntpdate -q ${host}  (or: chronyd -Q 'server ${host} iburst')`],
    ['Windows', `w32tm /stripchart /computer:${host} /samples:3 /dataonly`],
  ],
  smb: (place) => [
    ['Linux', `${nmap(place.host)} -Pn -p ${place.port} --script smb-protocols,smb2-security-mode ${place.host}`],
    ...handshake(place),
  ],
  epm: ({ host, port }) => [
    ['Linux', `${nmap(host)} -Pn -p ${port} --script msrpc-enum ${host}  (or impacket's rpcdump.py ${host})`],
    ['Windows', `portqry -n ${host} -p tcp -e ${port}`],
  ],
  rpc: ({ host }) => [
    ['Linux', `rpcdump.py ${host}  (of impacket: names the ports), then nc -vz -w 5 ${host} PORT`],
    ['Windows', `portqry -n ${host} -p tcp -e 135  (names the ports), then Test-NetConnection ${host} -Port PORT`],
  ],
  'ldap-ticket': ({ host, domain }) => [
    ['Linux', `kvno ldap/${host}@${domain.toUpperCase()}  (after kinit)`],
    ['Windows', `klist get ldap/${host}`],
  ],
  'cifs-ticket': ({ host, domain }) => [
    ['Linux', `kvno cifs/${host}@${domain.toUpperCase()}  (after kinit)`],
    ['Windows', `klist get cifs/${host}`],
  ],
  'ldap-bind': ({ host }) => [
    ['Linux', `ldapsearch -Y GSS-SPNEGO -H ldap://${host} -s base -b '' dnsHostName  (after kinit)`],
    ['Windows', `ldp.exe, connect to ${host}, bind as the user who is logged on`],
  ],
  netbios: (place) =>
    place.transport === 'tcp'
      ? handshake(place)
      : [
          ['Linux', `nmblookup -A ${place.host}`],
          ['Windows', `nbtstat -A ${place.host}`],
        ],
  https: ({ host, port }) => [
    ['Linux', `curl -sSvI https://${bracketed(host)}:${port}/`],
    ['Windows', `curl.exe -sSvI https://${bracketed(host)}:${port}/`],
  ],
  'netbios-datagram': datagram,
  rdp: (place) =>
    place.transport === 'tcp'
      ? [['Linux', `${nmap(place.host)} -Pn -p ${place.port} --script rdp-enum-encryption ${place.host}`], ...handshake(place)]
      : datagram(place),
  adws: handshake,
  quic: datagram,
  winrm: ({ host, port }) => [
    ['Linux', `curl -sSi -d '' http://${host}:${port}/wsman  (401 or 405 with Server: Microsoft-HTTPAPI/2.0)`],
    ['Windows', `Test-WSMan ${host} -Port ${port} -Authentication None`],
  ],
  'winrm-tls': ({ host, port }) => [
    ['Linux', `curl -sSvki -d '' https://${host}:${port}/wsman  (401 or 405 with Server: Microsoft-HTTPAPI/2.0)`],
    ['Windows', `Test-WSMan ${host} -Port ${port} -UseSSL -Authentication None`],
  ],
  rdgw: ({ host, port }) => [
    ['Linux', `curl -sSvki -X RDG_OUT_DATA https://${host}:${port}/remoteDesktopGateway/  (401 with WWW-Authenticate)`],
    ['Windows', `curl.exe -sSvki -X RDG_OUT_DATA https://${host}:${port}/remoteDesktopGateway/  (401 with WWW-Authenticate)`],
  ],
};
