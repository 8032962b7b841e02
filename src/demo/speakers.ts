/**
 * Services that answer with captured bytes. What ties an answer to its question (an id, a nonce, an echoed name) is copied from the request byte by byte; a
 * request that is not the expected one stays without an answer. Nothing here uses a codec of the agent: that would prove nothing.
 */
import { Packet } from 'dns2';
import { BerReader, BerWriter } from 'ldapts';
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import { type Captures, captures, hex } from './captures.ts';
import { withName } from './retell.ts';

/** What a service on this port answers to a request; undefined where it would not. */
export type Speaker = (request: Buffer, port: number) => Buffer | undefined;

/** UUIDs of RPC interfaces as they lie on the wire. */
export const wireUuids = {
  drsuapi: '354251e3064bd111ab0400c04fc2dcd2',
  netlogon: '785634123412cdabef0001234567cffb',
  samr: '785734123412cdabef000123456789ac',
  lsarpc: '785734123412cdabef000123456789ab',
  dfsr: '5f2e7e89f39376439c9cfd2277495c27',
} as const;

const bind = 0x0b;
const endpointMapper = '0883afe11f5dc91191a408002b14a0fa';
const ndr = '045d888aeb1cc9119fe808002b10486002000000';

/** A copy of captured bytes with other bytes at some offsets. */
export function patched(capture: Buffer, edits: Readonly<Record<number, ArrayLike<number>>>): Buffer {
  const copy = Buffer.from(capture);
  for (const [offset, bytes] of Object.entries(edits)) copy.set(bytes, Number(offset));
  return copy;
}

/** A number as bytes, most significant first. */
export function bigEndian(value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}

/** The header of an answer with authority to one question, and without records (RFC 1035 §4.1.1). */
const nothing = hex('0000 8480 0001 0000 0000 0000');

const dnsUdp: Speaker = (request) => {
  const { SRV, SOA } = Packet.TYPE;
  const [question] = Packet.parse(request).questions;
  if (question === undefined) return undefined;
  // Of the addresses there are no records: the question comes back, and that is all.
  const answer = question.type === SRV ? captures.dnsSrv : question.type === SOA ? captures.dnsSoa : Buffer.concat([nothing, question.toBuffer()]);
  return patched(answer, { 0: request.subarray(0, 2) });
};

/** Puts a length of so many bytes before requests and answers, as TCP forms do. */
function framed(length: 2 | 4, speak: Speaker): Speaker {
  return (request, port) => {
    if (request.readUIntBE(0, length) !== request.length - length) return undefined;
    const answer = speak(request.subarray(length), port);
    return answer && Buffer.concat([bigEndian(answer.length, length), answer]);
  };
}

/** The message id of an LDAP request. */
export function messageId(request: Buffer): number {
  const reader = new BerReader(request);
  reader.readSequence();
  return reader.readInt() ?? 0;
}

/** Captured LDAP messages under another message id. */
export function withMessageId(id: number, messages: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let rest = messages; rest.length > 0;) {
    const reader = new BerReader(rest);
    reader.readSequence();
    const end = reader.offset + reader.length;
    reader.readInt();
    const writer = new BerWriter();
    writer.startSequence();
    writer.writeInt(id);
    while (reader.offset < end) {
      const tag = reader.peek() ?? 0;
      writer.writeBuffer(reader.readString(tag, true) ?? Buffer.alloc(0), tag);
    }
    writer.endSequence();
    parts.push(writer.buffer);
    rest = rest.subarray(end);
  }
  return Buffer.concat(parts);
}

/** The words of one host at the time of the answer. */
type Words = () => Captures;

function rootDse(words: Words): Speaker {
  return (request) => {
    if (request.includes('dnsHostName')) return withMessageId(messageId(request), words().rootDse);
    return asksForAll(request) ? withMessageId(messageId(request), words().wholeRootDse) : undefined;
  };
}

