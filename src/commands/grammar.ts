/** The grammar of the command line: what yargs lets pass and we refuse, in our words. */
import { quote } from '../quotation.ts';
import { UsageError } from '../usage-error.ts';

declare module 'yargs' {
  // Its types know no plurals. The name of the parameter must be theirs.
  // oxlint-disable-next-line no-unused-vars
  interface Argv<T> {
    updateStrings(strings: Readonly<Record<string, string | { readonly one: string; readonly other: string }>>): Argv<T>;
  }
}

const seeHelp = '(portmatrix --help, and --help after a command, name what there is)';
const wordMissing = `a word is missing: there are %s, expected %s ${seeHelp}`;

/** What yargs says, in our words. */
export const complaints = {
  'Unknown argument: %s': { one: `there is no option or word "%s" here ${seeHelp}`, other: `there are no options or words "%s" here ${seeHelp}` },
  'Missing required argument: %s': { one: `--%s is missing ${seeHelp}`, other: `these are missing: --%s ${seeHelp}` },
  'Not enough arguments following: %s': `the option "%s" needs a value ${seeHelp}`,
  'Not enough non-option arguments: got %s, need at least %s': { one: wordMissing, other: wordMissing },
  'Invalid values:': 'wrong value:',
  'Argument: %s, Given: %s, Choices: %s': '--%s is %s, expected one of %s',
} as const;

const repeatable: ReadonlySet<string> = new Set(['_', 'names', 'matrix', 'source', 'destination', 'rule', 'dc', 'dns-server', 'dnsServer']);

/** Words after `--`, and an option that takes one value given twice, are a mistake and no choice: throws a `UsageError`. */
export function refuseLeftovers(argv: { readonly _: readonly (string | number)[]; readonly [name: string]: unknown }): true {
  const after = argv['--'];
  if (Array.isArray(after) && after.length > 0) throw new UsageError(`nothing is expected after "--", and there is ${quote(after.join(' '))}`);
  const isRun = argv._[0] === 'run';
  for (const [name, value] of Object.entries(argv)) {
    const mayRepeat = name.length === 1 || repeatable.has(name) || (isRun && name === 'format');
    if (!mayRepeat && Array.isArray(value)) throw new UsageError(`--${name} is given ${value.length} times, expected once`);
  }
  return true;
}
