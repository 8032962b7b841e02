/** NetBIOS names, node status and the session service (RFC 1001, RFC 1002). */
import { type Decoded, Malformed, guard, incomplete, malformed } from './decoded.ts';

/** One name of a node status answer. The suffix is the 16th byte, which says what the name is for ([MS-NBTE] 2.2.1). */
export interface NetbiosName {
  readonly name: string;
  readonly suffix: number;
  readonly group: boolean;
}

/** What a name service answered; a refusal has a response code and no names. */
export interface NodeStatus {
  readonly id: number;
  readonly rcode: number;
  readonly names: readonly NetbiosName[];
}

/** What the session service answered (RFC 1002 §4.3.3 to §4.3.5). The address of a retarget is left out: nothing may dial it. */
export type SessionReply = { readonly kind: 'positive' | 'retarget' } | { readonly kind: 'negative'; readonly code: number };

const nodeStatusType = 0x21;

/** First-level encoding of a name and its suffix in an empty scope (RFC 1001 §14.1): upper case, cut to 15 bytes, 34 bytes in all. */
export function encodeNetbiosName(name: string, suffix: number): Buffer {
  const padded = Buffer.alloc(16, ' ');
  padded.write(name.toUpperCase(), 0, 15, 'latin1');
  padded[15] = suffix;
  return encodeRaw(padded);
}

/** A node status request for the name `*` (RFC 1002 §4.2.17), as a datagram. */
export function encodeNodeStatusRequest(id: number): Buffer {
  const wildcard = Buffer.alloc(16);
  wildcard.write('*', 'latin1');
  const header = Buffer.from('000000000001000000000000', 'hex');
  header.writeUInt16BE(id);
  return Buffer.concat([header, encodeRaw(wildcard), Buffer.from([0, nodeStatusType, 0, 1])]);
}

/** Reads a node status answer (RFC 1002 §4.2.18); never `incomplete`. The statistics after the names are not read: Samba leaves memory in them. */
export function decodeNodeStatus(received: Buffer): Decoded<NodeStatus> {
  return guard(() => {
    if (received.length < 12) return malformed(`name service message of ${received.length} bytes`);
    const flags = received.readUInt16BE(2);
    if ((flags & 0xf800) !== 0x8000) return malformed('not an answer of a name service');
    const id = received.readUInt16BE(0);
    const rcode = flags & 15;
    if (rcode !== 0) return { kind: 'value', value: { id, rcode, names: [] }, length: received.length };
    if (received.readUInt16BE(4) !== 0 || received.readUInt16BE(6) !== 1) return malformed('not one answer of a name service');
    return { kind: 'value', value: { id, rcode, names: readNames(received) }, length: received.length };
  });
}

/** A session request from one name to another, both encoded (RFC 1002 §4.3.2). */
export function encodeSessionRequest(called: Uint8Array, calling: Uint8Array): Buffer {
  const header = Buffer.from([0x81, 0, 0, 0]);
  header.writeUInt16BE(called.length + calling.length, 2);
  return Buffer.concat([header, called, calling]);
}

/** Reads what comes after a session request (RFC 1002 §4.3.3 to §4.3.5). */
export function decodeSessionReply(received: Buffer): Decoded<SessionReply> {
  return guard<SessionReply>(() => {
    const type = received[0];
    if (type === undefined) return incomplete;
    const length = sessionReplyLengths.get(type);
    if (length === undefined) return malformed(`session packet of type 0x${type.toString(16)}`);
    if (received.length < 4) return incomplete;
    const declared = received.readUIntBE(1, 3);
    if (declared !== length) return malformed(`session packet 0x${type.toString(16)} of ${declared} bytes`);
    if (received.length < 4 + length) return incomplete;
    if (type === 0x83) return { kind: 'value', value: { kind: 'negative', code: received.readUInt8(4) }, length: 4 + length };
    return { kind: 'value', value: { kind: type === 0x82 ? 'positive' : 'retarget' }, length: 4 + length };
  });
}

const sessionReplyLengths: ReadonlyMap<number, number> = new Map([
  [0x82, 0],
  [0x83, 1],
  [0x84, 6],
]);

function encodeRaw(sixteen: Uint8Array): Buffer {
  const encoded = Buffer.alloc(34);
  encoded[0] = 32;
  for (const [index, byte] of sixteen.entries()) {
    encoded[1 + 2 * index] = 0x41 + (byte >>> 4);
    encoded[2 + 2 * index] = 0x41 + (byte & 15);
  }
  return encoded;
}

function readNames(message: Buffer): NetbiosName[] {
  let offset = skipName(message, 12);
  if (message.readUInt16BE(offset) !== nodeStatusType) throw new Malformed(`record of type 0x${message.readUInt16BE(offset).toString(16)}`);
  const length = message.readUInt16BE(offset + 8);
  offset += 10;
  const count = message.readUInt8(offset);
  if (1 + 18 * count > length || offset + length > message.length) throw new Malformed(`${count} names in ${length} bytes`);
  return Array.from({ length: count }, (_, index) => {
    const at = offset + 1 + 18 * index;
    return {
      name: message.toString('latin1', at, at + 15).replace(/[ \0]+$/, ''),
      suffix: message.readUInt8(at + 15),
      group: (message.readUInt16BE(at + 16) & 0x8000) !== 0,
    };
  });
}

/** Offset after a name: labels up to the root, or up to a pointer, which is not followed. Throws inside a decoder. */
export function skipName(message: Buffer, start: number): number {
  let offset = start;
  for (;;) {
    const length = message.readUInt8(offset);
    if (length >= 0xc0) return offset + 2;
    if (length > 63) throw new Malformed(`label of ${length} bytes`);
    offset += 1 + length;
    if (length === 0) return offset;
  }
}
