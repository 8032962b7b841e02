import type { Dialogue } from '../net/dialogue.ts';

/**
 * Asks only for the port.
 *
 * 1. The TCP handshake, made before this dialogue begins: the port is open. Then FIN.
 */
export function* tcp(): Dialogue {
  return { status: 'identified', facts: {} };
}
