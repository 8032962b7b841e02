/** NTP client requests and their answers (RFC 5905 §7.3). */
import { type Decoded, guard, malformed } from './decoded.ts';

/** A server's answer. `origin` is the transmit field of the request it answers; times are milliseconds since 1970, absent where the field is empty. */
export interface NtpReply {
  readonly origin: Buffer;
  readonly leap: number;
  readonly stratum: number;
  readonly referenceId?: string;
  readonly kissCode?: string;
  readonly receivedMs?: number;
  readonly transmittedMs?: number;
}

const packetLength = 48;
const eraMs = 2 ** 32 * 1000;
const unixEpochMs = 2_208_988_800_000;

/** A version 4 client request that tells nothing but 8 random bytes, which the answer must echo (RFC 5905 §7.3, draft-ietf-ntp-data-minimization). */
export function encodeNtpRequest(transmit: Uint8Array): Buffer {
  if (transmit.length !== 8) throw new Error(`ntp: a transmit timestamp of ${transmit.length} bytes`);
  const packet = Buffer.alloc(packetLength);
  packet[0] = 0x23;
  packet.set(transmit, 40);
  return packet;
}

/** Reads a server's datagram (RFC 5905 §7.3), its times in the era that is nearest to `nearMs`; never `incomplete`. */
export function decodeNtpReply(received: Buffer, nearMs: number): Decoded<NtpReply> {
  return guard(() => {
    if (received.length < packetLength) return malformed(`NTP packet of ${received.length} bytes`);
    const first = received.readUInt8(0);
    if ((first & 7) !== 4) return malformed(`NTP mode ${first & 7} instead of 4`);
    const stratum = received.readUInt8(1);
    const text = readIdentifier(received.subarray(12, 16));
    const referenceId = stratum > 1 ? received.subarray(12, 16).join('.') : text;
    const receivedMs = readTimestamp(received, 32, nearMs);
    const transmittedMs = readTimestamp(received, 40, nearMs);
    return {
      kind: 'value',
      length: packetLength,
      value: {
        origin: received.subarray(24, 32),
        leap: first >>> 6,
        stratum,
        ...(referenceId !== undefined && { referenceId }),
        ...(stratum === 0 && text !== undefined && { kissCode: text }),
        ...(receivedMs !== undefined && { receivedMs }),
        ...(transmittedMs !== undefined && { transmittedMs }),
      },
    };
  });
}

/** ASCII padded with zeros, as strata 0 and 1 use it (RFC 5905 figures 12 and 13). */
function readIdentifier(field: Buffer): string | undefined {
  return /^([\x21-\x7e]{1,4})\0*$/.exec(field.toString('latin1'))?.[1];
}

/** Seconds wrap every 136 years and carry no era: the right one puts a server within 68 years of the asker (RFC 5905 §6). */
function readTimestamp(packet: Buffer, offset: number, nearMs: number): number | undefined {
  const seconds = packet.readUInt32BE(offset);
  const fraction = packet.readUInt32BE(offset + 4);
  if (seconds === 0 && fraction === 0) return undefined;
  const inFirstEra = seconds * 1000 + (fraction / 2 ** 32) * 1000 - unixEpochMs;
  return inFirstEra + Math.round((nearMs - inFirstEra) / eraMs) * eraMs;
}
