/** DNS queries and answers (RFC 1035, RFC 2782). The codec is dns2's; sockets, ids and limits are ours. */
import { type Header, Packet, type Reader } from 'dns2';
import { type Decoded, Malformed, guard, incomplete, malformed } from './decoded.ts';

/** OPT record and its padding option: their codes, and what stands before option and filler; and where a header counts the additional records. */
const optType = 41;
const paddingOption = 12;
const optHeader = 11;
const optionHeader = 4;
const additionalCount = 10;
/** Payload of a datagram that no IPv6 path may refuse (RFC 8200 §5), and that DNS servers have agreed on. */
const smallestPath = 1_232;

export const dnsTypes = { a: Packet.TYPE.A, aaaa: Packet.TYPE.AAAA, soa: Packet.TYPE.SOA, srv: Packet.TYPE.SRV } as const;

/** What a query asks: a name, and a record type of class IN. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: number;
}

/** An answer as far as the product needs it. `question` is the echo, absent in a header-only error. Targets and primary are in lower case, targets sorted. */
export interface DnsReply {
  readonly id: number;
  readonly question?: DnsQuestion;
  readonly rcode: string;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly srvTargets: readonly string[];
  readonly soaPrimary?: string;
  /** The A and AAAA records, of answer and additional section alike: names in lower case, address literals. */
  readonly addresses: readonly { readonly name: string; readonly address: string }[];
}

/** A query of class IN (RFC 1035 §4.1), as a datagram; a resolver is asked for recursion, an authoritative server is not. */
export function encodeDnsQuery(id: number, question: DnsQuestion, recursion = false): Buffer {
  const header = Buffer.alloc(Packet.HEADER_SIZE);
  header.writeUInt16BE(id);
  header.writeUInt8(recursion ? 1 : 0, 2);
  header.writeUInt8(1, 5);
  return Buffer.concat([header, new Packet.Question({ ...question, class: Packet.CLASS.IN }).toBuffer()]);
}

/**
 * The query with an OPT record (RFC 6891 §6.1) whose padding (RFC 7830) makes it `size` bytes long; the answer to it is to stay in one packet of any path.
 * A query that has no room for the record is returned as it is.
 */
export function padDnsQuery(query: Buffer, size: number): Buffer {
  const filler = size - query.length - optHeader - optionHeader;
  if (filler < 0) return query;
  const opt = Buffer.alloc(optHeader + optionHeader + filler);
  opt.writeUInt16BE(optType, 1);
  opt.writeUInt16BE(smallestPath, 3);
  opt.writeUInt16BE(optionHeader + filler, 9);
  opt.writeUInt16BE(paddingOption, 11);
  opt.writeUInt16BE(filler, 13);
  const padded = Buffer.concat([query, opt]);
  padded.writeUInt16BE(1, additionalCount);
  return padded;
}

