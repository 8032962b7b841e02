import type { Outcome } from '../../agent/contract/outcome.ts';
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import type { Action, FirewallRule } from './firewall.ts';
import type { Family } from './product.ts';
import { DC_TCP_PORTS, DC_UDP_PORTS, type DcName, type HostName } from './topology.ts';

/** One cell of the truth test: a port of a DC as one source asks it, and what the router does with it. */
export interface Cell {
  readonly source: HostName;
  readonly destination: DcName;
  readonly transport: Transport;
  readonly port: number;
  readonly action: Action;
}

/** The ports that are asked of each DC, with the probe that lives there: all that Samba serves, and some that nobody does. */
export const asked: readonly { readonly rule: string; readonly transport: Transport; readonly port: number; readonly probe: ProbeName }[] = [
  { rule: 'locator', transport: 'udp', port: 389, probe: 'cldap' },
  { rule: 'mapper', transport: 'tcp', port: 135, probe: 'epm' },
  { rule: 'dns', transport: 'tcp', port: 53, probe: 'dns' },
  { rule: 'dns', transport: 'udp', port: 53, probe: 'dns' },
  { rule: 'kerberos', transport: 'tcp', port: 88, probe: 'kerberos' },
  { rule: 'kerberos', transport: 'udp', port: 88, probe: 'kerberos' },
  { rule: 'time', transport: 'udp', port: 123, probe: 'ntp' },
  { rule: 'netbios', transport: 'udp', port: 137, probe: 'netbios' },
  { rule: 'netbios', transport: 'tcp', port: 139, probe: 'netbios' },
  { rule: 'ldap', transport: 'tcp', port: 389, probe: 'ldap' },
  { rule: 'smb', transport: 'tcp', port: 445, probe: 'smb' },
  { rule: 'kpasswd', transport: 'tcp', port: 464, probe: 'kpasswd' },
  { rule: 'kpasswd', transport: 'udp', port: 464, probe: 'kpasswd' },
  { rule: 'ldaps', transport: 'tcp', port: 636, probe: 'ldaps' },
  { rule: 'gc', transport: 'tcp', port: 3268, probe: 'ldap' },
  { rule: 'gc-tls', transport: 'tcp', port: 3269, probe: 'ldaps' },
  { rule: 'dynamic', transport: 'tcp', port: 49152, probe: 'tcp' },
  { rule: 'dynamic', transport: 'tcp', port: 49153, probe: 'tcp' },
  { rule: 'dynamic', transport: 'tcp', port: 49154, probe: 'tcp' },
  { rule: 'nobody', transport: 'tcp', port: 80, probe: 'tcp' },
  { rule: 'nobody', transport: 'tcp', port: 5985, probe: 'tcp' },
  { rule: 'nobody', transport: 'tcp', port: 9389, probe: 'ldap' },
  { rule: 'nobody', transport: 'udp', port: 500, probe: 'udp' },
  { rule: 'nobody', transport: 'udp', port: 3389, probe: 'dns' },
];

/** A matrix of these ports from any host of a role to the DCs, as YAML text. Every rule's `name` is `<rule>-<transport>-<port>`. */
export function matrixText(from: string): string {
  const rules = asked.map(({ rule, transport, port, probe }) => ({ id: `${rule}-${transport}-${port}`, ports: [`${port}/${transport}`], probe }));
  return JSON.stringify({ matrix: `truth-${from}`, from, to: 'dc', rules });
}

const actions: Readonly<Record<Transport, readonly Action[]>> = {
  tcp: ['accept', 'accept', 'drop', 'drop-reply', 'reset', 'port-unreach', 'admin-prohibited', 'host-unreach', 'net-unreach', 'proto-unreach'],
  udp: ['accept', 'accept', 'drop', 'drop-reply', 'port-unreach', 'admin-prohibited', 'host-unreach', 'net-unreach', 'proto-unreach'],
};

/** Who asks whom from beyond the DCs, and all that ask. */
export const fromOutside: readonly (readonly [HostName, DcName])[] = [
  ['client', 'dc1'],
  ['client', 'dc2'],
  ['bastion', 'dc1'],
  ['bastion', 'dc2'],
];
export const allPairs: typeof fromOutside = [...fromOutside, ['dc1', 'dc2'], ['dc2', 'dc1']];

/** The seed of PORTMATRIX_SEED, or another each time. */
export function chosenSeed(): number {
  const given = Number(process.env['PORTMATRIX_SEED']);
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 2 ** 31) + 1;
}

/** A numbers machine that gives the same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Draws an action for every port of every pair. */
export function drawCells(pairs: readonly (readonly [HostName, DcName])[], random: () => number): readonly Cell[] {
  return pairs.flatMap(([source, destination]) =>
    asked.map(({ transport, port }): Cell => {
      const choices = actions[transport];
      const action = choices[Math.floor(random() * choices.length)] ?? 'accept';
      return { source, destination, transport, port, action };
    }),
  );
}

/** The firewall rules that make the cells. */
export function rulesOf(cells: readonly Cell[]): readonly FirewallRule[] {
  return cells.map(({ port, ...cell }) => ({ ...cell, ports: String(port) }));
}

/** What an agent must see: `state reason`, and `identified` where the service behind an open port answers in its protocol. */
export function truthOf({ transport, port, action }: Cell, family: Family): string {
  const served = (transport === 'tcp' ? DC_TCP_PORTS : DC_UDP_PORTS).includes(port) && !(family === 6 && transport === 'udp' && port === 137);
  const probe = asked.find((row) => row.transport === transport && row.port === port)?.probe;
  const open = `open ${transport === 'tcp' ? 'syn-ack' : 'udp-response'}${probe === 'tcp' || probe === 'udp' ? '' : ' identified'}`;
  const shut = transport === 'tcp' ? 'closed conn-refused' : 'closed port-unreach';
  const silent = transport === 'tcp' ? 'filtered no-response' : 'open|filtered no-response';
  switch (action) {
    case 'accept':
      return served ? open : shut;
    case 'drop':
      return silent;
    case 'drop-reply':
      // What is dropped is TCP or UDP: the ICMP error of a closed UDP port comes back.
      return served || transport === 'tcp' ? silent : shut;
    case 'reset':
    case 'port-unreach':
      return shut;
    case 'admin-prohibited':
      return transport === 'tcp' && family === 4 ? 'filtered host-unreach' : 'filtered admin-prohibited';
    case 'host-unreach':
      return transport === 'tcp' ? 'filtered host-unreach' : silent;
    case 'net-unreach':
      return transport === 'tcp' ? 'filtered net-unreach' : silent;
    case 'proto-unreach':
      return family === 4 ? 'filtered proto-unreach' : silent;
    default:
      return action satisfies never;
  }
}

/** An outcome in the words of `truthOf`. */
export function wordsOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'nothing';
  if (outcome.kind === 'failed') return `failed ${outcome.code}: ${outcome.message}`;
  const status = outcome.service?.status;
  return `${outcome.state} ${outcome.reason}${status === undefined ? '' : ` ${status}`}`;
}

/** The verdict that the table of DESIGN section 6 gives a required cell, from the truth alone. */
export function verdictOf(truth: string, probe: ProbeName): string {
  if (truth.startsWith('open ')) return 'pass';
  if (truth.startsWith('closed')) return 'fail refused';
  if (truth === 'open|filtered no-response')
    return probe === 'udp' || probe === 'netbios' || probe === 'kpasswd' ? 'inconclusive uninformative' : 'fail no-answer';
  return truth === 'filtered no-response' ? 'fail no-answer' : 'fail rejected';
}
