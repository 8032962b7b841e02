/** The DC locator's question over NetBIOS datagrams: a write to a mailslot (RFC 1002 §4.4, [MS-MAIL] 2.2.1, [MS-ADTS] 6.3.5). */
import { type Decoded, guard, Malformed, malformed } from './decoded.ts';
import { encodeNetbiosName, skipName } from './netbios.ts';
import { decodeNetlogon, type Netlogon } from './netlogon.ts';

/** A ping for the DCs of a domain. `local` is the source's own end, to which the answer is sent, whatever the datagram came from. */
export interface MailslotPing {
  readonly id: number;
  /** NetBIOS name of the domain. */
  readonly domain: string;
  /** Mailslot for the answer, which is all that ties it to its question. */
  readonly mailslot: string;
  readonly local: { readonly address: string; readonly port: number };
}

/**
 * What came back: a write to a mailslot of ours, or an error of the datagram service (RFC 1002 §4.4.3) with the id of the question. `netlogon` is absent
 * where the DC answers in the forms before Windows 2000, which name no DNS domain.
 */
export type MailslotReply =
  | { readonly kind: 'answer'; readonly mailslot: string; readonly netlogon?: Netlogon }
  | { readonly kind: 'error'; readonly id: number; readonly code: number };

const suffix = { workstation: 0x00, domainControllers: 0x1c } as const;
const type = { directUnique: 0x10, directGroup: 0x11, error: 0x13 } as const;
const headerLength = 14;

/** SMB_COM_TRANSACTION from its magic number to its first word, and where its words and bytes lie ([MS-CIFS] 2.2.4.33.1). */
const transaction = `ff534d4225${'00'.repeat(27)}11`;
const words = 33;
const byteCount = words + 2 * 17;
const netlogonMailslot = '\\MAILSLOT\\NET\\NETLOGON';

/** LOGON_SAM_LOGON_RESPONSE, LOGON_SAM_PAUSE_RESPONSE and LOGON_SAM_USER_UNKNOWN ([MS-ADTS] 6.3.1.3). */
const oldForms: ReadonlySet<number> = new Set([0x13, 0x14, 0x15]);

/** NETLOGON_SAM_LOGON_REQUEST ([MS-ADTS] 6.3.1.4) from `ADPROBE`, for no user, as one datagram to the DCs of the domain. IPv4 only: otherwise from 0.0.0.0. */
export function encodeMailslotPing({ id, domain, mailslot, local }: MailslotPing): Buffer {
  const data = Buffer.concat([
    Buffer.from('12000000', 'hex'),
    Buffer.from('ADPROBE\0\0', 'utf16le'),
    Buffer.from(`${mailslot}\0`, 'latin1'),
    // No account flags, no SID, version 1 | 5 | 5EX_WITH_IP, no LM token.
    Buffer.from('0000000000000000 0b000000 ffffffff'.replaceAll(' ', ''), 'hex'),
  ]);
  const names = Buffer.concat([encodeNetbiosName('ADPROBE', suffix.workstation), encodeNetbiosName(domain, suffix.domainControllers)]);
  const body = Buffer.concat([names, encodeTransaction(netlogonMailslot, data)]);
  const header = Buffer.from([type.directUnique, 0x0a, 0, 0, ...addressOf(local.address), 0, 0, 0, 0, 0, 0]);
  header.writeUInt16BE(id, 2);
  header.writeUInt16BE(local.port, 8);
  header.writeUInt16BE(body.length, 10);
  return Buffer.concat([header, body]);
}

/** Reads a datagram of the datagram service; never `incomplete`. */
export function decodeMailslotReply(received: Buffer): Decoded<MailslotReply> {
  return guard((): Decoded<MailslotReply> => {
    const kind = received.readUInt8(0);
    if (kind === type.error && received.length === 11) {
      return { kind: 'value', value: { kind: 'error', id: received.readUInt16BE(2), code: received.readUInt8(10) }, length: 11 };
    }
    if (kind !== type.directUnique && kind !== type.directGroup) return malformed(`NetBIOS datagram of type 0x${kind.toString(16)}`);
    if (received.readUInt16BE(10) !== received.length - headerLength) return malformed('NetBIOS datagram of another length than it says');
    if ((received.readUInt8(1) & 1) !== 0 || received.readUInt16BE(12) !== 0) return malformed('NetBIOS datagram in fragments');
    const { mailslot, data } = readTransaction(received.subarray(skipName(received, skipName(received, headerLength))));
    if (oldForms.has(data.readUInt16LE(0))) return { kind: 'value', value: { kind: 'answer', mailslot }, length: received.length };
    const netlogon = decodeNetlogon(data);
    if (netlogon.kind !== 'value') return netlogon;
    return { kind: 'value', value: { kind: 'answer', mailslot, netlogon: netlogon.value }, length: received.length };
  });
}

/** A write of the second class, which is not acknowledged ([MS-MAIL] 2.2.1). */
function encodeTransaction(mailslot: string, data: Buffer): Buffer {
  const name = Buffer.from(`${mailslot}\0`, 'latin1');
  const head = Buffer.alloc(byteCount + 2);
  head.write(transaction, 'hex');
  const word = (index: number, value: number): number => head.writeUInt16LE(value, words + 2 * index);
  word(1, data.length);
  head.writeUInt32LE(1_000, words + 12);
  word(11, data.length);
  word(12, head.length + name.length);
  word(13, 3);
  word(14, 1);
  word(16, 2);
  head.writeUInt16LE(name.length + data.length, byteCount);
  return Buffer.concat([head, name, data]);
}

function readTransaction(smb: Buffer): { readonly mailslot: string; readonly data: Buffer } {
  const word = (index: number): number => smb.readUInt16LE(words + 2 * index);
  const isWrite = smb.toString('hex', 0, 5) === transaction.slice(0, 10) && smb.readUInt8(32) === 17 && word(13) === 3 && word(14) === 1;
  if (!isWrite) throw new Malformed('not a write to a mailslot');
  const [start, end] = [byteCount + 2, smb.indexOf(0, byteCount + 2)];
  const [from, to] = [word(12), word(12) + word(11)];
  if (end === -1 || end - start > 255 || from <= end || to > smb.length) throw new Malformed('a write to a mailslot without its data');
  return { mailslot: smb.toString('latin1', start, end), data: smb.subarray(from, to) };
}

function addressOf(address: string): number[] {
  return /^\d+\.\d+\.\d+\.\d+$/.test(address) ? address.split('.').map(Number) : [0, 0, 0, 0];
}
