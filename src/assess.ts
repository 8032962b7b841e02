/** What the facts of an identified service mean, given what the destination should be and the rule's limits. */
import type { ProbeName } from '../agent/contract/probe.ts';
import { adwsRules, gatewayRules, rdpRules, winRmRules, winRmTlsRules } from './assess/administration.ts';
import { type Answer, type Assessed, type Rule, warn } from './assess/answer.ts';
import { certificateRules, endpointRules } from './assess/certificate.ts';
import { clock, timeRules } from './assess/clock.ts';
import { directoryRules, mailslotRules, pingRules } from './assess/directory.ts';
import { nameService, netbiosName } from './assess/identity.ts';
import { bindRules, kdcRules, passwordRules, tellingErrors, ticketRules } from './assess/kerberos.ts';
import { registrationRules } from './assess/registration.ts';
import { interfaceRules, mapperRules } from './assess/rpc.ts';
import { told } from './assess/sameness.ts';
import { smbRules } from './assess/smb.ts';

const rules: Readonly<Record<ProbeName, readonly Rule[]>> = {
  tcp: [],
  udp: [],
  dns: registrationRules,
  cldap: pingRules,
  ldap: directoryRules,
  ldaps: [...certificateRules, ...directoryRules],
  kerberos: kdcRules,
  kpasswd: passwordRules,
  ntp: timeRules,
  smb: smbRules,
  epm: mapperRules,
  rpc: interfaceRules,
  'ldap-ticket': ticketRules,
  'cifs-ticket': ticketRules,
  'ldap-bind': bindRules,
  netbios: [netbiosName, nameService],
  https: endpointRules,
  'netbios-datagram': mailslotRules,
  rdp: rdpRules,
  adws: adwsRules,
  quic: [],
  winrm: winRmRules,
  'winrm-tls': [...certificateRules, ...winRmTlsRules],
  rdgw: [...certificateRules, ...gatewayRules],
};

/** What holds for every protocol. */
const everywhere: readonly Rule[] = [clock, followUp];

/**
 * What is worth saying about the answer of a service that identified itself: each finding once, in the order of the rules. Of an answer to a large question
 * only that it came: what it says was said of the small one.
 */
export function assess(answer: Answer): readonly Assessed[] {
  if (answer.size !== undefined) return [answerSize(answer)].filter((found) => found !== undefined);
  return [...rules[answer.probe], ...everywhere].map((rule) => rule(answer)).filter((found) => found !== undefined);
}

/** True when answers in this protocol say who answers and this one does not, so that its identity could not be compared. */
export function isIdentityUnknown({ probe, facts, expected }: Pick<Answer, 'probe' | 'facts' | 'expected'>): boolean {
  switch (probe) {
    case 'cldap':
    case 'ldap':
    case 'ldaps':
    case 'netbios-datagram':
      return told(facts.dnsName) === undefined && (told(facts.domain) === undefined || expected.domain === undefined);
    case 'kerberos':
      // A KDC echoes the realm that it was asked for, so that most errors prove none.
      return facts.errorCode !== undefined && !tellingErrors.has(facts.errorCode);
    case 'netbios':
      // A session names nobody, a node status should.
      return facts.sessionCode === undefined && told(facts.netbiosName) === undefined;
    default:
      return false;
  }
}

/** A short answer shows nothing of what the path carries. */
function answerSize({ size, facts: { answerBytes = 0 } }: Answer): Assessed | undefined {
  if (size?.of !== 'reply' || answerBytes >= size.bytes) return undefined;
  return warn({ code: 'answer-short', bytes: answerBytes, wanted: size.bytes });
}

function followUp({ facts }: Answer): Assessed | undefined {
  return facts.followUp === undefined ? undefined : warn({ code: 'follow-up', what: facts.followUp });
}
