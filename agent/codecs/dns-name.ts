/** Names in DNS messages (RFC 1035 §3.1, §4.1.4), and the reader that they are read with. */
import { Malformed } from './decoded.ts';

/** Octets of the header of a message (RFC 1035 §4.1.1). */
export const headerBytes = 12;

/** Longest label, and longest name with all its lengths (RFC 1035 §2.3.4). */
const longestLabel = 63;
const longestName = 255;
/** From here on a length is the upper part of a pointer. */
const pointer = 0xc0;

/** Reads a message byte by byte, from after its header. `at` is where it is. */
export interface Reader {
  readonly length: number;
  at: number;
  /** The number in the next so many bytes. Throws `Malformed` where there are fewer. */
  readonly number: (bytes: number) => number;
}

/**
 * A reader with a budget: a 64 KiB message of 4,096 names that share one chain of 8,000 pointers would keep it busy for seconds. An honest message reads each
 * byte about 5 times (names repeat through pointers), 32 times leaves room.
 */
export function thriftyReader(message: Buffer): Reader {
  let budget = 32 * message.length;
  return {
    length: message.length,
    at: headerBytes,
    number(bytes) {
      budget -= bytes;
      if (budget < 0) throw new Malformed('DNS names that point in circles');
      const end = this.at + bytes;
      if (end > message.length) throw new Malformed('DNS message ends too early');
      let value = 0;
      for (; this.at < end; this.at += 1) value = value * 256 + message.readUInt8(this.at);
      return value;
    },
  };
}

/** The name at the reader's place, as it is written, a character a byte; the reader then stands behind it. A broken one throws `Malformed`. */
export function dnsNameAt(reader: Reader): string {
  const labels: string[] = [];
  const seen = new Set<number>();
  let behind: number | undefined;
  let octets = 1;
  for (let length = reader.number(1); length > 0; length = reader.number(1)) {
    if (length >= pointer) {
      const place = (length - pointer) * 256 + reader.number(1);
      if (seen.has(place)) throw new Malformed('DNS names that point in circles');
      seen.add(place);
      behind ??= reader.at;
      reader.at = place;
      continue;
    }
    octets += length + 1;
    if (length > longestLabel || octets > longestName) throw new Malformed('a DNS name that is too long');
    labels.push(String.fromCharCode(...Array.from({ length }, () => reader.number(1))));
  }
  reader.at = behind ?? reader.at;
  return labels.join('.');
}

/** The bytes of a name, without pointers. Throws for one that no message can hold. */
export function encodeDnsName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const bytes = Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]), Buffer.alloc(1)]);
  if (labels.some(({ length }) => length > longestLabel) || bytes.length > longestName) throw new Error(`no DNS name: ${name}`);
  return bytes;
}
