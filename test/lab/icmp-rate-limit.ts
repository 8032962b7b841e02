import { run } from './command.ts';
import { NAMESPACES, inNetns } from './topology.ts';

// The masks say which ICMP types are limited at all. Clearing them also lifts the kernel-wide limit
// (net.ipv4.icmp_msgs_per_sec), which up to Linux 6.12 is one for the machine and cannot be set in a namespace.
// ICMPv6 type 2 is exempt anyway; an empty mask cannot be written.
const unlimited = ['net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_ratemask=0', 'net.ipv6.icmp.ratelimit=0', 'net.ipv6.icmp.ratemask=2'];

/**
 * Says whether the lab's hosts and router limit the ICMP errors they send: off as the lab is raised, on as the kernel
 * has it in a new namespace (IPv4: a burst of about 6 per target, then 1 per 1000 ms; IPv6: per 1000 ms, since Linux
 * 6.16 or so per 100 ms; and 1000 a second over all, burst 50).
 */
export async function setIcmpRateLimit(on: boolean): Promise<void> {
  const settings = on ? await kernelDefaults() : unlimited;
  await Promise.all(NAMESPACES.map((netns) => run([...inNetns(netns), 'sysctl', '-q', '-w', ...settings])));
}

async function kernelDefaults(): Promise<string[]> {
  const names = unlimited.map((setting) => setting.slice(0, setting.indexOf('=')));
  const text = await run(['unshare', '--net', 'sysctl', ...names]);
  return text
    .trim()
    .split('\n')
    .map((line) => line.replace(' = ', '='));
}
