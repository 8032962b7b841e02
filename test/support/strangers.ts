/** What strangers may send: bytes of three kinds, made from a seed, so that a failure can be made again. */

/** How an input came to be: of nothing but chance, from a true message that was cut (and may go on with anything), or from one that was changed in places. */
export type Manner = 'random' | 'truncated' | 'mutated';

const longest = 600;
/** Numbers that lengths, counts and offsets are mistaken for: none, all, and the highest with a sign, in both byte orders. */
const extremes = ['00', 'ff', '7f', '80', '0000', 'ffff', '7fff', 'ff7f', '00000000', 'ffffffff', '7fffffff', 'ffffff7f', 'c000'].map((hex) =>
  Buffer.from(hex, 'hex'),
);

/** The input of that kind and seed; `messages` are true ones of the decoder that will be given it. */
export function strangerBytes(manner: Manner, messages: readonly Buffer[], seed: number): Buffer {
  const below = chance(seed);
  const whole = messages[below(messages.length)] ?? Buffer.alloc(0);
  switch (manner) {
    case 'random':
      return noise(below, below(longest));
    case 'truncated': {
      const kept = whole.subarray(0, below(whole.length + 1));
      return below(2) === 0 ? Buffer.from(kept) : Buffer.concat([kept, noise(below, below(longest))]);
    }
    case 'mutated': {
      let bent: Buffer = Buffer.from(whole);
      for (let left = 1 + below(6); left > 0; left -= 1) bent = mutate(bent, messages, below);
      return bent;
    }
    default:
      return manner satisfies never;
  }
}

function mutate(bytes: Buffer, messages: readonly Buffer[], below: (limit: number) => number): Buffer {
  const at = below(bytes.length + 1);
  const before = bytes.subarray(0, at);
  const length = below(1 + Math.min(32, bytes.length - at));
  switch (below(6)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (at < bytes.length) flipped[at] = bytes.readUInt8(at) ^ (1 << below(8));
      return flipped;
    }
    case 1: {
      const extreme = extremes[below(extremes.length)] ?? Buffer.alloc(0);
      return Buffer.concat([before, extreme, bytes.subarray(at + extreme.length)]);
    }
    case 2:
      return Buffer.concat([before, bytes.subarray(at + length)]);
    case 3:
      return Buffer.concat([before, bytes.subarray(at, at + length), bytes.subarray(at)]);
    case 4:
      return Buffer.concat([before, noise(below, length), bytes.subarray(at + length)]);
    default: {
      const other = messages[below(messages.length)] ?? bytes;
      return Buffer.concat([before, other.subarray(below(other.length + 1))]);
    }
  }
}

function noise(below: (limit: number) => number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = below(256);
  return bytes;
}

/** Whole numbers from 0 up to a limit, from a seed (mulberry32). */
function chance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
