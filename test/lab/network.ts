import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { attempt, run } from './command.ts';
import { setIcmpRateLimit } from './icmp-rate-limit.ts';
import { ALL_NAMESPACES, HOSTS, NAMESPACES, ROUTER_NETNS, inNetns } from './topology.ts';
import type { Host } from './topology.ts';

const hosts = Object.values(HOSTS);

/** Builds the namespaces, links, addresses, routes and resolvers of the lab; nothing of it touches the host's network. */
export async function buildNetwork(): Promise<void> {
  await run(['ip', 'netns', 'add', ROUTER_NETNS]);
  await setSysctls(ROUTER_NETNS, ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  const servers = [HOSTS.dc1.address, HOSTS.dc2.address];
  // dc2 asks dc1 first, for it must find the domain before it has joined.
  await Promise.all(hosts.map((host) => attachHost(host, host.name === 'bastion' ? servers.toReversed() : servers)));
  await setIcmpRateLimit(false);
}

/** Gives a host its namespace, its link to the router and its resolvers. */
export async function attachHost(host: Host, resolvers: readonly string[]): Promise<void> {
  const { name, netns } = host;
  await run(['ip', 'netns', 'add', netns]);
  await setSysctls(netns, []);
  await run(['ip', '-n', ROUTER_NETNS, '-batch', '-'], { input: routerSide(host) });
  await run(['ip', '-n', netns, '-batch', '-'], { input: hostSide(host) });
  await Promise.all([deferDelivery(netns, 'eth0'), deferDelivery(ROUTER_NETNS, name)]);
  writeResolver(host, resolvers);
}

/** Ends every process in the lab's namespaces (or in these of them) and removes the namespaces with all that `ip netns` keeps for them. */
export async function removeNetwork(namespaces = ALL_NAMESPACES): Promise<void> {
  for (const signal of ['-TERM', '-KILL']) {
    for (let round = 0; round < 40; round += 1) {
      const pids = await pidsInAll(namespaces);
      if (pids.length === 0) break;
      // Only once each: a daemon that is asked again while it ends may drop its work.
      if (round === 0 || signal === '-KILL') await attempt(['kill', signal, ...pids]);
      await pause(50);
    }
  }
  const left = await pidsInAll(namespaces);
  if (left.length > 0) throw new Error(`processes ${left.join(' ')} in the lab's namespaces cannot be ended`);
  const present = await existingNamespaces(namespaces);
  await Promise.all(present.map((netns) => run(['ip', 'netns', 'delete', netns])));
  for (const netns of namespaces) rmSync(`/etc/netns/${netns}`, { recursive: true, force: true });
}

/** Those of a raised forest's namespaces (or of these) that exist now. */
export async function existingNamespaces(among = NAMESPACES): Promise<string[]> {
  const listed = await run(['ip', 'netns', 'list']);
  const names = new Set(listed.split('\n').map((line) => line.split(' ')[0]));
  return among.filter((netns) => names.has(netns));
}

/** The ids of the processes in a namespace; none if it does not exist. */
export async function pidsIn(netns: string): Promise<string[]> {
  const { stdout } = await attempt(['ip', 'netns', 'pids', netns]);
  return stdout.split('\n').filter((pid) => pid !== '');
}

async function pidsInAll(namespaces: readonly string[]): Promise<string[]> {
  return (await Promise.all(namespaces.map(pidsIn))).flat();
}

async function setSysctls(netns: string, more: readonly string[]): Promise<void> {
  // Without duplicate address detection an IPv6 address can be used at once, not after a second.
  const both = ['all', 'default'].flatMap((scope) => [
    `net.ipv6.conf.${scope}.disable_ipv6=0`,
    `net.ipv6.conf.${scope}.accept_dad=0`,
    `net.ipv6.conf.${scope}.accept_ra=0`,
  ]);
  await run([...inNetns(netns), 'sysctl', '-q', '-w', ...both, ...more]);
}

/**
 * Lets a kernel thread take in what a link delivers. By default veth delivers inside the sender's system call, so a
 * router's ICMP error is back before connect() has let go of its socket, and the kernel ignores it (LockDroppedIcmps):
 * TCP over IPv6, and a blocking connect over IPv4, then hear of the rejection only after the SYN is sent again, 1 s
 * later. No real network is that fast. veth asks its thread only for what a sender without TSO sent.
 */
async function deferDelivery(netns: string, link: string): Promise<void> {
  const script = 'ethtool -K "$1" tso off gro on && echo 1 > "/sys/class/net/$1/threaded"';
  await run([...inNetns(netns), 'sh', '-c', script, 'sh', link]);
}

function routerSide({ name, netns, gateway, gateway6 }: Host): string {
  return `link add ${name} type veth peer name eth0 netns ${netns}
addr add ${gateway}/24 dev ${name}
addr add ${gateway6}/64 dev ${name} nodad
link set ${name} up
link set lo up
`;
}

function hostSide({ address, address6, gateway, gateway6 }: Host): string {
  return `link set lo up
addr add ${address}/24 dev eth0
addr add ${address6}/64 dev eth0 nodad
link set eth0 up
route add default via ${gateway}
route add default via ${gateway6}
`;
}

function writeResolver({ netns, domain }: Host, resolvers: readonly string[]): void {
  // `ip netns exec` mounts this over /etc/resolv.conf.
  mkdirSync(`/etc/netns/${netns}`, { recursive: true });
  const lines = resolvers.map((address) => `nameserver ${address}\n`).join('');
  writeFileSync(`/etc/netns/${netns}/resolv.conf`, `search ${domain.name}\n${lines}options timeout:2 attempts:1\n`);
}
