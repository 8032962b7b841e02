/** DNS queries and answers (RFC 1035, RFC 2782). */
import { type Decoded, Malformed, guard, incomplete, malformed } from './decoded.ts';
import { encodeDnsName, headerBytes, type Reader, dnsNameAt, thriftyReader } from './dns-name.ts';

/** OPT record and its padding option: their codes, and what stands before option and filler; and where a header counts the additional records. */
const optType = 41;
const paddingOption = 12;
const optHeader = 11;
const optionHeader = 4;
const additionalCount = 10;
/** Payload of a datagram that no IPv6 path may refuse (RFC 8200 §5), and that DNS servers have agreed on. */
const smallestPath = 1_232;

/** Record types (RFC 1035 §3.2.2, RFC 3596, RFC 2782), and the one class. */
export const dnsTypes = { a: 1, aaaa: 28, soa: 6, srv: 33 } as const;
const internet = 1;

/** Names of the response codes that a header can hold (RFC 1035 §4.1.1, RFC 2136 §2.2, RFC 8490 §5.4). */
const rcodes = 'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE DSOTYPENI'.split(' ');

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
  const head = Buffer.alloc(headerBytes);
  head.writeUInt16BE(id);
  head.writeUInt16BE(recursion ? 0x0100 : 0, 2);
  head.writeUInt16BE(1, 4);
  const asked = Buffer.alloc(4);
  asked.writeUInt16BE(question.type);
  asked.writeUInt16BE(internet, 2);
  return Buffer.concat([head, encodeDnsName(question.name), asked]);
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
    if (end < 2 + headerBytes) return malformed(`DNS message of ${end - 2} bytes`);
    if (received.length < 2 + headerBytes) return incomplete;
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
  if (message.length < headerBytes) return `DNS message of ${message.length} bytes`;
  const flags = message.readUInt16BE(2);
  if ((flags & 0x8000) === 0) return 'a DNS query instead of an answer';
  if ((flags & 0x7800) !== 0) return 'a DNS answer to another operation';
  return undefined;
}

function readMessage(message: Buffer): DnsReply {
  const flags = message.readUInt16BE(2);
  const [questions = 0, ...counts] = [4, 6, 8, 10].map((offset) => message.readUInt16BE(offset));
  if (questions > 1) throw new Malformed(`${questions} DNS questions echoed`);
  const reader = thriftyReader(message);
  const echo = questions === 1 ? readQuestion(reader) : undefined;
  const truncated = (flags & 0x0200) !== 0;
  // RFC 2181 §9: the records of a truncated answer mean nothing, and may end in the middle.
  const { targets, primary, addresses }: Records = truncated ? { targets: [], addresses: [] } : readRecords(reader, counts);
  const rcode = flags & 0x000f;
  return {
    id: message.readUInt16BE(0),
    ...(echo !== undefined && { question: echo }),
    rcode: rcodes[rcode] ?? `RCODE${rcode}`,
    authoritative: (flags & 0x0400) !== 0,
    truncated,
    srvTargets: [...new Set(targets)].sort(),
    ...(primary !== undefined && { soaPrimary: primary }),
    addresses,
  };
}

function readQuestion(reader: Reader): DnsQuestion {
  const question = { name: dnsNameAt(reader), type: reader.number(2) };
  const kind = reader.number(2);
  if (kind !== internet) throw new Malformed(`DNS class ${kind}`);
  return question;
}

/** What the records of an answer say, names in lower case. */
interface Records {
  readonly targets: readonly string[];
  readonly primary?: string;
  readonly addresses: DnsReply['addresses'];
}

/** The SRV and SOA records of the answer section, and the addresses of it and of the additional section. Every other record is only measured. */
function readRecords(reader: Reader, [answers = 0, authorities = 0, additionals = 0]: readonly number[]): Records {
  const targets: string[] = [];
  const primaries: string[] = [];
  const addresses: { readonly name: string; readonly address: string }[] = [];
  const total = answers + authorities + additionals;
  for (let index = 0; index < total; index += 1) {
    const name = readName(reader);
    const type = reader.number(2);
    reader.number(6);
    const length = reader.number(2);
    const end = length + reader.at;
    if (end > reader.length) throw new Malformed('DNS record reaches beyond the message');
    const isAnswer = index < answers;
    const isAdditional = index >= answers + authorities;
    const address = isAnswer || isAdditional ? readAddress(reader, type, length) : undefined;
    if (address !== undefined) addresses.push({ name, address });
    if (isAnswer && type === dnsTypes.srv) targets.push(readTarget(reader, end));
    if (isAnswer && type === dnsTypes.soa) primaries.push(readPrimary(reader, end));
    reader.at = end;
  }
  const [primary] = primaries;
  return { targets: targets.filter((target) => target !== ''), ...(primary !== undefined && { primary }), addresses };
}

/** Priority, weight and port, then the target (RFC 2782). */
function readTarget(reader: Reader, end: number): string {
  reader.number(6);
  const target = readName(reader);
  if (reader.at !== end) throw new Malformed('a broken SRV record');
  return target;
}

/** The zone's primary, then its mailbox and five numbers of four bytes (RFC 1035 §3.3.13). */
function readPrimary(reader: Reader, end: number): string {
  const primary = readName(reader);
  readName(reader);
  if (reader.at + 20 !== end) throw new Malformed('a broken SOA record');
  return primary;
}

function readName(reader: Reader): string {
  return dnsNameAt(reader).toLowerCase();
}

/** The literal in an A or AAAA record of the right length (RFC 1035 §3.4.1, RFC 3596 §2.2); undefined for any other record. */
function readAddress(reader: Reader, type: number, length: number): string | undefined {
  if (type === dnsTypes.a && length === 4) return Array.from({ length: 4 }, () => reader.number(1)).join('.');
  if (type === dnsTypes.aaaa && length === 16) return Array.from({ length: 8 }, () => reader.number(2).toString(16)).join(':');
  return undefined;
}
