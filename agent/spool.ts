/** A folder that holds the parts of a frame which later steps print. Only this user reads them, and each is gone once it was read. */
import { lstatSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The first part is printed at once, and not kept. */
const firstKept = 2;

/** Keeps these lines as the parts from 2 on. Undefined when all are there; otherwise why they cannot be, and then none is. */
export function keepParts(folder: string, lines: readonly string[]): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isOurs(folder)) return `${folder} is no folder of this user alone`;
    for (const [index, line] of lines.entries()) {
      const path = pathOf(folder, firstKept + index);
      rmSync(path, { force: true });
      // Never through a link that somebody put there.
      writeFileSync(path, line, { flag: 'wx', mode: 0o600 });
    }
    return undefined;
  } catch (error) {
    clear(folder, lines.length);
    return error instanceof Error ? error.message : String(error);
  }
}

function pathOf(folder: string, part: number): string {
  return join(folder, `part-${part}`);
}

/** A folder, not a link to one, that nobody else can put anything into. Windows keeps others out by the rights of the folder above. */
function isOurs(folder: string): boolean {
  const found = lstatSync(folder);
  if (process.getuid === undefined) return found.isDirectory();
  return found.isDirectory() && found.uid === process.getuid() && (found.mode & 0o022) === 0;
}

function clear(folder: string, kept: number): void {
  try {
    for (let index = 0; index < kept; index += 1) rmSync(pathOf(folder, firstKept + index), { force: true });
    removeIfEmpty(folder);
  } catch {
    // The folder could not be written to in the first place: what it holds is none of ours.
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    // Other parts, or other things, are still in it.
    if (!(error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST', 'ENOENT', 'EPERM', 'EBUSY'].includes(String(error.code)))) throw error;
  }
}
