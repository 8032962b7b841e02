import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { attempt, run } from './command.ts';
import { setIcmpRateLimit } from './icmp-rate-limit.ts';
import { DOMAIN, HOSTS, NAMESPACES, ROUTER_NETNS, inNetns } from './topology.ts';
import type { Host } from './topology.ts';

const hosts = Object.values(HOSTS);

/** Builds the namespaces, links, addresses, routes and resolvers of the lab; nothing of it touches the host's network. */
export async function buildNetwork(): Promise<void> {
  for (const netns of NAMESPACES) await run(['ip', 'netns', 'add', netns]);
  await Promise.all([
    setSysctls(ROUTER_NETNS, ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']),
    ...hosts.map(({ netns }) => setSysctls(netns, [])),
  ]);
  await setIcmpRateLimit(false);
  await run(['ip', '-n', ROUTER_NETNS, '-batch', '-'], { input: hosts.map(routerSide).join('') });
  await Promise.all(hosts.map((host) => run(['ip', '-n', host.netns, '-batch', '-'], { input: hostSide(host) })));
  await Promise.all(hosts.flatMap(({ name, netns }) => [deferDelivery(netns, 'eth0'), deferDelivery(ROUTER_NETNS, name)]));
  for (const host of hosts) writeResolver(host);
}

/** Ends every process in the lab's namespaces and removes the namespaces with all that `ip netns` keeps for them. */
export async function removeNetwork(): Promise<void> {
  for (const signal of ['-TERM', '-KILL']) {
    for (let round = 0; round < 40; round += 1) {
      const pids = await labPids();
      if (pids.length === 0) break;
      // Only once each: a daemon that is asked again while it ends may drop its work.
      if (round === 0 || signal === '-KILL') await attempt(['kill', signal, ...pids]);
      await pause(50);
    }
  }
  const left = await labPids();
  if (left.length > 0) throw new Error(`processes ${left.join(' ')} in the lab's namespaces cannot be ended`);
  const present = await existingNamespaces();
  await Promise.all(present.map((netns) => run(['ip', 'netns', 'delete', netns])));
  for (const netns of NAMESPACES) rmSync(`/etc/netns/${netns}`, { recursive: true, force: true });
}

/** The lab's namespaces that exist now. */
export async function existingNamespaces(): Promise<string[]> {
  const listed = await run(['ip', 'netns', 'list']);
  const names = new Set(listed.split('\n').map((line) => line.split(' ')[0]));
  return NAMESPACES.filter((netns) => names.has(netns));
}

/** The ids of the processes in a namespace; none if it does not exist. */
export async function pidsIn(netns: string): Promise<string[]> {
  const { stdout } = await attempt(['ip', 'netns', 'pids', netns]);
  return stdout.split('\n').filter((pid) => pid !== '');
}

async function labPids(): Promise<string[]> {
  return (await Promise.all(NAMESPACES.map(pidsIn))).flat();
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

function writeResolver({ name, netns }: Host): void {
  // `ip netns exec` mounts this over /etc/resolv.conf. dc2 asks dc1 first, for it must find the domain before it has joined.
  mkdirSync(`/etc/netns/${netns}`, { recursive: true });
  const servers = name === 'bastion' ? [HOSTS.dc2, HOSTS.dc1] : [HOSTS.dc1, HOSTS.dc2];
  const lines = servers.map(({ address }) => `nameserver ${address}\n`).join('');
  writeFileSync(`/etc/netns/${netns}/resolv.conf`, `search ${DOMAIN}\n${lines}options timeout:2 attempts:1\n`);
}
