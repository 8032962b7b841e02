/** Connection-oriented DCE/RPC, unauthenticated, little-endian (C706 §12.6, [MS-RPCE] 2.2.2). */
import { type Decoded, Malformed, guard, incomplete, malformed } from './decoded.ts';

/** An interface or transfer syntax: UUID in text form, and version. */
export interface Syntax {
  readonly uuid: string;
  readonly major: number;
  readonly minor: number;
}

/** What a server answers to a bind (C706 §12.6.4.4, §12.6.4.5) or to a call (§12.6.4.7, §12.6.4.10). `secondaryPort` is absent where it is no TCP port. */
export type RpcReply =
  | { readonly kind: 'bind-ack'; readonly callId: number; readonly result: number; readonly reason: number; readonly secondaryPort?: number }
  | { readonly kind: 'bind-nak'; readonly callId: number; readonly reason: number }
  | { readonly kind: 'response'; readonly callId: number; readonly stub: Buffer }
  | { readonly kind: 'fault'; readonly callId: number; readonly status: number };

/**
 * What an answer to a bind comes to (C706 §12.6.3.1). `other-transfer`: the interface is there, and speaks NDR64 only.
 * `refused`: an RPC server that does not take the bind, with the reason as a code and in a few words. `misplaced`: not an answer to a bind.
 */
export type BindConclusion =
  | { readonly kind: 'accepted'; readonly secondaryPort?: number }
  | { readonly kind: 'unknown-interface' | 'other-transfer' | 'misplaced' }
  | { readonly kind: 'refused'; readonly refusal: BindRefusal; readonly why: string };

/** Why a server refused a bind: it has no room for now, or never has for the like of it, it speaks another version, or something else. */
export type BindRefusal = 'congestion' | 'local-limit' | 'version' | 'other';

/** The transfer syntax NDR 2.0 (C706 appendix I). */
export const ndr: Syntax = { uuid: '8a885d04-1ceb-11c9-9fe8-08002b104860', major: 2, minor: 0 };

const headerLength = 16;
const maximumFragment = 16 * 1024;
const maximumStub = 64 * 1024;
/** 46 fragments of the least legal size (1,432 bytes, C706 §12.6.3.1) carry the largest stub; more would only make us read them again and again. */
const maximumFragments = 64;
const firstFragment = 1;
const lastFragment = 2;
const pdu = { request: 0, response: 2, fault: 3, bind: 11, bindAck: 12, bindNak: 13 } as const;
const replyTypes: ReadonlySet<number> = new Set([pdu.response, pdu.fault, pdu.bindAck, pdu.bindNak]);

/** The 16 bytes of a UUID on a little-endian wire (C706 appendix A). */
function encodeUuid(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  if (bytes.length !== 16) throw new Error(`dcerpc: not a UUID: ${uuid}`);
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** A UUID with its version, 20 bytes, as presentation contexts carry it (C706 §12.6.3.1). */
export function encodeSyntax(syntax: Syntax): Buffer {
  const version = Buffer.alloc(4);
  version.writeUInt16LE(syntax.major, 0);
  version.writeUInt16LE(syntax.minor, 2);
  return Buffer.concat([encodeUuid(syntax.uuid), version]);
}

/** A bind of one interface with NDR (C706 §12.6.4.3). */
export function encodeBind(callId: number, abstract: Syntax): Buffer {
  const sizesAndOneContext = Buffer.from('b810b810000000000100000000000100', 'hex');
  return encodePdu(pdu.bind, callId, Buffer.concat([sizesAndOneContext, encodeSyntax(abstract), encodeSyntax(ndr)]));
}

/** A call of one operation in the context of `encodeBind` (C706 §12.6.4.9); the stub must fit one fragment. */
export function encodeRequest(callId: number, operation: number, stub: Uint8Array): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(stub.length, 0);
  head.writeUInt16LE(operation, 6);
  return encodePdu(pdu.request, callId, Buffer.concat([head, stub]));
}

/** Reads one answer, its fragments put together: each at most 16 KiB, the stub at most 64 KiB. What cannot become an answer is malformed at once. */
export function decodeRpcReply(received: Buffer): Decoded<RpcReply> {
  return guard(() => {
    const first = readFragment(received, 0);
    if (first === undefined) return incomplete;
    if ((first.flags & firstFragment) === 0) return malformed('RPC answer without its first fragment');
    if (first.type === pdu.response) return readResponse(received, first);
    if ((first.flags & lastFragment) === 0) return malformed(`fragmented RPC packet of type ${first.type}`);
    return { kind: 'value', value: readControl(first), length: first.bytes.length };
  });
}

