/** Servers as they come from Debian, in a network namespace of their own that has nothing but its loopback interface: they can reach nobody. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeIdentity } from '../support/certificate.ts';
import { attempt, run } from './command.ts';
import { pollUntil } from './poll.ts';
import { inNetns } from './topology.ts';

/** Where each of them listens, and under which name. */
export const PEERS = {
  nginx: { address: '127.0.0.2', name: 'nginx.peers.test', listens: ['tcp 127.0.0.2:443'] },
  caddy: { address: '127.0.0.3', name: 'caddy.peers.test', listens: ['tcp 127.0.0.3:443', 'udp 127.0.0.3:443'] },
  xrdp: { address: '127.0.0.4', name: 'xrdp.peers.test', listens: ['tcp 127.0.0.4:3389'] },
  chrony: { address: '127.0.0.5', name: 'chrony.peers.test', listens: ['udp 127.0.0.5:123'] },
} as const;

type PeerName = keyof typeof PEERS;

/** `prefix` runs a command beside them; `caFile` is what their certificates are judged by. */
export interface Peers {
  readonly prefix: readonly string[];
  readonly caFile: string;
  readonly stop: () => Promise<void>;
}

/** Starts all of them and returns when each listens. */
export async function startPeers(): Promise<Peers> {
  const netns = `pm-peers-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-peers-'));
  const daemons: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(daemons.map(end));
    await attempt(['ip', 'netns', 'delete', netns]);
    for (const left of [`/etc/netns/${netns}`, folder]) rmSync(left, { recursive: true, force: true });
  };
  try {
    await run(['ip', 'netns', 'add', netns]);
    await run(['ip', '-n', netns, 'link', 'set', 'lo', 'up']);
    // What `ip netns exec` puts in the place of the host's own: the names, and no resolver.
    mkdirSync(`/etc/netns/${netns}`, { recursive: true });
    writeFileSync(
      `/etc/netns/${netns}/hosts`,
      Object.values(PEERS)
        .map(({ address, name }) => `${address} ${name}\n`)
        .join(''),
    );
    writeFileSync(`/etc/netns/${netns}/resolv.conf`, '');
    const { key, cert } = makeIdentity('*.peers.test', '/CN=peers.test');
    writeFileSync(join(folder, 'cert.pem'), cert);
    writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 });
    for (const [name, text] of Object.entries(configurations(folder))) writeFileSync(join(folder, name), text);
    const prefix = inNetns(netns);
    for (const argv of Object.values(commands(folder))) {
      // Whatever becomes of this process, they end with it.
      const [file = '', ...words] = [...prefix, 'setpriv', '--pdeathsig', 'KILL', ...argv];
      const home = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
      daemons.push(spawn(file, words, { stdio: 'ignore', cwd: folder, env: { ...process.env, ...home } }));
    }
    await pollUntil('the peers', 20_000, () => silentOf(prefix));
    return { prefix, caFile: join(folder, 'cert.pem'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function commands(folder: string): Readonly<Record<PeerName, readonly string[]>> {
  return {
    nginx: ['nginx', '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'nginx.log')],
    caddy: ['caddy', 'run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'],
    xrdp: ['xrdp', '--nodaemon', '--config', join(folder, 'xrdp.ini')],
    chrony: ['chronyd', '-x', '-d', '-u', 'root', '-f', join(folder, 'chrony.conf')],
  };
}

/** As plain as they can be: one certificate for all, no page, no desktop, and for Caddy no authority that it would ask for certificates. */
function configurations(folder: string): Readonly<Record<string, string>> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const bodies = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((what) => `${what}_temp_path ${join(folder, what)};`).join(' ');
  return {
    'nginx.conf': `daemon off; master_process off; pid ${join(folder, 'nginx.pid')};
      events {}
      http {
        access_log off; ${bodies}
        server { listen ${PEERS.nginx.address}:443 ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${join(folder, 'empty')}; }
      }`,
    Caddyfile: `{\n admin off\n auto_https off\n storage file_system ${join(folder, 'caddy')}\n}
      https://${PEERS.caddy.name}:443 {\n bind ${PEERS.caddy.address}\n tls ${cert} ${key}\n respond "caddy"\n}\n`,
    'xrdp.ini': `[Globals]\nini_version=1\nfork=true\nport=tcp://${PEERS.xrdp.address}:3389\nsecurity_layer=negotiate\ncertificate=${cert}
key_file=${key}\nssl_protocols=TLSv1.2, TLSv1.3\n[Logging]\nLogFile=${join(folder, 'xrdp.log')}\nEnableSyslog=false\n[Xorg]\nname=Xorg\nlib=libxup.so\n`,
    'chrony.conf': `local stratum 8\nallow\nbindaddress ${PEERS.chrony.address}\ncmdport 0\nbindcmdaddress /\npidfile ${join(folder, 'chrony.pid')}\n`,
  };
}

/** The first of them that does not listen yet. */
async function silentOf(prefix: readonly string[]): Promise<string | undefined> {
  const sockets = await run([...prefix, 'ss', '-Hlntu']);
  const open = new Set(
    sockets
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .map(([kind, , , , local]) => `${kind} ${local}`),
  );
  return Object.values(PEERS)
    .flatMap(({ listens }) => [...listens])
    .find((socket) => !open.has(socket));
}

async function end(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = once(daemon, 'exit');
  daemon.kill('SIGKILL');
  await ended;
}
