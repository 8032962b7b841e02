/** What is wrong at a place of a document, as one sentence: what stands there, and what was expected. */
import type { Document, Path } from './document.ts';
import { quote } from './quotation.ts';
import { nearest } from './suggestion.ts';
import { UsageError } from './usage-error.ts';

/** What a schema validator reports, as far as it is used here. */
interface SchemaError {
  readonly keyword: string;
  /** JSON pointer. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly parentSchema?: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
}

/** The value at a path is not what was expected; among `known` words the nearest one is suggested. */
export function wrong(document: Document, path: Path, expected: string, known: readonly string[] = []): UsageError {
  const value = valueAt(document.value, path);
  const meant = typeof value === 'string' ? nearest(value, known) : undefined;
  const hint = meant === undefined ? '' : ` (did you mean ${quote(meant)}?)`;
  return new UsageError(`${nameOf(path)} is ${document.show(path)}${hint}, expected ${expected}`, document.placeOf(path));
}

/** A schema's error in our words, with the schema's own `expected`. */
export function complaint(document: Document, error: SchemaError): UsageError {
  const path = pathOf(document.value, error.instancePath);
  const schema = error.parentSchema ?? {};
  const expected = typeof schema['expected'] === 'string' ? schema['expected'] : 'what the schema describes';
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(document, path, String(error.params['additionalProperty']), keysOf(schema['properties']));
    case 'required': {
      // A mistyped key is also a missing one, and the mistyped one is what has to be mended.
      const known = keysOf(schema['properties']);
      const stranger = keysOf(error.data).find((key) => !known.includes(key));
      if (stranger !== undefined) return unknownKey(document, path, stranger, known);
      return new UsageError(`${nameOf(path)} has no ${String(error.params['missingProperty'])}, expected ${expected}`, document.placeOf(path));
    }
    case 'uniqueItems': {
      const twin = [...path, Math.max(Number(error.params['i']), Number(error.params['j']))];
      return new UsageError(`${nameOf(twin)} is ${document.show(twin)} again, expected each item once`, document.placeOf(twin));
    }
    case 'enum': {
      const allowed: unknown = error.params['allowedValues'];
      return wrong(document, path, expected, Array.isArray(allowed) ? allowed.map(String) : []);
    }
    default:
      return wrong(document, path, expected);
  }
}

/** A path as a message writes it: `hosts[1].address`. */
export function nameOf(path: Path): string {
  if (path.length === 0) return 'the file';
  let name = '';
  for (const step of path) {
    if (typeof step === 'number') name += `[${step}]`;
    else if (!/^[A-Za-z_][\w-]{0,59}$/.test(step)) name += `[${quote(step)}]`;
    else name += name === '' ? step : `.${step}`;
  }
  return name;
}

function unknownKey(document: Document, path: Path, key: string, known: readonly string[]): UsageError {
  const meant = nearest(key, known);
  const hint = meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${quote(meant)}?`;
  const whole = [...path, key];
  return new UsageError(`${nameOf(whole)} is not a known key, ${hint}`, document.placeOf(whole, 'key'));
}

function pathOf(value: unknown, pointer: string): Path {
  const path: (string | number)[] = [];
  let inside = value;
  for (const escaped of pointer.split('/').slice(1)) {
    const key = escaped.replaceAll('~1', '/').replaceAll('~0', '~');
    const step = Array.isArray(inside) ? Number(key) : key;
    path.push(step);
    inside = valueAt(inside, [step]);
  }
  return path;
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inside, step) => (typeof inside === 'object' && inside !== null ? Reflect.get(inside, step) : undefined), value);
}

function keysOf(value: unknown): readonly string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}
