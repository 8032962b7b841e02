/** Run folders: written once, each file whole or not at all. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { reporters } from './reporters/registry.ts';
import type { Report } from './report.ts';
import { UsageError } from './usage-error.ts';

const files = { 'report.json': reporters.json, 'junit.xml': reporters.junit } as const;

/** Writes a run's files into `folder`, which is made if need be, and resolves to their paths. */
export async function writeRun(folder: string, report: Report): Promise<readonly string[]> {
  const written: string[] = [];
  for (const [name, render] of Object.entries(files)) {
    const path = join(folder, name);
    try {
      await mkdir(folder, { recursive: true });
      await pipeline(Readable.from(render(report)), createWriteStream(`${path}.partial`));
      await rename(`${path}.partial`, path);
    } catch (error) {
      throw new UsageError(`${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`);
    }
    written.push(path);
  }
  return written;
}
