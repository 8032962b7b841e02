/** Messages of a wanted size. */

/**
 * The message of exactly `size` bytes that `make` writes with some bytes of filler. Of a message that has more without any, all of it. Where the filler is
 * not much longer than 256 bytes, the lengths around it may take fewer bytes than they would around more, and the message is as much shorter.
 */
export function padTo(size: number, make: (filler: number) => Buffer): Buffer {
  const around = make(size).length - size;
  return make(Math.max(0, size - around));
}
