/** Name servers and DCs as locating meets them, on loopback addresses of their own. */
import { type Scope, serveTcp, serveUdp } from './loopback.ts';
import { services } from './speakers.ts';

const types = { a: 1, aaaa: 28, srv: 33 } as const;

/** What a name server knows: targets or addresses, by type and name. */
export type Zone = Readonly<Record<string, readonly string[]>>;

/** A name as DNS writes it, without compression (RFC 1035 §3.1). */
function nameBytes(name: string): Buffer {
  return Buffer.concat([...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0])]);
}

function record(type: number, value: string): Buffer {
  const target = Buffer.concat([Buffer.from([0, 0, 0, 100, 0x01, 0x85]), nameBytes(value)]);
  const data = type === types.srv ? target : Buffer.from(value.split('.').map(Number));
  const head = Buffer.from([0xc0, 0x0c, 0, type, 0, 1, 0, 0, 0, 60, 0, data.length]);
  return Buffer.concat([head, data]);
}

/** The answer of a name server, made by hand (RFC 1035 §4.1): NXDOMAIN for what it does not know. */
function answer(query: Buffer, zone: Zone, truncated = false): Buffer {
  const labels: string[] = [];
  let offset = 12;
  for (let length = query[offset] ?? 0; length > 0; length = query[offset] ?? 0) {
    labels.push(query.toString('latin1', offset + 1, offset + 1 + length));
    offset += 1 + length;
  }
  const type = query.readUInt16BE(offset + 1);
  const known = Object.entries(types).find(([, number]) => number === type)?.[0] ?? '';
  const found = zone[`${known} ${labels.join('.')}`];
  const records = truncated ? [] : (found ?? []).map((value) => record(type, value));
  const isNamed = Object.keys(zone).some((key) => key.endsWith(` ${labels.join('.')}`));
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (truncated ? 0x0200 : 0) | (isNamed ? 0 : 3), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(12, offset + 5), ...records]);
}

/** Name servers at addresses of their own on one port; undefined is one that never answers. */
export async function serveZones(t: Scope, zones: Readonly<Record<string, Zone | undefined>>, truncated = false): Promise<number> {
  let port = 0;
  for (const [address, known] of Object.entries(zones)) {
    const place = { address, port };
    port = await serveUdp(t, (query, reply) => known !== undefined && reply(answer(query, known, truncated)), place);
    if (!truncated) continue;
    await serveTcp(t, (socket) => socket.on('data', (query) => socket.write(framed(answer(query.subarray(2), known ?? {})))), { address, port });
  }
  return port;
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]);
}

/** DCs that answer the LDAP ping with captured bytes. */
export async function serveDcs(t: Scope, addresses: readonly string[]): Promise<number> {
  let port = 0;
  for (const address of addresses) {
    port = await serveUdp(
      t,
      (request, reply) => {
        const bytes = services.cldap.udp?.speak(request, port);
        if (bytes !== undefined) reply(bytes);
      },
      { address, port },
    );
  }
  return port;
}
