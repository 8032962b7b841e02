import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { HOSTS, inNetns } from './topology.ts';
import type { HostName } from './topology.ts';

/** Accepts every connection to these TCP ports of a host, over IPv4 and IPv6, and says nothing; until it is stopped, or this process ends. */
export async function listenOn(host: HostName, ports: readonly number[]): Promise<{ readonly stop: () => Promise<void> }> {
  const argv = [...inNetns(HOSTS[host].netns), process.execPath, fileURLToPath(import.meta.url), ...ports.map(String)];
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const [first] = await Promise.race([once(child.stdout, 'data'), ended]);
  if (String(first) !== 'listening\n') throw new Error(`nobody listens on ${ports.join(', ')} of ${host}`);
  return {
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const servers = process.argv.slice(2).map((port) => createServer((socket) => socket.on('error', () => {}).resume()).listen(Number(port), '::'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  console.log('listening');
  process.stdin.on('end', () => process.exit()).resume();
}
