/**
 * The files in which MIT Kerberos keeps credentials: the credential cache (version 4) and the key table (version 2), as its documentation describes them.
 * Read is whom they are for and until when; keys and tickets are stepped over, or copied unread.
 */
import { type Decoded, guard, Malformed, malformed } from './decoded.ts';

/** A ticket-granting ticket: for which realm it is good, and until when, in milliseconds since 1970. */
export interface Grant {
  readonly realm: string;
  readonly endsAt: number;
}

/** A credential cache. `bare` is the same cache with nothing in it but its ticket-granting tickets. */
export interface CredentialCache {
  readonly principal: string;
  readonly grants: readonly Grant[];
  readonly bare: Buffer;
}

/** One principal of a key table. */
export interface KeyOwner {
  readonly principal: string;
  readonly realm: string;
}

const cacheVersion = 0x0504;
const keyTableVersion = 0x0502;
const grantingService = 'krbtgt';

/** Decodes a credential cache file. */
export function decodeCredentialCache(bytes: Buffer): Decoded<CredentialCache> {
  return guard<CredentialCache>(() => {
    const cursor = new Cursor(bytes);
    if (cursor.short() !== cacheVersion) return malformed('no credential cache of version 4');
    cursor.skip(cursor.short());
    const { principal } = readPrincipal(cursor);
    const head = bytes.subarray(0, cursor.offset);
    const grants: Grant[] = [];
    const kept: Buffer[] = [];
    while (cursor.offset < bytes.length) {
      const start = cursor.offset;
      const { service, endsAt } = readCredential(cursor);
      const [name, realm] = service;
      if (name !== grantingService || realm === undefined) continue;
      grants.push({ realm, endsAt });
      kept.push(bytes.subarray(start, cursor.offset));
    }
    return { kind: 'value', value: { principal, grants, bare: Buffer.concat([head, ...kept]) }, length: bytes.length };
  });
}

/** Decodes whom a key table file has keys for, in its order. */
export function decodeKeyTable(bytes: Buffer): Decoded<readonly KeyOwner[]> {
  return guard<readonly KeyOwner[]>(() => {
    const cursor = new Cursor(bytes);
    if (cursor.short() !== keyTableVersion) return malformed('no key table of version 2');
    const owners: KeyOwner[] = [];
    while (cursor.offset < bytes.length) {
      const size = cursor.signed();
      const end = cursor.offset + Math.abs(size);
      // A negative size is that of a hole, where an entry was.
      if (size > 0) {
        const count = cursor.short();
        const realm = cursor.counted(cursor.short());
        const components = Array.from({ length: count }, () => cursor.counted(cursor.short()));
        owners.push({ principal: nameOf(components, realm), realm });
      } else if (size === 0) break;
      cursor.skip(end - cursor.offset);
    }
    return { kind: 'value', value: owners, length: bytes.length };
  });
}

function readPrincipal(cursor: Cursor): { readonly principal: string; readonly components: readonly string[] } {
  cursor.skip(4);
  const count = cursor.long();
  const realm = cursor.counted(cursor.long());
  if (count > 16) throw new Malformed(`a principal of ${count} parts`);
  const components = Array.from({ length: count }, () => cursor.counted(cursor.long()));
  return { principal: nameOf(components, realm), components };
}

function readCredential(cursor: Cursor): { readonly service: readonly string[]; readonly endsAt: number } {
  readPrincipal(cursor);
  const { components } = readPrincipal(cursor);
  cursor.skip(2);
  cursor.skip(cursor.long());
  cursor.skip(8);
  const endsAt = cursor.long() * 1_000;
  cursor.skip(4 + 1 + 4);
  for (const list of ['addresses', 'authorization data']) {
    const count = cursor.long();
    if (count > 1_024) throw new Malformed(`${count} ${list}`);
    for (let entry = 0; entry < count; entry += 1) {
      cursor.skip(2);
      cursor.skip(cursor.long());
    }
  }
  for (let ticket = 0; ticket < 2; ticket += 1) cursor.skip(cursor.long());
  return { service: components, endsAt };
}

/** A principal as krb5_parse_name reads it. */
function nameOf(components: readonly string[], realm: string): string {
  return `${components.map((part) => part.replaceAll(/[\\/@]/g, String.raw`\$&`)).join('/')}@${realm}`;
}

/** Reads big-endian numbers and counted text one after another; beyond the end it throws a RangeError. */
class Cursor {
  readonly #bytes: Buffer;
  offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  short(): number {
    const value = this.#bytes.readUInt16BE(this.offset);
    this.offset += 2;
    return value;
  }

  long(): number {
    const value = this.#bytes.readUInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  signed(): number {
    const value = this.#bytes.readInt32BE(this.offset);
    this.offset += 4;
    return value;
  }

  counted(length: number): string {
    const start = this.offset;
    this.skip(length);
    return this.#bytes.toString('utf8', start, this.offset);
  }

  skip(length: number): void {
    if (length < 0 || this.offset + length > this.#bytes.length) throw new RangeError('beyond the end');
    this.offset += length;
  }
}
