/** The grammar of the command line: what yargs lets pass and we refuse, in our words. */
import type { Argv } from 'yargs';
import { quote } from '../quotation.ts';
import { nearest } from '../suggestion.ts';
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

/** The commands, and those of `matrix` and of `agent`. */
export const commandNames = [
  'demo',
  'init',
  'preflight',
  'run',
  'resume',
  'plan',
  'validate',
  'matrix',
  'explain',
  'report',
  'agent',
  'completion',
] as const;
export const matrixCommandNames = ['list', 'show', 'export'] as const;
export const agentCommandNames = ['build', 'publish', 'doctor'] as const;

const unknownMark = 'unknown: ';

/** What yargs says, in our words. */
export const complaints = {
  'Unknown argument: %s': { one: `${unknownMark}%s`, other: `${unknownMark}%s` },
  'Missing required argument: %s': { one: `--%s is missing ${seeHelp}`, other: `these are missing: --%s ${seeHelp}` },
  'Not enough arguments following: %s': `the option "%s" needs a value ${seeHelp}`,
  'Not enough non-option arguments: got %s, need at least %s': { one: wordMissing, other: wordMissing },
  'Invalid values:': 'wrong value:',
  'Argument: %s, Given: %s, Choices: %s': '--%s is %s, expected one of %s',
} as const;

/** What may be given more than once; and the ports of a range, which are two for one word (its own reader refuses a second word). */
const repeatable: ReadonlySet<string> = new Set([
  '_',
  'names',
  'matrix',
  'source',
  'destination',
  'rule',
  'dc',
  'dns-server',
  'dnsServer',
  'source-ports',
  'sourcePorts',
  'allow-destination',
  'allowDestination',
  'allow-port',
  'allowPort',
]);

/** Words after `--`, and an option that takes one value given twice, are a mistake and no choice: throws a `UsageError`. */
export function refuseLeftovers(argv: { readonly _: readonly (string | number)[]; readonly [name: string]: unknown }): true {
  const after = argv['--'];
  if (Array.isArray(after) && after.length > 0) throw new UsageError(`nothing is expected after "--", and there is ${quote(after.join(' '))}`);
  const isRun = argv._[0] === 'run' || argv._[0] === 'resume';
  const isPublish = argv._[0] === 'agent' && argv._[1] === 'publish';
  for (const [name, value] of Object.entries(argv)) {
    const mayRepeat =
      name.length === 1 || repeatable.has(name) || (isRun && name === 'format') || (isPublish && (name === 'region' || name === 'account'));
    if (!mayRepeat && Array.isArray(value)) throw new UsageError(`--${name} is given ${value.length} times, expected once`);
  }
  return true;
}

/** What `parsed` of yargs holds, as far as it is used here. */
type Parsed = Argv['parsed'];

/** What yargs complains about, as a `UsageError` in our words. What was mistyped comes first: a mistyped option is a missing one too, and so is a mistyped command. */
export function complain(message: string, parsed: Parsed): UsageError {
  if (parsed === false) return new UsageError(message);
  const [command, next] = parsed.argv._.map(String);
  if (command !== undefined && !isAmong(command, commandNames)) return stranger('command', command, commandNames);
  if (command === 'matrix' && next !== undefined && !isAmong(next, matrixCommandNames)) return stranger('command', next, matrixCommandNames);
  if (command === 'agent' && next !== undefined && !isAmong(next, agentCommandNames)) return stranger('command', next, agentCommandNames);
  const { options, known } = optionsOf(parsed);
  const [option] = options;
  // Without a command an option that belongs to one is not the mistake.
  if (option !== undefined && (command !== undefined || nearest(option, known) !== undefined))
    return stranger('option', dashed(option), known.map(dashed));
  return message.startsWith(unknownMark) ? stranger('word', message.slice(unknownMark.length), []) : new UsageError(message);
}

function stranger(kind: 'command' | 'option' | 'word', word: string, known: readonly string[]): UsageError {
  const meant = nearest(word, known);
  return new UsageError(`there is no ${kind} ${quote(word)} here${meant === undefined ? '' : `, did you mean ${quote(meant)}?`} ${seeHelp}`);
}

/** The options that were given and that nobody knows, and those that are known; by the rule of yargs' own `strict`. */
function optionsOf({ argv, aliases, newAliases }: Exclude<Parsed, false>): {
  readonly options: readonly string[];
  readonly known: readonly string[];
} {
  const isKnown = (key: string): boolean => {
    const others = Object.hasOwn(aliases, key) ? aliases[key] : undefined;
    return others !== undefined && [key, ...others].some((name) => !Object.hasOwn(newAliases, name) || newAliases[key] !== true);
  };
  const given = Object.keys(argv).filter((key) => !['_', '--', '$0'].includes(key));
  return {
    options: given.filter((key) => !isKnown(key)),
    known: Object.keys(aliases).filter((key) => isKnown(key) && newAliases[key] !== true && key.length > 1),
  };
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}

function isAmong(word: string, words: readonly string[]): boolean {
  return words.includes(word);
}
