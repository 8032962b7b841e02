/** Every decoder of what strangers send, with true messages for it. `test/unit/decoders.test.ts` finds any that is missing. */
import { decodeCertificate } from '../../agent/codecs/certificate.ts';
import { readElement } from '../../agent/codecs/ber.ts';
import { readGeneralizedTime } from '../../agent/codecs/clock.ts';
import { decodeCredentialCache, decodeKeyTable } from '../../agent/codecs/credential-file.ts';
import { decodeRpcReply } from '../../agent/codecs/dcerpc.ts';
import { type Decoded, malformed } from '../../agent/codecs/decoded.ts';
import { decodeDnsDatagram, decodeDnsStream, frameDns } from '../../agent/codecs/dns.ts';
import { decodeEptMap, rpcSyntaxes } from '../../agent/codecs/endpoint-mapper.ts';
import { decodePreambleReply } from '../../agent/codecs/framing.ts';
import { decodeHttpHead } from '../../agent/codecs/http.ts';
import { decodeKdcReply, decodeKerberosError, frame, framed } from '../../agent/codecs/kerberos.ts';
import { decodeChangeReply } from '../../agent/codecs/kpasswd.ts';
import { readTrace } from '../../agent/codecs/krb5-trace.ts';
import { decodeBindReply, decodePingReply, decodeSearchReply } from '../../agent/codecs/ldap.ts';
import { decodeMailslotReply } from '../../agent/codecs/mailslot.ts';
import { decodeNodeStatus, decodeSessionReply } from '../../agent/codecs/netbios.ts';
import { decodeNetlogon } from '../../agent/codecs/netlogon.ts';
import { decodeNtpReply } from '../../agent/codecs/ntp.ts';
import { decodeVersionNegotiation } from '../../agent/codecs/quic.ts';
import { decodeConnectionConfirm, decodeSynAck } from '../../agent/codecs/rdp.ts';
import { decodeSmbReply } from '../../agent/codecs/smb.ts';
import { decodeIdentifyReply } from '../../agent/codecs/wsman.ts';
import { packEnvelope, unpackEnvelope } from '../../agent/contract/envelope.ts';
import { packFrame, unpackFrame } from '../../agent/contract/frame.ts';
import { contractVersion } from '../../agent/contract/job.ts';
import { decodeMessage, encodeMessage, type Settled } from '../../agent/contract/message.ts';
import { packPolicy, unpackPolicy } from '../../agent/contract/policy.ts';
import { captures, hex } from './captures.ts';
import { credentialCache, keyTable } from './credentials.ts';
import { jobOf, ruleOf } from './jobs.ts';
import { dcCertificate, noticeOfDisconnection, paddedRootDse } from './replies.ts';

/** One way in which a decoder is used. */
export interface Use {
  readonly decode: (received: Buffer) => Decoded<unknown>;
  readonly messages: readonly Buffer[];
  /** What a true message is when it is cut: a stream goes on, a datagram does not. `no-value`: either. `any`: some beginnings are whole in themselves. */
  readonly cut: 'incomplete' | 'malformed' | 'no-value' | 'any';
}

const dnsReply = hex(
  '414484000001000200010000055f6c646170045f746370026463065f6d7364637304636f7270076578616d706c6504746573740000210001' +
    'c00c0021000100000384000c00000064018503646331c021c00c0021000100000384000c0000006401850364' +
    '6332c021c01a0006000100000e100023c04a0a686f73746d6173746572c0210000000200000384000002580001518000000e10',
);
const netlogon = captures.ping.subarray(captures.ping.indexOf(hex('3164 0462')) + 4, captures.ping.indexOf(hex('300c 0201')));
const mapStub = captures.mapped.subarray(24);
const http = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'));
const fault = 'http://schemas.microsoft.com/ws/2006/05/framing/faults/UnsupportedVersion';

