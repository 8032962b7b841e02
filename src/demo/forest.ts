/** The simulated forest: real sockets on loopback that answer with captured bytes, and the injected faults among them. */
import { createServer as createWebServer } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { UsageError } from '../usage-error.ts';
import { demoIdentity } from './certificate.ts';
import { type Fault, type FaultName, faults } from './fault.ts';
import { isDynamic, layOut, mapPort, offsets, type SimulatedHost } from './layout.ts';
import { type Listener, listenTcp, listenUdp, type Place } from './listener.ts';
import { type Offer, offers } from './offer.ts';
import { retell } from './retell.ts';
import { type Speaker, speakersOf, wireUuids } from './speakers.ts';
import { swallow } from './swallow.ts';

/** Departures from the usual demo, for its tests. */
export interface Staging {
  /** A fault that is announced and not there. */
  readonly withheld?: FaultName;
  /** As if this system had no loopback address but 127.0.0.1. */
  readonly isShared?: boolean;
  /** As if this system could not swallow TCP. */
  readonly cannotSwallow?: boolean;
}

/** A forest that listens until it is closed. */
export interface Forest extends Listener {
  readonly hosts: readonly SimulatedHost[];
  readonly faults: readonly FaultName[];
  /** True where all hosts had to share 127.0.0.1. */
  readonly isShared: boolean;
}

/** Opens the forest where its ports are free. Nothing of it is left when that fails. */
export async function openForest({ withheld, ...staging }: Staging = {}): Promise<Forest> {
  let { isShared = false, cannotSwallow = false } = staging;
  let turn = 0;
  for (;;) {
    const offset = offsets[turn];
    if (offset === undefined)
      throw new UsageError(`the demo found no free ports: expected the ports that it maps to be free at one of + ${offsets.join(', + ')}`);
    try {
      const forest = await openAt(layOut(offset, isShared), { isShared, cannotSwallow }, withheld);
      if (forest !== undefined) return forest;
      cannotSwallow = true;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EADDRNOTAVAIL' && !isShared) isShared = true;
      else if (code === 'EADDRINUSE' || code === 'EACCES') turn += 1;
      else throw error;
    }
  }
}

/** Opens the forest there, always in the same order, so that of two demos one gets all ports; undefined where this system turns out not to swallow. */
async function openAt(
  hosts: readonly SimulatedHost[],
  { isShared, cannotSwallow }: { readonly isShared: boolean; readonly cannotSwallow: boolean },
  withheld: FaultName | undefined,
): Promise<Forest | undefined> {
  const injected: readonly FaultName[] = [cannotSwallow ? 'silent' : 'swallowed', 'misplaced'];
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  try {
    for (const host of hosts) {
      const rpcPorts = Object.fromEntries(Object.values(wireUuids).map((uuid) => [uuid, host.rpcPort]));
      const speakers = speakersOf(() => retell(host.name, Date.now()), rpcPorts);
      for (const offer of host.roles.flatMap((role) => offers[role] ?? [])) {
        const place = { address: host.address, port: offer.port === 'rpc' ? host.rpcPort : mapPort(host, offer.port) };
        const fault = injected.find((name) => name !== withheld && isAt(faults[name], host, offer));
        const listener = await (fault === undefined ? open(offer, place, speakers) : breakAt(fault, place));
        if (listener !== undefined) {
          listeners.push(listener);
          continue;
        }
        await close();
        return undefined;
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { hosts, faults: injected, isShared, close };
}

function isAt(fault: Fault, { name }: SimulatedHost, { port, transport }: Offer): boolean {
  return fault.host === name && fault.port === port && fault.transport === transport;
}

/** Opens a fault; undefined where this system cannot do that. */
function breakAt(fault: FaultName, place: Place): Promise<Listener | undefined> {
  switch (fault) {
    case 'swallowed':
      return swallow(place);
    case 'silent':
      return listenUdp(() => undefined, place);
    case 'misplaced':
      return listenTcp(createWebServer(), place);
    default:
      return fault satisfies never;
  }
}

/** Services that speak inside TLS. */
const insideTls: ReadonlySet<Offer['service']> = new Set<Offer['service']>(['ldaps', 'winrm-tls', 'rdgw']);

/** Opens a healthy service. */
function open({ service, transport }: Offer, place: Place, speakers: ReturnType<typeof speakersOf>): Promise<Listener> {
  if (service === 'silence') return listenUdp(() => undefined, place, isDynamic(place.port));
  const byTransport: Readonly<Partial<Record<Offer['transport'], Speaker>>> = speakers[service];
  const speak = byTransport[transport];
  if (speak === undefined) throw new Error(`demo: nobody speaks ${service} over ${transport}`);
  if (transport === 'udp') return listenUdp((request) => speak(request, place.port), place);
  const converse = (socket: Socket): void => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => {
      const answer = speak(request, place.port);
      if (answer !== undefined) socket.write(answer);
    });
  };
  return listenTcp(insideTls.has(service) ? createTlsServer(demoIdentity, converse) : createServer(converse), place);
}
