/** In which order the rows of a frame stand, and its columns of numbers. */
import type { Check } from './check.ts';
import type { NumberColumn } from './frame-row.ts';
import { Octets, sign, unsign, writeNumbers } from './octets.ts';

/** Positions of the checks, those that ask the same side by side. */
export function questionOrder(checks: readonly Check[]): readonly number[] {
  const questions = new Map<string, number[]>();
  for (const [index, { matrix, rule, transport, port, interface: rpcInterface }] of checks.entries()) {
    const question = JSON.stringify([matrix, rule, transport, port, rpcInterface]);
    const asked = questions.get(question) ?? [];
    questions.set(question, asked);
    asked.push(index);
  }
  return [...questions.values()].flat();
}

/** Times stand in the order in which checks are begun, everything else in that of the questions. */
function inOrderOf(column: NumberColumn, indices: readonly number[]): readonly number[] {
  return column === 'at' ? indices.toSorted((one, other) => one - other) : indices;
}

/** The numbers of a column, by the positions of their checks, which come in the order of the questions. */
export function writeColumn(column: NumberColumn, values: ReadonlyMap<number, number>): Buffer {
  let before = 0;
  return writeNumbers(
    inOrderOf(column, [...values.keys()]).map((index) => {
      const value = values.get(index) ?? 0;
      const difference = value - before;
      if (column === 'at') before = value;
      return unsign(difference);
    }),
  );
}

/** The numbers in the bytes of a column, by the same positions. Throws where there are fewer. */
export function numbersOf(column: NumberColumn, bytes: Buffer, indices: readonly number[]): ReadonlyMap<number, number> {
  const numbers = new Octets(bytes).numbers(indices.length);
  let before = 0;
  return new Map(
    inOrderOf(column, indices).map((index, place) => {
      const value = before + sign(numbers[place] ?? 0);
      if (column === 'at') before = value;
      return [index, value];
    }),
  );
}
