/** The CloudFormation template and the IAM policies in it, read as AWS reads them, as far as they are used here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CollectionTag, parse, type ScalarTag } from 'yaml';
import { checkout } from './binary.ts';

/** A statement of a policy. Actions and resources may have `*`. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** An IAM policy. */
export interface PolicyDocument {
  readonly Version: string;
  readonly Statement: readonly Statement[];
}

/** What somebody asks to do. `keys` are the condition keys of the request. */
export interface Request {
  readonly action: string;
  readonly resource: string;
  readonly keys?: Readonly<Record<string, string>>;
}

export const templateFile = 'agent/ssm/portmatrix.template.yaml';
/** The policies that have a file of their own, by the template's name for them. */
export const policyFiles = {
  PublisherPolicy: 'agent/ssm/policies/publisher.json',
  OperatorPolicy: 'agent/ssm/policies/operator.json',
  SchedulerPolicy: 'agent/ssm/policies/scheduler.json',
  NodePolicy: 'agent/ssm/policies/node.json',
} as const;

/** An intrinsic function as a value of its own: the long form that CloudFormation makes of the short one. */
const intrinsic = (name: string, key: string) => ({ tag: `!${name}`, key });
const intrinsics = [
  intrinsic('Ref', 'Ref'),
  intrinsic('Sub', 'Fn::Sub'),
  intrinsic('GetAtt', 'Fn::GetAtt'),
  intrinsic('If', 'Fn::If'),
  intrinsic('Not', 'Fn::Not'),
  intrinsic('Equals', 'Fn::Equals'),
];

/** A template, as far as it is looked at. */
export interface Template {
  readonly Parameters: Readonly<
    Record<string, { readonly Default: string | number; readonly AllowedPattern?: string; readonly AllowedValues?: readonly unknown[] }>
  >;
  readonly Conditions: Readonly<Record<string, unknown>>;
  /** Only where the documents are in it. */
  readonly Rules?: Readonly<Record<string, { readonly Assertions: readonly { readonly Assert: unknown; readonly AssertDescription: string }[] }>>;
  readonly Resources: Readonly<
    Record<
      string,
      {
        readonly Type: string;
        readonly Condition?: string;
        readonly DeletionPolicy?: string;
        readonly Properties: Readonly<Record<string, unknown>>;
      }
    >
  >;
  readonly Outputs: Readonly<Record<string, { readonly Condition?: string; readonly Value: unknown }>>;
}

/** The template, with intrinsic functions in their long form; any other tag is an error. */
export function readTemplate(): Template {
  const scalars = intrinsics.map(({ tag, key }): ScalarTag => ({ tag, resolve: (text) => ({ [key]: text }) }));
  const lists = intrinsics.map(({ tag, key }): CollectionTag => ({
    tag,
    collection: 'seq',
    resolve: (list) => ({ toJSON: () => ({ [key]: list.items }) }),
  }));
  const read: unknown = parse(readFileSync(join(checkout, templateFile), 'utf8'), { customTags: [...scalars, ...lists], strict: true });
  const template: Template = JSON.parse(JSON.stringify(read));
  return template;
}

/** A policy of the template as a file shows it: what is to be put in stands as a placeholder in the text. */
export function policyIn({ Resources: resources }: Template, name: string): PolicyDocument {
  const policy: PolicyDocument = JSON.parse(JSON.stringify(resources[name]?.Properties['PolicyDocument']), (_, value: unknown) =>
    typeof value === 'object' && value !== null && 'Fn::Sub' in value ? value['Fn::Sub'] : value,
  );
  return policy;
}

/** The policy with its placeholders filled in. */
export function filled(policy: PolicyDocument, values: Readonly<Record<string, string>>): PolicyDocument {
  const text = JSON.stringify(policy).replaceAll(/\$\{([\w:.]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`there is no value for ${name}`);
    return value;
  });
  const whole: PolicyDocument = JSON.parse(text);
  return whole;
}

/** Whether IAM lets the request through by this policy alone: some statement allows it, none denies it. */
export function allowsRequest({ Statement: statements }: PolicyDocument, request: Request): boolean {
  const fitting = statements.filter((statement) => fits(statement, request));
  return fitting.some(({ Effect }) => Effect === 'Allow') && !fitting.some(({ Effect }) => Effect === 'Deny');
}

/** One or several, as a list. */
export function listOf(one: string | readonly string[]): readonly string[] {
  return typeof one === 'string' ? [one] : one;
}

function fits({ Action: actions, Resource: resources, Condition: conditions = {} }: Statement, { action, resource, keys = {} }: Request): boolean {
  const holds = ([operator, wanted]: readonly [string, Readonly<Record<string, string>>]): boolean =>
    Object.entries(wanted).every(([key, value]) => {
      const actual = keys[key];
      if (operator === 'StringEquals') return actual === value;
      if (operator === 'StringLike') return actual !== undefined && matches(value, actual);
      throw new Error(`a condition that is not read here: ${operator}`);
    });
  return (
    listOf(actions).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    listOf(resources).some((pattern) => matches(pattern, resource)) &&
    Object.entries(conditions).every(holds)
  );
}

function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&').replaceAll('*', '.*')}$`).test(text);
}
