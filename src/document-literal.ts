/** What the publisher of a document decides: literals that no parameter can change, and that are data in a script whatever they are. */
import type { Policy } from '../agent/contract/policy.ts';
import { UsageError } from './usage-error.ts';

/** What a package is for. */
export const platforms = ['linux-x64', 'linux-arm64', 'windows-x64'] as const;
export type Platform = (typeof platforms)[number];

/** SHA-256 of a package and of the runtime in it, in lower-case hex. */
export interface PackageHashes {
  readonly archive: string;
  readonly runtime: string;
}

/** Where packages are published. */
export interface PackageLocation {
  readonly bucket: string;
  readonly region: string;
  /** Empty, or folders that end in `/`. */
  readonly prefix: string;
}

/** A folder for each kind of host. */
export interface Folders {
  readonly linux: string;
  readonly windows: string;
}

/** What a document holds that no parameter can change. */
export interface Literals {
  /** Version of the contract that the bundle speaks. */
  readonly contract: number;
  /** SHA-256 of the agent, in lower-case hex. */
  readonly bundle: string;
  /** Hosts of a platform that is missing are `unsupported-os`. */
  readonly packages: Readonly<Partial<Record<Platform, PackageHashes>>>;
  /** Absent: the document has no steps that download. */
  readonly location?: PackageLocation;
  /** Beginnings of addresses that a host may be told to fetch its package from, beside those of the location. */
  readonly urls?: readonly string[];
  readonly policy: Policy;
  /** Where hosts keep what they fetched. */
  readonly cache: Folders;
  /** Where the content of a package may lie already. */
  readonly offline: Folders;
}

/** The folders that are used unless the publisher names others. */
export const usualFolders = {
  cache: { linux: '/var/lib/portmatrix-agent', windows: 'C:\\ProgramData\\PortMatrix-Agent' },
  offline: { linux: '/opt/portmatrix-agent', windows: 'C:\\PortMatrix-Agent' },
} as const satisfies Readonly<Record<'cache' | 'offline', Folders>>;

/** Where an installed Node.js is looked for by the document that carries the agent in itself. */
export const usualNodes: readonly string[] = ['/usr/bin/node', '/usr/local/bin/node'];

const hash = /^[0-9a-f]{64}$/;
/** What a folder or a program of a host may be called. */
export const paths = { linux: /^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/, windows: /^[A-Z]:(\\[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/ } as const;

/** How an address that a package may be read from begins: host and folders, with the slash that ends them. */
export const urlBeginning = /^https:\/\/[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[1-9][0-9]{0,4})?\/((?!\.|[^/]*\.\.)[A-Za-z0-9._~-]+\/)*$/;

/** Where a host may be told to fetch its package from: an address must begin, letter for letter, with one of these. Both forms of a location's presigned ones are among them. */
export function urlsOf({ location, urls = [] }: Pick<Literals, 'location' | 'urls'>): readonly string[] {
  if (location === undefined) return [...new Set(urls)];
  const { bucket, region, prefix } = location;
  const host = storageHost(region);
  return [...new Set([`https://${bucket}.${host}/${prefix}`, `https://${host}/${bucket}/${prefix}`, ...urls])];
}

/** The host of S3 in a Region. */
export function storageHost(region: string): string {
  return `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

/** Throws a `UsageError` for a literal that could be more than data in a script. */
export function checkLiterals({ bundle, packages, location, urls = [], cache, offline }: Literals): void {
  for (const digest of [bundle, ...Object.values(packages).flatMap(({ archive, runtime }) => [archive, runtime])])
    expectLiteral('SHA-256', digest, hash);
  for (const { linux, windows } of [cache, offline]) {
    expectLiteral('folder for Linux', linux, paths.linux);
    expectLiteral('folder for Windows', windows, paths.windows);
  }
  for (const url of urls) expectLiteral('address of packages', url, urlBeginning);
  if (location === undefined) return;
  expectLiteral('bucket', location.bucket, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
  expectLiteral('Region', location.region, /^[a-z]{2}(-[a-z0-9]+)+$/);
  expectLiteral('prefix', location.prefix, /^((?!\.|[^/]*\.\.)[A-Za-z0-9._-]+\/)*$/);
}

/** Throws a `UsageError` where the value is not of that pattern. */
export function expectLiteral(what: string, value: string, pattern: RegExp): void {
  if (!pattern.test(value)) throw new UsageError(`${what} ${JSON.stringify(value)} cannot stand in a document: expected ${pattern.source}`);
}
