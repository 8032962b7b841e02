/** Version negotiation of QUIC, before any key is agreed (RFC 8999 §6, RFC 9000 §6 and §17.2.1). */
import { type Decoded, guard, malformed } from './decoded.ts';

/** What a server that knows no such version answers: the versions that it does know, and the connection ids of the question, each in the other's place. */
export interface VersionNegotiation {
  readonly destination: Buffer;
  readonly source: Buffer;
  readonly versions: readonly number[];
}

/** A version of the pattern that is reserved to force a negotiation (RFC 9000 §15). */
const reservedVersion = 0x1a2a3a4a;

/** Servers leave shorter first packets unanswered (RFC 9000 §14.1). */
const packetLength = 1200;

/** A first packet in a version that nobody speaks, padded with zeros to full length, so that its answer is shorter than it. */
export function encodeUnknownVersion(destination: Uint8Array, source: Uint8Array): Buffer {
  const packet = Buffer.alloc(packetLength);
  packet[0] = 0xc0;
  packet.writeUInt32BE(reservedVersion, 1);
  packet.set([destination.length, ...destination, source.length, ...source], 5);
  return packet;
}

/** Reads a Version Negotiation packet; never `incomplete`. */
export function decodeVersionNegotiation(received: Buffer): Decoded<VersionNegotiation> {
  return guard(() => {
    if ((received.readUInt8(0) & 0x80) === 0) return malformed('not a QUIC packet with a long header');
    if (received.readUInt32BE(1) !== 0) return malformed(`QUIC packet of version 0x${received.toString('hex', 1, 5)}`);
    const destination = readConnectionId(received, 5);
    const source = readConnectionId(received, 6 + destination.length);
    const list = received.subarray(7 + destination.length + source.length);
    if (list.length === 0 || list.length % 4 !== 0) return malformed(`QUIC versions in ${list.length} bytes`);
    const versions = Array.from({ length: list.length / 4 }, (_, index) => list.readUInt32BE(4 * index));
    return { kind: 'value', value: { destination, source, versions }, length: received.length };
  });
}

/** Its length is in the byte before it; no more than the packet has is asked for. */
function readConnectionId(packet: Buffer, at: number): Buffer {
  const end = at + 1 + packet.readUInt8(at);
  // The byte after it, which must be there, shows that all of it is.
  packet.readUInt8(end);
  return packet.subarray(at + 1, end);
}
