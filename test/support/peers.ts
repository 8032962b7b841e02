/** Peers on loopback that a probe may meet, from the proper service to those that break off. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { JobRule } from '../../agent/contract/job.ts';
import { ordersTicket, type ProbeName, probes, traitsOf, type Transport } from '../../agent/contract/probe.ts';
import type { Identity } from './certificate.ts';
import { rpcRule, ruleOf } from './jobs.ts';
import { refusedPort, type Scope, serveTcp, serveUdp, silentPort } from './loopback.ts';
import { endpointMapperFor, type Service, services, type Speaker, wireUuids } from './speakers.ts';

export const conditions = ['correct', 'garbage', 'silent', 'closes at once', 'closes mid-reply', 'refused'] as const;
export type Condition = (typeof conditions)[number];

/** Every probe over every transport that it speaks, from the registry, with the service that speaks for it; undefined where nobody does. Tickets are libkrb5's to ask for (`protocol/ticket.test.ts`). */
export const spoken: readonly (readonly [probe: ProbeName, transport: Transport, service: Service | undefined])[] = Object.keys(probes)
  .filter((name): name is ProbeName => name in probes)
  .filter((name) => !ordersTicket(name))
  .flatMap((probe) => probes[probe].transports.map((transport) => [probe, transport, services[probe]?.[transport]] as const));

/** What the usual agent speaks. An RPC interface brings an endpoint mapper of its own, and counts on that to be the first rule; tickets are another script's. */
export const usuallySpoken: typeof spoken = (() => {
  const usual = spoken.filter(([probe]) => probe !== 'epm' && traitsOf(probe).authenticates !== true);
  return [...usual.filter(([probe]) => probe === 'rpc'), ...usual.filter(([probe]) => probe !== 'rpc')];
})();

/** Starts a peer for each of these that answers as it should, and resolves to the rules that ask them all. */
export async function rulesForAll(t: Scope, wanted: typeof spoken, identity: Identity): Promise<readonly JobRule[]> {
  const asked = wanted.map(async ([probe, transport, service]) => {
    if (service === undefined) throw new Error(`nobody speaks ${probe} over ${transport}`);
    return rulesFor(t, probe, transport, await startPeer(t, 'correct', transport, service, identity));
  });
  return (await Promise.all(asked)).flat();
}

/** The rules that ask a port with a probe: its own is the last one. An RPC interface needs an endpoint mapper that names the port, a bind a ticket. */
export async function rulesFor(t: Scope, probe: ProbeName, transport: Transport, port: number): Promise<readonly JobRule[]> {
  if (probe === 'ldap-bind') return [ruleOf('ldap-ticket', 'tcp', await silentPort(t, 'tcp')), ruleOf(probe, transport, port, { after: [0] })];
  if (probe !== 'rpc') return [ruleOf(probe, transport, port)];
  const speak = endpointMapperFor({ [wireUuids.drsuapi]: port });
  const mapper = await serveTcp(t, (socket) => socket.on('data', (request) => socket.write(speak(request, 135) ?? '')));
  return [ruleOf('epm', 'tcp', mapper), rpcRule('drsuapi', 0)];
}

export const garbage = Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');

/** Takes a connection, for a TLS service after the handshake, and calls `heard` with each request. */
export function accept(socket: Socket, service: Service, identity: Identity, heard: (request: Buffer, stream: Socket) => void): void {
  const stream = service.tls === true ? new TLSSocket(socket, { isServer: true, ...identity }) : socket;
  stream.on('error', () => undefined);
  stream.on('data', (request: Buffer) => heard(request, stream));
}

/** Starts a peer in this condition and returns its port. Over UDP to close at once is to be gone after the first datagram, and a reply in part is a cut one. */
export function startPeer(t: Scope, condition: Condition, transport: Transport, service: Service, identity: Identity): Promise<number> {
  if (condition === 'refused') return refusedPort(t, transport);
  if (condition === 'silent') return silentPort(t, transport);
  return transport === 'tcp' ? startTcp(t, condition, service, identity) : startUdp(t, condition, service.speak);
}

function startTcp(t: Scope, condition: Exclude<Condition, 'refused' | 'silent'>, service: Service, identity: Identity): Promise<number> {
  return serveTcp(t, (socket) => {
    switch (condition) {
      case 'closes at once':
        socket.resume().end();
        return;
      case 'garbage':
        socket.on('data', () => socket.write(garbage));
        return;
      case 'correct':
      case 'closes mid-reply':
        accept(socket, service, identity, (request, stream) => {
          const answer = service.speak(request, socket.localPort ?? 0);
          if (answer === undefined) return;
          if (condition === 'correct') stream.write(answer);
          else stream.end(answer.subarray(0, answer.length / 2));
        });
        return;
      default:
        condition satisfies never;
    }
  });
}

function startUdp(t: Scope, condition: Exclude<Condition, 'refused' | 'silent'>, speak: Speaker): Promise<number> {
  return serveUdp(t, (request, reply, server) => {
    if (condition === 'closes at once') server.close();
    else if (condition === 'garbage') reply(garbage);
    else {
      const answer = speak(request, server.address().port);
      if (answer !== undefined) reply(condition === 'correct' ? answer : answer.subarray(0, answer.length / 2));
    }
  });
}
