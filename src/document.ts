/** One YAML or JSON file as a plain value that remembers where everything stood, checked against a schema. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import {
  type CollectionTag,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type ScalarTag,
  type YAMLError,
} from 'yaml';
import { isHostAddress } from './address.ts';
import { complaint } from './complaint.ts';
import { packageRoot } from './package-root.ts';
import { bare, quote } from './quotation.ts';
import { readTextFile } from './text-file.ts';
import { type Place, UsageError } from './usage-error.ts';

const deepest = 50;
const mostValues = 1_000_000;

/** Keys and indices from the root to a value. */
export type Path = readonly (string | number)[];

/** A file that was read: its value holds only strings, numbers, booleans, null, arrays and objects. */
export interface Document {
  readonly file: string;
  /** SHA-256 of the file's bytes, in hex. */
  readonly sha256: string;
  readonly value: unknown;
  /** Where the value at a path, or its key, stands; of a path that is not there, where its nearest ancestor stands. */
  readonly placeOf: (path: Path, part?: 'key' | 'value') => Place;
  /** The value at a path as a message shows it: numbers as they are written. */
  readonly show: (path: Path) => string;
}

/** Tags that a file may have, and the key of what they stand for: with `{'!Ref': 'Ref'}`, `!Ref x` is `{Ref: x}`. */
export type Tags = Readonly<Record<string, string>>;

/** Reads one YAML 1.2 (or JSON) document; whatever makes it unreadable, and any tag but `tags`, is a UsageError with its place. */
export function readDocument(file: string, tags: Tags = {}): Document {
  const found = readTextFile(file);
  if ('problem' in found) throw new UsageError(`${file}: ${found.problem}, expected a YAML or JSON file in UTF-8`);
  const lines = new LineCounter();
  // uniqueKeys compares every key with every other: we do it in linear time below.
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    stringKeys: true,
    schema: 'core',
    merge: false,
    logLevel: 'error',
  } as const;
  const customTags = Object.keys(tags).flatMap((tag): readonly [ScalarTag, CollectionTag] => [
    { tag, resolve: (text) => text },
    { tag, collection: 'seq' },
  ]);
  const parsed = parseDocument(found.text, { ...options, customTags, resolveKnownTags: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  if (parsed.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) throw tooDeep(placeAt(0));
  const [problem] = [...parsed.errors, ...parsed.warnings];
  if (problem !== undefined) throw new UsageError(syntaxMessage(problem), placeAt(problem.pos[0]));
  const root: Node | null = parsed.contents;
  if (root === null) throw new UsageError('the file is empty, expected a YAML or JSON document', placeAt(0));
  const anchors = new Map<string, Anchor>();
  const value = plainValue(root, anchors, placeAt, tags);
  const find = (path: Path): Found => findNode(root, path, anchors);
  return {
    file,
    sha256: found.sha256,
    value,
    placeOf: (path, part = 'value') => {
      const { node, key } = find(path);
      return placeAt(startOf(part === 'key' ? (key ?? node) : node));
    },
    show: (path) => {
      const { node } = find(path);
      if (isScalar(node) && typeof node.value !== 'string' && node.source !== undefined && node.source !== '') return bare(node.source);
      return quote(path.reduce<unknown>((inside, step) => (isRecord(inside) ? inside[step] : undefined), value));
    },
  };
}

/** A schema of this package, by its path, and the type of what it lets through. */
export interface Schema<Shape> {
  readonly name: 'matrices/matrix.schema.json' | 'matrices/inventory.schema.json' | 'src/configuration.schema.json' | 'reports/report.schema.json';
  /** Never there: it ties the file to its type. */
  readonly shape?: Shape;
}

/** The document's value, once the schema has said that it has that shape; otherwise a UsageError that says what is wrong first. */
export function conform<Shape>(document: Document, schema: Schema<Shape>): Shape {
  const { value } = document;
  const validate = compile(schema);
  if (validate(value)) return value;
  const [error] = validate.errors ?? [];
  if (error === undefined) throw new Error(`${schema.name} refused ${document.file} without a reason`);
  throw complaint(document, error);
}

function compile<Shape>({ name }: Schema<Shape>): ValidateFunction<Shape> {
  validator ??= new Ajv2020({ allowUnionTypes: true, verbose: true })
    .addKeyword({ keyword: 'expected', schemaType: 'string' })
    .addKeyword({ keyword: 'volatile', schemaType: 'boolean' })
    .addFormat('host-address', isHostAddress);
  const known = validator.getSchema<Shape>(name);
  if (known !== undefined) return known;
  const schema: unknown = JSON.parse(readFileSync(join(packageRoot, name), 'utf8'));
  if (!isRecord(schema)) throw new Error(`${name} is not a schema`);
  return validator.compile<Shape>(schema);
}

let validator: Ajv2020 | undefined;

interface Anchor {
  readonly node: Node;
  /** Absent while the anchored value is still being read: an alias to it would hold itself. */
  readonly done?: { readonly value: unknown; readonly weight: number };
}

/** Nodes to plain values. What a few aliases would blow up to more than a million values is refused, so that nothing after this has to fear it. */
function plainValue(root: Node, anchors: Map<string, Anchor>, placeAt: (offset: number) => Place, tags: Tags): unknown {
  let weight = 0;
  const weigh = (more: number, node: Node): void => {
    weight += more;
    if (weight > mostValues) throw new UsageError('too many values, expected at most 1,000,000, aliases counted each time', placeAt(startOf(node)));
  };
  const visit = (node: Node, depth: number): unknown => {
    if (depth > deepest) throw tooDeep(placeAt(startOf(node)));
    if (isAlias(node)) {
      const anchor = anchors.get(node.source);
      if (anchor === undefined) throw new UsageError(`there is no anchor &${bare(node.source)} before this alias`, placeAt(startOf(node)));
      if (anchor.done === undefined) throw new UsageError(`the alias *${bare(node.source)} stands inside its own anchor`, placeAt(startOf(node)));
      weigh(anchor.done.weight, node);
      return anchor.done.value;
    }
    const anchor = 'anchor' in node && typeof node.anchor === 'string' ? node.anchor : undefined;
    if (anchor !== undefined) anchors.set(anchor, { node });
    const before = weight;
    weigh(1, node);
    const key = node.tag === undefined || !Object.hasOwn(tags, node.tag) ? undefined : tags[node.tag];
    const value = key === undefined ? inside(node, depth) : { [key]: inside(node, depth) };
    if (anchor !== undefined) anchors.set(anchor, { node, done: { value, weight: weight - before } });
    return value;
  };
  const inside = (node: Node, depth: number): unknown => {
    if (isSeq<Node>(node)) return node.items.map((item) => visit(item, depth + 1));
    if (!isMap<Node, Node | null>(node)) return isScalar(node) ? node.value : undefined;
    const entries = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      const name = keyName(key);
      if (entries.has(name)) throw new UsageError(`the key ${quote(name)} is here twice, expected each key once`, placeAt(startOf(key)));
      entries.set(name, value === null ? null : visit(value, depth + 1));
    }
    // fromEntries and not assignment: the key may be __proto__.
    return Object.fromEntries(entries);
  };
  return visit(root, 1);
}

