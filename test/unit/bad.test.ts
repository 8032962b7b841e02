/** Every file of `bad/` is wrong in one way, and says itself which message it must give: in its first line, or in `expected.json` where it cannot hold a comment. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readConfiguration } from '../../src/configuration.ts';
import { readInventory } from '../../src/inventory.ts';
import { readMatrix } from '../../src/matrix.ts';
import { UsageError } from '../../src/usage-error.ts';

const marker = '# expected: ';
const readers: Readonly<Record<string, (file: string) => unknown>> = {
  matrix: (file) => readMatrix(file, false),
  inventory: readInventory,
  config: (file) => readConfiguration(file, '/'),
};

for (const [kind, read] of Object.entries(readers)) {
  const folder = join(import.meta.dirname, 'bad', kind);
  const listed = listedMessages(folder);
  const commented = readdirSync(folder).filter((name) => /\.(yaml|json)$/.test(name) && name !== 'expected.json' && !listed.has(name));
  describe(`a bad ${kind} is refused with its place and what was expected`, () => {
    for (const name of [...commented, ...listed.keys()]) {
      it(name, () => {
        const file = join(folder, name);
        const message = messageOf(() => read(file))
          .replace(`${file}:`, '')
          .trimStart();
        if (process.env['UPDATE_GOLDEN'] === '1') update(folder, listed, name, message);
        assert.equal(message, listed.get(name) ?? firstLine(file));
      });
    }
  });
}

function listedMessages(folder: string): Map<string, string> {
  const listed: unknown = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'));
  return new Map(Object.entries(listed ?? {}).map(([name, message]) => [name, String(message)]));
}

function firstLine(file: string): string {
  const [first = ''] = readFileSync(file, 'utf8').split('\n', 1);
  assert(first.startsWith(marker), `${file} must begin with "${marker}" or be listed in expected.json`);
  return first.slice(marker.length);
}

function messageOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'nothing: it was read';
}

function update(folder: string, listed: Map<string, string>, name: string, message: string): void {
  if (listed.has(name)) {
    listed.set(name, message);
    writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(Object.fromEntries(listed), undefined, 2)}\n`);
  } else {
    const [, ...rest] = readFileSync(join(folder, name), 'utf8').split('\n');
    writeFileSync(join(folder, name), [marker + message, ...rest].join('\n'));
  }
}
