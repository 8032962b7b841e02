/** Parameters of a command: what the service refuses of them, and what the agent puts where. */
import type { Content, Parameter } from './document-content.ts';
import { Refusal } from './refusal.ts';

/** The value of each parameter that a document declares. */
export type Values = Readonly<Record<string, string | readonly string[]>>;

/** The values of a command with the document's defaults; InvalidParameters where one is missing, unknown or not allowed. */
export function valuesOf({ parameters }: Content, given: Readonly<Record<string, readonly string[] | undefined>>): Values {
  const unknown = Object.keys(given).find((name) => parameters[name] === undefined);
  if (unknown !== undefined) throw new Refusal('InvalidParameters', `Document does not have a parameter named ${unknown}`);
  return Object.fromEntries(Object.entries(parameters).map(([name, parameter]) => [name, valueOf(name, parameter, given[name])]));
}

/**
 * A value of an input with the parameters in it, as the agent does it (its parameters.go): an input that is nothing but {{ x }} becomes the value
 * itself; elsewhere the value is pasted as text by Go's ReplaceAllString, to which `$$` is a dollar sign and `$name` a group that is not there.
 */
export function substitute(input: unknown, values: Values): unknown {
  if (typeof input === 'string') return substituteText(input, values);
  if (Array.isArray(input)) return input.map((member: unknown) => substitute(member, values));
  if (typeof input !== 'object' || input === null) return input;
  return Object.fromEntries(Object.entries(input).map(([key, member]) => [key, substitute(member, values)]));
}

/** Whether the agent would go to Parameter Store for some text. */
export function namesStoredParameter(input: unknown): boolean {
  return /\{\{\s*ssm(-secure)?:/.test(JSON.stringify(input));
}

function substituteText(text: string, values: Values): unknown {
  const whole = /^\{\{\s*([A-Za-z0-9]+)\s*\}\}$/.exec(text)?.[1];
  if (whole !== undefined && Object.hasOwn(values, whole)) return values[whole];
  return Object.entries(values).reduce((said, [name, value]) => {
    const pasted = expandGroups(typeof value === 'string' ? value : JSON.stringify(value));
    return said.replaceAll(new RegExp(`\\{\\{\\s*${name}\\s*\\}\\}`, 'g'), () => pasted);
  }, text);
}

function expandGroups(value: string): string {
  return value.replaceAll(/\$(\$|\w+|\{\w+\})/g, (_, word: string) => (word === '$' ? '$' : ''));
}

function valueOf(name: string, parameter: Parameter, given: readonly string[] | undefined): string | readonly string[] {
  if (given === undefined) {
    if (parameter.default === undefined) throw new Refusal('InvalidParameters', `Parameter ${name} is required and has no value`);
    return parameter.default;
  }
  const [only] = given;
  if (parameter.type === 'String' && (only === undefined || given.length > 1)) throw refused(name, 'takes exactly one value');
  for (const value of given) expectAllowed(name, parameter, value);
  if (parameter.type === 'String') return only ?? '';
  if (given.length < (parameter.minItems ?? 0) || given.length > (parameter.maxItems ?? Number.POSITIVE_INFINITY)) {
    throw refused(name, 'has a number of items that is not allowed');
  }
  return given;
}

function expectAllowed(
  name: string,
  { allowedPattern, allowedValues, minChars = 0, maxChars = Number.POSITIVE_INFINITY }: Parameter,
  value: string,
): void {
  if (allowedPattern !== undefined && !new RegExp(allowedPattern).test(value)) throw refused(name, `does not match ${allowedPattern}`);
  if (allowedValues !== undefined && !allowedValues.includes(value)) throw refused(name, `is not one of ${allowedValues.join(', ')}`);
  if (value.length < minChars) throw refused(name, `has fewer than ${minChars} characters`);
  if (value.length > maxChars) throw refused(name, `has more than ${maxChars} characters`);
}

function refused(name: string, why: string): Refusal {
  return new Refusal('InvalidParameters', `Parameter ${name} ${why}`);
}
