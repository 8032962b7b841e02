/** What somebody who mistyped a word may have meant. */

/** The known word nearest to the given one, if it is near enough to be meant; ties go to the earlier one. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const given = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const gap = distance(given, candidate.toLowerCase());
    if (gap < bestDistance) [best, bestDistance] = [candidate, gap];
  }
  return best;
}

/** Up to `most` of the known ids that share the most parts with the given one, the likest first; none where no part is shared. */
export function alike(id: string, known: Iterable<string>, most: number): readonly string[] {
  const parts = new Set(partsOf(id));
  const scored = Array.from(known, (one) => ({ one, shared: partsOf(one).filter((part) => parts.has(part)).length }));
  return scored
    .filter(({ shared }) => shared > 0)
    .toSorted((one, other) => other.shared - one.shared)
    .slice(0, most)
    .map(({ one }) => one);
}

function partsOf(id: string): readonly string[] {
  return id
    .slice(0, 1_000)
    .toLowerCase()
    .split(/->|[/:#]/);
}

/** Edits between two words: insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function distance(from: string, to: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          at(previous, column) + 1,
          at(current, column - 1) + 1,
          at(previous, column - 1) + (same ? 0 : 1),
          swapped ? at(older, column - 2) + 1 : Infinity,
        ),
      );
    }
    [older, previous] = [previous, current];
  }
  return at(previous, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
