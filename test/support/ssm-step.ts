/** A Linux host under Systems Manager, as far as one command is concerned: its steps are run as the agent of Systems Manager runs them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { contractVersion } from '../../agent/contract/job.ts';
import { stepExit } from '../../agent/contract/step-exit.ts';
import { documentFor, packageName } from '../../src/agent-document.ts';
import type { Literals, PackageHashes } from '../../src/document-literal.ts';
import { readScripts } from '../../src/agent-package.ts';
import { tarGzip } from '../../src/archive.ts';
import { type Ended, runCommand } from './binary.ts';
import type { Scope } from './loopback.ts';
import { carriedOut, readDocument, scriptOf, type SsmDocument } from './ssm-document.ts';
import { folderWith } from './temporary-folder.ts';

/** Shells that a host may have as `/bin/sh`. */
export const shells = ['dash', 'bash'] as const;
export type Shell = (typeof shells)[number];

/** A package's platform on this machine. */
export const here = process.arch === 'arm64' ? 'linux-arm64' : 'linux-x64';

/** Content of a package, and its hashes. */
export interface StandIn extends PackageHashes {
  readonly runtime: string;
  readonly program: string;
  readonly agent: string;
  readonly bundle: string;
  readonly content: Uint8Array;
}

/** A package in which a shell script stands in for the runtime: it tells what it was given, or does what `script` says. */
export async function standIn(script = reporting, agent = '// the agent\n'): Promise<StandIn> {
  const program = `#!/bin/sh\n${script}`;
  const content = await tarGzip([
    { name: 'node', content: Buffer.from(program), isExecutable: true },
    { name: 'agent.cjs', content: Buffer.from(agent) },
    { name: 'manifest.json', content: Buffer.from('{}\n') },
  ]);
  return { program, agent, content, archive: digest(content), runtime: digest(program), bundle: digest(agent) };
}

const reporting = `
echo "words $*"
echo "job $(cat)"
echo "options \${NODE_OPTIONS-none} \${NODE_PATH-none}"
echo "ends \${PORTMATRIX_ENDS_AFTER_MS-never}"
echo "node \${AWS_SSM_INSTANCE_ID-none}"
`;

export function digest(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A host with its folders. */
export interface SsmHost {
  readonly cache: string;
  readonly offline: string;
  /** The folder of the command that the next step belongs to. */
  readonly orchestration: string;
  readonly literals: Literals;
}

export const commandId = '0b2bfbbd-0b6c-4c8a-9a5b-3f0c1c1d7b11';
export const policy = { destinations: ['127.0.0.0/8'], ports: ['1-65535/tcp'], endsAfterMs: 60_000 };

/** A host whose document is about these packages, and allows addresses that begin like these. */
export function hostWith(
  t: Scope,
  { archive, runtime, bundle }: Pick<StandIn, 'archive' | 'runtime' | 'bundle'>,
  urls: readonly string[] = [],
): SsmHost {
  const root = folderWith(t, {});
  const [cache, offline] = [join(root, 'cache'), join(root, 'offline')];
  const orchestration = join(root, commandId);
  mkdirSync(join(orchestration, 'downloads'), { recursive: true });
  const folders = (linux: string) => ({ linux, windows: 'C:\\Unused' });
  const literals = {
    contract: contractVersion,
    bundle,
    packages: { [here]: { archive, runtime } },
    urls,
    policy,
    cache: folders(cache),
    offline: folders(offline),
  };
  return { cache, offline, orchestration, literals };
}

/** Puts the content of a package into a folder, as it is in the cache or pre-staged. */
export function place(folder: string, { program, agent }: Pick<StandIn, 'program' | 'agent'>): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'node'), program);
  chmodSync(join(folder, 'node'), 0o755);
  writeFileSync(join(folder, 'agent.cjs'), agent);
}

/** Puts a package where the step that downloads puts it. */
export function download({ orchestration }: SsmHost, content: Uint8Array): void {
  writeFileSync(join(orchestration, 'downloads', packageName(here)), content);
}

/** What is in the cache, but for the folder of results. */
export function cached({ cache }: SsmHost): readonly string[] {
  return existsSync(cache) ? readdirSync(cache).filter((name) => name !== 'spool' || readdirSync(join(cache, name)).length > 0) : [];
}

/** How a step is run. */
export interface Running {
  readonly shell?: Shell;
  readonly values?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly knowsEnvironment?: boolean;
  readonly document?: SsmDocument;
  readonly step?: string;
  /** What starts the shell. */
  readonly prefix?: readonly string[];
}

export const usualJob = 'am9i';

/** Runs a step of the host's document (by default the run step, with `Fetch` cached). */
export function runStep(t: Scope, host: SsmHost, running: Running = {}): Promise<Ended> {
  const { shell = 'dash', values = {}, env = {}, knowsEnvironment = true, step = 'RunLinux', prefix = [] } = running;
  const document = running.document ?? readDocument(documentFor(host.literals, readScripts()));
  const { steps, environment } = carriedOut(document, { platform: 'Linux', values: { Job: usualJob, ...values }, knowsEnvironment });
  const folder = join(host.orchestration, step);
  mkdirSync(folder, { recursive: true });
  const found = steps.find(({ name }) => name === step);
  if (found === undefined) throw new Error(`no step ${step} is carried out`);
  writeFileSync(join(folder, '_script.sh'), scriptOf(found), { mode: 0o700 });
  return runCommand(t, [...prefix, shell, join(folder, '_script.sh')], {
    cwd: join(host.orchestration, 'downloads'),
    env: { AWS_SSM_INSTANCE_ID: 'i-0123456789abcdef0', SSM_COMMAND_ID: commandId, ...environment, ...env },
  });
}

/** Asserts that a step ended with this code, said so in one line, and printed nothing. */
export function assertFailed(
  { code, stdout, stderr }: { readonly code: number | null; readonly stdout: string; readonly stderr: string },
  expected: number,
  words: RegExp,
): void {
  assert.deepEqual({ code, stdout }, { code: expected, stdout: '' }, stderr);
  assert.match(stderr, new RegExp(`^portmatrix: ${stepExit(expected)?.name}: [^\n]+\n$`));
  assert.match(stderr, words);
}

/** True as root; otherwise the test is skipped, and says so. */
export function needsRoot(t: TestContext): boolean {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) t.skip('!!! SKIPPED: only root can do this to a host');
  return isRoot;
}
