/** What strangers may send: every decoder of this table answers, whatever comes, and takes no cut or bent reply for a whole one. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeRpcReply } from '../../agent/codecs/dcerpc.ts';
import type { Decoded } from '../../agent/codecs/decoded.ts';
import { decodeDnsDatagram, decodeDnsStream } from '../../agent/codecs/dns.ts';
import { decodeEptMap, rpcSyntaxes } from '../../agent/codecs/endpoint-mapper.ts';
import { decodeHttpHead } from '../../agent/codecs/http.ts';
import { decodePreambleReply } from '../../agent/codecs/framing.ts';
import { decodeMailslotReply } from '../../agent/codecs/mailslot.ts';
import { decodeNodeStatus, decodeSessionReply } from '../../agent/codecs/netbios.ts';
import { decodeNtpReply } from '../../agent/codecs/ntp.ts';
import { decodeVersionNegotiation } from '../../agent/codecs/quic.ts';
import { decodeConnectionConfirm, decodeSynAck } from '../../agent/codecs/rdp.ts';
import { decodeSmbReply } from '../../agent/codecs/smb.ts';
import { decodeIdentifyReply } from '../../agent/codecs/wsman.ts';
import { captures } from '../support/captures.ts';

interface Row {
  readonly name: string;
  readonly decode: (received: Buffer) => Decoded<unknown>;
  readonly reply: string;
  /** A datagram is whole: nothing more can come, so nothing is incomplete. */
  readonly datagram?: true;
}

const dnsReply =
  '414484000001000200010000055f6c646170045f746370026463065f6d7364637304636f7270076578616d706c6504746573740000210001' +
  'c00c0021000100000384000c00000064018503646331c021c00c0021000100000384000c0000006401850364' +
  '6332c021c01a0006000100000e100023c04a0a686f73746d6173746572c0210000000200000384000002580001518000000e10';
const mapStub =
  '00000000000000000000000000000000000000000100000004000000000000000100000003000000' +
  '4b0000004b000000050013000d354251e3064bd111ab0400c04fc2dcd204000200000013000d045d888aeb1cc9119fe808002b10486002000200000001000b020000000100070200c0010100090400000000000000000000';
const smbReply =
  '0000011cfe534d4240000000000000000000010001000000000000000000000000000000fffe0000000000000000000000000000000000000000000000000000000000004100030011030200646331000000000000000000000000000f0000' +
  '00000080000000800000008000b6b9e58d817add01000000000000000080006000e0000000605e06062b0601050502a0543052a024302206092a864882f71201020206092a864886f712010202060a2b06010401823702020aa32a3028a026' +
  '1b246e6f745f646566696e65645f696e5f5246433431373840706c656173655f69676e6f72650100260000000000010020000100125a606bc80d4d064eb31084f1060e6f98d8a70aff5eff0c73bcd11f6101c43f0000020004000000000001' +
  '000200';
const netbiosName = `20434b${'41'.repeat(30)}00`;

