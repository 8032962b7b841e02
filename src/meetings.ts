/** Which hosts a matrix brings together, and which of them the inventory keeps apart. */
import type { Host, Inventory, Link, Selector } from './inventory.ts';
import type { Matrix } from './matrix.ts';

/** Every ordered pair of hosts that a matrix brings together by their roles, forward first; none where its rules name their destinations. */
export function* meetings(matrix: Matrix, hosts: readonly Host[]): Generator<{ source: number; destination: number; reversed: boolean }> {
  const having = (roles: readonly string[]): number[] =>
    hosts.flatMap((host, index) => (roles.some((role) => host.roles.includes(role)) ? [index] : []));
  const [senders, receivers] = [having(matrix.from), having(matrix.to === undefined ? [] : [matrix.to])];
  for (const reversed of [false, true]) {
    for (const source of reversed ? receivers : senders) {
      for (const destination of reversed ? senders : receivers) {
        const isForward = senders.includes(source) && receivers.includes(destination);
        if (hosts[source]?.dnsName !== hosts[destination]?.dnsName && !(reversed && isForward)) yield { source, destination, reversed };
      }
    }
  }
}

/** Why two hosts are not meant to talk, or undefined when they are. */
export function reasonApart({ links, except }: Inventory, source: Host, destination: Host): string | undefined {
  if (isIPv6(source) !== isIPv6(destination)) return 'one has an IPv4 address and the other an IPv6 address';
  const bar = except.find((link) => joins(link, source, destination));
  if (bar !== undefined) return bar.reason ?? `except: ${describeLink(bar)}`;
  const sameSite = source.site !== undefined && source.site === destination.site;
  if (links.length === 0 || sameSite || links.some((link) => joins(link, source, destination))) return undefined;
  return 'no link joins them';
}

function joins(link: Link, source: Host, destination: Host): boolean {
  const there = isOf(link.from, source) && isOf(link.to, destination);
  return there || (!link.oneWay && isOf(link.from, destination) && isOf(link.to, source));
}

function isOf(selector: Selector, host: Host): boolean {
  if ('host' in selector) return host.name === selector.host;
  return 'site' in selector ? host.site === selector.site : host.domain === selector.domain.toLowerCase();
}

function describeLink({ from, to, oneWay }: Link): string {
  const words = (selector: Selector): string => Object.entries(selector).flat().join(' ');
  return `${words(from)} ${oneWay ? '->' : '<->'} ${words(to)}`;
}

function isIPv6({ address }: Host): boolean {
  return address.includes(':');
}
