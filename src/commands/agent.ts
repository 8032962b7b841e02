/** `portmatrix agent`: what hosts run that nobody logs on to. `build` makes the packages, the documents and, for a bucket, a CloudFormation template; nothing is sent. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Argv } from 'yargs';
import { contractVersion } from '../../agent/contract/job.ts';
import { documentFor, documentName, expectRoom, inlineDocumentFor, inlineDocumentName, packageKey, roomForJob } from '../agent-document.ts';
import { type PackageLocation, usualFolders, usualNodes } from '../document-literal.ts';
import { type AgentBuild, buildAgent, hashesOf, manifestOf, readScripts, readTemplate, sha256 } from '../agent-package.ts';
import { policyOf, usualDestinations, usualMinutes } from '../agent-policy.ts';
import { agentScript } from '../bundle.ts';
import { findMatrix, publishedMatrices } from '../matrix.ts';
import { expectBucket, expectFolder, expectRegion, folderOf } from '../publication/location.ts';
import { fetchRuntime, runtimes } from '../runtime.ts';
import { longestTemplate, stackTemplate, stackTemplateName } from '../stack-template.ts';
import { UsageError } from '../usage-error.ts';
import { type ExitCode, list, type Terminal, wholeNumber } from './command.ts';

export function describeBuild(argv: Argv) {
  return argv
    .option('out', { type: 'string', requiresArg: true, default: 'portmatrix-agent', describe: 'the folder for what is built' })
    .option('bucket', {
      type: 'string',
      requiresArg: true,
      describe: `also write ${stackTemplateName} for CloudFormation: this bucket, roles and documents in one stack`,
      defaultDescription: 'no template is written, and the documents name no bucket',
    })
    .option('region', { type: 'string', requiresArg: true, describe: 'with --bucket: its Region, and that of the stack' })
    .option('prefix', { type: 'string', requiresArg: true, describe: 'with --bucket: its folder for the packages', defaultDescription: usualPrefix })
    .option('allow-destination', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'networks that agents may dial, whoever sends the command',
      defaultDescription: usualDestinations.join(', '),
    })
    .option('allow-port', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'ports that agents may dial',
      defaultDescription: 'those of the matrices that come with the product',
    })
    .option('longest-minutes', {
      type: 'string',
      requiresArg: true,
      coerce: wholeNumber('--longest-minutes', 1, 2_880),
      describe: 'agents end then, whatever their command says',
      defaultDescription: String(usualMinutes),
    })
    .example('$0 agent build', 'packages and documents, in the folder portmatrix-agent')
    .example('$0 agent build --allow-destination 10.1.0.0/16 --allow-port 389/tcp,636/tcp', 'agents that can dial nothing else')
    .example('$0 agent build --bucket corp-portmatrix --region eu-central-1', 'the same, and a template for all that an account needs')
    .epilogue(
      'With --bucket it prints how each package is uploaded, under a key that holds its hash; agent publish uploads them too, and finds documents that a stack has made.\n\n' +
        'Exit codes: 0 built; 2 wrong usage, or a runtime that could not be fetched or is not the pinned one; 3 the files could not be written.',
    );
}

interface BuildOptions {
  readonly out: string;
  readonly bucket?: string | undefined;
  readonly region?: string | undefined;
  readonly prefix?: string | undefined;
  readonly allowDestination?: readonly string[] | undefined;
  readonly allowPort?: readonly string[] | undefined;
  readonly longestMinutes?: number | undefined;
}

const usualPrefix = 'packages/';

/** Builds the packages, the documents and, for a bucket, the template; prints name, size and SHA-256 of each file. `fetch` is the way to the runtimes. */
export async function buildCommand(options: BuildOptions, terminal: Terminal, fetch = fetchRuntime): Promise<ExitCode> {
  if (options.out === '') throw new UsageError('--out is empty, expected a folder');
  const folder = resolve(terminal.cwd, options.out);
  const location = locationOf(options);
  const allowance = {
    destinations: list('--allow-destination', options.allowDestination),
    ports: list('--allow-port', options.allowPort),
    minutes: options.longestMinutes ?? usualMinutes,
  };
  const matrices = publishedMatrices().map((name) => findMatrix(name, { cwd: terminal.cwd, asPublished: false }));
  const policy = policyOf(allowance, matrices);
  const build = await buildAgent(await agentScript('ssm'), (platform) => {
    const { name, version } = runtimes[platform];
    terminal.err(`Packing ${name} ${version}\n`);
    return fetch(platform);
  });
  const scripts = readScripts();
  const literals = { contract: contractVersion, bundle: build.bundle, policy, ...usualFolders };
  const document = documentFor({ ...literals, packages: hashesOf(build), ...(location !== undefined && { location }) }, scripts);
  const inlineDocument = inlineDocumentFor({ ...literals, inline: packInline(build.script), nodes: usualNodes }, scripts);
  const template = location === undefined ? undefined : templateOf(location, document, inlineDocument);
  const files: readonly (readonly [name: string, content: string | Uint8Array])[] = [
    ['agent.cjs', build.script],
    ...build.packages.map(({ name, content }) => [name, content] as const),
    ['manifest.json', manifestOf(build)],
    [`${documentName}.json`, document],
    [`${inlineDocumentName}.json`, inlineDocument],
    ...(template === undefined ? [] : [[stackTemplateName, template] as const]),
  ];
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of files) {
      await writeFile(`${join(folder, name)}.partial`, content);
      await rename(`${join(folder, name)}.partial`, join(folder, name));
    }
  } catch (error) {
    terminal.err(`portmatrix: ${folder} cannot be written: ${error instanceof Error ? error.message : String(error)}\n`);
    return 3;
  }
  const rows = files.map(([name, content]) => `${name.padEnd(38)} ${String(Buffer.byteLength(content)).padStart(9)}  ${sha256(content)}\n`);
  await terminal.out(`${rows.join('')}${location === undefined ? '' : uploadCommands(build, location)}`);
  terminal.err(`Written: ${folder}\nJobs may have ${roomForJob(document)} characters, and ${roomForJob(inlineDocument)} with the agent inline.\n`);
  if (template !== undefined && Buffer.byteLength(template) > longestTemplate)
    terminal.err(`${stackTemplateName} is larger than CloudFormation takes from a file: aws cloudformation deploy needs --s3-bucket for it.\n`);
  return 0;
}