interface Found {
  readonly node: Node;
  readonly key?: Node;
}

function findNode(root: Node, path: Path, anchors: ReadonlyMap<string, Anchor>): Found {
  let found: Found = { node: root };
  for (const step of path) {
    const parent = isAlias(found.node) ? anchors.get(found.node.source)?.node : found.node;
    if (isSeq<Node>(parent)) {
      const node = parent.items[Number(step)];
      if (node === undefined) return found;
      found = { node };
    } else if (isMap<Node, Node | null>(parent)) {
      const pair: Pair<Node, Node | null> | undefined = parent.items.find(({ key }) => keyName(key) === String(step));
      if (pair === undefined) return found;
      found = { node: pair.value ?? pair.key, key: pair.key };
    } else return found;
  }
  return found;
}

function keyName(key: Node): string {
  return isScalar(key) ? String(key.value) : '';
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

function tooDeep(place: Place): UsageError {
  return new UsageError(`the file is nested too deeply, expected at most ${deepest} levels`, place);
}

function syntaxMessage({ code, message }: YAMLError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here, expected one document in a file';
  if (code === 'TAG_RESOLVE_FAILED') return `${bare(message)}, expected plain values without tags`;
  if (code === 'NON_STRING_KEY') return 'this key is not a word, expected mappings with plain keys';
  return `syntax error: ${bare(message, 200)}`;
}

function isRecord(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null;
}
