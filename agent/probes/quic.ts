/** QUIC on a UDP port, as SMB over QUIC has it on 443: does an endpoint answer? */
import { decodeVersionNegotiation, encodeUnknownVersion } from '../codecs/quic.ts';
import { type Dialogue, type Question, ask } from '../net/dialogue.ts';

/** Of more versions than any server has, these are enough to show. */
const mostVersions = 16;

/** Versions that are made up, so that clients learn to bear unknown ones (RFC 9000 §15). */
const isReserved = (version: number): boolean => (version & 0x0f0f0f0f) === 0x0a0a0a0a;

/**
 * What goes over the wire, and what it concludes (RFC 9000 §6; not yet seen on Windows):
 *
 * 1. One first packet of 1,200 bytes in a reserved version, with random connection ids, and no TLS in it. The versions that the server speaks, under our ids:
 *    `identified`. It shows that a QUIC endpoint is there, not which protocol is served over it: that takes a TLS handshake. The server keeps nothing of it.
 *    Other ids are not an answer to us, and the wait goes on.
 */
export function* quic({ random }: Question): Dialogue {
  const [destination, source] = [random(8), random(8)];
  const { versions } = yield* ask(
    encodeUnknownVersion(destination, source),
    decodeVersionNegotiation,
    (answer) => answer.destination.equals(source) && answer.source.equals(destination),
  );
  const spoken = versions.filter((version) => !isReserved(version)).slice(0, mostVersions);
  return { status: 'identified', facts: { quicVersions: spoken.map((version) => `0x${version.toString(16).padStart(8, '0')}`) } };
}
