/** What commands are made of. A command never prints, and never ends the process: it gets a terminal and returns an exit code. */
import { UsageError } from '../usage-error.ts';

/** Where a command writes and how. */
export interface Terminal {
  /** Text for stdout, and for stderr; each as it is. */
  readonly out: (text: string) => Promise<void>;
  readonly err: (text: string) => void;
  /** Folder that the user's relative paths start from. */
  readonly cwd: string;
  /** Colours are wanted on stdout. */
  readonly colour: boolean;
  /** Only ASCII can be shown. */
  readonly ascii: boolean;
  /** Columns of stdout; undefined when it is no terminal. */
  readonly width?: number;
  /** Stderr as a live line for progress; undefined when it is no terminal. */
  readonly live?: NodeJS.WriteStream;
  readonly version: string;
  /** Aborted by the first Ctrl-C, and by the second. */
  readonly stop: AbortSignal;
  readonly emergency: AbortSignal;
}

export type ExitCode = 0 | 1 | 2 | 3 | 4 | 70;

/** A whole number from an option's text, within bounds; a `UsageError` otherwise. */
export function wholeNumber(option: string, least: number, most: number): (text: string | readonly string[] | undefined) => number | undefined {
  return (text) => {
    if (text === undefined) return undefined;
    const value = typeof text === 'string' && /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new UsageError(`${option} ${JSON.stringify(text)} is not a whole number: expected ${least} to ${most}`);
  };
}

/** A list from an option that may be repeated and may hold commas; a `UsageError` for an empty entry, since an empty list means all. */
export function list(option: string, values: readonly (string | number)[] | undefined): readonly string[] {
  const words = (values ?? []).flatMap((value) => String(value).split(','));
  if (words.includes('')) throw new UsageError(`${option} ${JSON.stringify(values?.join(' '))} has an empty name in it, expected names`);
  return words;
}
