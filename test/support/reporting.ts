/** The reports of `reports/examples`, and the rendering of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../src/report.ts';
import type { Presentation, Reporter } from '../../src/reporters/reporter.ts';

const root = join(import.meta.dirname, '..', '..');

/** Folder of the examples and their goldens. */
export const examplesFolder = join(root, 'reports', 'examples');

/** Names of the examples, without `.json`. */
export const exampleNames = readdirSync(examplesFolder)
  .filter((name) => name.endsWith('.json') && !name.endsWith('.report.json'))
  .map((name) => name.slice(0, -'.json'.length));

/** The example as it was written by hand; the schema test is what vouches for its shape. */
export function example(name: string): Report {
  const report: Report = JSON.parse(readFileSync(join(examplesFolder, `${name}.json`), 'utf8'));
  return report;
}

/** The whole text of a rendering. */
export function render(reporter: Reporter, report: Report, presentation: Presentation = {}): string {
  return [...reporter(report, presentation)].join('');
}

/** The report's schema as a value. */
export function reportSchemaFile(): object {
  const schema: object = JSON.parse(readFileSync(join(root, 'reports', 'report.schema.json'), 'utf8'));
  return schema;
}

/** What Jenkins accepts as JUnit. */
export function junitSchemaFile(): string {
  return readFileSync(join(import.meta.dirname, 'junit.xsd'), 'utf8');
}
