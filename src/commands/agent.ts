/** `portmatrix agent`: what hosts run that nobody logs on to. `build` makes the packages and the documents; nothing is sent. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Argv } from 'yargs';
import { contractVersion } from '../../agent/contract/job.ts';
import { documentFor, documentName, inlineDocumentFor, inlineDocumentName, roomForJob } from '../agent-document.ts';
import { usualFolders, usualNodes } from '../document-literal.ts';
import { buildAgent, hashesOf, manifestOf, readScripts, sha256 } from '../agent-package.ts';
import { policyOf, usualDestinations, usualMinutes } from '../agent-policy.ts';
import { agentScript } from '../bundle.ts';
import { findMatrix, publishedMatrices } from '../matrix.ts';
import { fetchRuntime, runtimes } from '../runtime.ts';
import { UsageError } from '../usage-error.ts';
import { type ExitCode, list, type Terminal, wholeNumber } from './command.ts';

export function describeBuild(argv: Argv) {
  return argv
    .option('out', { type: 'string', requiresArg: true, default: 'portmatrix-agent', describe: 'the folder for what is built' })
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
    .epilogue(
      'Exit codes: 0 built; 2 wrong usage, or a runtime that could not be fetched or is not the pinned one; 3 the files could not be written.',
    );
}

interface BuildOptions {
  readonly out: string;
  readonly allowDestination?: readonly string[] | undefined;
  readonly allowPort?: readonly string[] | undefined;
  readonly longestMinutes?: number | undefined;
}

/** Builds the packages and the documents, and prints name, size and SHA-256 of each file. `fetch` is the way to the runtimes. */
export async function buildCommand(options: BuildOptions, terminal: Terminal, fetch = fetchRuntime): Promise<ExitCode> {
  if (options.out === '') throw new UsageError('--out is empty, expected a folder');
  const folder = resolve(terminal.cwd, options.out);
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
  const document = documentFor({ ...literals, packages: hashesOf(build) }, scripts);
  const inlineDocument = inlineDocumentFor({ ...literals, inline: packInline(build.script), nodes: usualNodes }, scripts);
  const files = [
    ['agent.cjs', build.script],
    ...build.packages.map(({ name, content }) => [name, content] as const),
    ['manifest.json', manifestOf(build)],
    [`${documentName}.json`, document],
    [`${inlineDocumentName}.json`, inlineDocument],
  ] as const;
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
  await terminal.out(rows.join(''));
  terminal.err(`Written: ${folder}\nJobs may have ${roomForJob(document)} characters, and ${roomForJob(inlineDocument)} with the agent inline.\n`);
  return 0;
}

/** The agent as a document carries it in itself. */
export function packInline(script: string): string {
  const bytes = Buffer.from(script);
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).toString('base64');
}
