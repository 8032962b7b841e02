import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';
import { HOSTS, inNetns } from './topology.ts';
import type { HostName } from './topology.ts';

/** What to dial: a TCP port to connect to, or a UDP port to send an NTP request to. */
export type Target = { readonly transport: 'tcp' | 'udp'; readonly address: string; readonly port: number };

// Longer than the kernel takes to send a SYN again (1 s): of 1000 ICMP errors about one meets a socket that is still busy
// with its connect() and is ignored; the next is not.
const waitMs = 1500;

/**
 * Dials all targets at the same time from a host of the lab with plain Node sockets and returns, in their order, what a
 * program sees there: 'connected' (TCP), 'reply' (UDP), 'timeout' (nothing for 1500 ms) or the errno's name.
 */
export async function dialFrom(host: HostName, targets: readonly Target[]): Promise<string[]> {
  const words = targets.flatMap(({ transport, address, port }) => [transport, address, String(port)]);
  const argv = [...inNetns(HOSTS[host].netns), process.execPath, fileURLToPath(import.meta.url), ...words];
  return (await run(argv)).trim().split('\n');
}

function dialTcp(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const bound = setTimeout(end, waitMs, 'timeout');
    function end(seen: string): void {
      clearTimeout(bound);
      socket.destroy();
      resolve(seen);
    }
    socket.on('connect', () => end('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

function dialUdp(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const bound = setTimeout(end, waitMs, 'timeout');
    function end(seen: string): void {
      clearTimeout(bound);
      socket.close();
      socket.removeAllListeners();
      socket.on('error', () => {}); // The answer is given; a second ICMP error adds nothing.
      resolve(seen);
    }
    socket.on('message', () => end('reply'));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    // Only a connected UDP socket is told of ICMP errors.
    socket.connect(port, address, () => {
      const request = Buffer.alloc(48);
      request[0] = 0x23; // NTP version 4, mode 3 (client)
      socket.send(request);
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const dials: Promise<string>[] = [];
  for (let at = 0; at < words.length; at += 3) {
    const [transport, address = '', port = ''] = words.slice(at, at + 3);
    dials.push(transport === 'tcp' ? dialTcp(address, Number(port)) : dialUdp(address, Number(port)));
  }
  console.log((await Promise.all(dials)).join('\n'));
}
