import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { HOSTS, type HostName, inNetns } from './topology.ts';

/** A name server on a host's own loopback that says of every name that it does not exist, until it is stopped. */
export interface LyingResolver {
  readonly address: string;
  readonly stop: () => Promise<void>;
}

/** Starts one; resolves when it answers. */
export async function startLyingResolver(host: HostName): Promise<LyingResolver> {
  const [ip = 'ip', ...words] = inNetns(HOSTS[host].netns);
  const child = spawn(ip, [...words, process.execPath, fileURLToPath(import.meta.url)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), ended.then(() => Promise.reject(new Error('the lying resolver did not start')))]);
  return {
    address: '127.0.0.1',
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

function serve(): void {
  const server = createSocket('udp4');
  server.on('message', (query, from) => {
    const reply = Buffer.from(query);
    // An answer, recursion wanted and to be had, NXDOMAIN; the question as it came, and no records.
    reply.writeUInt16BE(0x8183, 2);
    reply.fill(0, 6, 12);
    server.send(reply, from.port, from.address);
  });
  server.bind(53, '127.0.0.1', () => process.stdout.write('ready\n'));
  process.stdin.resume().on('end', () => server.close());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve();
