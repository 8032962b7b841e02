import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report, Result } from '../../src/report.ts';
import { summarize } from '../../src/report.ts';
import { renderTable } from '../../src/reporters/table.ts';
import { example, exampleNames, render } from '../support/reporting.ts';

for (const name of exampleNames) {
  test(`the table of ${name} ends with the summary and never loses a non-pass`, () => {
    const report = example(name);
    const text = render(renderTable, report);
    assert.match(text, new RegExp(`\\n${report.summary.total} checks: .*\\.\\n$`));
    for (const code of new Set(
      report.results.flatMap(({ verdict }) => (verdict.status === 'pass' || verdict.status === 'skip' ? [] : [verdict.finding?.code])),
    )) {
      assert.ok(text.includes(` ${code}  `), code);
    }
  });
}

test('causes come before everything else', () => {
  const text = render(renderTable, example('blocked'));
  assert.ok(text.indexOf('dynamic RPC range') < text.indexOf('What must be closed'));
  assert.ok(text.indexOf('its agent could not be started') < text.indexOf('What must be closed'));
});

test('a firewall team finds time, both ends, transport, state, reason, attempts and duration', () => {
  const text = render(renderTable, example('blocked'));
  assert.match(
    text,
    /2026-08-04 UTC\n +10:12:31\.550 {2}10\.99\.3\.21:49888 → 10\.99\.1\.11:49670\/tcp {2}filtered, no-response {2}2 attempts, 5003 ms/,
  );
  assert.match(text, /Ask for 10\.99\.3\.21:\*, 10\.99\.3\.22:\* → 10\.99\.1\.11:49152-65535\/tcp to be allowed/);
});

test('sources that left out evidence are named, and nothing is said of the others', () => {
  const report = example('clean');
  const [first, ...others] = report.sources;
  assert.ok(first !== undefined);
  const text = render(renderTable, { ...report, sources: [{ ...first, facts: 'partial' }, ...others] }, { width: 200 });
  assert.match(text, new RegExp(`Not all that ${first.name} saw fitted the way back: of ports that answered, some evidence is not in this report`));
  assert.doesNotMatch(render(renderTable, report), /Not all that/);
});

test('closed is never said to be the host alone', () => {
  assert.match(render(renderTable, example('blocked')), /Something refused the connection\. Nobody listens on the port, or a firewall rejects/);
});

test('three hundred drops of one rule are one paragraph', () => {
  const report = example('clean');
  const [first] = report.results;
  assert.ok(first !== undefined);
  const results: Result[] = Array.from({ length: 300 }, (_, index) => ({
    ...first,
    check: { ...first.check, id: `c${index}`, source: `ws${index}` },
    verdict: { status: 'fail', finding: { code: 'no-answer', reason: 'no-response' } },
  }));
  const text = render(renderTable, { ...report, results, summary: summarize(results) });
  assert.equal(text.split('✗ FAIL').length - 1, 1);
  assert.match(text, /\(300 checks\)/);
  assert.ok(text.split('\n').length < 340 + 40);
});

test('a range of ports is one line of the grid where its verdicts are the same', () => {
  const text = render(renderTable, example('fleet'));
  assert.match(text, /49152-49199\/tcp +✓\n +dynamic +49200-49229\/tcp +✗\n +dynamic +49230-49251\/tcp +✓/);
});

test('a mesh is drawn host by host, in blocks that fit, and hosts without findings are left out', () => {
  const report = example('clean');
  const [first] = report.results;
  assert.ok(first !== undefined);
  const hosts = Array.from({ length: 60 }, (_, index) => `dc${index}`);
  const results: Result[] = [];
  for (const source of hosts) {
    for (const destination of hosts) {
      const fails = source === 'dc7' && destination === 'dc59';
      const verdict: Result['verdict'] = fails ? { status: 'fail', finding: { code: 'refused', reason: 'reset' } } : { status: 'pass' };
      if (source !== destination) results.push({ ...first, check: { ...first.check, source, destination }, verdict });
    }
  }
  const text = render(renderTable, { ...report, results, summary: summarize(results) }, { width: 100 });
  assert.match(text, /59 more sources: every check passed or was skipped\./);
  assert.deepEqual(
    text.split('\n').filter((line) => line.length > 100),
    [],
  );
});

test('without colours there is no escape, with colours there is nothing else, and the words are the same', () => {
  const report: Report = example('every-finding');
  const bare = render(renderTable, report);
  const coloured = render(renderTable, report, { colour: true });
  assert.ok(!bare.includes('\u001b'));
  assert.ok(coloured.includes('\u001b[31m'));
  // oxlint-disable-next-line no-control-regex -- our own colour codes are what is looked for
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ''), bare);
});

test('ASCII means ASCII, whatever the names are', () => {
  for (const name of exampleNames) assert.match(render(renderTable, example(name), { ascii: true }), /^[\n -~]*$/);
});

test('lines of ordinary names keep to the width', () => {
  for (const name of ['blocked', 'clean', 'fleet'] as const) {
    for (const width of [100, 120]) {
      const long = render(renderTable, example(name), { width })
        .split('\n')
        .filter((line) => line.length > width);
      // Ids stay whole, so that they can be copied.
      assert.deepEqual(
        long.filter((line) => !line.includes('->')),
        [],
      );
    }
  }
});
