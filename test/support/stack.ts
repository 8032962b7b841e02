/** The template that `agent build --bucket` writes, made of hashes that stand in for those of a build, and what CloudFormation makes of the documents in one. */
import { contractVersion } from '../../agent/contract/job.ts';
import { documentFor, inlineDocumentFor } from '../../src/agent-document.ts';
import { readScripts, readTemplate } from '../../src/agent-package.ts';
import { type Literals, type PackageLocation, usualFolders, usualNodes } from '../../src/document-literal.ts';
import { type StackDocuments, stackTemplate } from '../../src/stack-template.ts';
import type { Template } from './policies.ts';

const digit = (name: string): string => name.repeat(64);
const literals: Omit<Literals, 'packages' | 'location'> = {
  contract: contractVersion,
  bundle: digit('b'),
  policy: { destinations: ['10.0.0.0/8'], ports: ['389/tcp'], endsAfterMs: 900_000 },
  ...usualFolders,
};

export const location: PackageLocation = { bucket: 'corp-portmatrix', region: 'eu-central-1', prefix: 'packages/' };

/** Documents as a build makes them for a bucket. */
export function stackDocuments(where: PackageLocation = location): StackDocuments {
  const scripts = readScripts();
  const packages = { 'linux-x64': { archive: digit('1'), runtime: digit('2') }, 'windows-x64': { archive: digit('3'), runtime: digit('4') } };
  return {
    usual: documentFor({ ...literals, packages, location: where }, scripts),
    inline: inlineDocumentFor({ ...literals, inline: 'A'.repeat(40_000), nodes: usualNodes }, scripts),
  };
}

/** The text of the template with these documents in it. */
export function builtTemplate(where: PackageLocation = location): string {
  return stackTemplate(readTemplate(), where, stackDocuments(where));
}

/** A document as a stack wants it, with the template's defaults for its parameters. */
export interface WantedDocument {
  readonly name: string;
  readonly content: string;
  /** The other properties. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** The documents of a template. */
export function documentsIn({ Parameters: parameters, Resources: resources }: Template): readonly WantedDocument[] {
  const usual = (name: string): string => String(parameters[name]?.Default);
  return Object.values(resources).flatMap(({ Type: type, Properties: { Name: name, Content: content, ...rest } }): readonly WantedDocument[] => {
    if (type !== 'AWS::SSM::Document') return [];
    if (typeof content !== 'string') throw new Error('the content of a document is not the text itself');
    return [{ name: settled(name, usual), content, rest }];
  });
}

function settled(value: unknown, usual: (name: string) => string): string {
  if (typeof value === 'object' && value !== null && 'Ref' in value) return usual(String(value.Ref));
  if (typeof value === 'object' && value !== null && 'Fn::Sub' in value)
    return String(value['Fn::Sub']).replaceAll(/\$\{(\w+)\}/g, (_, name: string) => usual(name));
  throw new Error(`not a name: ${JSON.stringify(value)}`);
}
