/** An endpoint mapper that takes no connection until it is woken: a thread that sleeps on its listening socket, whose queue we fill, so that every further SYN is dropped. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Scope } from './loopback.ts';
import { endpointMapperFor } from './speakers.ts';

/** Where it listens, and what wakes it. */
export interface LateMapper {
  readonly port: number;
  readonly wake: () => void;
}

/** Starts one that will name these ports, by interface UUID as on the wire. */
export async function startLateMapper(t: Scope, rpcPorts: Readonly<Record<string, number>>): Promise<LateMapper> {
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL(import.meta.url), { workerData: { bell, rpcPorts } });
  const fillers: Socket[] = [];
  t.after(async () => {
    for (const filler of fillers) filler.destroy();
    await thread.terminate();
  });
  const [port]: unknown[] = await once(thread, 'message');
  if (typeof port !== 'number') throw new Error('the thread does not listen');
  // A queue made for one takes two.
  for (let queued = 0; queued < 2; queued += 1) {
    const filler = connect(port, '127.0.0.1');
    filler.on('error', () => undefined);
    fillers.push(filler);
    await once(filler, 'connect');
  }
  const wake = (): void => {
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  };
  return { port, wake };
}

function serve({ bell, rpcPorts }: { readonly bell: Int32Array; readonly rpcPorts: Readonly<Record<string, number>> }): void {
  const speak = endpointMapperFor(rpcPorts);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => socket.write(speak(request, 0) ?? ''));
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
    const address = server.address();
    parentPort?.postMessage(typeof address === 'object' ? address?.port : undefined);
    Atomics.wait(bell, 0, 0);
  });
}

if (!isMainThread) serve(workerData);
