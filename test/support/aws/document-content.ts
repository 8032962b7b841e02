/** The content of a Command document, schema 2.2: what CreateDocument takes and what the agent runs. */
import { parse } from 'yaml';
import { Refusal } from './refusal.ts';

/** A parameter that a document declares. */
export interface Parameter {
  readonly type: 'String' | 'StringList';
  readonly description: string | undefined;
  readonly default: string | readonly string[] | undefined;
  readonly allowedValues: readonly string[] | undefined;
  readonly allowedPattern: string | undefined;
  readonly minChars: number | undefined;
  readonly maxChars: number | undefined;
  readonly minItems: number | undefined;
  readonly maxItems: number | undefined;
  readonly interpolationType: 'ENV_VAR' | undefined;
}

/** One entry of mainSteps. */
export interface Step {
  readonly action: (typeof actions)[number];
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The two arguments of StringEquals, which is the only operator there is; one precondition a step. */
  readonly precondition?: readonly [string, string];
}

/** A document that can be sent. */
export interface Content {
  readonly description?: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly steps: readonly Step[];
}

const actions = ['aws:runShellScript', 'aws:runPowerShellScript', 'aws:downloadContent'] as const;
const keys = {
  document: ['schemaVersion', 'description', 'parameters', 'mainSteps', '$schema'],
  step: ['action', 'name', 'inputs', 'precondition', 'description', 'maxAttempts', 'timeoutSeconds'],
  parameter: [
    'type',
    'description',
    'default',
    'allowedValues',
    'allowedPattern',
    'minChars',
    'maxChars',
    'minItems',
    'maxItems',
    'interpolationType',
    'displayType',
  ],
} as const;
const scriptInputs = ['runCommand', 'timeoutSeconds', 'workingDirectory', 'onFailure', 'onSuccess', 'finallyStep'];
const inputsOf = {
  'aws:runShellScript': scriptInputs,
  'aws:runPowerShellScript': scriptInputs,
  'aws:downloadContent': ['sourceType', 'sourceInfo', 'destinationPath', 'onFailure', 'onSuccess', 'finallyStep'],
} as const;

/** Reads a document; what is wrong with it is the error that CreateDocument answers with. */
export function readContent(text: string, format: 'JSON' | 'YAML'): Content {
  const value = parsed(text, format);
  const version = value['schemaVersion'];
  if (version !== '2.2') throw new Refusal('InvalidDocumentSchemaVersion', `The endpoint knows schema 2.2 only, not ${String(version)}`);
  expectKeys(value, keys.document, 'the document');
  const parameters = Object.fromEntries(Object.entries(record(value['parameters'] ?? {}, 'parameters')).map(parameterOf));
  if (!Array.isArray(value['mainSteps']) || value['mainSteps'].length === 0) throw invalid('mainSteps has no step');
  const steps = value['mainSteps'].map((step: unknown, index) => stepOf(step, `step ${index + 1}`, parameters));
  const repeated = steps.find(({ name }, index) => steps.findIndex((other) => other.name === name) < index);
  if (repeated !== undefined) throw invalid(`two steps are named ${repeated.name}`);
  const { description } = value;
  return { ...(typeof description === 'string' ? { description } : {}), parameters, steps };
}

/** The platforms for which a document has a step, as DescribeDocument lists them. */
export function platformsOf({ steps }: Content): ('Linux' | 'MacOS' | 'Windows')[] {
  const shells = steps.filter(({ action }) => action !== 'aws:downloadContent');
  return (['Linux', 'MacOS', 'Windows'] as const).filter((platform) => (shells.length === 0 ? steps : shells).some((step) => runsOn(step, platform)));
}

/** Names between double braces in a text. */
export function bracedNames(text: string): string[] {
  return [...text.matchAll(/\{\{\s*([A-Za-z0-9]+)\s*\}\}/g)].map(([, name = '']) => name);
}

function runsOn({ action, precondition = ['', ''] }: Step, platform: string): boolean {
  const index = precondition.indexOf('platformType');
  if (index !== -1 && precondition[1 - index]?.toLowerCase() !== platform.toLowerCase()) return false;
  return action === 'aws:downloadContent' || (action === 'aws:runShellScript') === (platform !== 'Windows');
}

function parsed(text: string, format: 'JSON' | 'YAML'): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = format === 'JSON' ? JSON.parse(text) : parse(text);
    return record(value, 'the document');
  } catch (error) {
    throw error instanceof Refusal ? error : invalid(`the content is no ${format}: ${String(error)}`);
  }
}

