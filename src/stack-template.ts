/**
 * The CloudFormation template with the documents of one build in it: the one under `agent/ssm/`, and two resources more. The documents name a bucket in a Region,
 * so that this stack can be of no other.
 */
import type { PackageLocation } from './document-literal.ts';

/** What the template is called, in the folder of a build. */
export const stackTemplateName = 'portmatrix.template.json';

/** Bytes of a template that CloudFormation takes as it is; a larger one comes from a bucket. */
export const longestTemplate = 51_200;

/** The tags of the template under `agent/ssm/`: functions in their short form, and the key of the long one. */
export const intrinsics = {
  '!Equals': 'Fn::Equals',
  '!GetAtt': 'Fn::GetAtt',
  '!If': 'Fn::If',
  '!Not': 'Fn::Not',
  '!Ref': 'Ref',
  '!Sub': 'Fn::Sub',
} as const;

/** The documents of one build, as JSON text. */
export interface StackDocuments {
  readonly usual: string;
  readonly inline: string;
}

/** The template as JSON text. `tracked` is the template under `agent/ssm/`, functions in their long form. The same documents and location give the same bytes. */
export function stackTemplate(tracked: unknown, location: PackageLocation, { usual, inline }: StackDocuments): string {
  const sections = fieldsOf(tracked, 'the template');
  const parameters = fieldsOf(sections['Parameters'], 'Parameters');
  const template = {
    ...sections,
    Description: description,
    Parameters: { ...parameters, ...pinned(parameters, 'BucketName', location.bucket), ...pinned(parameters, 'PackagePrefix', location.prefix) },
    Rules: { WhereThePackagesAre: { Assertions: [isRegion(location.region)] } },
    Resources: {
      ...fieldsOf(sections['Resources'], 'Resources'),
      AgentDocument: documentResource({ Ref: 'DocumentName' }, usual),
      InlineDocument: documentResource({ 'Fn::Sub': '${DocumentName}-Inline' }, inline),
    },
  };
  // In JSON the function takes a list only.
  const written = (key: string, value: unknown): unknown => (key === 'Fn::GetAtt' && typeof value === 'string' ? value.split('.') : value);
  return `${JSON.stringify(template, written, 1)}\n`;
}

const description =
  'What portmatrix needs of an AWS account: a bucket for the packages of its agent and for results, policies and roles for those who publish, send, schedule and run, a log group, and the documents, with the hashes of the packages of one build.';

/** The parameter with one value that it may have: the documents hold the same as a literal. */
function pinned(parameters: Fields, name: string, value: string): Fields {
  return { [name]: { ...fieldsOf(parameters[name], name), Default: value, AllowedValues: [value] } };
}

function isRegion(region: string) {
  return {
    Assert: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, region] },
    AssertDescription: `The documents in this template fetch packages from a bucket in ${region}, so that its stack is there. In other Regions, portmatrix agent publish makes them.`,
  };
}

/** The text as it is: the scripts in it hold `${...}`, which `Fn::Sub` would take for its own. A new version, since a change must not delete those before. */
function documentResource(name: Fields, content: string) {
  return {
    Type: 'AWS::SSM::Document',
    Properties: { Name: name, DocumentType: 'Command', DocumentFormat: 'JSON', UpdateMethod: 'NewVersion', Content: content },
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null) throw new Error(`${what} under agent/ssm/ is not what it was`);
  return { ...value };
}
