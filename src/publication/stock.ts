/** What `agent build` left in a folder, read back and held against its own manifest. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contractVersion } from '../../agent/contract/job.ts';
import { packageName } from '../agent-document.ts';
import { type AgentBuild, type AgentPackage, sha256 } from '../agent-package.ts';
import { platforms } from '../document-literal.ts';
import { quote } from '../quotation.ts';
import { UsageError } from '../usage-error.ts';

/** Reads the packages that are there. A file that is not what the manifest says is a `UsageError`: what is published was built, and by nobody changed since. */
export function readStock(folder: string, shown: string): AgentBuild {
  const manifest = fieldsOf(parsed(read(folder, 'manifest.json', shown)));
  const { contract, bundle } = manifest;
  if (contract !== contractVersion) {
    throw new UsageError(
      `--from ${quote(shown)} holds an agent of contract ${quote(contract)}: expected ${contractVersion}, as agent build of this portmatrix makes it`,
    );
  }
  const script = read(folder, 'agent.cjs', shown);
  expectHash(shown, 'agent.cjs', sha256(script), bundle);
  const listed = fieldsOf(manifest['packages']);
  const packages = platforms.flatMap((platform): readonly AgentPackage[] => {
    if (!Object.hasOwn(listed, platform)) return [];
    const { archive, runtime } = fieldsOf(listed[platform]);
    const name = packageName(platform);
    const content = read(folder, name, shown);
    expectHash(shown, name, sha256(content), archive);
    // The document looks at it again.
    return [{ platform, name, content, archive: String(archive), runtime: String(runtime) }];
  });
  if (packages.length === 0) throw new UsageError(`--from ${quote(shown)} holds no package: expected a folder that agent build made`);
  return { script: script.toString(), bundle: sha256(script), packages };
}

function read(folder: string, name: string, shown: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new UsageError(`--from ${quote(shown)} has no ${name}: expected a folder that agent build made (${error.message})`);
  }
}

function expectHash(shown: string, name: string, found: string, wanted: unknown): void {
  if (found !== wanted)
    throw new UsageError(`--from ${quote(shown)}: ${name} is not what its manifest says: expected ${quote(wanted)}, and its SHA-256 is ${found}`);
}

function parsed(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString());
  } catch {
    // What is no JSON has no fields, and the first of them is missed.
    return undefined;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
