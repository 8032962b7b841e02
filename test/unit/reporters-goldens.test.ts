import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Format, formats, reporters } from '../../src/reporters/registry.ts';
import { example, exampleNames, examplesFolder, render } from '../support/reporting.ts';

const endings = { table: 'table.txt', junit: 'junit.xml', json: 'report.json' } as const satisfies Record<Format, string>;

for (const name of exampleNames) {
  for (const format of formats) {
    test(`the example ${name} as ${format} is its golden file (UPDATE_GOLDEN=1 rewrites it)`, () => {
      const file = join(examplesFolder, `${name}.${endings[format]}`);
      const text = render(reporters[format], example(name));
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
      assert.ok(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1 and read it`);
      assert.equal(text, readFileSync(file, 'utf8'));
    });
  }
}
