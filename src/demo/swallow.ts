/** A TCP port that swallows: a thread listens there and never accepts, we fill its queue, and Linux drops every further SYN, as a firewall would. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { Listener, Place } from './listener.ts';

/** Most connections that a queue made for one may take. */
const mostQueued = 16;
/** How long a handshake on loopback may take before it counts as swallowed. */
const patienceMs = 300;

/** Swallows all that dials the place; undefined where this system answers a full queue in another way. Rejects where the place is taken. */
export async function swallow(place: Place): Promise<Listener | undefined> {
  const thread = new Worker(new URL(import.meta.url), { workerData: place });
  const fillers: Socket[] = [];
  const close = async (): Promise<void> => {
    for (const filler of fillers) filler.destroy();
    await thread.terminate();
  };
  try {
    // Rejects with what the thread throws.
    await once(thread, 'message');
    while (fillers.length < mostQueued) {
      const filler = connect(place.port, place.address);
      fillers.push(filler);
      const ending = await endingOf(filler);
      if (ending === 'swallowed') return { close };
      if (ending === 'refused') break;
    }
  } catch (error) {
    await close();
    throw error;
  }
  await close();
  return undefined;
}

function endingOf(filler: Socket): Promise<'queued' | 'refused' | 'swallowed'> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('swallowed'), patienceMs);
    const settle = (ending: 'queued' | 'refused'): void => {
      clearTimeout(timer);
      resolve(ending);
    };
    filler.on('connect', () => settle('queued'));
    filler.on('error', () => settle('refused'));
  });
}

/** The thread: it listens, says so, and sleeps until it is ended. */
function listenAsleep({ address, port }: Place): void {
  const server = createServer();
  server.listen({ host: address, port, backlog: 1 }, () => {
    parentPort?.postMessage('listening');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });
}

function isPlace(value: unknown): value is Place {
  return typeof value === 'object' && value !== null && 'address' in value && 'port' in value;
}

// This file is its own thread: under any other name the emitted package would not find it.
if (!isMainThread && isPlace(workerData)) listenAsleep(workerData);
