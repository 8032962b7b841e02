import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readReport } from '../../src/report-file.ts';
import { renderJson } from '../../src/reporters/json.ts';
import { UsageError } from '../../src/usage-error.ts';
import { example, exampleNames, render } from '../support/reporting.ts';

const folder = mkdtempSync(join(tmpdir(), 'portmatrix-report-'));
after(() => {
  rmSync(folder, { recursive: true });
});

function write(text: string): string {
  const file = join(folder, 'report.json');
  writeFileSync(file, text);
  return file;
}

for (const name of exampleNames) {
  test(`${name}, written and read back, is the same report`, () => {
    assert.deepEqual(readReport(write(render(renderJson, example(name)))), example(name));
  });
}

const mistakes = [
  ['text that is not JSON, with its line and column', '{\n  "schema": 1,\n  oops }', /report\.json:3:3: this is not JSON: /],
  ['a report that was cut short', render(renderJson, example('clean')).slice(0, 5000), /report\.json:\d+:\d+: this is not JSON: /],
  ['an empty file', '', /report\.json:1:1: this is not JSON: /],
  ['JSON that is something else', '[1, 2]', /report\.json:1:1: the file is a list, expected a report that portmatrix wrote, of schema 1/],
  [
    'a later version of the format',
    render(renderJson, example('clean')).replace('"schema": 1', '"schema": 2'),
    /report\.json:2:13: schema is 2, expected 1, the version/,
  ],
] as const;

for (const [what, text, message] of mistakes) {
  test(`${what} is the user's mistake`, () => {
    assert.throws(
      () => readReport(write(text)),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test("a file that is not there, and a folder, are the user's mistake", () => {
  assert.throws(() => readReport(join(folder, 'absent.json')), UsageError);
  assert.throws(() => readReport(folder), UsageError);
});
