/** Words for causes that no single check can see, and for what large packets show of a path. */
import type { Transport } from '../../agent/contract/probe.ts';
import type { Diagnosis, Load, Way } from '../report.ts';
import type { Finding } from '../verdict.ts';
import { count, plain } from './text.ts';

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

/** That a large question or answer was lost where a small one passed, in one sentence. */
export function lossSentence({ of, bytes }: Extract<Finding, { readonly code: 'size-lost' }>, transport: Transport): string {
  if (of === 'reply') return `A short answer came back, and one of ${bytes} bytes or more did not, or not all of it.`;
  return transport === 'udp'
    ? `The same question in a small packet was answered, and in one of ${bytes} bytes it was not.`
    : `The same question in a small packet was answered, and with ${bytes} bytes it was not, though the connection was made.`;
}

/** What is added where such a loss may be the doing of the service. */
export const unprovenSize =
  " That this service answers large questions has not been seen on the destination's platform, so it may also be the service's own doing.";

const wayWords = { there: 'on the way there', back: 'on the way back', both: 'both ways' } as const satisfies Readonly<Record<Way, string>>;

const allowIcmp = 'Allow ICMP "fragmentation needed" (type 3 code 4; ICMPv6 type 2) on the whole path';

const tellTheEnds = `${allowIcmp}, or clamp the TCP MSS where the narrow link begins and let Kerberos use TCP alone.`;

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
