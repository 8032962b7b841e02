/**
 * Services that answer with captured bytes. What ties an answer to its question (an id, a nonce, an echoed name) is copied from the request byte by byte; a
 * request that is not the expected one stays without an answer. Nothing here uses a codec of the agent: that would prove nothing.
 */
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import { captures, hex } from './captures.ts';

/** What a service answers to a request; undefined where it would not. */
export type Speaker = (request: Buffer) => Buffer | undefined;

/** How a speaker is reached, and how it talks. `tls`: inside TLS. `chatter`: the longest beginning that promises more, after which zeros never end. */
interface Service {
  readonly speak: Speaker;
  readonly tls?: true;
  readonly chatter: Buffer;
}

/** UUIDs of RPC interfaces as they lie on the wire. */
export const wireUuids = { drsuapi: '354251e3064bd111ab0400c04fc2dcd2', netlogon: '785634123412cdabef0001234567cffb' } as const;

const bind = 0x0b;
const endpointMapper = '0883afe11f5dc91191a408002b14a0fa';
const ndr = '045d888aeb1cc9119fe808002b10486002000000';

/** A copy of captured bytes with other bytes at some offsets. */
export function patched(capture: Buffer, edits: Readonly<Record<number, Uint8Array>>): Buffer {
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

const dnsUdp: Speaker = (request) => {
  const type = request.readUInt16BE(request.length - 4);
  const answer = type === 33 ? captures.dnsSrv : type === 6 ? captures.dnsSoa : undefined;
  return answer && patched(answer, { 0: request.subarray(0, 2) });
};

/** Puts a length of so many bytes before requests and answers, as TCP forms do. */
function framed(length: 2 | 4, speak: Speaker): Speaker {
  return (request) => {
    if (request.readUIntBE(0, length) !== request.length - length) return undefined;
    const answer = speak(request.subarray(length));
    return answer && Buffer.concat([bigEndian(answer.length, length), answer]);
  };
}

/** The message id of an LDAP request, with its tag and length. */
function messageId(request: Buffer): Buffer {
  const first = request.readUInt8(1);
  const start = first < 0x80 ? 2 : 2 + (first & 0x7f);
  return request.subarray(start, start + 2 + request.readUInt8(start + 1));
}

/** Captured LDAP messages under another message id. */
export function withMessageId(id: Buffer, messages: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let rest = messages; rest.length > 0;) {
    const first = rest.readUInt8(1);
    const start = first < 0x80 ? 2 : 2 + (first & 0x7f);
    const end = start + (first < 0x80 ? first : rest.readUIntBE(2, first & 0x7f));
    const content = Buffer.concat([id, rest.subarray(start + 2 + rest.readUInt8(start + 1), end)]);
    parts.push(Buffer.from([0x30, 0x82]), bigEndian(content.length, 2), content);
    rest = rest.subarray(end);
  }
  return Buffer.concat(parts);
}

const rootDse: Speaker = (request) => (request.includes('dnsHostName') ? withMessageId(messageId(request), captures.rootDse) : undefined);

const ping: Speaker = (request) =>
  request.includes('corp.example.test') && request.includes('Netlogon') ? withMessageId(messageId(request), captures.ping) : undefined;

const kdc: Speaker = (request) => {
  if (request[0] !== 0x6a || !request.includes('CORP.EXAMPLE.TEST')) return undefined;
  if (request.includes('ADPROBE-NONE$')) return captures.unknownClient.subarray(4);
  return request.includes('\u001b\u0004DC1$') ? captures.preAuthentication.subarray(4) : undefined;
};

const passwordChange: Speaker = (request) => (request.readUInt16BE(0) === request.length ? captures.changeRefused : undefined);

const time: Speaker = (request) => (request.length === 48 && request[0] === 0x23 ? patched(captures.time, { 24: request.subarray(40) }) : undefined);

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

/** An RPC server on this port of five digits that has DRSUAPI and no other interface. */
export function rpcServerOn(port: number): Speaker {
  return (request) => {
    if (request[2] !== bind) return undefined;
    const answer = patched(captures.bindUnknown, { 12: request.subarray(12, 16), 26: Buffer.from(String(port)) });
    return request.toString('hex', 32, 48) === wireUuids.drsuapi ? patched(answer, { 36: Buffer.alloc(4), 40: hex(ndr) }) : answer;
  };
}

const fileServer: Speaker = (request) => (request.subarray(4, 8).equals(hex('fe534d42')) ? captures.smb2 : undefined);

const nodeStatus: Speaker = (request) => (request.length === 50 ? patched(captures.nodeStatus, { 0: request.subarray(0, 2) }) : undefined);

const session: Speaker = (request) => (request[0] === 0x81 && request.length === 72 ? hex('82000000') : undefined);

/** Every service, by the probe and transport that ask it. RPC's port of 49153 is that of the capture. */
export const services: Readonly<Record<ProbeName, Readonly<Partial<Record<Transport, Service>>>>> = {
  tcp: { tcp: { speak: () => hex('00'), chatter: Buffer.alloc(1) } },
  udp: { udp: { speak: (request) => (request.equals(hex('00')) ? hex('ff') : undefined), chatter: Buffer.alloc(1) } },
  dns: { tcp: { speak: framed(2, dnsUdp), chatter: hex('ffff 0000 8400 0000 ffff') }, udp: { speak: dnsUdp, chatter: hex('0000 8400 0000 ffff') } },
  cldap: { udp: { speak: ping, chatter: hex('3084 0000ffff') } },
  ldap: { tcp: { speak: rootDse, chatter: hex('3084 0000ffff') } },
  ldaps: { tcp: { speak: rootDse, tls: true, chatter: hex('3084 0000ffff') } },
  kerberos: { tcp: { speak: framed(4, kdc), chatter: hex('0000ffff 7e82fffb') }, udp: { speak: kdc, chatter: hex('7e82fffb') } },
  kpasswd: {
    tcp: { speak: framed(4, passwordChange), chatter: hex('0000ffff ffff 0001 0000 7e82fff5') },
    udp: { speak: passwordChange, chatter: hex('ffff 0001 0000 7e82fff5') },
  },
  ntp: { udp: { speak: time, chatter: hex('24') } },
  smb: { tcp: { speak: fileServer, chatter: hex('00010000 fe534d42') } },
  epm: { tcp: { speak: endpointMapperFor({ [wireUuids.drsuapi]: 49153 }), chatter: hex('05000001 10000000 0040 0000 01000000') } },
  rpc: { tcp: { speak: rpcServerOn(49153), chatter: hex('05000001 10000000 0040 0000 01000000') } },
  netbios: { tcp: { speak: session, chatter: hex('82000001') }, udp: { speak: nodeStatus, chatter: hex('0000 8400 0000 0001') } },
};
