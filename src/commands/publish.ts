/** `portmatrix agent publish`: packages into a bucket, and the documents that run them into every account and Region of an inventory. */
import { resolve } from 'node:path';
import { contractVersion } from '../../agent/contract/job.ts';
import { documentFor, expectRoom, inlineDocumentFor, packageKey } from '../agent-document.ts';
import { type AgentBuild, buildAgent, hashesOf, readScripts } from '../agent-package.ts';
import { type Aws, type AwsPlace, isEmulated, nameOf, refusalOf } from '../aws.ts';
import { agentScript } from '../bundle.ts';
import { type PackageLocation, usualFolders, usualNodes } from '../document-literal.ts';
import { folderOf } from '../publication/location.ts';
import { readStock } from '../publication/stock.ts';
import { findPackage, regionOfBucket, type Shelf, type Upload, uploadPackage } from '../publication/upload.ts';
import { otherVersions, type Retirement, retireOthers } from '../publication/retirement.ts';
import { type Edition, foresee, type Published, publishEdition } from '../publication/version.ts';
import { fetchRuntime, runtimes } from '../runtime.ts';
import { packInline } from './agent.ts';
import type { ExitCode, Terminal } from './command.ts';
import { type Intent, intentOf, type PublishOptions } from './publish-options.ts';

/** Builds, uploads, publishes, and prints what to pin. */
export async function publishCommand(options: PublishOptions, terminal: Terminal, fetch = fetchRuntime): Promise<ExitCode> {
  const intent = intentOf(options, terminal.cwd);
  const { aws, places, policy } = intent;
  const build = options.from === undefined ? await buildNow(terminal, fetch) : readStock(resolve(terminal.cwd, options.from), options.from);
  // Documents that are too long are a mistake of the user's, and one that is found before anything is sent.
  editionsOf(build, { bucket: options.bucket, region: intent.bucketPlace.region, prefix: folderOf(options.prefix) }, intent, options);
  if (isEmulated()) await terminal.out('Emulated: AWS_ENDPOINT_URL leads to a host that is not of AWS.\n');
  const shelved = await shelve(build, intent, options, terminal);
  if ('code' in shelved) return shelved.code;
  await terminal.out(
    `allowed   ${policy.destinations.join(', ')}\n          on ${policy.ports.join(', ')}\n          for at most ${policy.endsAfterMs / 60_000} min\n`,
  );
  if (intent.names.length > 0) {
    terminal.err(
      `portmatrix: not allowed, since only the nodes know what these names resolve to: ${intent.names.join(', ')} (--allow-destination says networks)\n`,
    );
  }
  const editions = editionsOf(build, shelved.location, intent, options);
  let code: ExitCode = 0;
  const pins = new Set<string>();
  for (const place of places) {
    for (const edition of editions) {
      const { line, failed, version } = await publishIn(aws, place, edition, options);
      await terminal.out(`document  ${edition.name} in ${nameOf(place)}: ${line}\n`);
      if (failed !== undefined) code = code === 0 || failed === 1 ? failed : code;
      else if (edition.name === intent.document && version !== undefined) pins.add(version);
    }
  }
  const [pin, other] = pins;
  if (code === 0 && other !== undefined)
    await terminal.out('The versions differ from place to place, so that an inventory cannot pin one for all: --default makes them the defaults.\n');
  else if (code === 0 && pin !== undefined)
    await terminal.out(`In the inventory: systemsManager: {document: ${intent.document}, version: '${pin}'}\n`);
  if (options.plan) await terminal.out('Nothing was changed.\n');
  return code;
}

async function buildNow(terminal: Terminal, fetch: typeof fetchRuntime): Promise<AgentBuild> {
  return buildAgent(await agentScript('ssm'), (platform) => {
    const { name, version } = runtimes[platform];
    terminal.err(`Packing ${name} ${version}\n`);
    return fetch(platform);
  });
}

