/** Documents and their versions. A version is never changed: other content is another version, and which one is the default is decided apart. */
import { setTimeout as sleep } from 'node:timers/promises';
import { refusalOf, type SSM } from '../aws.ts';

/** A document that is to be there. */
export interface Edition {
  readonly name: string;
  readonly content: string;
  /** True: the version becomes the default, which runs wherever none is pinned. */
  readonly makesDefault: boolean;
}

/** What is there now, or with `would…` what would be done. */
export interface Published {
  readonly state: 'created' | 'updated' | 'unchanged' | 'would-create' | 'would-update';
  readonly version?: string;
  readonly hash?: string;
  /** The default version, after all. */
  readonly usual?: string;
}

/** Versions that are looked through for one of the same content, the latest first. */
const mostVersions = 20;
/** Looks at a version that is not active yet, and the wait between two. */
const mostLooks = 20;
const waitMs = 500;

/** What would be done, found out by reading. */
export async function foresee(ssm: SSM, { name, content }: Edition): Promise<Published> {
  const latest = await latestOf(ssm, name);
  if (latest === undefined) return { state: 'would-create' };
  const version = await versionWith(ssm, name, content, latest.version);
  if (version === undefined) return { state: 'would-update', ...(latest.usual !== undefined && { usual: latest.usual }) };
  const { hash, usual } = await described(ssm, name, version);
  return { state: 'unchanged', version, ...(hash !== undefined && { hash }), ...(usual !== undefined && { usual }) };
}

/** Creates or updates the document, unless a version of it has that content already. `problem`: it cannot be used, or what is there afterwards is something else. */
export async function publishEdition(ssm: SSM, edition: Edition): Promise<Published | { readonly problem: string }> {
  const { name, content, makesDefault } = edition;
  const latest = await latestOf(ssm, name);
  const known = latest === undefined ? undefined : await versionWith(ssm, name, content, latest.version);
  const state = latest === undefined ? 'created' : known === undefined ? 'updated' : 'unchanged';
  const version = known ?? (await (latest === undefined ? create(ssm, edition) : update(ssm, edition)));
  const { status, ...found } = await settled(ssm, name, version);
  if (status !== 'Active') return { problem: `version ${version} of ${name} is ${status}` };
  if (!isSame(await contentOf(ssm, name, version), content)) return { problem: `version ${version} of ${name} is not what was published` };
  if (!makesDefault || found.usual === version) return { state, ...found };
  await ssm.updateDocumentDefaultVersion({ Name: name, DocumentVersion: version });
  return { state, ...found, usual: version };
}

async function create(ssm: SSM, { name, content }: Edition): Promise<string> {
  const { DocumentDescription: said } = await ssm.createDocument({ Name: name, Content: content, DocumentType: 'Command', DocumentFormat: 'JSON' });
  return said?.DocumentVersion ?? '1';
}

async function update(ssm: SSM, { name, content }: Edition): Promise<string> {
  try {
    const { DocumentDescription: said } = await ssm.updateDocument({
      Name: name,
      Content: content,
      DocumentFormat: 'JSON',
      DocumentVersion: '$LATEST',
    });
    return said?.DocumentVersion ?? said?.LatestVersion ?? '$LATEST';
  } catch (error) {
    // Somebody else was faster with the same.
    if (refusalOf(error).name !== 'DuplicateDocumentContent') throw error;
    const { version = '$LATEST' } = (await latestOf(ssm, name)) ?? {};
    return version;
  }
}

async function latestOf(ssm: SSM, name: string): Promise<{ readonly version: string; readonly usual?: string } | undefined> {
  try {
    const { Document: said = {} } = await ssm.describeDocument({ Name: name, DocumentVersion: '$LATEST' });
    const { DocumentVersion: version = '$LATEST', DefaultVersion: usual } = said;
    return { version, ...(usual !== undefined && { usual }) };
  } catch (error) {
    if (refusalOf(error).name === 'InvalidDocument') return undefined;
    throw error;
  }
}

/** The version that has this content, if one of the latest has. */
async function versionWith(ssm: SSM, name: string, content: string, latest: string): Promise<string | undefined> {
  const last = Number(latest);
  if (!Number.isInteger(last)) return undefined;
  for (let number = last; number > Math.max(0, last - mostVersions); number -= 1) {
    const found = await contentOf(ssm, name, String(number));
    if (found !== undefined && isSame(found, content)) return String(number);
  }
  return undefined;
}

/** The content of a version; undefined where there is none, since somebody deleted it. */
async function contentOf(ssm: SSM, name: string, version: string): Promise<string | undefined> {
  try {
    return (await ssm.getDocument({ Name: name, DocumentVersion: version, DocumentFormat: 'JSON' })).Content;
  } catch (error) {
    if (refusalOf(error).name === 'InvalidDocumentVersion') return undefined;
    throw error;
  }
}

async function described(ssm: SSM, name: string, version: string): Promise<Omit<Published, 'state'> & { readonly status: string }> {
  const { Document: said = {} } = await ssm.describeDocument({ Name: name, DocumentVersion: version });
  const { Hash: hash, HashType: type, DefaultVersion: usual, Status: status = 'Active', DocumentVersion: number = version } = said;
  return { version: number, status, ...(hash !== undefined && type === 'Sha256' && { hash }), ...(usual !== undefined && { usual }) };
}

/** The version once nothing more becomes of it, or as it is when nobody wants to wait any longer. */
async function settled(ssm: SSM, name: string, version: string): ReturnType<typeof described> {
  for (let looks = 1; ; looks += 1) {
    const found = await described(ssm, name, version);
    if (!/^(Creating|Updating)$/.test(found.status) || looks >= mostLooks) return found;
    await sleep(waitMs);
  }
}

/** The same JSON, however it is written: what comes back need not be laid out as it was sent. */
function isSame(one: string | undefined, other: string): boolean {
  if (one === undefined) return false;
  try {
    return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
  } catch {
    // It is no JSON, so it is none of ours.
    return false;
  }
}
