/** The endpoint mapper's ept_map call: on which TCP port does an RPC interface listen? (C706 appendix O, [MS-RPCE] 2.2.1.2.5) */
import { type Syntax, encodeSyntax, ndr } from './dcerpc.ts';
import { type Decoded, Malformed, guard } from './decoded.ts';

/** The endpoint mapper's own interface (C706 appendix O). */
export const endpointMapper: Syntax = { uuid: 'e1af8308-5d1f-11c9-91a4-08002b14a0fa', major: 3, minor: 0 };

/** The RPC interfaces that rules name ([MS-DRSR] 1.9, [MS-NRPC] 1.9, [MS-SAMR] 1.9, [MS-LSAD] 1.9, [MS-FRS2] 1.9). */
export const rpcSyntaxes = {
  drsuapi: { uuid: 'e3514235-4b06-11d1-ab04-00c04fc2dcd2', major: 4, minor: 0 },
  netlogon: { uuid: '12345678-1234-abcd-ef00-01234567cffb', major: 1, minor: 0 },
  samr: { uuid: '12345778-1234-abcd-ef00-0123456789ac', major: 1, minor: 0 },
  lsarpc: { uuid: '12345778-1234-abcd-ef00-0123456789ab', major: 0, minor: 0 },
  dfsr: { uuid: '897e2e5f-93f3-4376-9c9c-fd2277495c27', major: 1, minor: 0 },
} as const satisfies Readonly<Record<string, Syntax>>;

/** Operation number of ept_map. */
export const eptMap = 3;
/** Status of ept_map for an interface that nothing registered: ept_s_not_registered. */
export const notRegistered = 0x16c9a0d6;

/** What ept_map found: its status, and the TCP ports of the towers that are for the interface asked. Their addresses are never read: NAT makes them wrong. */
export interface EptMapReply {
  readonly status: number;
  readonly ports: readonly number[];
}

/** How many towers a question asks for. Some mappers send more, and that is no fault of the answer: they are read up to a bound. */
const wantedTowers = 4;
const maximumTowers = 64;
const protocol = { uuid: 0x0d, connectionOriented: 0x0b, tcp: 0x07, ip: 0x09 } as const;

/** Stub of an ept_map request for the TCP/IP towers of an interface. */
export function encodeEptMap(syntax: Syntax): Buffer {
  const tower = encodeTower(syntax);
  const noObject = Buffer.concat([integers(1), Buffer.alloc(16)]);
  const referent = integers(2, tower.length, tower.length);
  const padding = Buffer.alloc(-tower.length & 3);
  return Buffer.concat([noObject, referent, tower, padding, Buffer.alloc(20), integers(wantedTowers)]);
}

/** Reads the stub of an ept_map response to a question about `syntax`. The stub is whole (RPC put it together), so this is never `incomplete`. */
export function decodeEptMap(stub: Buffer, syntax: Syntax): Decoded<EptMapReply> {
  return guard(() => {
    const count = stub.readUInt32LE(20);
    const actual = stub.readUInt32LE(32);
    if (count !== actual || count > maximumTowers || stub.readUInt32LE(28) !== 0) throw new Malformed(`${count} towers, ${actual} in the array`);
    const referents = Array.from({ length: count }, (_, index) => stub.readUInt32LE(36 + 4 * index));
    let offset = 36 + 4 * count;
    const ports: number[] = [];
    for (const referent of referents) {
      if (referent === 0) continue;
      const length = stub.readUInt32LE(offset);
      if (stub.readUInt32LE(offset + 4) !== length || offset + 8 + length > stub.length) throw new Malformed(`tower of ${length} bytes`);
      const port = readTower(stub.subarray(offset + 8, offset + 8 + length), syntax);
      if (port !== undefined) ports.push(port);
      offset = (offset + 8 + length + 3) & ~3;
    }
    return { kind: 'value', value: { status: stub.readUInt32LE(offset), ports }, length: stub.length };
  });
}

function encodeTower(syntax: Syntax): Buffer {
  const floors = [
    encodeFloor(encodeIdentifier(syntax), minorVersion(syntax)),
    encodeFloor(encodeIdentifier(ndr), minorVersion(ndr)),
    encodeFloor([protocol.connectionOriented], [0, 0]),
    // The port and address of a question mean nothing; these are what the mapper's own tower holds.
    encodeFloor([protocol.tcp], [0, 135]),
    encodeFloor([protocol.ip], [0, 0, 0, 0]),
  ];
  return Buffer.concat([shorts(floors.length), ...floors]);
}

/** A floor's left side for an interface: the UUID with its major version. The minor version is the right side. */
function encodeIdentifier(syntax: Syntax): Buffer {
  return Buffer.concat([Buffer.from([protocol.uuid]), encodeSyntax(syntax).subarray(0, 18)]);
}

function minorVersion(syntax: Syntax): Buffer {
  return encodeSyntax(syntax).subarray(18);
}

function encodeFloor(left: Uint8Array | readonly number[], right: Uint8Array | readonly number[]): Buffer {
  return Buffer.concat([shorts(left.length), Buffer.from(left), shorts(right.length), Buffer.from(right)]);
}

/** The TCP port of a tower, unless it is for another interface or has none. */
function readTower(tower: Buffer, syntax: Syntax): number | undefined {
  let offset = 2;
  let port: number | undefined;
  const floors = tower.readUInt16LE(0);
  for (let floor = 1; floor <= floors; floor += 1) {
    const [left, rightStart] = readSide(tower, offset);
    const [right, end] = readSide(tower, rightStart);
    offset = end;
    if (floor === 1 && !left.equals(encodeIdentifier(syntax))) return undefined;
    if (left[0] === protocol.tcp && right.length === 2) port = right.readUInt16BE(0);
  }
  return port === 0 ? undefined : port;
}

function readSide(tower: Buffer, offset: number): [side: Buffer, end: number] {
  const end = offset + 2 + tower.readUInt16LE(offset);
  if (end > tower.length) throw new Malformed('tower floor reaches beyond the tower');
  return [tower.subarray(offset + 2, end), end];
}

function integers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, 4 * index);
  return bytes;
}

function shorts(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
