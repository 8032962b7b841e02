/** What the facts say of a value: whether a request or an answer of Systems Manager may look like it. */
import { operationFacts } from './operation-facts.ts';
import { shapeFacts } from './shape-facts.ts';

interface Bounds {
  readonly min: number;
  readonly max: number;
}

type Shape =
  | { readonly type: 'structure'; readonly members: ReadonlyMap<string, { readonly shape: string; readonly isRequired: boolean }> }
  | { readonly type: 'list'; readonly bounds: Bounds; readonly member: string }
  | { readonly type: 'map'; readonly key: string; readonly value: string }
  | { readonly type: 'enum'; readonly words: readonly string[] }
  | { readonly type: 'string'; readonly bounds: Bounds; readonly pattern?: string }
  | { readonly type: 'integer' | 'long'; readonly bounds: Bounds }
  | { readonly type: 'boolean' | 'timestamp' };

/** An operation of the model: the shapes of its request and its answer, and the errors that it declares. */
interface Operation {
  readonly input: string;
  readonly output: string;
  readonly errors: readonly string[];
}

/** What is wrong with a value: a type that cannot be read at all, or a limit that it breaks, each in the service's own words. */
export interface Breach {
  readonly kind: 'type' | 'limit';
  readonly sentence: string;
}

const open: Bounds = { min: 0, max: Number.POSITIVE_INFINITY };

/** The operations of the facts, by name. */
export const operations: ReadonlyMap<string, Operation> = new Map(
  wordsOf(operationFacts).map(([name = '', input = '', output = '', ...errors]) => [name, { input, output, errors }]),
);

/** The shapes of the facts, by name. */
export const shapes: ReadonlyMap<string, Shape> = new Map(wordsOf(shapeFacts).map(([name = '', ...rest]) => [name, shapeOf(rest)]));

/** All that is wrong with a value of a shape. A member that the shape does not have is a breach too. */
export function breachesOf(shape: string, value: unknown, path: readonly string[] = []): Breach[] {
  const known = shapes.get(shape);
  if (known === undefined) throw new Error(`the facts have no shape ${shape}`);
  switch (known.type) {
    case 'structure':
      return isRecord(value) ? structureBreaches(known.members, value, path) : [wrongType(shape, path)];
    case 'list':
      if (!Array.isArray(value)) return [wrongType(shape, path)];
      return [
        ...lengthBreaches(value.length, known.bounds, value, path),
        ...value.flatMap((member: unknown, index) => breachesOf(known.member, member, [...path, `${index + 1}`, 'member'])),
      ];
    case 'map':
      if (!isRecord(value)) return [wrongType(shape, path)];
      return Object.entries(value).flatMap(([key, member]) => [
        ...breachesOf(known.key, key, [...path, key, 'key']),
        ...breachesOf(known.value, member, [...path, key, 'value']),
      ]);
    case 'enum':
      if (typeof value !== 'string') return [wrongType(shape, path)];
      return known.words.includes(value) ? [] : [broken(value, path, `satisfy enum value set: [${known.words.join(', ')}]`)];
    case 'string':
      if (typeof value !== 'string') return [wrongType(shape, path)];
      return [...lengthBreaches(value.length, known.bounds, value, path), ...patternBreaches(known.pattern, value, path)];
    case 'integer':
    case 'long':
      if (typeof value !== 'number' || !Number.isInteger(value)) return [wrongType(shape, path)];
      if (value < known.bounds.min) return [broken(value, path, `have value greater than or equal to ${known.bounds.min}`)];
      return value > known.bounds.max ? [broken(value, path, `have value less than or equal to ${known.bounds.max}`)] : [];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [wrongType(shape, path)];
    case 'timestamp':
      return typeof value === 'number' ? [] : [wrongType(shape, path)];
    default:
      return known satisfies never;
  }
}