/** Puts the two-byte length before a message, as DNS over TCP wants it (RFC 1035 §4.2.2). */
export function frameDns(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Reads an answer that came as one datagram (RFC 1035 §4.1); never `incomplete`. */
export function decodeDnsDatagram(received: Buffer): Decoded<DnsReply> {
  return guard(() => {
    const complaint = headerComplaint(received);
    if (complaint !== undefined) return malformed(complaint);
    return { kind: 'value', value: readMessage(received), length: received.length };
  });
}

/** Reads the first answer of a TCP stream (RFC 1035 §4.2.2). What cannot become an answer is malformed as soon as its header is there. */
export function decodeDnsStream(received: Buffer): Decoded<DnsReply> {
  return guard(() => {
    if (received.length < 2) return incomplete;
    const end = 2 + received.readUInt16BE(0);
    if (end < 2 + Packet.HEADER_SIZE) return malformed(`DNS message of ${end - 2} bytes`);
    if (received.length < 2 + Packet.HEADER_SIZE) return incomplete;
    const complaint = headerComplaint(received.subarray(2));
    if (complaint !== undefined) return malformed(complaint);
    if (received.length < end) return incomplete;
    return { kind: 'value', value: readMessage(received.subarray(2, end)), length: end };
  });
}

/** True when both ask the same, names compared without case (RFC 4343). */
export function sameQuestion(one: DnsQuestion, other: DnsQuestion): boolean {
  return one.type === other.type && plain(one.name) === plain(other.name);
}

function plain(name: string): string {
  return name.toLowerCase().replace(/\.+$/, '');
}

function headerComplaint(message: Buffer): string | undefined {
  if (message.length < Packet.HEADER_SIZE) return `DNS message of ${message.length} bytes`;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return 'a DNS query instead of an answer';
  if ((flags & 0x7800) !== 0) return 'a DNS answer to another operation';
  return undefined;
}

function readMessage(message: Buffer): DnsReply {
  const reader = thriftyReader(message);
  const header = Packet.Header.parse(reader);
  if (header.qdcount > 1) throw new Malformed(`${header.qdcount} DNS questions echoed`);
  const echo = header.qdcount === 1 ? Packet.Question.parse(reader) : undefined;
  if (echo !== undefined && echo.class !== Packet.CLASS.IN) throw new Malformed(`DNS class ${echo.class}`);
  // RFC 2181 §9: the records of a truncated answer mean nothing, and may end in the middle.
  const { targets, primary, addresses }: Records = header.tc === 1 ? { targets: [], addresses: [] } : readRecords(reader, header);
  return {
    id: header.id,
    ...(echo !== undefined && { question: { name: echo.name, type: echo.type } }),
    rcode: rcodeNames.get(header.rcode) ?? `RCODE${header.rcode}`,
    authoritative: header.aa === 1,
    truncated: header.tc === 1,
    srvTargets: [...new Set(targets)].sort(),
    ...(primary !== undefined && { soaPrimary: primary }),
    addresses,
  };
}

/** What the records of an answer say, names in lower case. */
interface Records {
  readonly targets: readonly string[];
  readonly primary?: string;
  readonly addresses: DnsReply['addresses'];
}

/** The SRV and SOA records of the answer section, and the addresses of it and of the additional section. Every other record is only measured. */
function readRecords(reader: Reader, header: Header): Records {
  const targets: string[] = [];
  const primaries: string[] = [];
  const addresses: { readonly name: string; readonly address: string }[] = [];
  const total = header.ancount + header.nscount + header.arcount;
  for (let index = 0; index < total; index += 1) {
    const name = readName(reader);
    const type = reader.read(16);
    reader.read(48);
    const length = reader.read(16);
    const end = 8 * length + reader.offset;
    if (end > 8 * reader.buffer.length) throw new Malformed('DNS record reaches beyond the message');
    const isAnswer = index < header.ancount;
    const isAdditional = index >= header.ancount + header.nscount;
    const address = isAnswer || isAdditional ? readAddress(reader, type, length) : undefined;
    if (address !== undefined) addresses.push({ name, address });
    if (isAnswer && type === Packet.TYPE.SRV) targets.push(readTarget(reader, end));
    if (isAnswer && type === Packet.TYPE.SOA) primaries.push(readPrimary(reader, end));
    reader.offset = end;
  }
  const [primary] = primaries;
  return { targets: targets.filter((target) => target !== ''), ...(primary !== undefined && { primary }), addresses };
}

/** Priority, weight and port, then the target (RFC 2782). */
function readTarget(reader: Reader, end: number): string {
  reader.read(48);
  const target = readName(reader);
  if (reader.offset !== end) throw new Malformed('a broken SRV record');
  return target;
}

/** The zone's primary, then its mailbox and five numbers of four bytes (RFC 1035 §3.3.13). */
function readPrimary(reader: Reader, end: number): string {
  const primary = readName(reader);
  readName(reader);
  if (reader.offset + 160 !== end) throw new Malformed('a broken SOA record');
  return primary;
}

function readName(reader: Reader): string {
  return Packet.Name.decode(reader).toLowerCase();
}

/** The literal in an A or AAAA record of the right length (RFC 1035 §3.4.1, RFC 3596 §2.2); undefined for any other record. */
function readAddress(reader: Reader, type: number, length: number): string | undefined {
  if (type === Packet.TYPE.A && length === 4) return Array.from({ length: 4 }, () => reader.read(8)).join('.');
  if (type === Packet.TYPE.AAAA && length === 16) return Array.from({ length: 8 }, () => reader.read(16).toString(16)).join(':');
  return undefined;
}

/**
 * Stands in for dns2's own reader, which goes bit by bit and has no budget: it stops pointer cycles, but a 64 KiB message of 4,096 names that share one
 * chain of 8,000 pointers took it 2.8 s. An honest message reads each byte about 5 times (names repeat through pointers), 32 times leaves room.
 */
function thriftyReader(buffer: Buffer): Reader {
  let budget = 32 * buffer.length;
  return {
    buffer,
    offset: 0,
    read(bits) {
      budget -= bits / 8;
      if (budget < 0) throw new Malformed('DNS names that point in circles');
      const end = this.offset + bits;
      if (end > 8 * buffer.length) throw new Malformed('DNS message ends too early');
      let value = 0;
      // Only the flags of the header are narrower than a byte; all else is whole bytes, which is what must be fast.
      if (bits % 8 === 0) for (let at = this.offset; at < end; at += 8) value = value * 256 + buffer.readUInt8(at / 8);
      else for (let at = this.offset; at < end; at += 1) value = value * 2 + ((buffer.readUInt8(at >>> 3) >>> (7 - (at & 7))) & 1);
      this.offset = end;
      return value;
    },
    remaining() {
      return Math.max(0, 8 * buffer.length - this.offset);
    },
  };
}

const rcodeNames = new Map(Object.entries(Packet.RCODE).map(([name, code]): [number, string] => [code, name]));