const job = jobOf([ruleOf('ldap', 'tcp', 389)]);
const settled: Settled = { kind: 'result', index: 0, outcome: { kind: 'failed', code: 'interrupted', message: 'm' }, attempts: 1, elapsedMs: 1 };
const trace =
  '[32276] 1795647944.100354: Received answer (171 bytes) from stream 10.0.1.10:88\n' +
  '[32276] 1795647944.100357: Received error from KDC: -1765328359/Additional pre-authentication required\n';

/** By the name of the export. */
export const decoders: Readonly<Record<string, readonly Use[]>> = {
  decodeBindReply: [
    {
      decode: decodeBindReply,
      cut: 'incomplete',
      messages: [
        hex('300f 020402020202 6107 0a0100 0400 0400'),
        hex('308400000013 020402020202 618400000007 0a0100 0400 0400'),
        noticeOfDisconnection,
      ],
    },
  ],
  decodeCertificate: [{ decode: decodeCertificate, cut: 'no-value', messages: [dcCertificate] }],
  decodeChangeReply: [
    { decode: decodeChangeReply, cut: 'no-value', messages: [captures.changeRefused, captures.changeRefused.subarray(6)] },
    { decode: framed(decodeChangeReply), cut: 'incomplete', messages: [frame(captures.changeRefused)] },
  ],
  decodeConnectionConfirm: [{ decode: decodeConnectionConfirm, cut: 'incomplete', messages: [captures.rdpConfirm, hex('0300000b06d00000123400')] }],
  decodeCredentialCache: [{ decode: decodeCredentialCache, cut: 'any', messages: [credentialCache] }],
  decodeDnsDatagram: [{ decode: decodeDnsDatagram, cut: 'malformed', messages: [dnsReply, captures.dnsSrv, captures.dnsSoa] }],
  decodeDnsStream: [{ decode: decodeDnsStream, cut: 'incomplete', messages: [dnsReply, captures.dnsSrv, captures.dnsSoa].map(frameDns) }],
  decodeEptMap: [
    {
      decode: (received) => decodeEptMap(received, rpcSyntaxes.drsuapi),
      cut: 'malformed',
      messages: [mapStub, captures.notMapped.subarray(24)],
    },
  ],
  decodeHttpHead: [
    {
      decode: decodeHttpHead,
      cut: 'incomplete',
      messages: [http('HTTP/1.1 407 Proxy Authentication Required\nServer: squid/5.7\n\n'), captures.gatewayLogon],
    },
  ],
  decodeIdentifyReply: [{ decode: decodeIdentifyReply, cut: 'incomplete', messages: [captures.identified] }],
  decodeKdcReply: [
    { decode: decodeKdcReply, cut: 'no-value', messages: [captures.preAuthentication, captures.unknownClient].map((reply) => reply.subarray(4)) },
    { decode: framed(decodeKdcReply), cut: 'incomplete', messages: [captures.preAuthentication, captures.unknownClient] },
  ],
  decodeKerberosError: [{ decode: decodeKerberosError, cut: 'no-value', messages: [captures.preAuthentication.subarray(4)] }],
  decodeKeyTable: [{ decode: decodeKeyTable, cut: 'any', messages: [keyTable] }],
  decodeMailslotReply: [{ decode: decodeMailslotReply, cut: 'malformed', messages: [captures.mailslot] }],
  decodeMessage: [
    {
      decode: optional((received) => decodeMessage(received.toString())),
      cut: 'no-value',
      messages: [encodeMessage(settled), encodeMessage({ kind: 'bye', reason: 'finished' }), encodeMessage({ kind: 'frame', text: 'AA.01' })].map(
        (line) => Buffer.from(line),
      ),
    },
  ],
  decodeNetlogon: [{ decode: decodeNetlogon, cut: 'malformed', messages: [netlogon] }],
  decodeNodeStatus: [{ decode: decodeNodeStatus, cut: 'malformed', messages: [captures.nodeStatus] }],
  decodeNtpReply: [{ decode: (received) => decodeNtpReply(received, 1_795_334_400_000), cut: 'malformed', messages: [captures.time] }],
  decodePingReply: [{ decode: decodePingReply, cut: 'no-value', messages: [captures.ping] }],
  decodePreambleReply: [
    { decode: decodePreambleReply, cut: 'incomplete', messages: [captures.preambleAck, Buffer.concat([hex('0849'), Buffer.from(fault)])] },
  ],
  decodeRpcReply: [
    {
      decode: decodeRpcReply,
      cut: 'incomplete',
      messages: [
        captures.bindAck,
        captures.bindUnknown,
        captures.mapped,
        hex('05000d031000000015000000010000000400010500'),
        hex('0500032310000000200000000200000000000000000000000500000000000000'),
        // The same answer in two fragments.
        Buffer.concat([
          hex('050002011000000058000000020000008000000000000000'),
          mapStub.subarray(0, 64),
          hex('050002021000000058000000020000008000000000000000'),
          mapStub.subarray(64),
        ]),
      ],
    },
  ],
  decodeSearchReply: [{ decode: decodeSearchReply, cut: 'incomplete', messages: [paddedRootDse, noticeOfDisconnection, captures.rootDse] }],
  decodeSessionReply: [{ decode: decodeSessionReply, cut: 'incomplete', messages: [hex('8300000182'), hex('840000060a63010b008b')] }],
  decodeSmbReply: [
    { decode: decodeSmbReply, cut: 'incomplete', messages: [captures.smb2, hex(`00000025ff534d4272000000009853c8${'00'.repeat(20)}0100000000`)] },
  ],
  decodeSynAck: [{ decode: decodeSynAck, cut: 'malformed', messages: [hex(`00000042040000050000004204d004d0${'00'.repeat(1116)}`)] }],
  decodeVersionNegotiation: [
    { decode: decodeVersionNegotiation, cut: 'malformed', messages: [hex('f00000000008a1a2a3a4a5a6a7a808b1b2b3b4b5b6b7b800000001')] },
  ],
  readElement: [
    { decode: (received) => readElement(received), cut: 'incomplete', messages: [hex('300602010504016a'), hex('3082000404021234'), dcCertificate] },
  ],
  readGeneralizedTime: [
    {
      decode: optional((received) => readGeneralizedTime(received.toString('latin1'))),
      cut: 'no-value',
      messages: [Buffer.from('20261122075031Z'), Buffer.from('20261122075031.0Z')],
    },
  ],
  readTrace: [
    { decode: optional((received) => readTrace(received.toString('latin1'), '10.0.1.10', 88)), cut: 'any', messages: [Buffer.from(trace)] },
  ],
  unpackEnvelope: [
    {
      decode: optional((received) => unpackEnvelope(received.toString('latin1'))),
      cut: 'no-value',
      messages: [Buffer.from(packEnvelope({ contract: contractVersion, nodes: { 'i-0123456789abcdef0': 'client' }, job }))],
    },
  ],
  unpackPolicy: [
    {
      decode: optional((received) => unpackPolicy(received.toString('latin1'))),
      cut: 'no-value',
      messages: [Buffer.from(packPolicy({ destinations: ['10.0.0.0/8', 'fd00::/8'], ports: ['53/udp', '49152-65535/tcp'], endsAfterMs: 900_000 }))],
    },
  ],
  unpackFrame: [
    {
      decode: optional((received) => unpackFrame(job, 'client', received.toString('latin1'))),
      cut: 'no-value',
      messages: [Buffer.from(packFrame(job, 'client', { results: [settled] }))],
    },
  ],
};

/** A reader of whole texts, which knows nothing but a value or none, as a decoder. */
function optional(read: (received: Buffer) => unknown): Use['decode'] {
  return (received) => {
    const value = read(received);
    return value === undefined ? malformed('none') : { kind: 'value', value, length: received.length };
  };
}
