/** How RDP begins: X.224 over TPKT on TCP ([MS-RDPBCGR] 2.2.1), and RDP-UDP's SYN on UDP ([MS-RDPEUDP] 2.2.2). */
import { type Decoded, guard, incomplete, malformed } from './decoded.ts';

/** What a server answers to a connection request: the security that it chose, or why it takes none that was offered ([MS-RDPBCGR] 2.2.1.2.1, 2.2.1.2.2). */
export type ConnectionConfirm = { readonly kind: 'chosen'; readonly protocol: number } | { readonly kind: 'refused'; readonly failure: number };

/** TLS, CredSSP, and CredSSP with early user authorization. */
const offered = 0x01 | 0x02 | 0x08;

/** RFC 2126 §4.3 and X.224 §13.4: version, reserved byte, length, length of what follows but its data, code. */
const confirm = { bare: 11, negotiated: 19 } as const;
const code = { request: 0xe0, confirm: 0xd0 } as const;
const negotiation = { response: 2, failure: 3 } as const;

/** A connection request that offers every security but RDP's own, without a cookie: that would name a user ([MS-RDPBCGR] 2.2.1.1). */
export function encodeConnectionRequest(): Buffer {
  return Buffer.from([3, 0, 0, confirm.negotiated, 14, code.request, 0, 0, 0, 0, 0, 1, 0, 8, 0, offered, 0, 0, 0]);
}

/** Reads what follows a connection request, byte by byte as it comes. Without a negotiation it is RDP's own security that was chosen. */
export function decodeConnectionConfirm(received: Buffer): Decoded<ConnectionConfirm> {
  return guard((): Decoded<ConnectionConfirm> => {
    const [version = 3, reserved = 0, high = 0, length = confirm.bare, indicator = length - 5, answer = code.confirm] = received;
    if (version !== 3 || reserved !== 0) return malformed('not a TPKT packet');
    if (high !== 0 || (length !== confirm.bare && length !== confirm.negotiated)) return malformed(`TPKT packet of ${high * 256 + length} bytes`);
    if (indicator !== length - 5 || (answer & 0xf0) !== code.confirm) return malformed(`X.224 packet of type 0x${answer.toString(16)}`);
    const [type = negotiation.response] = received.subarray(confirm.bare, length);
    if (type !== negotiation.response && type !== negotiation.failure) return malformed(`RDP negotiation of type ${type}`);
    if (received.length < length) return incomplete;
    if (length === confirm.bare) return { kind: 'value', value: { kind: 'chosen', protocol: 0 }, length };
    if (received.readUInt16LE(13) !== 8) return malformed(`RDP negotiation of ${received.readUInt16LE(13)} bytes`);
    const value = received.readUInt32LE(15);
    return {
      kind: 'value',
      value: type === negotiation.response ? { kind: 'chosen', protocol: value } : { kind: 'refused', failure: value },
      length,
    };
  });
}

/** Bounds of what either side may send in one datagram ([MS-RDPEUDP] 2.2.2.5). */
const mtu = { least: 1132, most: 1232 } as const;
const flags = { syn: 1, ack: 4 } as const;

/** A SYN with this sequence number, as long as any answer to it, so that nobody can be flooded with answers ([MS-RDPEUDP] 3.1.5.1.1). */
export function encodeSyn(sequence: number): Buffer {
  const syn = Buffer.alloc(mtu.most);
  syn.writeUInt32BE(0xffffffff, 0);
  syn.writeUInt16BE(64, 4);
  syn.writeUInt16BE(flags.syn, 6);
  syn.writeUInt32BE(sequence, 8);
  syn.writeUInt16BE(mtu.most, 12);
  syn.writeUInt16BE(mtu.most, 14);
  return syn;
}

/** Reads the answer to a SYN, which acknowledges its sequence number ([MS-RDPEUDP] 3.1.5.1.3); never `incomplete`. */
export function decodeSynAck(received: Buffer): Decoded<{ readonly acknowledged: number }> {
  return guard(() => {
    if (received.length < mtu.least || received.length > mtu.most) return malformed(`RDP-UDP datagram of ${received.length} bytes`);
    if ((received.readUInt16BE(6) & (flags.syn | flags.ack)) !== (flags.syn | flags.ack)) return malformed('not the answer to a SYN');
    for (const size of [received.readUInt16BE(12), received.readUInt16BE(14)])
      if (size < mtu.least || size > mtu.most) return malformed(`RDP-UDP with datagrams of ${size} bytes`);
    return { kind: 'value', value: { acknowledged: received.readUInt32BE(0) }, length: received.length };
  });
}
