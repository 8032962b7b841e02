/** The operations on documents. */
import { createHash } from 'node:crypto';
import type {
  CreateDocumentRequest,
  CreateDocumentResult,
  DeleteDocumentRequest,
  DescribeDocumentRequest,
  DescribeDocumentResult,
  DocumentDescription,
  GetDocumentRequest,
  GetDocumentResult,
  ListDocumentVersionsRequest,
  ListDocumentVersionsResult,
  UpdateDocumentDefaultVersionRequest,
  UpdateDocumentDefaultVersionResult,
  UpdateDocumentRequest,
  UpdateDocumentResult,
} from '@aws-sdk/client-ssm';
import { platformsOf, readContent } from './document-content.ts';
import { pageOf } from './page.ts';
import { Refusal } from './refusal.ts';
import type { StoredDocument, Territory, Version } from './territory.ts';

/** A document with the parameters of a command may have so many bytes. */
export const documentBytes = 65_536;
const versionsPerDocument = 1_000;
const documentsPerTerritory = 500;
const reserved = /^(aws|amazon|amzn|AWSEC2|AWSConfigRemediation|AWSSupport)/i;

/** CreateDocument: version 1, which is the default. */
export function createDocument(territory: Territory, request: CreateDocumentRequest): CreateDocumentResult {
  const name = request.Name ?? '';
  if (reserved.test(name)) throw new Refusal('ValidationException', `The name ${name} begins with a prefix that is reserved`);
  if ((request.DocumentType ?? 'Command') !== 'Command') throw new Refusal('ValidationException', 'The endpoint knows Command documents only');
  if (territory.documents.has(name)) throw new Refusal('DocumentAlreadyExists', `Document with same name ${name} already exists`);
  if (territory.documents.size >= documentsPerTerritory) throw new Refusal('DocumentLimitExceeded', 'You can have at most 500 active SSM documents.');
  const tags = (request.Tags ?? []).map(({ Key = '', Value = '' }) => ({ Key, Value }));
  const document: StoredDocument = { name, tags, versions: [versionOf(request, 1)], defaultNumber: 1 };
  territory.documents.set(name, document);
  return { DocumentDescription: { ...describe(territory, document, latest(document)), Status: 'Creating' } };
}

/** UpdateDocument: the next version, from the latest one. The default stays. */
export function updateDocument(territory: Territory, request: UpdateDocumentRequest): UpdateDocumentResult {
  const document = documentOf(territory, request.Name);
  const before = latest(document);
  const from = request.DocumentVersion ?? '$LATEST';
  if (from !== '$LATEST' && from !== `${before.number}`) {
    throw new Refusal('InvalidDocumentVersion', `Document version ${from} is not the latest one`);
  }
  if (before.number >= versionsPerDocument) throw new Refusal('DocumentVersionLimitExceeded', 'The document has too many versions.');
  if (request.VersionName !== undefined && document.versions.some(({ name }) => name === request.VersionName)) {
    throw new Refusal('DuplicateDocumentVersionName', 'The version name has already been used in this document.');
  }
  const version = versionOf(request, before.number + 1);
  if (version.sha256 === before.sha256) {
    throw new Refusal('DuplicateDocumentContent', 'The content of the association document matches another document.');
  }
  document.versions = [...document.versions, version];
  return { DocumentDescription: { ...describe(territory, document, version), Status: 'Updating' } };
}

/** UpdateDocumentDefaultVersion. */
export function updateDefault(territory: Territory, request: UpdateDocumentDefaultVersionRequest): UpdateDocumentDefaultVersionResult {
  const document = documentOf(territory, request.Name);
  const { number, name } = versionNamed(document, request.DocumentVersion);
  document.defaultNumber = number;
  return { Description: { Name: document.name, DefaultVersion: `${number}`, DefaultVersionName: name } };
}

/** DescribeDocument: the default version unless one is named. */
export function describeDocument(territory: Territory, request: DescribeDocumentRequest): DescribeDocumentResult {
  const document = documentOf(territory, request.Name);
  return { Document: describe(territory, document, versionNamed(document, request.DocumentVersion, request.VersionName)) };
}

/** GetDocument: the content as it was written. */
export function getDocument(territory: Territory, request: GetDocumentRequest): GetDocumentResult {
  const document = documentOf(territory, request.Name);
  const version = versionNamed(document, request.DocumentVersion, request.VersionName);
  if (request.DocumentFormat !== undefined && request.DocumentFormat !== version.format) {
    throw new Refusal('ValidationException', `The endpoint does not turn ${version.format} into ${request.DocumentFormat}`);
  }
  return {
    Name: document.name,
    CreatedDate: version.createdAt,
    Content: version.text,
    DocumentType: 'Command',
    DocumentFormat: version.format,
    DocumentVersion: `${version.number}`,
    VersionName: version.name,
    Status: 'Active',
  };
}

