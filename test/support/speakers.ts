/** The services of the demo as tests need them: in the very words of the captures, and with a way to talk without end. */
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import { type Speaker, speakersOf, wireUuids } from '../../src/demo/speakers.ts';
import { messageId, withMessageId } from '../../src/demo/speakers.ts';
import { captures, hex } from './captures.ts';
import { token } from './jobs.ts';

export { bigEndian, endpointMapperFor, messageId, patched, type Speaker, wireUuids, withMessageId } from '../../src/demo/speakers.ts';

/** How a speaker is reached, and how it talks. `tls`: inside TLS. `chatter`: the longest beginning that promises more, after which zeros never end. */
export interface Service {
  readonly speak: Speaker;
  readonly tls?: true;
  readonly chatter: Buffer;
}

/** BindResponse, success, with the server's NegTokenResp: accept-completed, krb5 (RFC 4511 §4.2.2, RFC 4178 §4.2.2). */
const bindResponse = hex('3024020101611f0a0100040004008716a1143012a0030a0100a10b06092a864886f712010202');

const bind: Speaker = (request) =>
  request.includes('GSS-SPNEGO') && request.includes(token) ? withMessageId(messageId(request), bindResponse) : undefined;

const { dns, cldap, ldap, ldaps, kerberos, kpasswd, ntp, smb, epm, rpc, netbios, ...others } = speakersOf(() => captures, {
  [wireUuids.drsuapi]: 49_153,
});

/** A web server with nothing at its root, as API endpoints are: it wants HTTP/1.1's one required field, and answers by the letter of RFC 9112. */
const webServer: Speaker = (request) =>
  /^HEAD \/ HTTP\/1\.1\r\n(?:.+\r\n)*Host: [\w.:-]+\r\n(?:.+\r\n)*\r\n$/.test(request.toString('latin1'))
    ? Buffer.from('HTTP/1.1 404 Not Found\r\nServer: Server\r\nContent-Length: 29\r\nConnection: close\r\n\r\n')
    : undefined;

/** The head of a document of unknown length. */
const soap = Buffer.from('HTTP/1.1 200 \r\nContent-Type: application/soap+xml;charset=UTF-8\r\n\r\n');

/** Every service, by the probe and transport that ask it. */
export const services: Readonly<Record<ProbeName, Readonly<Partial<Record<Transport, Service>>>>> = {
  tcp: { tcp: { speak: () => hex('00'), chatter: Buffer.alloc(1) } },
  udp: { udp: { speak: (request) => (request.equals(hex('00')) ? hex('ff') : undefined), chatter: Buffer.alloc(1) } },
  dns: { tcp: { speak: dns.tcp, chatter: hex('ffff 0000 8400 0000 ffff') }, udp: { speak: dns.udp, chatter: hex('0000 8400 0000 ffff') } },
  cldap: { udp: { speak: cldap.udp, chatter: hex('3084 0000ffff') } },
  ldap: { tcp: { speak: ldap.tcp, chatter: hex('3084 0000ffff') } },
  ldaps: { tcp: { speak: ldaps.tcp, tls: true, chatter: hex('3084 0000ffff') } },
  kerberos: { tcp: { speak: kerberos.tcp, chatter: hex('0000ffff 7e82fffb') }, udp: { speak: kerberos.udp, chatter: hex('7e82fffb') } },
  kpasswd: {
    tcp: { speak: kpasswd.tcp, chatter: hex('0000ffff ffff 0001 0000 7e82fff5') },
    udp: { speak: kpasswd.udp, chatter: hex('ffff 0001 0000 7e82fff5') },
  },
  ntp: { udp: { speak: ntp.udp, chatter: hex('24') } },
  smb: { tcp: { speak: smb.tcp, chatter: hex('00010000 fe534d42') } },
  epm: { tcp: { speak: epm.tcp, chatter: hex('05000001 10000000 0040 0000 01000000') } },
  rpc: { tcp: { speak: rpc.tcp, chatter: hex('05000001 10000000 0040 0000 01000000') } },
  https: { tcp: { speak: webServer, tls: true, chatter: Buffer.from('HTTP/1.1 404 Not Found\r\nX-Filler: ') } },
  'ldap-ticket': {},
  'cifs-ticket': {},
  'ldap-bind': { tcp: { speak: bind, chatter: hex('3084 0000ffff') } },
  netbios: { tcp: { speak: netbios.tcp, chatter: hex('82000001') }, udp: { speak: netbios.udp, chatter: hex('0000 8400 0000 0001') } },
  'netbios-datagram': { udp: { speak: others['netbios-datagram'].udp, chatter: hex('100e 0000 7f000001 008a ffff 0000') } },
  rdp: {
    tcp: { speak: others.rdp.tcp, chatter: hex('0300 0013 0e d0 0000 1234 00') },
    udp: { speak: others.rdp.udp, chatter: hex('00000042 0400 0005') },
  },
  adws: {
    tcp: { speak: others.adws.tcp, chatter: Buffer.concat([hex('08ff01'), Buffer.from('http://schemas.microsoft.com/ws/2006/05/framing/faults/')]) },
  },
  quic: { udp: { speak: others.quic.udp, chatter: hex('f000000000 ff') } },
  winrm: { tcp: { speak: others.winrm.tcp, chatter: soap } },
  'winrm-tls': { tcp: { speak: others['winrm-tls'].tcp, tls: true, chatter: soap } },
  rdgw: { tcp: { speak: others.rdgw.tcp, tls: true, chatter: Buffer.from('HTTP/1.1 401 Unauthorized\r\nX-Filler: ') } },
};
