/** .NET Message Framing: the preamble of a connection, and what a server answers to it ([MC-NMF] 2.2.3). */
import { type Decoded, guard, incomplete, malformed } from './decoded.ts';

/** An acknowledged preamble, or a fault by the last part of its URI (`EndpointNotFound`). */
export type PreambleReply = { readonly kind: 'acknowledged' } | { readonly kind: 'fault'; readonly fault: string };

/** Record types ([MC-NMF] 2.2.2). */
const record = { version: 0, mode: 1, via: 2, knownEncoding: 3, fault: 8, preambleAck: 11, preambleEnd: 12 } as const;
const duplex = 2;
const binaryWithDictionary = 8;
const faults = 'http://schemas.microsoft.com/ws/2006/05/framing/faults/';
/** No fault of [MC-NMF] 2.2.4.4 is as long. */
const longestFault = 256;

/** The preamble of version 1.0, for a duplex session with the service at `via`, in binary XML. */
export function encodePreamble(via: string): Buffer {
  const name = Buffer.from(via, 'utf8');
  return Buffer.concat([
    Buffer.from([record.version, 1, 0, record.mode, duplex, record.via, ...encodeLength(name.length)]),
    name,
    Buffer.from([record.knownEncoding, binaryWithDictionary, record.preambleEnd]),
  ]);
}

/** Reads the answer to a preamble. Whoever acknowledges it has nothing more to say before it is asked. */
export function decodePreambleReply(received: Buffer): Decoded<PreambleReply> {
  return guard((): Decoded<PreambleReply> => {
    const [type, low, high = 0] = received;
    if (type === undefined) return incomplete;
    if (type === record.preambleAck) {
      return received.length === 1
        ? { kind: 'value', value: { kind: 'acknowledged' }, length: 1 }
        : malformed('goes on after it acknowledged the preamble');
    }
    if (type !== record.fault) return malformed(`framing record of type ${type}`);
    if (low === undefined) return incomplete;
    const start = low < 0x80 ? 2 : 3;
    const length = low < 0x80 ? low : (low & 0x7f) + high * 0x80;
    if (length > longestFault) return malformed('framing fault of more than 256 bytes');
    const text = received.toString('latin1', start, start + length);
    if (!text.startsWith(faults.slice(0, text.length))) return malformed('framing fault of another name');
    if (received.length < start || text.length < length) return incomplete;
    const fault = text.slice(faults.length);
    return /^[A-Za-z]+$/.test(fault)
      ? { kind: 'value', value: { kind: 'fault', fault }, length: start + length }
      : malformed('framing fault of another name');
  });
}

/** Seven bits a byte, the lowest first, the highest bit saying that more follow ([MC-NMF] 2.2.2.1). */
function encodeLength(length: number): number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, ...encodeLength(length >>> 7)];
}
