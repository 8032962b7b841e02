/** The middle one of several measurements. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error('nothing was measured');
  return middle;
}

/** Measures several things in turn, `rounds` times after one round of warm-up, so that they share what noise there is; gives each one's median by its name. */
export async function compare<K extends string>(rounds: number, measures: Readonly<Record<K, () => Promise<number>>>): Promise<(name: K) => number> {
  const values = new Map<string, number[]>();
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, measure] of Object.entries<() => Promise<number>>(measures)) {
      const value = await measure();
      if (round > 0) values.set(name, [...(values.get(name) ?? []), value]);
    }
  }
  return (name) => median(values.get(name) ?? []);
}
