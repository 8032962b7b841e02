/** Files that the user names, as text. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { getSystemErrorMessage } from 'node:util';

const largestBytes = 4 * 1024 * 1024;

/** A file's text without a byte order mark, and the SHA-256 of its bytes in hex. */
export interface TextFile {
  readonly text: string;
  readonly sha256: string;
}

/** Reads at most 4 MiB of UTF-8; what keeps the file from being read is a sentence without its subject, like `is a directory`. */
export function readTextFile(file: string): TextFile | { readonly problem: string } {
  const bytes = readBytes(file);
  if (!Buffer.isBuffer(bytes)) return bytes;
  if (bytes.length > largestBytes) return { problem: 'is larger than 4 MiB' };
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) return { problem: 'is UTF-16' };
  if (bytes.includes(0)) return { problem: 'is a binary file' };
  const text = decode(bytes);
  if (text === undefined) return { problem: 'is not UTF-8' };
  return { text, sha256: createHash('sha256').update(bytes).digest('hex') };
}

// By hand and not by readFileSync, because a pipe or a device has no size to look at first.
function readBytes(file: string): Buffer | { readonly problem: string } {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    if (fstatSync(descriptor).isDirectory()) return { problem: 'is a directory' };
    const buffer = Buffer.alloc(largestBytes + 1);
    let length = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } catch (error) {
    if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') {
      return { problem: `cannot be read (${getSystemErrorMessage(error.errno)})` };
    }
    throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function decode(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
