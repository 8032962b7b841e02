import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateOf } from './certificates.ts';
import { run } from './command.ts';
import { CA_FILE, KRB5_FILE, dcDir } from './state.ts';
import { ADMINISTRATOR, DOMAIN, HOSTS, REALM, hostOf, inNetns } from './topology.ts';
import type { AnyDcName } from './topology.ts';

/** One DC's Samba configuration file. */
export function smbConf(dc: AnyDcName): string {
  return join(dcDir(dc), 'smb.conf');
}

/** Runs a Samba program as one DC: in its namespace, with its configuration and its Kerberos settings. */
export function runAs(dc: AnyDcName, argv: readonly string[], timeoutMs: number): Promise<string> {
  return run([...inNetns(hostOf(dc).netns), ...argv], { timeoutMs, env: { KRB5_CONFIG: KRB5_FILE } });
}

/** Makes a forest with this as its first DC, in an empty folder. */
export async function provisionForest(dc: 'dc1' | 'dc3'): Promise<void> {
  const { address, address6, domain } = hostOf(dc);
  mkdirSync(dcDir(dc), { recursive: true, mode: 0o700 });
  // Without -s /dev/null samba-tool merges the host's own smb.conf into the new one.
  await runAs(
    dc,
    [
      'samba-tool',
      'domain',
      'provision',
      '-s',
      '/dev/null',
      `--targetdir=${dcDir(dc)}`,
      `--realm=${domain.realm}`,
      `--domain=${domain.netbiosName}`,
      '--server-role=dc',
      '--dns-backend=SAMBA_INTERNAL',
      `--host-name=${dc}`,
      `--host-ip=${address}`,
      `--host-ip6=${address6}`,
      `--adminpass=${ADMINISTRATOR.password}`,
    ],
    120_000,
  );
}

/** Joins dc2 as the second DC through a running dc1, in an empty folder. */
export async function joinDc2(): Promise<void> {
  const { address, address6 } = HOSTS.dc2;
  mkdirSync(dcDir('dc2'), { recursive: true, mode: 0o700 });
  await runAs(
    'dc2',
    [
      'samba-tool',
      'domain',
      'join',
      DOMAIN,
      'DC',
      '-s',
      '/dev/null',
      `--targetdir=${dcDir('dc2')}`,
      '--dns-backend=SAMBA_INTERNAL',
      `--server=${HOSTS.dc1.fqdn}`,
      '--option=netbios name=dc2',
      `--option=interfaces=${address}/24 ${address6}/64`,
      '--option=bind interfaces only=yes',
      `-U${ADMINISTRATOR.name}%${ADMINISTRATOR.password}`,
    ],
    120_000,
  );
}

/** Writes the Kerberos settings that all Samba programs of the lab use. */
export function writeKrb5(): void {
  writeFileSync(
    KRB5_FILE,
    `[libdefaults]
  default_realm = ${REALM}
  dns_lookup_realm = false
  dns_lookup_kdc = true
`,
  );
}

/** Starts one DC's Samba and time server, which then run until its namespace is cleared, whatever becomes of this process. */
export function startDc(dc: AnyDcName): void {
  startSamba(dc);
  startChrony(dc);
}

function startSamba(dc: AnyDcName): void {
  const dir = dcDir(dc);
  writeFileSync(smbConf(dc), configuration(dc));
  // Daemons that were killed left their pid files; chronyd does not start where it finds one, even of a zombie.
  for (const name of ['run', 'run-samba']) rmSync(join(dir, name), { recursive: true, force: true });
  for (const name of ['run', 'run-samba', 'log']) mkdirSync(join(dir, name), { recursive: true, mode: 0o755 });
  mkdirSync('/run/samba', { recursive: true, mode: 0o755 });
  // libwbclient always opens /run/samba/winbindd/pipe, so each DC gets a /run/samba of its own. `ip netns exec` has
  // made a private mount namespace for it.
  const script = 'mount --bind "$1" /run/samba && exec samba --foreground --no-process-group -s "$2"';
  startDaemon(dc, 'samba', ['sh', '-c', script, 'sh', join(dir, 'run-samba'), smbConf(dc)]);
}

/** Starts a DC's time server, which serves the machine's own clock and never sets it. */
function startChrony(dc: AnyDcName): void {
  const dir = dcDir(dc);
  const file = join(dir, 'chrony.conf');
  writeFileSync(
    file,
    `local stratum 5
allow
port 123
cmdport 0
bindcmdaddress /
pidfile ${join(dir, 'run', 'chronyd.pid')}
ntpsigndsocket ${join(dir, 'ntp_signd')}
`,
  );
  startDaemon(dc, 'chrony', ['chronyd', '-x', '-d', '-u', 'root', '-f', file]);
}

function startDaemon(dc: AnyDcName, name: string, argv: readonly string[]): void {
  const log = openSync(join(dcDir(dc), 'log', `${name}.out`), 'a');
  const [file = '', ...args] = [...inNetns(hostOf(dc).netns), ...argv];
  const child = spawn(file, args, { detached: true, stdio: ['ignore', log, log], env: { ...process.env, KRB5_CONFIG: KRB5_FILE } });
  // Not fatal here: the readiness check then says what does not answer.
  child.on('error', (error) => process.emitWarning(`${name} of ${dc}: ${error.message}`));
  child.unref();
  closeSync(log);
}

function configuration(dc: AnyDcName): string {
  const dir = dcDir(dc);
  const { address, address6, gateway, domain } = hostOf(dc);
  const { certFile, keyFile } = certificateOf(dc);
  return `[global]
  netbios name = ${dc.toUpperCase()}
  realm = ${domain.realm}
  workgroup = ${domain.netbiosName}
  server role = active directory domain controller
  interfaces = 127.0.0.1/8 ::1/128 ${address}/24 ${address6}/64
  bind interfaces only = yes
  dns forwarder = ${gateway}
  private dir = ${dir}/private
  state directory = ${dir}/state
  cache directory = ${dir}/cache
  lock directory = ${dir}/run
  pid directory = ${dir}/run
  ncalrpc dir = ${dir}/run/ncalrpc
  binddns dir = ${dir}/bind-dns
  ntp signd socket directory = ${dir}/ntp_signd
  log file = ${dir}/log/samba.log
  log level = 0
  tls enabled = yes
  tls keyfile = ${keyFile}
  tls certfile = ${certFile}
  tls cafile = ${CA_FILE}
  load printers = no
  printcap name = /dev/null
  disable spoolss = yes

[sysvol]
  path = ${dir}/state/sysvol
  read only = no

[netlogon]
  path = ${dir}/state/sysvol/${domain.name}/scripts
  read only = no
`;
}