/** Every package first: a document must never name one that is not there. */
async function shelve(
  build: AgentBuild,
  { aws, bucketPlace }: Intent,
  options: PublishOptions,
  terminal: Terminal,
): Promise<{ readonly location: PackageLocation } | { readonly code: ExitCode }> {
  const { bucket } = options;
  let action = 's3:ListBucket';
  try {
    const region = (await regionOfBucket(await aws.s3(bucketPlace), bucket)) ?? bucketPlace.region;
    const location = { bucket, region, prefix: folderOf(options.prefix) };
    await terminal.out(`bucket    ${bucket} in ${region}\n`);
    action = 's3:PutObject';
    const s3 = await aws.s3({ ...bucketPlace, region });
    let isForeign = false;
    for (const { platform, archive, content } of build.packages) {
      const upload: Upload = { bucket, key: packageKey(location, platform, archive), content, sha256: archive };
      const shelf: Shelf = await (options.plan ? findPackage(s3, upload) : uploadPackage(s3, upload));
      isForeign ||= shelf === 'foreign';
      await terminal.out(`package   ${upload.key}: ${shelfWords[shelf]}\n`);
    }
    if (!isForeign) return { location };
    terminal.err(
      'portmatrix: somebody has put something else under the name of a package; nothing was published, and whoever may write that bucket should be looked at\n',
    );
    return { code: 1 };
  } catch (error) {
    const { name, message } = refusalOf(error);
    terminal.err(`portmatrix: bucket ${bucket}: ${name}: ${message} (${action}; agent/ssm/policies/publisher.json has all that is needed)\n`);
    return { code: 3 };
  }
}

const shelfWords = {
  uploaded: 'uploaded',
  there: 'there already',
  missing: 'would be uploaded',
  foreign: 'SOMETHING ELSE IS THERE',
} as const satisfies Readonly<Record<Shelf, string>>;

function editionsOf(
  build: AgentBuild,
  location: PackageLocation,
  { policy, document: name, urls }: Intent,
  options: PublishOptions,
): readonly Edition[] {
  const scripts = readScripts();
  const literals = { contract: contractVersion, bundle: build.bundle, policy, ...usualFolders };
  const usual = documentFor({ ...literals, packages: hashesOf(build), location, urls }, scripts);
  const inline = options.inline ? inlineDocumentFor({ ...literals, inline: packInline(build.script), nodes: usualNodes }, scripts) : undefined;
  const editions = [
    { name, content: usual, makesDefault: options.default },
    ...(inline === undefined ? [] : [{ name: `${name}-Inline`, content: inline, makesDefault: options.default }]),
  ];
  for (const edition of editions) expectRoom(edition.name, edition.content);
  return editions;
}

async function publishIn(
  aws: Aws,
  place: AwsPlace,
  edition: Edition,
  { plan: isPlan, retire: retires }: PublishOptions,
): Promise<{ readonly line: string; readonly failed?: 1 | 3; readonly version?: string }> {
  try {
    const ssm = await aws.ssm(place);
    const published = await (isPlan ? foresee(ssm, edition) : publishEdition(ssm, edition));
    if ('problem' in published) return { line: published.problem, failed: 1 };
    const { version } = published;
    const line = wordsFor(published, edition);
    if (!retires) return { line, ...(version !== undefined && { version }) };
    if (isPlan) return { line: `${line}; ${wordsForPlanned(await otherVersions(ssm, edition.name, version))}` };
    // Only what nobody is sent any more by default may go.
    if (version === undefined || published.usual !== version)
      return { line: `${line}; it is not the default, so no other version was deleted`, failed: 1 };
    const retirement = await retireOthers(ssm, edition.name, version);
    return { line: `${line}; ${wordsForRetired(retirement)}`, version, ...(retirement.stay.length > 0 && { failed: 3 }) };
  } catch (error) {
    const { name, message } = refusalOf(error);
    return { line: `${name}: ${message} (agent/ssm/policies/publisher.json has all that is needed)`, failed: 3 };
  }
}

function wordsForPlanned(versions: readonly string[]): string {
  return versions.length === 0 ? 'there is no other version' : `would delete ${versionWords(versions)}`;
}

function wordsForRetired({ gone, stay }: Retirement): string {
  const deleted = gone.length === 0 ? [] : [`deleted ${versionWords(gone)}`];
  const left = stay.map(
    ({ version, why }) => `version ${version} CAN STILL BE SENT: ${why} (agent/ssm/policies/publisher.json has all that is needed)`,
  );
  return [...deleted, ...left].join('; ') || 'there is no other version';
}

function versionWords(versions: readonly string[]): string {
  return `${versions.length === 1 ? 'version' : 'versions'} ${versions.join(', ')}`;
}

function wordsFor({ state, version, hash, usual }: Published, { makesDefault }: Edition): string {
  const sha256 = hash === undefined ? '' : `, sha256 ${hash}`;
  const other = makesDefault ? 'would become the default' : `the default ${usual === undefined ? 'would be version 1' : `stays version ${usual}`}`;
  if (state === 'would-create') return 'would be created';
  if (state === 'would-update') return `would get a new version; ${other}`;
  const what = { created: 'created as', updated: 'updated to', unchanged: 'unchanged, it is' }[state];
  const isDefault = usual === version ? 'the default' : `the default is still version ${usual}: --default makes this one it`;
  return `${what} version ${version}${sha256}; ${isDefault}`;
}
