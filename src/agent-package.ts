/** What goes to hosts: for each platform one archive with a runtime, the agent and a manifest of their hashes. The same agent and runtimes give the same bytes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractVersion } from '../agent/contract/job.ts';
import { packageName, type Scripts } from './agent-document.ts';
import { readDocument } from './document.ts';
import { type PackageHashes, type Platform, platforms } from './document-literal.ts';
import { tarGzip, zip } from './archive.ts';
import { packageRoot } from './package-root.ts';
import { type FetchedRuntime, runtimes } from './runtime.ts';
import { intrinsics } from './stack-template.ts';

/** One package, ready to be written or published. */
export interface AgentPackage extends PackageHashes {
  readonly platform: Platform;
  readonly name: string;
  readonly content: Uint8Array;
}

/** The agent's script, its SHA-256, and the packages that it is in. */
export interface AgentBuild {
  readonly script: string;
  readonly bundle: string;
  readonly packages: readonly AgentPackage[];
}

/** SHA-256 in lower-case hex. */
export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Builds the packages of an agent, one after the other: a runtime unpacked is more than 100 MB. */
export async function buildAgent(script: string, fetch: (platform: Platform) => Promise<FetchedRuntime>): Promise<AgentBuild> {
  const packages: AgentPackage[] = [];
  let licence = new Uint8Array();
  for (const platform of platforms) {
    const fetched = await fetch(platform);
    // The package for Windows comes without it.
    licence = new Uint8Array(fetched.licence ?? licence);
    packages.push(await packageOf(platform, script, { ...fetched, licence }));
  }
  return { script, bundle: sha256(script), packages };
}

/** The hashes of a build by platform, as a document wants them. */
export function hashesOf({ packages }: AgentBuild): Readonly<Partial<Record<Platform, PackageHashes>>> {
  return Object.fromEntries(packages.map(({ platform, archive, runtime }) => [platform, { archive, runtime }]));
}

/** What was built, as JSON: the hashes that documents are made with. */
export function manifestOf(build: AgentBuild): string {
  const packages = build.packages.map(({ platform, name, archive, runtime, content }) => [
    platform,
    { name, bytes: content.length, archive, runtime },
  ]);
  return json({ contract: contractVersion, bundle: build.bundle, packages: Object.fromEntries(packages) });
}

/** The scripts that documents are made of. */
export function readScripts(): Scripts {
  const read = (name: string): string => readFileSync(join(packageRoot, 'agent', 'ssm', name), 'utf8');
  return {
    'run.sh': read('run.sh'),
    'inline.sh': read('inline.sh'),
    'part.sh': read('part.sh'),
    'run.ps1': read('run.ps1'),
    'part.ps1': read('part.ps1'),
  };
}

/** The CloudFormation template that comes with the product, functions in their long form. */
export function readTemplate(): unknown {
  return readDocument(join(packageRoot, 'agent', 'ssm', 'portmatrix.template.yaml'), intrinsics).value;
}

async function packageOf(platform: Platform, script: string, { runtime, licence }: Required<FetchedRuntime>): Promise<AgentPackage> {
  const isWindows = platform === 'windows-x64';
  const program = isWindows ? 'node.exe' : 'node';
  const agent = Buffer.from(script);
  const manifest = {
    contract: contractVersion,
    platform,
    node: runtimes[platform].version,
    files: { [program]: sha256(runtime), 'agent.cjs': sha256(agent) },
  };
  const content = await (isWindows ? zip : tarGzip)([
    { name: program, content: runtime, isExecutable: true },
    { name: 'agent.cjs', content: agent },
    { name: 'manifest.json', content: Buffer.from(json(manifest)) },
    { name: 'LICENSE', content: licence },
  ]);
  return { platform, name: packageName(platform), content, archive: sha256(content), runtime: sha256(runtime) };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
