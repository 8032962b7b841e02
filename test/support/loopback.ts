/** Servers on the loopback interface, each until the end of its test, and ports that refuse. */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Transport } from '../../agent/contract/probe.ts';

/** A test, or a file of tests: what is to be undone when it is over. */
export interface Scope {
  readonly after: (undo: () => void | Promise<void>) => void;
}

const home = '127.0.0.1';

/** Where to listen, where it matters. */
export interface Place {
  readonly address?: string;
  readonly port?: number;
}

/** Serves TCP on a free port and returns it. A connection whose peer hung up stays half open until `serve` ends it. */
export async function serveTcp(t: Scope, serve: (socket: Socket) => void, place: Place = {}): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    // A peer that resets is what many of these tests are about.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  t.after(async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  });
  server.listen(place.port ?? 0, place.address ?? home);
  await once(server, 'listening');
  return portOf(server);
}

/** Serves UDP on a free port and returns it. */
export async function serveUdp(
  t: Scope,
  serve: (request: Buffer, reply: (bytes: Buffer) => void, server: UdpSocket, from: RemoteInfo) => void,
  place: Place = {},
): Promise<number> {
  const server = createSocket('udp4');
  let open = true;
  server.on('close', () => (open = false));
  server.on('message', (request, from) => {
    const reply = (bytes: Buffer): void => {
      if (open) server.send(bytes, from.port, from.address, () => undefined);
    };
    serve(request, reply, server, from);
  });
  t.after(() => {
    if (open) server.close();
  });
  server.bind(place.port ?? 0, place.address ?? home);
  await once(server, 'listening');
  return server.address().port;
}

/** A port that refuses. A connected socket holds it, so that nobody else can get it in the meantime. */
export async function refusedPort(t: Scope, transport: Transport): Promise<number> {
  if (transport === 'udp') {
    const holder = createSocket('udp4').bind(0, home);
    await once(holder, 'listening');
    holder.connect(9, home);
    await once(holder, 'connect');
    t.after(() => void holder.close());
    return holder.address().port;
  }
  const holder = connect(await serveTcp(t, () => undefined), home);
  await once(holder, 'connect');
  t.after(() => void holder.destroy());
  return holder.localPort ?? 0;
}

/** A port that takes what comes and never answers. */
export function silentPort(t: Scope, transport: Transport): Promise<number> {
  return transport === 'udp' ? serveUdp(t, () => undefined) : serveTcp(t, (socket) => void socket.resume());
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}
