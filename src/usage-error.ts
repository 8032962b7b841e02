/** The user's mistake, as opposed to ours. */

/** Where in a file: line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Something the user gave is wrong: `cli` prints the message without a stack and exits 2, and nothing was sent. The message names place, value and what was expected. */
export class UsageError extends Error {
  constructor(message: string, place?: Place) {
    super(place === undefined ? message : `${place.file}:${place.line}:${place.column}: ${message}`);
    this.name = 'UsageError';
  }
}
