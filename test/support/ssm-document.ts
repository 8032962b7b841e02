/** Documents as the agent of Systems Manager reads them: schema 2.2, parameters checked and put into the steps' inputs, preconditions, skipped steps left out. */
import assert from 'node:assert/strict';

/** A step that is carried out, its inputs as they are then. */
export interface Step {
  readonly action: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

interface Parameter {
  readonly type: string;
  readonly default?: string;
  readonly allowedPattern?: string;
  readonly allowedValues?: readonly string[];
  readonly minChars?: number;
  readonly maxChars?: number;
  readonly interpolationType?: string;
}

/** A document that has passed `readDocument`. */
export interface SsmDocument {
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly mainSteps: readonly (Step & { readonly precondition: { readonly StringEquals: readonly [string, string] } })[];
}

const actions: Readonly<Record<string, readonly string[]>> = {
  'aws:runShellScript': ['runCommand', 'timeoutSeconds', 'workingDirectory'],
  'aws:runPowerShellScript': ['runCommand', 'timeoutSeconds', 'workingDirectory'],
  'aws:downloadContent': ['sourceType', 'sourceInfo', 'destinationPath'],
};
const parameterKeys = new Set(['type', 'description', 'default', 'allowedPattern', 'allowedValues', 'minChars', 'maxChars', 'interpolationType']);
const place = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** Reads a document and asserts what the service and the agent ask of one (schema 2.2). */
export function readDocument(text: string): SsmDocument {
  assert.match(text, /^[\n\x20-\x7e]*$/, 'only ASCII survives every code page');
  const { schemaVersion, description, parameters, mainSteps, ...rest } = JSON.parse(text);
  assert.deepEqual({ schemaVersion, rest, description: typeof description }, { schemaVersion: '2.2', rest: {}, description: 'string' });
  for (const [name, parameter] of Object.entries<Parameter>(parameters)) {
    assert.match(name, /^[A-Za-z]+$/);
    assert.equal(parameter.type, 'String');
    assert.deepEqual(
      Object.keys(parameter).filter((key) => !parameterKeys.has(key)),
      [],
    );
    const pattern = parameter.allowedPattern ?? assert.fail(`${name} has no allowedPattern`);
    // Java, RE2 and JavaScript read the rest alike. RE2 knows no look-around, no back reference, and no count over 1000.
    assert.doesNotMatch(pattern, /\(\?|\\|\{\d*,?\d{4,}\}/);
    assert.match(pattern, /^\^.*\$$/);
    if (parameter.default !== undefined) assert.equal(complaint(name, parameter, parameter.default), undefined);
  }
  const names = mainSteps.map(({ name }: Step) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { action, name, inputs, precondition, ...others } of mainSteps) {
    assert.deepEqual(others, {});
    assert.match(name, /^[A-Za-z0-9]{4,}$/);
    assert.deepEqual(
      Object.keys(inputs).filter((key) => !(actions[action] ?? assert.fail(action)).includes(key)),
      [],
    );
    const { StringEquals: operands, ...operators } = precondition;
    assert.deepEqual({ operators, operands: operands.length, alike: operands[0] === operands[1] }, { operators: {}, operands: 2, alike: false });
    assert.ok(operands[0] === 'platformType' ? /^(Linux|Windows)$/.test(operands[1]) : parameters[placesIn(operands[0])[0] ?? ''] !== undefined);
    for (const used of placesIn(JSON.stringify(inputs))) assert.ok(parameters[used] !== undefined, `${name} uses ${used}, which is no parameter`);
    // Before the text of a value is put in, two of these become one.
    assert.doesNotMatch(JSON.stringify(inputs), /\$\$/);
  }
  return { parameters, mainSteps };
}

/** What the service says of a command's parameters; undefined where it takes them. */
export function refusal({ parameters }: SsmDocument, values: Readonly<Record<string, string>>): string | undefined {
  const unknown = Object.keys(values).find((name) => parameters[name] === undefined);
  if (unknown !== undefined) return `${unknown} is no parameter`;
  return Object.entries(parameters)
    .map(([name, parameter]) => complaint(name, parameter, values[name] ?? parameter.default))
    .find((found) => found !== undefined);
}

/**
 * The steps that an agent on that platform carries out, whether or not the service would have taken the values, and the environment that it gives them.
 * An agent of before ENV_VAR puts every value into the text; a newer one leaves those parameters to the environment.
 */
export function carriedOut(
  { parameters, mainSteps }: SsmDocument,
  {
    platform,
    values,
    knowsEnvironment,
  }: { readonly platform: 'Linux' | 'Windows'; readonly values: Readonly<Record<string, string>>; readonly knowsEnvironment: boolean },
): { readonly steps: readonly Step[]; readonly environment: Readonly<Record<string, string>> } {
  const all = Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, values[name] ?? parameter.default ?? '']));
  const inEnvironment = (name: string): boolean => knowsEnvironment && parameters[name]?.interpolationType === 'ENV_VAR';
  const put = (text: string): string =>
    text.replaceAll(place, (whole, name: string) => (all[name] === undefined || inEnvironment(name) ? whole : all[name].replaceAll('$$', () => '$')));
  const resolve = (input: unknown): unknown => (typeof input === 'string' ? put(input) : Array.isArray(input) ? input.map(resolve) : input);
  const steps = mainSteps.flatMap(({ action, name, inputs, precondition: { StringEquals: operands } }) => {
    const [left, right] = operands[0] === 'platformType' ? [platform, operands[1]] : operands.map(put);
    return left === right ? [{ action, name, inputs: Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, resolve(input)])) }] : [];
  });
  const environment = Object.fromEntries(Object.entries(all).flatMap(([name, value]) => (inEnvironment(name) ? [[`SSM_${name}`, value]] : [])));
  return { steps, environment };
}

/** The script that a step runs. */
export function scriptOf({ inputs }: Pick<Step, 'inputs'>): string {
  const lines: unknown = inputs['runCommand'];
  return Array.isArray(lines) ? lines.join('\n') : assert.fail('the step runs no script');
}

function complaint(
  name: string,
  { allowedPattern = '', allowedValues, minChars = 0, maxChars = Infinity }: Parameter,
  value: string | undefined,
): string | undefined {
  if (value === undefined) return `${name} is missing`;
  if (!new RegExp(allowedPattern).test(value)) return `${name} does not match ${allowedPattern}`;
  if (allowedValues?.includes(value) === false) return `${name} is none of its values`;
  return value.length < minChars || value.length > maxChars ? `${name} has ${value.length} characters` : undefined;
}

function placesIn(text: string): readonly string[] {
  return [...text.matchAll(place)].map(([, name = '']) => name);
}
