/** What comes of reading bytes that a stranger sent. */

/**
 * Result of a decoder on the bytes received so far: a value and how many bytes it took, or that more must come, or that no more can help.
 * `why` is a few words for people. A decoder never throws, never keeps state, and never asks for more than its protocol can need.
 */
export type Decoded<T> =
  | { readonly kind: 'value'; readonly value: T; readonly length: number }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed'; readonly why: string };

/** Thrown inside a decoder, never out of it, for bytes that break the protocol. */
export class Malformed extends Error {}

export const incomplete = { kind: 'incomplete' } as const;

export function malformed(why: string): { readonly kind: 'malformed'; readonly why: string } {
  return { kind: 'malformed', why };
}

/** A decoder of the same bytes that also tells how many they were. */
export function measured<T>(decode: (bytes: Buffer) => Decoded<T>): (bytes: Buffer) => Decoded<{ readonly value: T; readonly bytes: number }> {
  return (received) => {
    const decoded = decode(received);
    return decoded.kind === 'value' ? { ...decoded, value: { value: decoded.value, bytes: decoded.length } } : decoded;
  };
}

/** Runs `read` and turns whatever it throws (our own `Malformed`, a read beyond the end, a reader's complaint) into `malformed`. */
export function guard<T>(read: () => Decoded<T>): Decoded<T> {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return malformed('ends too early');
    return malformed(error instanceof Error ? error.message : String(error));
  }
}
