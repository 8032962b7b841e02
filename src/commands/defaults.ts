/** The config file's part in a command line: its values stand where the user gave none, go the way of those that the user gives, and are said to be in force. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import yargs, { type Argv } from 'yargs';
import { type Configurable, configurable, type Configuration, type Configured, readConfiguration } from '../configuration.ts';
import { bare } from '../quotation.ts';
import { UsageError } from '../usage-error.ts';
import type { Terminal } from './command.ts';
import { question } from './completion.ts';

/** The config file that is read when it is in the user's folder, and no other is named. */
const usualFile = 'portmatrix.config.yaml';

/** The config file of one command line. */
export interface Defaults {
  /** The command's options, and those of the config file that are for it. A wrong config file is a UsageError. */
  readonly under: <T>(command: Configured, describe: (argv: Argv) => Argv<T>) => (argv: Argv, helpOnly?: boolean) => Argv<T>;
  /** Says on stderr which file is in force, and for what. */
  readonly announce: () => void;
  /** The error at its place in the file, when it is about a value from there; otherwise as it is. */
  readonly blame: (error: unknown) => unknown;
}

/** Finds the config file that the words name, or the one in the user's folder. Nothing is read before a command needs it. */
export function defaultsFor(words: readonly string[], { cwd, err }: Terminal): Defaults {
  const { file, given } = look(words);
  const named = file ?? usualFile;
  let inForce: { readonly configuration: Configuration; readonly options: readonly Configurable[] } | undefined;

  const load = (command: Configured): Readonly<Record<string, unknown>> => {
    if (named === 'none' || words[0] === question || (file === undefined && !existsSync(resolve(cwd, usualFile)))) return {};
    const configuration = readConfiguration(resolve(cwd, named), cwd);
    const options = configurable
      .filter(({ option, commands }) => isAmong(command, commands) && configuration.settings.has(option) && !given.has(option))
      .map(({ option }) => option);
    inForce = { configuration, options };
    return Object.fromEntries(options.map((option) => [option, configuration.settings.get(option)]));
  };

  return {
    under: (command, describe) => (argv, helpOnly) => {
      const described = describe(argv);
      described.option('config', {
        type: 'string',
        requiresArg: true,
        describe: 'a YAML file with defaults for options, by their names (timeout-ms: 3000); the command line wins; none: no file',
        defaultDescription: `${usualFile}, if it is here`,
      });
      return helpOnly === true ? described : described.config(load(command));
    },
    announce: () => {
      if (inForce !== undefined && inForce.options.length > 0) err(`Defaults from ${bare(named, 400)}: ${inForce.options.join(', ')}\n`);
    },
    blame: (error) => {
      if (!(error instanceof UsageError) || inForce === undefined) return error;
      const [, name = '', complaint = ''] = /^(?:wrong value:\s+)?--([a-z-]+) ([^]*)$/.exec(error.message) ?? [];
      const option = inForce.options.find((candidate) => candidate === name);
      return option === undefined ? error : new UsageError(`${option} ${complaint}`, inForce.configuration.placeOf(option));
    },
  };
}

/** The config file that the words name, if they name one, and the options that they give. */
function look(words: readonly string[]): { readonly file?: string; readonly given: ReadonlySet<string> } {
  const seen: Readonly<Record<string, unknown>> = yargs(words.filter((word) => word !== question))
    .help(false)
    .version(false)
    .string('config')
    .alias({ i: 'inventory', m: 'matrix' })
    .parserConfiguration({ 'greedy-arrays': false, 'boolean-negation': false, 'dot-notation': false, 'populate--': true })
    .exitProcess(false)
    .parseSync();
  const { config } = seen;
  // What is wrong with it, the command's own grammar says.
  return { given: new Set(Object.keys(seen)), ...(typeof config === 'string' && config !== '' && { file: config }) };
}

function isAmong(command: string, commands: readonly string[]): boolean {
  return commands.includes(command);
}
