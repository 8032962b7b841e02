/** A report read back from its file: checked against its schema, whatever its size. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';
import { conform, type Document, type Path, readDocument, type Schema } from './document.ts';
import { bare, quote } from './quotation.ts';
import type { Report } from './report.ts';
import { type Place, UsageError } from './usage-error.ts';

const schema: Schema<Report> = { name: 'reports/report.schema.json' };

/** Node cannot hold a longer string. */
const largestBytes = 500 * 1024 * 1024;
/** Up to here the exact place of a fault is worth reading the file again. */
const placedBytes = 4 * 1024 * 1024;

/** The report in the file. A file that cannot be read, is not JSON or not a report is a UsageError with its place. */
export function readReport(file: string): Report {
  return conform(readReportDocument(file), schema);
}

/** The file as a document, not yet checked. Unlike a matrix it is read as JSON alone and may be large. */
function readReportDocument(file: string): Document {
  const text = readText(file);
  const value = parse(file, text);
  return {
    file,
    sha256: createHash('sha256').update(text).digest('hex'),
    value,
    placeOf: (path, part) => (text.length <= placedBytes ? readDocument(file).placeOf(path, part) : lineOf(file, text, path)),
    show: (path) => quote(path.reduce<unknown>((inside, step) => (isRecord(inside) ? inside[step] : undefined), value)),
  };
}

function readText(file: string): string {
  try {
    const facts = statSync(file);
    if (!facts.isFile()) throw new UsageError(`${file}: is ${facts.isDirectory() ? 'a directory' : 'no regular file'}, expected a report in JSON`);
    if (facts.size > largestBytes) throw new UsageError(`${file}: is larger than 500 MiB, expected a report of at most that`);
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') {
      throw new UsageError(`${file}: cannot be read (${getSystemErrorMessage(error.errno)}), expected a report in JSON`);
    }
    throw error;
  }
}

function parse(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = Number(/at position (\d+)/.exec(error.message)?.[1] ?? text.length);
    const before = text.slice(0, position).split('\n');
    throw new UsageError(`this is not JSON: ${bare(error.message)}`, { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 });
  }
}

/** In a report that we wrote, each result has its line. */
function lineOf(file: string, text: string, path: Path): Place {
  const [section, index] = path;
  const start = section === 'results' && typeof index === 'number' ? text.indexOf('\n  "results": [\n') : -1;
  if (start === -1 || typeof index !== 'number') return { file, line: 1, column: 1 };
  return { file, line: text.slice(0, start + 1).split('\n').length + 1 + index, column: 5 };
}

function isRecord(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null;
}
