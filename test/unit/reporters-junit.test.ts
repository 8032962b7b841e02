import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateXML } from 'xmllint-wasm';
import type { Result } from '../../src/report.ts';
import { renderJunit } from '../../src/reporters/junit.ts';
import { example, exampleNames, junitSchemaFile, render } from '../support/reporting.ts';

for (const name of exampleNames) {
  test(`the example ${name} is JUnit that Jenkins takes`, async () => {
    const found = await validateXML({ xml: { fileName: 'junit.xml', contents: render(renderJunit, example(name)) }, schema: junitSchemaFile() });
    assert.deepEqual(found.errors, []);
  });

  test(`the suites of ${name} count what they hold`, () => {
    const report = example(name);
    const text = render(renderJunit, report);
    const suites = text.split('<testsuite ').slice(1);
    assert.equal(suites.length, new Set(report.results.map(({ check }) => JSON.stringify([check.source, check.destination]))).size);
    for (const suite of suites) {
      const counted = ['<testcase ', '<failure ', '<error ', '<skipped '].map((tag) => suite.split(tag).length - 1);
      assert.deepEqual(
        ['tests', 'failures', 'errors', 'skipped'].map((attribute) => Number(new RegExp(` ${attribute}="(\\d+)"`).exec(suite)?.[1])),
        counted,
      );
    }
    const total = ['tests', 'failures', 'errors'].map((attribute) => Number(new RegExp(`<testsuites[^>]* ${attribute}="(\\d+)"`).exec(text)?.[1]));
    assert.deepEqual(total, [report.summary.total, report.summary.fail, report.summary.error + report.summary.inconclusive]);
  });

  test(`no two cases of ${name} share a name`, () => {
    const names = [...render(renderJunit, example(name)).matchAll(/<testcase name="([^"]*)"/g)].map(([, id]) => id);
    assert.equal(new Set(names).size, names.length);
  });
}

test('each verdict has its element: fail failure, error and inconclusive error, skip skipped, warn system-out, pass nothing', () => {
  const report = example('blocked');
  const cases = render(renderJunit, report).split('<testcase ').slice(1);
  const elements = {
    fail: '<failure type="',
    error: '<error type="',
    inconclusive: '<error type="',
    skip: '<skipped message="',
    warn: '<system-out>',
    pass: undefined,
  } as const;
  for (const text of cases) {
    const id = / ?name="([^"]*)"/.exec(text)?.[1]?.replaceAll('&gt;', '>');
    const result = report.results.find(({ check }) => check.id === id);
    assert.ok(result !== undefined, id);
    const element = elements[result.verdict.status];
    if (element === undefined) assert.match(text, /^[^<]*\/>/);
    else assert.ok(text.includes(element.replace('type="', `type="${result.verdict.finding?.code}`)), text);
  }
});

test('results of one pair that do not stand together still share a suite', () => {
  const report = example('clean');
  const results: readonly Result[] = report.results.toSorted((a, b) => (a.check.port < b.check.port ? -1 : 1));
  const names = [...render(renderJunit, { ...report, results }).matchAll(/<testsuite name="([^"]*)"/g)].map(([, name]) => name);
  assert.equal(names.length, 4);
  assert.equal(new Set(names).size, 4);
});

test('a text of any length and kind becomes a short line: no markup, no escape, no direction override', () => {
  const text = render(renderJunit, example('hostile'));
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Cs}]|<script|\]\]>/u);
  assert.ok(text.length < 40_000, `${text.length}`);
});
