/** What the system knows of this host's sockets (Linux). */
import { readFileSync } from 'node:fs';

/** TCP connections over IPv4 of this host to one of these remote ports that are being made or are open (SYN-SENT, ESTABLISHED). */
export function openTowards(...ports: readonly number[]): number {
  const wanted = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0')));
  // The file is read in pieces, and a row can show up in two of them.
  const open = new Set<string>();
  for (const row of readFileSync('/proc/self/net/tcp', 'utf8').split('\n').slice(1)) {
    const [, local = '', remote = '', state = ''] = row.trim().split(/\s+/);
    if (wanted.has(remote.slice(-4)) && (state === '01' || state === '02')) open.add(`${local} ${remote}`);
  }
  return open.size;
}
