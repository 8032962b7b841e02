/** SMB dialect negotiation over TCP ([MS-SMB2] 2.2.3, 2.2.4; [MS-CIFS] 2.2.4.52; RFC 1002 §4.3.1 framing). */
import { type Decoded, guard, incomplete, malformed } from './decoded.ts';

/** What a server answered to a negotiation. Without status 0 an SMB2 answer has nothing but its status. `serverTimeMs` is absent where the field is empty. */
export type SmbReply =
  | {
      readonly kind: 'smb2';
      readonly dialect: string;
      readonly signingRequired: boolean;
      readonly serverGuid: string;
      readonly serverTimeMs?: number;
    }
  | { readonly kind: 'smb2-error'; readonly status: number }
  | { readonly kind: 'smb1'; readonly accepted: boolean };

const headerLength = 64;
const maximumReply = 64 * 1024;
const smb2 = Buffer.from('\xfeSMB', 'latin1');
const smb1 = Buffer.from('\xffSMB', 'latin1');
const dialects = [0x0202, 0x0210, 0x0300, 0x0302] as const;
const dialectWithContexts = 0x0311;
const dialectNames: ReadonlyMap<number, string> = new Map([
  [0x0202, '2.0.2'],
  [0x0210, '2.1'],
  [0x02ff, '2.???'],
  [0x0300, '3.0'],
  [0x0302, '3.0.2'],
  [0x0311, '3.1.1'],
]);

/** An SMB2 NEGOTIATE for 2.0.2 to 3.0.2, and with a salt of 32 random bytes for 3.1.1 too ([MS-SMB2] 2.2.3), framed. */
export function encodeNegotiate(clientGuid: Uint8Array, salt?: Uint8Array): Buffer {
  const offered = salt === undefined ? dialects : [...dialects, dialectWithContexts];
  const header = Buffer.alloc(headerLength);
  smb2.copy(header);
  header.writeUInt16LE(headerLength, 4);
  header.writeUInt16LE(1, 14);
  header.writeUInt32LE(0xfeff, 32);
  const body = Buffer.alloc(36 + 2 * offered.length);
  body.writeUInt16LE(36, 0);
  body.writeUInt16LE(offered.length, 2);
  body.writeUInt16LE(1, 4);
  body.writeUInt32LE(0x7f, 8);
  body.set(clientGuid, 12);
  for (const [index, dialect] of offered.entries()) body.writeUInt16LE(dialect, 36 + 2 * index);
  if (salt === undefined) return frameSmb(Buffer.concat([header, body]));
  const start = align(headerLength + body.length);
  body.writeUInt32LE(start, 28);
  body.writeUInt16LE(2, 32);
  return frameSmb(Buffer.concat([header, pad(body, start - headerLength), encodeContexts(salt)]));
}

/** An SMB1 negotiation that also offers SMB2 ([MS-SMB2] 3.2.4.2.2.1), framed: the form that some middleboxes and old servers want to see first. */
export function encodeMultiProtocolNegotiate(): Buffer {
  const header = Buffer.alloc(32);
  smb1.copy(header);
  header.writeUInt8(0x72, 4);
  header.writeUInt8(0x18, 9);
  header.writeUInt16LE(0xc853, 10);
  header.writeUInt16LE(0xffff, 24);
  header.writeUInt16LE(0xfeff, 26);
  const names = Buffer.from(['NT LM 0.12', 'SMB 2.002', 'SMB 2.???'].map((name) => `\x02${name}\0`).join(''), 'latin1');
  const counts = Buffer.alloc(3);
  counts.writeUInt16LE(names.length, 1);
  return frameSmb(Buffer.concat([header, counts, names]));
}

