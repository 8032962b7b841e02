/** Listening sockets of the demo: each says where it listens, and when it is closed nothing of it is left. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

/** A literal address and a port. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** Something that listens until it is closed. */
export interface Listener {
  readonly close: () => Promise<void>;
}

/** Lets a server listen; rejects with the system's error (EADDRINUSE, EADDRNOTAVAIL) where it cannot. Closing hangs up on everybody. */
export async function listenTcp(server: Server, { address, port }: Place): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    // Whoever hangs up on a simulated service is none of its business.
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(port, address);
  await once(server, 'listening');
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers datagrams with what `speak` makes of them, if anything. Rejects as `listenTcp` does; with `isShared` others may listen there too. */
export async function listenUdp(speak: (request: Buffer) => Buffer | undefined, { address, port }: Place, isShared = false): Promise<Listener> {
  const socket = createSocket({ type: 'udp4', reuseAddr: isShared });
  socket.on('message', (request, from) => {
    const answer = speak(request);
    // A peer that is gone by now is none of its business.
    if (answer !== undefined) socket.send(answer, from.port, from.address, () => undefined);
  });
  socket.bind(port, address);
  await once(socket, 'listening');
  return {
    close: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}
