import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attempt, run } from './command.ts';
import { runAs, smbConf } from './samba.ts';
import { KRB5_FILE } from './state.ts';
import { ADMINISTRATOR, DCS, DOMAIN, HOSTS, NETBIOS_DOMAIN, REALM, inNetns } from './topology.ts';

/**
 * Programs that really join the domain, as a Linux or a Windows host would:
 *
 * - `adcli`: what realmd calls. CLDAP, LDAP, Kerberos, kpasswd.
 * - `net-ads`: `net ads join`, which is also `samba-tool domain join MEMBER`. CLDAP, LDAP, Kerberos, and SAMR and LSARPC over SMB.
 * - `net-rpc`: Samba's other join, `Net.join_member` of its Python bindings. SMB, Kerberos, LDAP, and DRSUAPI through the endpoint mapper.
 *
 * Windows does what the last two do together.
 */
export type JoinTool = 'adcli' | 'net-ads' | 'net-rpc';

/** How one ended: whether the host has joined, and the tool's last words. One that passes its bound has not joined. */
export interface Join {
  readonly joined: boolean;
  readonly said: string;
}

/** From what a host differs that joins from the lab's client as it is. */
export interface Circumstance {
  /** The host's resolvers, in its order. */
  readonly resolvers?: readonly string[];
  /** How far the host's clock is ahead. */
  readonly aheadMs?: number;
  /** MIT Kerberos reckons with the KDC's clock where that differs from the host's (kdc_timesync), unless told not to. */
  readonly timesync?: false;
}

/** A healthy join takes two seconds, one whose first resolver is dead up to forty. */
const boundMs = 45_000;

/** A healthy promotion takes ten seconds, and on a busy machine forty. */
const promotionBoundMs = 60_000;

/** Every computer that joins here is called `PM-…`, so that what a killed run left is found too. */
const prefix = 'PM-';
let joins = 0;

/** Really joins the domain from the client, as a computer of its own with state of its own, and says how that ended. */
export async function tryJoin(tool: JoinTool, circumstance: Circumstance = {}): Promise<Join> {
  const { resolvers = [HOSTS.dc1.address, HOSTS.dc2.address], aheadMs = 0, timesync = true } = circumstance;
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-join-'));
  try {
    joins += 1;
    const computer = `${prefix}${process.pid}-${joins}`;
    writeFileSync(join(folder, 'krb5.conf'), memberKrb5(timesync));
    const servers = resolvers.map((address) => `nameserver ${address}\n`).join('');
    writeFileSync(join(folder, 'resolv.conf'), `search ${DOMAIN}\n${servers}options timeout:1 attempts:1\n`);
    writeFileSync(join(folder, 'smb.conf'), memberConf(folder, computer));
    for (const name of ['private', 'lock']) mkdirSync(join(folder, name));
    const [words, input] = commandOf(tool, folder, computer);
    // `ip netns exec` has made a private mount namespace, so nobody else's resolvers change.
    const mounted = ['sh', '-c', 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', 'sh', join(folder, 'resolv.conf')];
    const { code, stdout, stderr } = await attempt([...inNetns(HOSTS.client.netns), ...mounted, ...aheadBy(aheadMs), ...words], {
      timeoutMs: boundMs,
      input,
      env: { KRB5_CONFIG: join(folder, 'krb5.conf'), KRB5CCNAME: `FILE:${join(folder, 'ccache')}`, ...unfakedMonotonic },
    });
    return { joined: code === 0, said: `${stdout}\n${stderr}`.trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Really promotes the client to a DC beside dc1 (`samba-tool domain join DC`), and demotes it again, so that the forest is as before. */
export async function tryPromotion(): Promise<Join> {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-promotion-'));
  try {
    joins += 1;
    const computer = `${prefix}DC-${process.pid}-${joins}`.slice(0, 15);
    const { netns, address, address6 } = HOSTS.client;
    const account = `-U${ADMINISTRATOR.name}%${ADMINISTRATOR.password}`;
    const options = [`netbios name=${computer}`, `interfaces=${address}/24 ${address6}/64`, 'bind interfaces only=yes'].map(
      (option) => `--option=${option}`,
    );
    // The new configuration goes below --targetdir; -s /dev/null keeps the host's own out of it.
    const words = ['-s', '/dev/null', `--targetdir=${folder}`, '--dns-backend=SAMBA_INTERNAL', `--server=${HOSTS.dc1.fqdn}`, ...options, account];
    const { code, stdout, stderr } = await attempt([...inNetns(netns), 'samba-tool', 'domain', 'join', DOMAIN, 'DC', ...words], {
      timeoutMs: promotionBoundMs,
      env: { KRB5_CONFIG: KRB5_FILE },
    });
    if (code === 0) await runAs('dc1', ['samba-tool', 'domain', 'demote', `--remove-other-dead-server=${computer}`, '-s', smbConf('dc1')], 60_000);
    return { joined: code === 0, said: `${stdout}\n${stderr}`.trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** libfaketime, unless told so, also shifts the clock that timers go by. */
export const unfakedMonotonic = { FAKETIME_DONT_FAKE_MONOTONIC: '1' } as const;

/** The command prefix under which a program's clock is ahead; nothing for a clock that is right. */
export function aheadBy(aheadMs: number): readonly string[] {
  return aheadMs === 0 ? [] : ['faketime', '-m', '-f', `+${aheadMs / 1_000}s`];
}

/**
 * Makes the client's kernel give up a TCP connection after 7 s, not 130: later than a check of the product (5 s), which thus sees no difference, and
 * soon enough for the joins that have no bound of their own. `undefined` takes it back.
 */
export async function boundConnects(retries: 2 | undefined): Promise<void> {
  await run([...inNetns(HOSTS.client.netns), 'sysctl', '-q', '-w', `net.ipv4.tcp_syn_retries=${retries ?? 6}`]);
}

/** Deletes the accounts of all computers that joined by `tryJoin`, on both DCs: one of them may not have heard yet of a join through the other. */
export async function forgetComputers(): Promise<void> {
  for (const dc of DCS) await runAs(dc, ['/usr/bin/python3', script('forget-computers.py'), smbConf(dc), prefix], 60_000);
}

function commandOf(tool: JoinTool, folder: string, computer: string): readonly [words: readonly string[], input: string] {
  const { name, password } = ADMINISTRATOR;
  const smb = join(folder, 'smb.conf');
  switch (tool) {
    case 'adcli': {
      const who = ['--domain', DOMAIN, '--login-user', name, '--stdin-password', '--computer-name', computer];
      const host = ['--host-fqdn', `${computer.toLowerCase()}.${DOMAIN}`, '--host-keytab', join(folder, 'keytab')];
      return [['adcli', 'join', ...who, ...host], password];
    }
    case 'net-ads':
      return [['net', 'ads', 'join', '-s', smb, `-U${name}%${password}`, '--use-kerberos=required', '--no-dns-updates'], ''];
    case 'net-rpc':
      return [['/usr/bin/python3', script('join-member.py'), smb, DOMAIN, computer, name], password];
    default:
      return tool satisfies never;
  }
}

function memberKrb5(timesync: boolean): string {
  return `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_realm = true
  dns_lookup_kdc = true
  kdc_timesync = ${timesync ? 1 : 0}
`;
}

function memberConf(folder: string, computer: string): string {
  return `[global]
  netbios name = ${computer}
  realm = ${REALM}
  workgroup = ${NETBIOS_DOMAIN}
  security = ads
  private dir = ${folder}/private
  lock directory = ${folder}/lock
  state directory = ${folder}/lock
  cache directory = ${folder}/lock
`;
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
