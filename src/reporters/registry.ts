/** Every format of a report, by the name that `--format` takes. */
import { renderJson } from './json.ts';
import { renderJunit } from './junit.ts';
import type { Reporter } from './reporter.ts';
import { renderTable } from './table.ts';

/** The reporter of each format. */
export const reporters = {
  table: renderTable,
  json: renderJson,
  junit: renderJunit,
} as const satisfies Readonly<Record<string, Reporter>>;

export type Format = keyof typeof reporters;

/** The formats in the order in which help lists them. */
export const formats = ['table', 'json', 'junit'] as const satisfies readonly Format[];