/** Draws the conclusion from the answer to a bind of one interface. */
export function concludeBind(reply: RpcReply): BindConclusion {
  switch (reply.kind) {
    case 'response':
      return { kind: 'misplaced' };
    case 'fault':
      return { kind: 'refused', refusal: 'other', why: `fault 0x${reply.status.toString(16).padStart(8, '0')} to the bind` };
    case 'bind-nak':
      return { kind: 'refused', ...(nakReasons.get(reply.reason) ?? { refusal: 'other', why: `bind rejected, reason ${reply.reason}` }) };
    case 'bind-ack': {
      const { result, reason, secondaryPort } = reply;
      if (result === 0) return { kind: 'accepted', ...(secondaryPort !== undefined && { secondaryPort }) };
      if (result === 2 && reason === 1) return { kind: 'unknown-interface' };
      if (result === 2 && reason === 2) return { kind: 'other-transfer' };
      const refusal = result === 2 && reason === 3 ? 'local-limit' : 'other';
      return { kind: 'refused', refusal, why: `bind not accepted, result ${result}, reason ${reason}` };
    }
    default:
      return reply satisfies never;
  }
}

/** Of a bind_nak (C706 §12.6.3.1). Those of a bind_ack's result are counted otherwise: there 3 is the local limit. */
const nakReasons: ReadonlyMap<number, { readonly refusal: BindRefusal; readonly why: string }> = new Map([
  [1, { refusal: 'congestion', why: 'bind rejected: temporary congestion' }],
  [2, { refusal: 'local-limit', why: 'bind rejected: local limit exceeded' }],
  [4, { refusal: 'version', why: 'bind rejected: protocol version not supported' }],
]);

interface Fragment {
  readonly type: number;
  readonly flags: number;
  readonly callId: number;
  /** The whole fragment with its header, because padding counts from its start. */
  readonly bytes: Buffer;
}

function encodePdu(type: number, callId: number, body: Uint8Array): Buffer {
  const header = Buffer.from([5, 0, type, firstFragment | lastFragment, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt16LE(headerLength + body.length, 8);
  header.writeUInt32LE(callId, 12);
  return Buffer.concat([header, body]);
}

/** The fragment at `start`, or undefined when more bytes must come. The header is judged byte by byte as it comes: what waits for garbage waits for ever. */
function readFragment(received: Buffer, start: number): Fragment | undefined {
  const head = received.subarray(start, start + headerLength);
  const [version = 5, minor = 0, type = pdu.response, , representation = 0x10] = head;
  if (version !== 5 || minor > 1) throw new Malformed(`not RPC version 5 (${version}.${minor})`);
  if (!replyTypes.has(type)) throw new Malformed(`RPC packet of type ${type}`);
  if (representation >>> 4 !== 1) throw new Malformed('RPC packet is not little-endian');
  if (head.length < 10) return undefined;
  const length = head.readUInt16LE(8);
  if (length < headerLength || length > maximumFragment) throw new Malformed(`RPC fragment of ${length} bytes`);
  if (received.length < start + length) return undefined;
  // A verifier would follow the stub and change its end; nobody whom we did not authenticate to may send one.
  if (head.readUInt16LE(10) !== 0) throw new Malformed('RPC packet with authentication');
  return { type, flags: head.readUInt8(3), callId: head.readUInt32LE(12), bytes: received.subarray(start, start + length) };
}

function readResponse(received: Buffer, first: Fragment): Decoded<RpcReply> {
  const stubs: Buffer[] = [];
  let total = 0;
  let length = 0;
  for (let fragment: Fragment | undefined = first; fragment !== undefined; fragment = readFragment(received, length)) {
    if (fragment.type !== pdu.response || fragment.callId !== first.callId) return malformed('RPC answer broken off by another packet');
    if (length > 0 && (fragment.flags & firstFragment) !== 0) return malformed('RPC answer begins twice');
    if (fragment.bytes.length < 24) return malformed(`RPC response of ${fragment.bytes.length} bytes`);
    const stub = fragment.bytes.subarray(24);
    total += stub.length;
    if (total > maximumStub || stubs.length === maximumFragments) return malformed(`RPC answer of more than ${total} bytes`);
    stubs.push(stub);
    length += fragment.bytes.length;
    if ((fragment.flags & lastFragment) !== 0)
      return { kind: 'value', value: { kind: 'response', callId: first.callId, stub: Buffer.concat(stubs) }, length };
  }
  return incomplete;
}

function readControl({ type, callId, bytes }: Fragment): RpcReply {
  if (type === pdu.fault) return { kind: 'fault', callId, status: bytes.readUInt32LE(24) };
  if (type === pdu.bindNak) return { kind: 'bind-nak', callId, reason: bytes.readUInt16LE(16) };
  const addressLength = bytes.readUInt16LE(24);
  const results = (26 + addressLength + 3) & ~3;
  if (bytes.readUInt8(results) !== 1) throw new Malformed(`${bytes.readUInt8(results)} answers to one presentation context`);
  if (bytes.length < results + 28) throw new Malformed('RPC bind_ack ends too early');
  const address = /^([1-9][0-9]{0,4})\0?$/.exec(bytes.toString('latin1', 26, 26 + addressLength));
  const port = Number(address?.[1]);
  return {
    kind: 'bind-ack',
    callId,
    result: bytes.readUInt16LE(results + 4),
    reason: bytes.readUInt16LE(results + 6),
    ...(port <= 65535 && { secondaryPort: port }),
  };
}