const rows: readonly Row[] = [
  { name: 'DNS datagram', decode: decodeDnsDatagram, reply: dnsReply, datagram: true },
  { name: 'DNS stream', decode: decodeDnsStream, reply: `0097${dnsReply}` },
  {
    name: 'NTP',
    decode: (received) => decodeNtpReply(received, 1_795_334_400_000),
    reply: '240800e700000000000000007f7f0101eead6618bf823f532455ba1cba907400eead661a04139acfeead661a0416b43e',
    datagram: true,
  },
  {
    name: 'node status',
    decode: decodeNodeStatus,
    reply: `92b084000000000100000000${netbiosName}002100010000000000bf08444331202020202020202020202020004400444331202020202020202020202020034400444331202020202020202020202020204400434f525020202020202020202020201b4400434f525020202020202020202020201cc400434f5250202020202020202020202000c4005f5f53414d42415f5f20202020202000c6005f5f53414d42415f5f20202020202020c600${'00'.repeat(46)}`,
    datagram: true,
  },
  { name: 'mailslot', decode: decodeMailslotReply, reply: captures.mailslot.toString('hex'), datagram: true },
  { name: 'session refusal', decode: decodeSessionReply, reply: '8300000182' },
  { name: 'session retarget', decode: decodeSessionReply, reply: '840000060a63010b008b' },
  {
    name: 'RPC bind_ack',
    decode: decodeRpcReply,
    reply: '05000c03100000003c00000001000000b810b8105e8f000004003133350000000100000000000000045d888aeb1cc9119fe808002b10486002000000',
  },
  { name: 'RPC bind_nak', decode: decodeRpcReply, reply: '05000d031000000015000000010000000400010500' },
  { name: 'RPC fault', decode: decodeRpcReply, reply: '0500032310000000200000000200000000000000000000000500000000000000' },
  {
    name: 'RPC response in two fragments',
    decode: decodeRpcReply,
    reply: `050002011000000058000000020000008000000000000000${mapStub.slice(0, 128)}050002021000000058000000020000008000000000000000${mapStub.slice(128)}`,
  },
  { name: 'ept_map', decode: (received) => decodeEptMap(received, rpcSyntaxes.drsuapi), reply: mapStub, datagram: true },
  {
    name: 'HTTP head',
    decode: decodeHttpHead,
    reply: Buffer.from('HTTP/1.1 407 Proxy Authentication Required\r\nServer: squid/5.7\r\n\r\n').toString('hex'),
  },
  { name: 'HTTP logon', decode: decodeHttpHead, reply: captures.gatewayLogon.toString('hex') },
  { name: 'IdentifyResponse', decode: decodeIdentifyReply, reply: captures.identified.toString('hex') },
  { name: 'RDP confirm', decode: decodeConnectionConfirm, reply: '030000130ed000001234000201080001000000' },
  { name: 'RDP confirm without negotiation', decode: decodeConnectionConfirm, reply: '0300000b06d00000123400' },
  { name: 'RDP-UDP SYN+ACK', decode: decodeSynAck, reply: `00000042040000050000004204d004d0${'00'.repeat(1116)}`, datagram: true },
  { name: 'framing acknowledgement', decode: decodePreambleReply, reply: '0b' },
  {
    name: 'framing fault',
    decode: decodePreambleReply,
    reply: `0849${Buffer.from('http://schemas.microsoft.com/ws/2006/05/framing/faults/UnsupportedVersion').toString('hex')}`,
  },
  { name: 'QUIC versions', decode: decodeVersionNegotiation, reply: 'f00000000008a1a2a3a4a5a6a7a808b1b2b3b4b5b6b7b800000001', datagram: true },
  { name: 'SMB2', decode: decodeSmbReply, reply: smbReply },
  { name: 'SMB1', decode: decodeSmbReply, reply: `00000025ff534d4272000000009853c8${'00'.repeat(20)}0100000000` },
];

for (const { name, decode, reply, datagram } of rows) {
  const whole = Buffer.from(reply, 'hex');

  function answers(received: Buffer): Decoded<unknown> {
    const decoded = decode(received);
    if (decoded.kind === 'value') assert.ok(decoded.length <= received.length, 'took more than there was');
    if (datagram) assert.notEqual(decoded.kind, 'incomplete');
    return decoded;
  }

  describe(name, () => {
    test('the reply itself is read whole', () => {
      const decoded = answers(whole);
      assert.ok(decoded.kind === 'value', JSON.stringify(decoded));
      assert.equal(decoded.length, whole.length);
    });

    test('cut at any byte it is no value', () => {
      for (let length = 0; length < whole.length; length += 1) {
        assert.equal(answers(whole.subarray(0, length)).kind, datagram ? 'malformed' : 'incomplete', `at ${length}`);
      }
    });

    test('any bytes are answered', () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (random) => void answers(Buffer.from(random))));
    });

    test('any bytes after a true beginning are answered', () => {
      fc.assert(
        fc.property(fc.nat(whole.length), fc.uint8Array({ maxLength: 2000 }), (kept, random) => {
          answers(Buffer.concat([whole.subarray(0, kept), random]));
        }),
        { numRuns: 300 },
      );
    });

    test('any bits may flip', () => {
      fc.assert(
        fc.property(fc.array(fc.nat(8 * whole.length - 1), { minLength: 1, maxLength: 8 }), (bits) => {
          const bent = Buffer.from(whole);
          for (const bit of bits) bent.writeUInt8(bent.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
          answers(bent);
        }),
        { numRuns: 1000 },
      );
    });

    test('any two or four bytes may be the highest number', () => {
      for (const hex of ['ffff', 'ffffffff', '0000', '00000000', '7fffffff', 'ffffff7f']) {
        for (let at = 0; at + hex.length / 2 <= whole.length; at += 1) {
          const bent = Buffer.from(whole);
          bent.write(hex, at, 'hex');
          answers(bent);
          answers(Buffer.concat([bent, Buffer.alloc(70_000, 0xc0)]));
        }
      }
    });
  });
}
