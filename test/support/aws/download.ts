/** aws:downloadContent from S3 (the agent's downloadcontent and s3resource): no checksum, mode 0700, relative to the orchestration folder. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { ManagedNode, ScriptEnd } from './managed-node.ts';
import { Refusal } from './refusal.ts';
import type { Territory } from './territory.ts';
import type { World } from './world.ts';

/** Brings what a step asks for; a failure is an exit code of 1 with a sentence. */
export function download(
  world: World,
  territory: Territory,
  node: ManagedNode,
  inputs: Readonly<Record<string, unknown>>,
  downloads: string,
): ScriptEnd {
  try {
    const destination = fetchContent(world, territory, node, inputs, downloads);
    return { code: 0, stdout: Buffer.from(`Content downloaded to ${destination}`), stderr: Buffer.alloc(0) };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { code: 1, stdout: Buffer.alloc(0), stderr: Buffer.from(`Failed to download files. ${error.message}`) };
  }
}

/** The bucket and key of an S3 URL, with the bucket in the path or in the host name. */
export function s3Location(text: string): { readonly bucket: string; readonly key: string } {
  const url = new URL(text.replaceAll('+', '%20'));
  const path = decodeURIComponent(url.pathname).slice(1);
  const bucket = /^(.+)\.s3[.-]/.exec(url.hostname)?.[1];
  if (bucket !== undefined) return { bucket, key: path };
  const slash = path.indexOf('/');
  return { bucket: slash === -1 ? path : path.slice(0, slash), key: slash === -1 ? '' : path.slice(slash + 1) };
}

function fetchContent(world: World, territory: Territory, node: ManagedNode, inputs: Readonly<Record<string, unknown>>, downloads: string): string {
  if (inputs['sourceType'] !== 'S3') throw new Error(`Unsupported location type ${String(inputs['sourceType'])}`);
  const { bucket, key } = s3Location(pathOf(inputs['sourceInfo']));
  const wanted = typeof inputs['destinationPath'] === 'string' ? inputs['destinationPath'] : '';
  const destination = isAbsolute(wanted) ? wanted : `${downloads}/${wanted}`;
  const inFolder = world.store.hasBucket(bucket) ? world.store.list(bucket, key.endsWith('/') ? key : `${key}/`) : [];
  const keys = inFolder.length === 0 ? [key] : inFolder.map(([name]) => name).filter((name) => !name.endsWith('/'));
  for (const one of keys) {
    const file = inFolder.length > 0 ? join(destination, one.slice(key.length)) : fileFor(destination, one);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, readObject(world, territory, node, bucket, one), { mode: 0o700 });
  }
  return destination;
}

function fileFor(destination: string, key: string): string {
  const isFolder = destination.endsWith('/') || statSync(destination, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? join(destination, basename(key)) : destination;
}

function readObject(world: World, { account, region }: Territory, node: ManagedNode, bucket: string, key: string): Buffer {
  const input = { Bucket: bucket, Key: key };
  const call = world.record.add({ service: 's3', operation: 'GetObject', account, region, input, instance: node.instance });
  try {
    if (node.fault?.kind === 'download-denied') throw new Refusal('AccessDenied', 'Access Denied', 403);
    world.faults.strike({ operation: 'GetObject', account, region, key });
    return world.store.get(bucket, key).body;
  } catch (error) {
    if (error instanceof Refusal) call.error = error.type;
    throw error;
  }
}

function pathOf(sourceInfo: unknown): string {
  const info: unknown = typeof sourceInfo === 'string' ? JSON.parse(sourceInfo) : sourceInfo;
  if (typeof info === 'object' && info !== null && 'path' in info && typeof info.path === 'string') return info.path.trim();
  throw new Error('S3 source path in SourceInfo must be specified');
}