/** Where the packages will be; undefined when nobody says it. */
function locationOf({ bucket, region, prefix }: BuildOptions): PackageLocation | undefined {
  if (bucket === undefined) {
    if ((region ?? prefix) === undefined) return undefined;
    throw new UsageError(`--${region === undefined ? 'prefix' : 'region'} belongs to a bucket: expected --bucket NAME with it`);
  }
  if (region === undefined) throw new UsageError('nothing says where the bucket is: expected --region with --bucket, like eu-central-1');
  expectBucket(bucket);
  expectRegion(region);
  expectFolder(prefix ?? usualPrefix);
  if (prefix === '') throw new UsageError('--prefix is empty, expected a folder like packages/: the policies of the template hold for one');
  return { bucket, region, prefix: folderOf(prefix ?? usualPrefix) };
}

/** A document that cannot be used would be found only by the stack. */
function templateOf(location: PackageLocation, usual: string, inline: string): string {
  expectRoom(documentName, usual);
  expectRoom(inlineDocumentName, inline);
  return stackTemplate(readTemplate(), location, { usual, inline });
}

/** The bucket of the template takes a package only under a key that is free; the checksum is what `publish` and the doctor look for. */
function uploadCommands({ packages }: AgentBuild, location: PackageLocation): string {
  const commands = packages.map(
    ({ platform, name, archive }) =>
      `aws s3api put-object --region ${location.region} --bucket ${location.bucket} --key ${packageKey(location, platform, archive)} --body ${name} --if-none-match "*" --checksum-sha256 ${Buffer.from(archive, 'hex').toString('base64')}\n`,
  );
  return `To upload the packages, in their folder:\n${commands.join('')}`;
}

/** The agent as a document carries it in itself. */
export function packInline(script: string): string {
  const bytes = Buffer.from(script);
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).toString('base64');
}
