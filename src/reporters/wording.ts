/** Words for what stands around findings: verdicts, notes, sources, pairs that were left out, and what breaks. */
import type { SourceRecord } from '../report.ts';
import type { Note, VerdictStatus } from '../verdict.ts';
import { quote } from './quotes.ts';
import { list, plain } from './text.ts';

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