function parameterOf([name, value]: [string, unknown]): [string, Parameter] {
  if (!/^[A-Za-z0-9]+$/.test(name)) throw invalid(`a parameter is named ${name}`);
  const said = record(value, name);
  expectKeys(said, keys.parameter, name);
  const { type, interpolationType } = said;
  if (type !== 'String' && type !== 'StringList') throw invalid(`${name} is of type ${String(type)}`);
  if (interpolationType !== undefined && (interpolationType !== 'ENV_VAR' || type !== 'String')) {
    throw invalid(`${name} has an interpolationType that is not ENV_VAR of a String`);
  }
  const pattern = textOf(said, 'allowedPattern', name);
  if (pattern !== undefined) expectPattern(name, pattern);
  const fallback = type === 'String' ? textOf(said, 'default', name) : listOf(said, 'default', name);
  const parameter: Parameter = {
    type,
    description: textOf(said, 'description', name),
    default: fallback,
    allowedValues: listOf(said, 'allowedValues', name),
    allowedPattern: pattern,
    minChars: countOf(said, 'minChars', name),
    maxChars: countOf(said, 'maxChars', name),
    minItems: countOf(said, 'minItems', name),
    maxItems: countOf(said, 'maxItems', name),
    interpolationType,
  };
  return [name, parameter];
}

function textOf(said: Readonly<Record<string, unknown>>, key: string, name: string): string | undefined {
  const value = said[key];
  if (value === undefined || typeof value === 'string') return value;
  throw invalid(`${key} of ${name} is no text`);
}

function listOf(said: Readonly<Record<string, unknown>>, key: string, name: string): string[] | undefined {
  const value = said[key];
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw invalid(`${key} of ${name} is no list`);
  return value.map((member: unknown) => {
    if (typeof member !== 'string') throw invalid(`${key} of ${name} has a member that is no text`);
    return member;
  });
}

function countOf(said: Readonly<Record<string, unknown>>, key: string, name: string): number | undefined {
  const value = said[key];
  if (value === undefined || (typeof value === 'number' && Number.isInteger(value))) return value;
  throw invalid(`${key} of ${name} is no integer`);
}

/** A pattern has to be one for Java, which the service is written in, and for RE2, which the agent uses. */
function expectPattern(name: string, pattern: string): void {
  try {
    void new RegExp(pattern);
  } catch (error) {
    throw invalid(`allowedPattern of ${name} is no expression: ${String(error)}`);
  }
  if (/\(\?[=!<]|\\[1-9]/.test(pattern)) throw invalid(`allowedPattern of ${name} looks around or back, which RE2 cannot`);
  const counts = [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].flatMap(([, least = '', most = '']) => [Number(least), Number(most)]);
  if (counts.some((count) => count > 1_000)) throw invalid(`allowedPattern of ${name} repeats more than 1000 times, which RE2 refuses`);
}

function stepOf(value: unknown, place: string, parameters: Readonly<Record<string, Parameter>>): Step {
  const said = record(value, place);
  expectKeys(said, keys.step, place);
  const { name } = said;
  const action = actions.find((known) => known === said['action']);
  if (action === undefined) throw invalid(`${place} has the action ${String(said['action'])}`);
  // A plugin's name has at least four characters, or GetCommandInvocation could not be asked for it.
  if (typeof name !== 'string' || !/^[A-Za-z0-9_-]{4,128}$/.test(name)) throw invalid(`${place} is named ${String(name)}`);
  const inputs = record(said['inputs'], `inputs of ${name}`);
  expectKeys(inputs, inputsOf[action], `inputs of ${name}`);
  const strange = bracedNames(JSON.stringify(inputs)).find((braced) => parameters[braced] === undefined);
  if (strange !== undefined) throw invalid(`${name} uses {{ ${strange} }}, which is no parameter`);
  const precondition = said['precondition'];
  return { action, name, inputs, ...(precondition === undefined ? {} : { precondition: preconditionOf(precondition, name, parameters) }) };
}

function preconditionOf(value: unknown, step: string, parameters: Readonly<Record<string, Parameter>>): [string, string] {
  const [[operator, terms] = ['', undefined], ...others] = Object.entries(record(value, `precondition of ${step}`));
  if (operator !== 'StringEquals' || others.length > 0) throw invalid(`precondition of ${step} is not one StringEquals`);
  if (!Array.isArray(terms) || terms.length !== 2) throw invalid(`StringEquals of ${step} has not two arguments`);
  const [first, second]: unknown[] = terms;
  if (typeof first !== 'string' || typeof second !== 'string' || first === second)
    throw invalid(`StringEquals of ${step} has not two different texts`);
  const strange = bracedNames(`${first} ${second}`).find((name) => parameters[name] === undefined);
  if (strange !== undefined) throw invalid(`precondition of ${step} uses {{ ${strange} }}, which is no parameter`);
  if (first !== 'platformType' && second !== 'platformType' && bracedNames(`${first} ${second}`).length === 0) {
    throw invalid(`precondition of ${step} is about neither platformType nor a parameter`);
  }
  return [first, second];
}

function expectKeys(value: Readonly<Record<string, unknown>>, known: readonly string[], place: string): void {
  const strange = Object.keys(value).find((key) => !known.includes(key));
  if (strange !== undefined) throw invalid(`${place} has a key ${strange}`);
}

function record(value: unknown, place: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${place} is no map`);
  return Object.fromEntries(Object.entries(value));
}

function invalid(why: string): Refusal {
  return new Refusal('InvalidDocumentContent', `The content for the document isn't valid: ${why}`);
}
