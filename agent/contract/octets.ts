/** Whole numbers as bytes and back: what a frame's columns are written in. */

/** No number of a column is further from zero: twice as much is exact still. */
export const largestNumber = 2 ** 51;

/** Bytes of the numbers in order: seven bits a byte, the lowest first, the highest bit set where more follow. Numbers are whole and not negative. */
export function writeNumbers(numbers: readonly number[]): Buffer {
  const bytes: number[] = [];
  for (const number of numbers) {
    let rest = number;
    for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
    bytes.push(rest);
  }
  return Buffer.from(bytes);
}

/** Bytes of numbers of which many are like the one before: how many runs there are, the number of each, and how much longer than one each is. */
export function writeRuns(numbers: readonly number[]): Buffer {
  const runs: { readonly number: number; more: number }[] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run?.number === number) run.more += 1;
    else runs.push({ number, more: 0 });
  }
  return writeNumbers([runs.length, ...runs.map(({ number }) => number), ...runs.map(({ more }) => more)]);
}

/** The numbers in the bytes of their runs. Throws where there are not exactly `total`. */
export function numbersOfRuns(bytes: Buffer, total: number): readonly number[] {
  const octets = new Octets(bytes);
  const count = octets.number();
  const starts = octets.numbers(count);
  const lengths = octets.numbers(count).map((more) => more + 1);
  if (lengths.reduce((sum, length) => sum + length, 0) !== total) throw new RangeError('a column of another length');
  return starts.flatMap((number, run) => Array.from({ length: lengths[run] ?? 0 }, () => number));
}

/** A whole number of either sign as one that is not negative, small where it was near zero. */
export function unsign(number: number): number {
  return number < 0 ? -2 * number - 1 : 2 * number;
}

/** The number with its sign. */
export function sign(number: number): number {
  return number % 2 === 0 ? number / 2 : -(number + 1) / 2;
}

/** Reads what was written, piece by piece. Throws where there is less than is asked for. */
export class Octets {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || factor > 8 * largestNumber) throw new RangeError('a number that does not end');
      this.#at += 1;
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }

  numbers(count: number): readonly number[] {
    if (count > this.#bytes.length - this.#at) throw new RangeError('a column that is too short');
    return Array.from({ length: count }, () => this.number());
  }

  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new RangeError('a piece that is too short');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
