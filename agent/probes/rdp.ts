/** Remote desktop on 3389: which security does it choose over TCP, and does its UDP transport answer? */
import { decodeConnectionConfirm, decodeSynAck, encodeConnectionRequest, encodeSyn } from '../codecs/rdp.ts';
import { ask, type Dialogue, type Question } from '../net/dialogue.ts';

/** The securities by their numbers ([MS-RDPBCGR] 2.2.1.2.1), in words. */
const securities: ReadonlyMap<number, string> = new Map([
  [0, 'rdp'],
  [1, 'tls'],
  [2, 'credssp'],
  [8, 'credssp-early'],
]);

/**
 * What goes over the wire, and what it concludes ([MS-RDPBCGR] 1.3.1.1, [MS-RDPEUDP] 3.1.5.1):
 *
 * 1. TCP: one connection request that offers TLS and CredSSP, without a cookie. A confirm is `identified`, with the security that was chosen or the failure
 *    that was named. It ends there: with TLS, a session would begin.
 * 1. UDP: one SYN of full length with a random sequence number. The answer that acknowledges it is `identified`. No session comes of it, and the server, which
 *    has no other way to learn that, repeats its answer some times. Silence says nothing: the UDP transport is often switched off.
 */
export function* rdp(question: Question): Dialogue {
  if (question.transport === 'udp') {
    const sequence = question.random(4).readUInt32BE(0);
    yield* ask(encodeSyn(sequence), decodeSynAck, ({ acknowledged }) => acknowledged === sequence);
    return { status: 'identified', facts: {}, isRepeated: true };
  }
  const reply = yield* ask(encodeConnectionRequest(), decodeConnectionConfirm);
  if (reply.kind === 'refused') return { status: 'identified', facts: { rdpFailure: reply.failure } };
  const rdpSecurity = securities.get(reply.protocol) ?? `0x${reply.protocol.toString(16)}`;
  return { status: 'identified', facts: { rdpSecurity } };
}
