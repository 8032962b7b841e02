import { mkdirSync, readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

/** Whether the lab can be raised here; if not, why, in one sentence. */
export type Installation = { readonly installed: boolean; readonly reason?: string };

/**
 * What the lab needs beyond Node, nmap, the benchmarks' peer, servers of others for what Samba does not speak, what the package kerberos is built with, and what the
 * agent for hosts is tested with (the last four). samba-ad-dc only recommends samba-ad-provision;
 * samba_dnsupdate registers a joined DC through the nsupdate of bind9-dnsutils, whose dig shows when DNS is ready.
 */
export const LAB_PACKAGES = [
  'iproute2',
  'procps',
  'util-linux',
  'openssl',
  'nftables',
  'chrony',
  'nginx-light',
  'caddy',
  'xrdp',
  'samba-ad-dc',
  'samba-ad-provision',
  'bind9-dnsutils',
  'ethtool',
  'nmap',
  'adcli',
  'faketime',
  'dnsmasq-base',
  'krb5-user',
  'libkrb5-dev',
  'g++',
  'make',
  'python3',
  'shellcheck',
  'wine64',
  'curl',
  'wget',
] as const;

// policy-rc.d keeps the packages' daemons from starting on the host. Under a lock, so that of two installers the one that
// made the file does not take it away from the other.
const installScript = `
if [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi
apt-get -qq -o DPkg::Lock::Timeout=300 update || exit 1
apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install -y --no-install-recommends "$@"
`;

// Every kernel feature that the lab uses, in a namespace made for the trial.
const trialScript = `
name=pm-trial-$$
ip netns add "$name" || exit 1
trap 'ip netns delete "$name"' EXIT
ip -n "$name" link add trial0 type veth peer name trial1 || exit 1
ip netns exec "$name" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.icmp.ratelimit=0 || exit 1
ip netns exec "$name" sh -c 'ip link set trial0 up && ethtool -K trial0 tso off gro on && echo 1 > /sys/class/net/trial0/threaded' || exit 1
printf 'table inet trial { chain trial { type filter hook forward priority 0; udp dport 1 reject with icmpx type admin-prohibited; }; }\\n' |
  ip netns exec "$name" nft -f -
`;

/**
 * Installs what the lab needs (Debian or Ubuntu, as root, through apt-get, only what is missing, no daemon started) and
 * tries that namespaces, links and firewall rules can be made; never throws, and says in `reason` why the lab cannot be raised.
 */
export function installLabPackages(): Installation {
  if (process.platform !== 'linux') return refuse(`the lab needs Linux, and this is ${process.platform}`);
  if (process.getuid?.() !== 0) return refuse('the lab needs root');
  if (!isDebianLike()) return refuse('the lab installs its packages with apt-get, and this is neither Debian nor Ubuntu');
  const missing = missingPackages();
  if (missing.length > 0) {
    // A minimal system may come without it.
    mkdirSync('/run/lock', { recursive: true });
    const done = shell(['flock', '/run/lock/portmatrix-lab-apt', 'sh', '-c', installScript, 'sh', ...missing]);
    if (done !== undefined) return refuse(`apt-get could not install ${missing.join(' ')} (${done})`);
    const still = missingPackages();
    if (still.length > 0) return refuse(`apt-get left ${still.join(' ')} uninstalled`);
  }
  const trial = shell(['sh', '-c', trialScript]);
  return trial === undefined ? { installed: true } : refuse(`network namespaces with links and a firewall cannot be made here (${trial})`);
}

function refuse(reason: string): Installation {
  return { installed: false, reason };
}

function isDebianLike(): boolean {
  try {
    return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false; // No such file: no distribution that the lab knows.
  }
}

function missingPackages(): string[] {
  const asked = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...LAB_PACKAGES], { encoding: 'utf8' });
  const lines = new Set((asked.stdout ?? '').split('\n'));
  return LAB_PACKAGES.filter((name) => !lines.has(`${name} installed`));
}

/** Runs a command; returns nothing if it went well, else the line that says most. */
function shell(argv: readonly [string, ...string[]]): string | undefined {
  const [file, ...args] = argv;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const done = spawnSync(file, args, { encoding: 'utf8', env });
  if (done.status === 0) return undefined;
  const lines = `${done.stdout ?? ''}\n${done.stderr ?? ''}\n${done.error?.message ?? ''}`.trim().split('\n');
  const telling = lines.find((line) => /\berror\b|^E:/i.test(line)) ?? lines.at(-1);
  return telling?.trim() || `exit code ${done.status}`;
}
