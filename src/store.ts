/** Run folders: each file whole or not at all. */
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reporters } from './reporters/registry.ts';
import type { Report } from './report.ts';
import { UsageError } from './usage-error.ts';

const files = { 'report.json': reporters.json, 'junit.xml': reporters.junit } as const;

/** What became of a run's files: their paths, and what could not be written, in words. */
export interface Writing {
  readonly written: readonly string[];
  readonly problems: readonly string[];
}

/** Makes `folder` and begins its files, so that a place that cannot be written to is a `UsageError` before anything is sent. */
export async function openRun(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    for (const name of Object.keys(files)) {
      const path = join(folder, name);
      if ((await stat(path).catch(() => undefined))?.isDirectory() === true) throw new Error(`${path} is a directory`);
      await (await open(partial(path), 'w')).close();
    }
  } catch (error) {
    throw new UsageError(`--out ${folder} cannot be written to: ${wordsOf(error)}, expected a folder, or a place for a new one`);
  }
}

/** Writes a run's files into the folder that `openRun` made. */
export async function writeRun(folder: string, report: Report): Promise<Writing> {
  const written: string[] = [];
  const problems: string[] = [];
  for (const [name, render] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      await pipeline(Readable.from(render(report)), createWriteStream(partial(path)));
      await rename(partial(path), path);
      written.push(path);
    } catch (error) {
      if (!isSystemError(error)) throw error;
      problems.push(`${path} cannot be written: ${error.message}`);
    }
  }
  return { written, problems };
}

function partial(path: string): string {
  return `${path}.partial`;
}

// By hand, since the `recursive` of Node.js never ends where a parent refuses to hold a folder with ENOENT, as /proc does.
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const isThere = (await stat(folder).catch(() => undefined))?.isDirectory() === true;
    if (isThere) return;
    if (error.code !== 'ENOENT' || dirname(folder) === folder) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder);
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