/** A search for any object, in whose place for attributes is an empty list. */
function asksForAll(request: Buffer): boolean {
  return request.subarray(-15).equals(hex('870b 6f626a656374436c617373 3000'));
}

function ping(words: Words): Speaker {
  return (request) => {
    if (asksForAll(request)) return withMessageId(messageId(request), words().wholeRootDse);
    const isPing = request.includes('corp.example.test') && request.includes('Netlogon');
    return isPing ? withMessageId(messageId(request), words().ping) : undefined;
  };
}

/** Every KDC knows both DCs, and nobody else. */
function kdc(words: Words): Speaker {
  return (request) => {
    if (request[0] !== 0x6a || !request.includes('CORP.EXAMPLE.TEST')) return undefined;
    if (request.includes('ADPROBE-NONE$')) return words().unknownClient.subarray(4);
    const account = ['DC1', 'DC2'].find((name) => request.includes(`\u001b\u0004${name}$`));
    return account === undefined ? undefined : withName(words().preAuthentication.subarray(4), account);
  };
}

function passwordChange(words: Words): Speaker {
  return (request) => (request.readUInt16BE(0) === request.length ? words().changeRefused : undefined);
}

function time(words: Words): Speaker {
  return (request) => (request.length === 48 && request[0] === 0x23 ? patched(words().time, { 24: request.subarray(40) }) : undefined);
}

/** The endpoint mapper: it takes the bind, and names the port of each interface that `ports` has, by its UUID on the wire. */
export function endpointMapperFor(ports: Readonly<Record<string, number>>): Speaker {
  return (request) => {
    const callId = request.subarray(12, 16);
    if (request[2] === bind) return request.toString('hex', 32, 48) === endpointMapper ? patched(captures.bindAck, { 12: callId }) : undefined;
    const port = ports[request.toString('hex', 61, 77)];
    if (port === undefined) return patched(captures.notMapped, { 12: callId });
    const portOffset = captures.mapped.indexOf(hex('0100070200')) + 5;
    return patched(captures.mapped, { 12: callId, 77: request.subarray(61, 79), [portOffset]: bigEndian(port, 2) });
  };
}

/** An RPC server that has these interfaces and no other. Its port has five digits, as all that a system chooses. */
function rpcServerWith(uuids: readonly string[]): Speaker {
  return (request, port) => {
    if (request[2] !== bind) return undefined;
    const answer = patched(captures.bindUnknown, { 12: request.subarray(12, 16), 26: Buffer.from(String(port)) });
    return uuids.includes(request.toString('hex', 32, 48)) ? patched(answer, { 36: Buffer.alloc(4), 40: hex(ndr) }) : answer;
  };
}

/** An SMB1 negotiation that offers SMB2 is answered in SMB2, with the dialect that asks for another NEGOTIATE ([MS-SMB2] 3.3.5.3.1). */
function fileServer(words: Words): Speaker {
  return (request) => {
    if (request.subarray(4, 8).equals(hex('ff534d42'))) return patched(words().smb2, { 72: hex('ff02') });
    return request.subarray(4, 8).equals(hex('fe534d42')) ? words().smb2 : undefined;
  };
}

function nodeStatus(words: Words): Speaker {
  return (request) => (request.length === 50 ? patched(words().nodeStatus, { 0: request.subarray(0, 2) }) : undefined);
}

const session: Speaker = (request) => (request[0] === 0x81 && request.length === 72 ? hex('82000000') : undefined);

/** The domain controllers of CORP, behind their NetBIOS name; the answer goes to the mailslot that the request names. */
function mailslot(words: Words): Speaker {
  return (request) => {
    const name = request.subarray(-28, -17);
    const isPing = request[0] === 0x10 && request.includes('EDEPFCFACACACACACACACACACACACABM') && request.includes('\\NETLOGON\0');
    return isPing && name.includes('GETDC') ? patched(words().mailslot, { 165: name }) : undefined;
  };
}

