import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { validateXML } from 'xmllint-wasm';
import type { Report } from '../../src/report.ts';
import { renderJson } from '../../src/reporters/json.ts';
import { renderJunit } from '../../src/reporters/junit.ts';
import { reporters } from '../../src/reporters/registry.ts';
import { renderTable } from '../../src/reporters/table.ts';
import { plain, toAscii } from '../../src/reporters/text.ts';
import { example, junitSchemaFile, render } from '../support/reporting.ts';

const nasty = fc.constantFrom(
  ']]>',
  '\u001b[2J',
  '\u0000',
  '\u202e',
  '\ud800',
  '\udfff',
  '\ufffe',
  '\u009b',
  '\r\n',
  '<a b="',
  '&#0;',
  '{"x":1}',
  '--- ',
  '\u{e0041}',
  'x'.repeat(2000),
);
const anyText = fc
  .array(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 12 })), { maxLength: 5 })
  .map((parts) => parts.join(''));
const anyReport = fc.array(anyText, { minLength: 1, maxLength: 30 }).map((texts) => filled(example('every-finding'), texts));

/** Words that the schema fixes; every other string of a report is text that somebody else wrote. */
const fixed = new Set([
  'schema',
  'status',
  'code',
  'because',
  'state',
  'states',
  'reason',
  'kind',
  'transport',
  'probe',
  'requirement',
  'notes',
  'what',
  'interface',
]);

test('whatever the texts are, the XML is valid', async () => {
  const reports = fc.sample(anyReport, { numRuns: 40, seed: 1 });
  const found = await validateXML({
    xml: reports.map((report, index) => ({ fileName: `junit${index}.xml`, contents: render(renderJunit, report) })),
    schema: junitSchemaFile(),
  });
  assert.deepEqual(found.errors, []);
});

test('whatever the texts are, the table has no control character but the newline and our colours', () => {
  fc.assert(
    fc.property(anyReport, fc.boolean(), (report, colour) => {
      const text = render(renderTable, report, { colour });
      // oxlint-disable-next-line no-control-regex -- our own colour codes are what is taken out
      assert.doesNotMatch(text.replace(colour ? /\u001b\[\d{1,2}m/g : /$^/, '').replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
    }),
    { numRuns: 40 },
  );
});

test('whatever the texts are, the JSON says the same', () => {
  fc.assert(
    fc.property(anyReport, (report) => {
      assert.deepEqual(JSON.parse(render(renderJson, report)), report);
    }),
    { numRuns: 40 },
  );
});

test('plain text stays within its length, is harmless, and stays as it is when it is plain already', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 300 }), (text, longest) => {
      const once = plain(text, longest);
      assert.ok(once.length <= longest);
      assert.doesNotMatch(once, /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Zl}\p{Zp}]/u);
      assert.equal(plain(once, longest), once);
      assert.match(toAscii(once), /^[ -~]*$/);
    }),
  );
});

test('20,000 results are rendered in small chunks, and each is asked for once', () => {
  const report = example('blocked');
  for (const [format, reporter] of Object.entries(reporters)) {
    let asked = 0;
    const results = {
      *[Symbol.iterator]() {
        for (let index = 0; index < 20_000; index += 1) {
          const result = report.results[index % report.results.length];
          assert.ok(result !== undefined);
          asked += 1;
          yield { ...result, check: { ...result.check, id: `${result.check.id} ${index}` } };
        }
      },
    };
    let largest = 0;
    for (const chunk of reporter({ ...report, results })) largest = Math.max(largest, chunk.length);
    assert.equal(asked, 20_000, format);
    assert.ok(largest < 200_000, `${format}: ${largest}`);
  }
});

/** The report with its texts replaced by these, one after the other; the same text stays the same text. */
function filled(report: Report, texts: readonly string[]): Report {
  let next = 0;
  const known = new Map<string, string>();
  const replaced: Report = JSON.parse(JSON.stringify(report), function replace(this: unknown, key: string, value: unknown): unknown {
    if (typeof value !== 'string' || fixed.has(key) || (Array.isArray(this) && isWord(value))) return value;
    const text = known.get(value) ?? texts[next++ % texts.length] ?? '';
    known.set(value, text);
    return text;
  });
  return replaced;
}

function isWord(value: string): boolean {
  return (
    ['open', 'closed', 'filtered', 'open|filtered', 'blocked'].includes(value) ||
    /^(handshake-only|quic-only|firewall-may-refuse|rejections-limited|retried|source-cannot|from-another|legacy|identity-not)/.test(value)
  );
}
