/** Archives whose bytes depend on their content alone: no clock, no user, no machine. The compressor is JavaScript, since zlib's output differs between processors. */
import { gunzipSync } from 'node:zlib';
import { gzipSync, zipSync, type Zippable } from 'fflate';
import { packTar, unpackTar } from 'modern-tar';

/** A file of an archive. */
export interface ArchivedFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly isExecutable?: boolean;
}

/** A tar archive (POSIX ustar), gzipped. */
export async function tarGzip(files: readonly ArchivedFile[]): Promise<Uint8Array> {
  const entries = files.map(({ name, content, isExecutable }) => ({
    header: { name, size: content.length, mode: isExecutable === true ? 0o755 : 0o644, mtime: new Date(0), uid: 0, gid: 0 },
    body: content,
  }));
  return gzipSync(await packTar(entries), { level: 6, mtime: 0 });
}

/** A zip archive. */
export function zip(files: readonly ArchivedFile[]): Uint8Array {
  // The earliest time that zip knows, in local time as its format has it: the same bytes in every zone.
  const entries: Zippable = Object.fromEntries(files.map(({ name, content }) => [name, content]));
  return zipSync(entries, { level: 6, mtime: new Date(1980, 0, 1) });
}

/** The files of these names in a gzipped tar archive; those that it does not have are missing in the result. */
export async function untarGzip(archive: Uint8Array, names: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const found = await unpackTar(gunzipSync(archive), { filter: ({ name }) => names.includes(name), strict: true });
  return new Map(found.flatMap(({ header, data }) => (data === undefined ? [] : [[header.name, data] as const])));
}
