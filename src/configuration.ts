/** A config file: defaults for options of the command line. */
import { dirname, resolve } from 'node:path';
import { wrong } from './complaint.ts';
import { conform, type Document, type Path, readDocument, type Schema } from './document.ts';
import { isMatrixPath, publishedMatrices } from './matrix.ts';
import type { Place } from './usage-error.ts';

/** The options that a config file can give, and the commands that they are for. */
export const configurable = [
  { option: 'inventory', commands: ['run', 'plan', 'validate'] },
  { option: 'matrix', commands: ['run', 'plan', 'validate'] },
  { option: 'as-published', commands: ['run', 'plan'] },
  { option: 'timeout-ms', commands: ['run', 'plan'] },
  { option: 'attempts', commands: ['run', 'plan'] },
  { option: 'concurrency', commands: ['run', 'plan'] },
  { option: 'per-destination', commands: ['run', 'plan'] },
  { option: 'pace', commands: ['run', 'plan'] },
  { option: 'source-ports', commands: ['run', 'plan'] },
  { option: 'out', commands: ['run', 'preflight'] },
  { option: 'format', commands: ['run', 'resume', 'preflight', 'report'] },
  { option: 'allow-inconclusive', commands: ['run'] },
  { option: 'domain', commands: ['preflight', 'init'] },
  { option: 'dns-server', commands: ['preflight', 'init'] },
  { option: 'dc', commands: ['preflight'] },
] as const satisfies readonly { readonly option: string; readonly commands: readonly string[] }[];

export type Configurable = (typeof configurable)[number]['option'];
export type Configured = (typeof configurable)[number]['commands'][number];

/** An option's value as the command line would give it: numbers as text, a repeated option as a list. */
export type Setting = string | boolean | readonly string[];

/** What a config file says. */
export interface Configuration {
  readonly settings: ReadonlyMap<Configurable, Setting>;
  readonly placeOf: (option: Configurable) => Place;
}

type Written = Readonly<Partial<Record<Configurable, string | number | boolean | readonly string[]>>>;

const schema: Schema<Written> = { name: 'src/configuration.schema.json' };

/** Reads a config file, for a command that is started in `cwd`; the first mistake in it is a UsageError. */
export function readConfiguration(file: string, cwd: string): Configuration {
  const document = readDocument(file);
  const written = conform(document, schema);
  const settings = new Map<Configurable, Setting>();
  for (const { option } of configurable) {
    const value = written[option];
    if (value !== undefined) settings.set(option, settle(document, option, value, cwd));
  }
  return { settings, placeOf: (option) => document.placeOf([option]) };
}

function settle(document: Document, option: Configurable, value: NonNullable<Written[Configurable]>, cwd: string): Setting {
  const folder = dirname(document.file);
  // A path of the folder in which the user stands is shown as it was written.
  const place = (path: string): string => (folder === cwd ? path : resolve(folder, path));
  if (option === 'matrix') {
    return typeof value === 'object'
      ? value.map((name, index) => (isMatrixPath(name) ? place(name) : publishedName(document, [option, index], name)))
      : [String(value)].map((name) => (isMatrixPath(name) ? place(name) : publishedName(document, [option], name)));
  }
  if (option === 'inventory' || option === 'out') return place(String(value));
  return typeof value === 'number' ? String(value) : value;
}

function publishedName(document: Document, path: Path, name: string): string {
  const names = publishedMatrices();
  if (names.includes(name)) return name;
  throw wrong(document, path, `one of ${names.join(', ')}, or a path with a slash or ending in .yaml`, names);
}
