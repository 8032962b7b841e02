/** A matrix: what must be reachable, as rules. */
import { readdirSync } from 'node:fs';
import { basename, extname, join, resolve } from 'node:path';
import { conform, type Document, readDocument, type Schema } from './document.ts';
import { packageRoot } from './package-root.ts';
import { refuseImpossibleOrder } from './prerequisite.ts';
import { quote } from './quotation.ts';
import { fillRule, type Rule, type WrittenRule } from './rule.ts';
import { refuseAimless, refuseContradictions, refuseRepetitions } from './rule-conflict.ts';
import { refuseImpossibleSize } from './rule-size.ts';
import { nearest } from './suggestion.ts';
import { UsageError } from './usage-error.ts';

export type { PortRange } from './port-range.ts';
export type { Limits, Rule } from './rule.ts';

export interface Matrix {
  readonly name: string;
  readonly title: string;
  /** Roles of the sources. */
  readonly from: readonly string[];
  /** Role of the destinations; absent where every rule names its own. */
  readonly to?: string;
  readonly source: string;
  /** True when it is asked only where the user names it. */
  readonly onRequest: boolean;
  readonly rules: readonly Rule[];
  /** SHA-256 of the file's bytes, and whether the published rows stand instead of the corrected ones. */
  readonly sha256: string;
  readonly asPublished: boolean;
}

interface WrittenMatrix {
  readonly matrix: string;
  readonly title?: string;
  readonly from: string | readonly string[];
  readonly to?: string;
  readonly source?: string;
  readonly onRequest?: boolean;
  readonly rules: readonly WrittenRule[];
}

const schema: Schema<WrittenMatrix> = { name: 'matrices/matrix.schema.json' };
const folder = join(packageRoot, 'matrices');

/** Reads a matrix file, with its corrections or as it was published; the first mistake in it, in either form, is a UsageError. */
export function readMatrix(file: string, asPublished: boolean): Matrix {
  const document = readDocument(file);
  const written = conform(document, schema);
  const corrected = buildRules(document, written, false);
  const published = buildRules(document, written, true);
  return {
    name: written.matrix,
    title: written.title ?? written.matrix,
    from: typeof written.from === 'string' ? [written.from] : written.from,
    ...(written.to !== undefined && { to: written.to }),
    source: written.source ?? file,
    onRequest: written.onRequest ?? false,
    rules: asPublished ? published : corrected,
    sha256: document.sha256,
    asPublished,
  };
}

/** Who asks whom, in words: `client to dc`, `managed-node to named endpoints`. */
export function directionOf({ from, to }: Pick<Matrix, 'from' | 'to'>): string {
  return `${from.join(', ')} to ${to ?? 'named endpoints'}`;
}

/** Names of the matrices that come with this package, sorted. */
export function publishedMatrices(): readonly string[] {
  return readdirSync(folder)
    .filter((file) => extname(file) === '.yaml')
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/** The matrix of that name from this package; or, with a slash or the ending of a YAML or JSON file, the matrix at that path from `cwd`. */
export function findMatrix(nameOrPath: string, { cwd, asPublished }: { readonly cwd: string; readonly asPublished: boolean }): Matrix {
  return readMatrix(matrixFile(nameOrPath, cwd), asPublished);
}

/** The file of a matrix, by name or path as in `findMatrix`; a name that this package does not have is a UsageError. */
export function matrixFile(nameOrPath: string, cwd: string): string {
  if (isMatrixPath(nameOrPath)) return resolve(cwd, nameOrPath);
  const names = publishedMatrices();
  if (names.includes(nameOrPath)) return join(folder, `${nameOrPath}.yaml`);
  const meant = nearest(nameOrPath, names);
  const hint = meant === undefined ? '' : ` (did you mean ${quote(meant)}?)`;
  throw new UsageError(
    `there is no matrix ${quote(nameOrPath)}${hint}, expected one of ${names.join(', ')}, or a path with a slash or ending in .yaml`,
  );
}

/** True for what names a file and no published matrix. */
export function isMatrixPath(nameOrPath: string): boolean {
  return /[\\/]|\.(yaml|yml|json)$/.test(nameOrPath);
}

function buildRules(document: Document, written: WrittenMatrix, asPublished: boolean): readonly Rule[] {
  const source = written.source ?? document.file;
  const rules = written.rules.flatMap((rule, index) =>
    asPublished && rule.published === null ? [] : [fillRule(document, rule, index, asPublished, source)],
  );
  refuseAimless(document, rules, written.to);
  refuseRepetitions(document, rules, asPublished);
  refuseImpossibleOrder(document, rules);
  for (const rule of rules) {
    refuseContradictions(document, rule, rules);
    refuseImpossibleSize(document, rule, rules);
  }
  return rules.map(({ rule }) => rule);
}