/** A client that offers TLS gets it. */
const desktop: Speaker = (request) =>
  request.toString('hex', 0, 6) === '030000130ee0' && (request.readUInt8(15) & 1) === 1 ? captures.rdpConfirm : undefined;

/** A SYN of full length is acknowledged. */
const desktopUdp: Speaker = (request) =>
  request.length === 1232 && request.readUInt16BE(6) === 1 ? patched(captures.rdpSynAck, { 0: request.subarray(8, 12) }) : undefined;

/** Metadata are to be had without a logon. */
const webServices: Speaker = (request) =>
  request[0] === 0 && request.subarray(7).toString('latin1').endsWith('/ActiveDirectoryWebServices/mex\u0003\u0008\u000c')
    ? captures.preambleAck
    : undefined;

/** A version that nobody speaks, in a packet of full length, is answered with those that are spoken; the ids change places. */
const quicEndpoint: Speaker = (request) =>
  request.length === 1200 && request.toString('hex', 0, 6) === 'c01a2a3a4a08'
    ? patched(captures.quicVersions, { 6: request.subarray(15, 23), 15: request.subarray(6, 14) })
    : undefined;

/** Identify in one request, which says how long it is and brings no credentials. */
const remoteManagement: Speaker = (request) => {
  const [head = '', body = ''] = request.toString('latin1').split('\r\n\r\n', 2);
  const isIdentify = head.startsWith('POST /wsman HTTP/1.1\r\n') && body.includes('<wsmid:Identify/>');
  const fields = ['Host: ', 'WSMANIDENTIFY: unauthenticated', 'Content-Type: application/soap+xml', `Content-Length: ${body.length}`];
  const isWhole = fields.every((field) => head.includes(`\r\n${field}`)) && !head.includes('\r\nAuthorization:');
  return isIdentify && isWhole ? captures.identified : undefined;
};

/** The first request of a channel, under an id and without credentials. */
const desktopGateway: Speaker = (request) =>
  /^RDG_OUT_DATA \/remoteDesktopGateway\/ HTTP\/1\.1\r\n(?:(?!Authorization:).+\r\n)*RDG-Connection-Id: \{[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\}\r\n(?:(?!Authorization:).+\r\n)*\r\n$/.test(
    request.toString('latin1'),
  )
    ? captures.gatewayLogon
    : undefined;

/**
 * All that one DC says, in these words, by the probe and transport that ask (the bare port probes need nobody who speaks). `rpcPorts` are the ports of its
 * RPC interfaces by their UUIDs on the wire. `ldaps`, `winrm-tls` and `rdgw` speak inside TLS.
 */
export function speakersOf(words: Words, rpcPorts: Readonly<Record<string, number>>) {
  return {
    dns: { tcp: framed(2, dnsUdp), udp: dnsUdp },
    cldap: { udp: ping(words) },
    ldap: { tcp: rootDse(words) },
    ldaps: { tcp: rootDse(words) },
    kerberos: { tcp: framed(4, kdc(words)), udp: kdc(words) },
    kpasswd: { tcp: framed(4, passwordChange(words)), udp: passwordChange(words) },
    ntp: { udp: time(words) },
    smb: { tcp: fileServer(words) },
    epm: { tcp: endpointMapperFor(rpcPorts) },
    rpc: { tcp: rpcServerWith(Object.keys(rpcPorts)) },
    netbios: { tcp: session, udp: nodeStatus(words) },
    'netbios-datagram': { udp: mailslot(words) },
    rdp: { tcp: desktop, udp: desktopUdp },
    adws: { tcp: webServices },
    quic: { udp: quicEndpoint },
    winrm: { tcp: remoteManagement },
    'winrm-tls': { tcp: remoteManagement },
    rdgw: { tcp: desktopGateway },
  } satisfies Readonly<Partial<Record<ProbeName, Readonly<Partial<Record<Transport, Speaker>>>>>>;
}