/** ListDocumentVersions, latest first. */
export function listVersions(territory: Territory, request: ListDocumentVersionsRequest): ListDocumentVersionsResult {
  const document = documentOf(territory, request.Name);
  const { items, next } = pageOf(document.versions.toReversed(), request.MaxResults ?? 50, request.NextToken);
  return {
    DocumentVersions: items.map(({ number, name, createdAt, format }) => ({
      Name: document.name,
      DocumentVersion: `${number}`,
      VersionName: name,
      CreatedDate: createdAt,
      IsDefaultVersion: number === document.defaultNumber,
      DocumentFormat: format,
      Status: 'Active',
    })),
    NextToken: next,
  };
}

/** DeleteDocument: one version that is not the default, or all. */
export function deleteDocument(territory: Territory, request: DeleteDocumentRequest): Record<string, never> {
  const document = documentOf(territory, request.Name);
  if (request.DocumentVersion === undefined && request.VersionName === undefined) {
    territory.documents.delete(document.name);
    return {};
  }
  const { number } = versionNamed(document, request.DocumentVersion, request.VersionName);
  if (number === document.defaultNumber) throw new Refusal('InvalidDocumentOperation', 'The default version of a document cannot be deleted.');
  document.versions = document.versions.filter((version) => version.number !== number);
  return {};
}

/** The document of a name or ARN; InvalidDocument without one. */
export function documentOf({ documents, account, region }: Territory, name = ''): StoredDocument {
  const short = name.startsWith('arn:') ? name.replace(`arn:aws:ssm:${region}:${account}:document/`, '') : name;
  const document = documents.get(short);
  if (document === undefined) throw new Refusal('InvalidDocument', `Document with name ${name} does not exist.`);
  return document;
}

/** The version of a document that a request names. */
export function versionNamed(document: StoredDocument, wanted = '$DEFAULT', name?: string): Version {
  const version = document.versions.find((one) => {
    if (name !== undefined) return one.name === name;
    if (wanted === '$LATEST') return one === latest(document);
    return `${one.number}` === (wanted === '$DEFAULT' ? `${document.defaultNumber}` : wanted);
  });
  if (version === undefined) throw new Refusal('InvalidDocumentVersion', `Document ${document.name} has no version ${name ?? wanted}.`);
  return version;
}

function latest({ versions }: StoredDocument): Version {
  const last = versions.at(-1);
  if (last === undefined) throw new Error('a document has at least one version');
  return last;
}

function versionOf(request: CreateDocumentRequest | UpdateDocumentRequest, number: number): Version {
  const text = request.Content ?? '';
  const format = request.DocumentFormat ?? 'JSON';
  if (format === 'TEXT') throw new Refusal('InvalidDocumentContent', 'A Command document is JSON or YAML');
  if (Buffer.byteLength(text) > documentBytes) throw new Refusal('MaxDocumentSizeExceeded', 'The size limit of a document is 64 KB.');
  return {
    number,
    text,
    format,
    content: readContent(text, format),
    sha256: createHash('sha256').update(text).digest('hex'),
    createdAt: new Date(),
    ...(request.VersionName === undefined ? {} : { name: request.VersionName }),
    ...(request.DisplayName === undefined ? {} : { displayName: request.DisplayName }),
    ...(request.TargetType === undefined ? {} : { targetType: request.TargetType }),
  };
}

function describe({ account }: Territory, document: StoredDocument, version: Version): DocumentDescription {
  return {
    Hash: version.sha256,
    HashType: 'Sha256',
    Name: document.name,
    DisplayName: version.displayName,
    VersionName: version.name,
    Owner: account,
    CreatedDate: version.createdAt,
    Status: 'Active',
    DocumentVersion: `${version.number}`,
    Description: version.content.description,
    Parameters: Object.entries(version.content.parameters).map(([name, parameter]) => ({
      Name: name,
      Type: parameter.type,
      Description: parameter.description,
      DefaultValue: typeof parameter.default === 'object' ? JSON.stringify(parameter.default) : parameter.default,
    })),
    PlatformTypes: platformsOf(version.content),
    DocumentType: 'Command',
    SchemaVersion: '2.2',
    LatestVersion: `${latest(document).number}`,
    DefaultVersion: `${document.defaultNumber}`,
    DocumentFormat: version.format,
    TargetType: version.targetType,
    Tags: [...document.tags],
  };
}