/** The limits that a request breaks as one message of the service. */
export function describeBreaches(breaches: readonly Breach[]): string {
  return `${breaches.length} validation error${breaches.length === 1 ? '' : 's'} detected: ${breaches.map(({ sentence }) => sentence).join('; ')}`;
}

function structureBreaches(
  members: ReadonlyMap<string, { readonly shape: string; readonly isRequired: boolean }>,
  value: Readonly<Record<string, unknown>>,
  path: readonly string[],
): Breach[] {
  const missing = [...members].filter(([name, { isRequired }]) => isRequired && !isPresent(value[name]));
  return [
    ...missing.map(([name]) => broken(null, [...path, name], 'not be null')),
    ...Object.entries(value).flatMap(([name, member]): Breach[] => {
      const known = members.get(name);
      if (known === undefined) return [{ kind: 'type', sentence: `${[...path, name].join('.')} is no member` }];
      return isPresent(member) ? breachesOf(known.shape, member, [...path, name]) : [];
    }),
  ];
}

function lengthBreaches(length: number, { min, max }: Bounds, value: unknown, path: readonly string[]): Breach[] {
  if (length < min) return [broken(value, path, `have length greater than or equal to ${min}`)];
  return length > max ? [broken(value, path, `have length less than or equal to ${max}`)] : [];
}

function patternBreaches(pattern: string | undefined, value: string, path: readonly string[]): Breach[] {
  if (pattern === undefined) return [];
  const expression = new RegExp(`^(?:${pattern})$`, pattern.includes(String.raw`\p{`) ? 'u' : '');
  return expression.test(value) ? [] : [broken(value, path, `satisfy regular expression pattern: ${pattern}`)];
}

function broken(value: unknown, path: readonly string[], demand: string): Breach {
  const said = typeof value === 'string' ? value : JSON.stringify(value);
  const place = path.map((word) => word.charAt(0).toLowerCase() + word.slice(1)).join('.');
  return {
    kind: 'limit',
    sentence: `Value ${value === null ? said : `'${said}'`} at '${place}' failed to satisfy constraint: Member must ${demand}`,
  };
}

function wrongType(shape: string, path: readonly string[]): Breach {
  return { kind: 'type', sentence: `${path.join('.') || 'the body'} cannot be read as ${shape}` };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function wordsOf(facts: string): string[][] {
  return facts
    .trim()
    .replaceAll(/\n +/g, ' ')
    .split('\n')
    .map((line) => line.split(' '));
}

function shapeOf([type = '', ...rest]: readonly string[]): Shape {
  const bounds = boundsOf(rest[0]);
  const after = bounds === undefined ? rest : rest.slice(1);
  switch (type) {
    case 'structure':
      return { type, members: new Map(rest.map(memberOf)) };
    case 'list':
      return { type, bounds: bounds ?? open, member: after[0] ?? '' };
    case 'map':
      return { type, key: rest[0] ?? '', value: rest[1] ?? '' };
    case 'enum':
      return { type, words: rest };
    case 'string':
      return { type, bounds: bounds ?? open, ...(after.length === 0 ? {} : { pattern: after.join(' ') }) };
    case 'integer':
    case 'long':
      return { type, bounds: bounds ?? { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY } };
    case 'boolean':
    case 'timestamp':
      return { type };
    default:
      throw new Error(`the facts name a type ${type}`);
  }
}

function memberOf(word: string): [string, { readonly shape: string; readonly isRequired: boolean }] {
  const [name = '', shape = ''] = word.split(':');
  return [name.replace('!', ''), { shape, isRequired: name.endsWith('!') }];
}

function boundsOf(word: string | undefined): Bounds | undefined {
  const [, min = '', max = ''] = /^(\d*)\.\.(\d*)$/.exec(word ?? '') ?? [];
  if (min === '' && max === '') return undefined;
  return { min: min === '' ? 0 : Number(min), max: max === '' ? Number.POSITIVE_INFINITY : Number(max) };
}
