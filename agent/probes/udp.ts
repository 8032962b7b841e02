import { ask, type Dialogue } from '../net/dialogue.ts';

/**
 * Asks only for the port.
 *
 * 1. One datagram of one zero byte. Any datagram back: open. An ICMP error: what it says. Silence says nothing.
 */
export function* udp(): Dialogue {
  yield* ask(Uint8Array.of(0), (received) => ({ kind: 'value', value: true, length: received.length }));
  return { status: 'identified', facts: {} };
}