/** Reads the first framed message, which must answer a negotiation and be no longer than 64 KiB. What cannot become one is malformed at once. */
export function decodeSmbReply(received: Buffer): Decoded<SmbReply> {
  return guard(() => {
    if ((received[0] ?? 0) !== 0) return malformed(`session packet of type 0x${received.readUInt8(0).toString(16)}`);
    if (received.length < 4) return incomplete;
    const length = received.readUIntBE(1, 3);
    if (length < 35 || length > maximumReply) return malformed(`SMB message of ${length} bytes`);
    const message = received.subarray(4, 4 + length);
    const magic = message.subarray(0, 4);
    const isSmb2 = magic.equals(smb2.subarray(0, magic.length));
    if (!isSmb2 && !magic.equals(smb1.subarray(0, magic.length))) return malformed('not an SMB message');
    if (message.length < length) return incomplete;
    const value = isSmb2 ? readSmb2(message) : readSmb1(message);
    return typeof value === 'string' ? malformed(value) : { kind: 'value', value, length: 4 + length };
  });
}

/** Text form of a GUID that is stored little-endian, as Windows stores it ([MS-DTYP] 2.3.4.2). */
function guidText(bytes: Buffer): string {
  const parts = [bytes.readUInt32LE(0).toString(16).padStart(8, '0'), ...[4, 6].map((at) => bytes.readUInt16LE(at).toString(16).padStart(4, '0'))];
  return [...parts, bytes.toString('hex', 8, 10), bytes.toString('hex', 10, 16)].join('-');
}

/** SHA-512 for the integrity of the negotiation, AES-128-GCM and AES-128-CCM for encryption ([MS-SMB2] 2.2.3.1). */
function encodeContexts(salt: Uint8Array): Buffer {
  const integrity = Buffer.alloc(6);
  integrity.writeUInt16LE(1, 0);
  integrity.writeUInt16LE(salt.length, 2);
  integrity.writeUInt16LE(1, 4);
  const first = encodeContext(1, Buffer.concat([integrity, salt]));
  return Buffer.concat([pad(first, align(first.length)), encodeContext(2, Buffer.from([2, 0, 2, 0, 1, 0]))]);
}

function encodeContext(type: number, content: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16LE(type, 0);
  header.writeUInt16LE(content.length, 2);
  return Buffer.concat([header, content]);
}

function frameSmb(message: Uint8Array): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(message.length);
  return Buffer.concat([header, message]);
}

function align(length: number): number {
  return (length + 7) & ~7;
}

function pad(bytes: Uint8Array, length: number): Buffer {
  return Buffer.concat([bytes], length);
}

/** The answer, or what is wrong with it. */
function readSmb2(message: Buffer): SmbReply | string {
  if (message.length < headerLength || message.readUInt16LE(4) !== headerLength) return `SMB2 header of ${message.length} bytes`;
  if (message.readUInt16LE(12) !== 0 || (message.readUInt32LE(16) & 1) === 0) return 'not an answer to an SMB2 NEGOTIATE';
  const status = message.readUInt32LE(8);
  if (status !== 0) return { kind: 'smb2-error', status };
  const body = message.subarray(headerLength);
  if (body.length < headerLength || body.readUInt16LE(0) !== 65) return `SMB2 NEGOTIATE answer of ${body.length} bytes`;
  const dialect = body.readUInt16LE(4);
  const serverTimeMs = readFileTime(body.readBigUInt64LE(40));
  return {
    kind: 'smb2',
    dialect: dialectNames.get(dialect) ?? `0x${dialect.toString(16).padStart(4, '0')}`,
    signingRequired: (body.readUInt16LE(2) & 2) !== 0,
    serverGuid: guidText(body.subarray(8, 24)),
    ...(serverTimeMs !== undefined && { serverTimeMs }),
  };
}

function readSmb1(message: Buffer): SmbReply | string {
  if (message.readUInt8(4) !== 0x72 || (message.readUInt8(9) & 0x80) === 0) return 'not an answer to an SMB1 negotiation';
  // Index 0xffff: it speaks SMB1, and wants none of the dialects offered.
  return { kind: 'smb1', accepted: message.readUInt8(32) > 0 && message.readUInt16LE(33) !== 0xffff };
}

/** Milliseconds since 1970 of a FILETIME: 100 ns since 1601 ([MS-DTYP] 2.3.3). */
function readFileTime(ticks: bigint): number | undefined {
  if (ticks === 0n) return undefined;
  return Number(ticks / 10_000n) + Number(ticks % 10_000n) / 10_000 - 11_644_473_600_000;
}
