/** What the demo says of itself before it runs: who stands where, the port map, and what was broken on purpose. */
import { type Fault, type FaultName, faults } from './fault.ts';
import type { Forest } from './forest.ts';
import { demoDomain, isDynamic, mapPort, type SimulatedHost } from './layout.ts';
import { offers } from './offer.ts';

/** Ports in a row of the map. */
const perRow = 8;

/** The announcement, line by line. */
export function* playbill({ hosts, faults: injected, isShared }: Forest): Generator<string, void> {
  yield `A simulated forest, ${demoDomain}, on the loopback interface of this machine. Its services answer with bytes captured from Samba DCs.`;
  for (const { name, address, roles } of hosts) yield `  ${name.padEnd(8)} ${address.padEnd(12)} ${roles.join(', ')}`;
  yield '';
  if (isShared) {
    yield 'This system has no loopback address but 127.0.0.1, so each host has a port map of its own.';
    for (const host of hosts.filter(({ roles }) => roles.some((role) => offers[role] !== undefined))) {
      yield `Port map of ${host.name}: port + ${host.offset}, RPC on ${host.rpcPort}`;
      yield* mapOf(host);
    }
  } else {
    const [host] = hosts;
    if (host !== undefined) {
      yield `One port map for everybody, without privileged ports: port + ${host.offset}; dynamic ports stay as they are, RPC is on ${host.rpcPort}`;
      yield* mapOf({ ...host, roles: hosts.flatMap(({ roles }) => roles) });
    }
  }
  yield '';
  yield 'Injected faults:';
  for (const [index, name] of injected.entries()) yield `  ${index + 1}. ${describeFault(faults[name], hosts)}`;
  if (injected.includes('silent' satisfies FaultName))
    yield '  (This system does not swallow TCP when a listening queue is full, so a silent UDP port stands for the firewall.)';
  yield '';
}

/** The fault in one line: where it is, and what is wrong. */
export function describeFault({ host, port, transport, words }: Fault, hosts: readonly SimulatedHost[]): string {
  const stand = hosts.find(({ name }) => name === host);
  return `${host} ${port}/${transport}${stand === undefined ? '' : ` (here ${mapPort(stand, port)})`} ${words}`;
}

function* mapOf(host: SimulatedHost): Generator<string, void> {
  const offered = host.roles.flatMap((role) => offers[role] ?? []).flatMap(({ port }) => (port === 'rpc' || isDynamic(port) ? [] : [port]));
  const ports = [...new Set(offered)].toSorted((one, other) => one - other);
  for (let start = 0; start < ports.length; start += perRow) {
    const row = ports.slice(start, start + perRow).map((port) => `${port} -> ${mapPort(host, port)}`.padEnd(15));
    yield `  ${row.join(' ').trimEnd()}`;
  }
}
