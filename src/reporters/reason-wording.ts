/** Words for why nothing usable came back: the reason that was seen, what the service did, what a proxy said, what became of the source. */
import type { FailureCode, Reason, ServiceStatus } from '../../agent/contract/outcome.ts';
import type { Transport } from '../../agent/contract/probe.ts';

/** What a reason says of the path, in one sentence. */
export function reasonSentence(reason: Reason, transport: Transport): string {
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

/** What it means that the port is open and the service did not identify itself, in one sentence. */
export function silenceSentence(status: ServiceStatus): string {
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

/** What a service did, in the middle of a sentence. */
export const serviceWords = {
  identified: 'identified',
  absent: 'not there',
  malformed: 'not understood',
  silent: 'silent',
  disconnected: 'it hung up',
  'tls-failed': 'TLS failed',
} as const satisfies Readonly<Record<ServiceStatus, string>>;

/** Why a proxy was not reached, in the middle of a sentence. */
export const proxyReasons = {
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

/** What the status of a proxy says, in the middle of a sentence (RFC 9110 §15). */
export function proxyAnswer(status: number): string {
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
