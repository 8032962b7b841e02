/** The value of the `Netlogon` attribute: what a DC says of itself in answer to an LDAP ping. */
import { type Decoded, guard, Malformed } from './decoded.ts';

/** What one NETLOGON_SAM_LOGON_RESPONSE_EX says, under the names of facts. `clientSite` is empty where the DC finds no site for our address. */
export interface Netlogon {
  readonly paused: boolean;
  readonly roles: readonly string[];
  readonly domainGuid: string;
  readonly forest: string;
  readonly domain: string;
  readonly dnsName: string;
  readonly netbiosDomain: string;
  readonly netbiosName: string;
  readonly site: string;
  readonly clientSite: string;
}

/** LOGON_SAM_LOGON_RESPONSE_EX, LOGON_SAM_PAUSE_RESPONSE_EX and LOGON_SAM_USER_UNKNOWN_EX ([MS-ADTS] 6.3.1.3). */
const opcodes = { response: 0x17, paused: 0x18, userUnknown: 0x19 } as const;

/** DS_FLAG bits that say what a server is ([MS-ADTS] 6.3.1.2). The three highest belong to the caller of DsGetDcName and say nothing here. */
const roleBits = [
  [0x1, 'pdc'],
  [0x4, 'gc'],
  [0x8, 'ldap'],
  [0x10, 'ds'],
  [0x20, 'kdc'],
  [0x40, 'time'],
  [0x80, 'closest'],
  [0x100, 'writable'],
  [0x200, 'good-time'],
  [0x400, 'ndnc'],
  [0x800, 'read-only'],
  [0x1000, 'full-secrets'],
  [0x2000, 'adws'],
  [0x4000, 'server-2012'],
  [0x8000, 'server-2012-r2'],
  [0x10000, 'server-2016'],
] as const;

const nameLimit = 255;

/** Decodes a whole NETLOGON_SAM_LOGON_RESPONSE_EX ([MS-ADTS] 6.3.1.9); it is never incomplete. Domain, forest and GUID come in lower case. */
export function decodeNetlogon(value: Buffer): Decoded<Netlogon> {
  return guard(() => {
    const opcode = value.readUInt16LE(0);
    if (opcode !== opcodes.response && opcode !== opcodes.paused && opcode !== opcodes.userUnknown) {
      throw new Malformed(`netlogon answer of type ${opcode}`);
    }
    const [names, end] = readNames(value, 24, 8);
    const [forest = '', domain = '', dnsName = '', netbiosDomain = '', netbiosName = '', , site = '', clientSite = ''] = names;
    // Optional fields may follow, then the version and, to end with, the two tokens.
    if (value.length < end + 8 || value.readUInt32LE(value.length - 4) !== 0xffffffff) throw new Malformed('netlogon answer without its end');
    const answer = {
      paused: opcode === opcodes.paused,
      roles: readRoles(value.readUInt32LE(4)),
      domainGuid: readGuid(value.subarray(8, 24)),
      forest: forest.toLowerCase(),
      domain: domain.toLowerCase(),
      dnsName,
      netbiosDomain,
      netbiosName,
      site,
      clientSite,
    };
    return { kind: 'value', value: answer, length: value.length };
  });
}

function readRoles(flags: number): readonly string[] {
  return roleBits
    .filter(([bit]) => (flags & bit) !== 0)
    .map(([, role]) => role)
    .sort();
}

/** The first three groups are little-endian numbers, the rest bytes in order ([MS-DTYP] 2.3.4.2). */
function readGuid(bytes: Buffer): string {
  const tail = bytes.toString('hex', 8, 16);
  const head = [hex(bytes.readUInt32LE(0), 8), hex(bytes.readUInt16LE(4), 4), hex(bytes.readUInt16LE(6), 4)];
  return [...head, tail.slice(0, 4), tail.slice(4)].join('-');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Reads `count` names in a row from `start`, each compressed as in RFC 1035 §4.1.4 with offsets into `value`; returns them and where they end. */
function readNames(value: Buffer, start: number, count: number): readonly [names: readonly string[], end: number] {
  const names: string[] = [];
  let offset = start;
  while (names.length < count) {
    const [name, end] = readName(value, offset);
    names.push(name);
    offset = end;
  }
  return [names, offset];
}

function readName(value: Buffer, start: number): readonly [name: string, end: number] {
  const labels: string[] = [];
  let end: number | undefined;
  let jumpedFrom = start;
  let offset = start;
  let length = 0;
  for (;;) {
    const size = value.readUInt8(offset);
    if (size === 0) return [labels.join('.'), end ?? offset + 1];
    if (size >= 0xc0) {
      const target = value.readUInt16BE(offset) & 0x3fff;
      // Only ever backwards: so no loop can form.
      if (target >= jumpedFrom) throw new Malformed('a compressed name that points ahead');
      end ??= offset + 2;
      jumpedFrom = target;
      offset = target;
      continue;
    }
    length += size + 1;
    if (size > 63 || length > nameLimit || offset + 1 + size > value.length) throw new Malformed('a name that is too long');
    labels.push(value.toString('utf8', offset + 1, offset + 1 + size));
    offset += 1 + size;
  }
}
