import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { failureCodes, reasons, serviceStatuses, states } from '../../agent/contract/outcome.ts';
import { probes, rpcInterfaces } from '../../agent/contract/probe.ts';
import { volatileFacts } from '../../agent/contract/fact.ts';
import { type Diagnosis, type Report, type Result, summarize } from '../../src/report.ts';
import { renderJson } from '../../src/reporters/json.ts';
import { type FindingCode, type Note, verdictStatuses } from '../../src/verdict.ts';
import { example, exampleNames, render, reportSchemaFile } from '../support/reporting.ts';

const findingCodes = {
  refused: true,
  'no-answer': true,
  rejected: true,
  'wrong-service': true,
  'service-silent': true,
  'service-absent': true,
  'size-lost': true,
  'answer-short': true,
  'wrong-host': true,
  'reply-lost': true,
  'reached-host': true,
  'no-control': true,
  'accept-all': true,
  'forbidden-open': true,
  uninformative: true,
  unproven: true,
  'clock-skew': true,
  'certificate-expired': true,
  'certificate-not-yet-valid': true,
  'certificate-expires-soon': true,
  'certificate-name': true,
  'certificate-usage': true,
  'certificate-untrusted': true,
  'certificate-weak': true,
  'tls-old': true,
  'not-authoritative': true,
  paused: true,
  'not-synchronized': true,
  'global-catalog-not-ready': true,
  'not-active-directory': true,
  'clock-not-synchronized': true,
  'dns-failure': true,
  'not-registered': true,
  'signing-not-required': true,
  'anonymous-refused': true,
  'dialect-old': true,
  'port-outside-range': true,
  'port-translated': true,
  'kdc-complaint': true,
  'time-refused': true,
  'ldap-refused': true,
  'clock-local': true,
  'no-srv': true,
  'dcs-not-registered': true,
  'read-only-dcs-registered': true,
  'dcs-not-in-site': true,
  'unknown-dcs': true,
  'dns-disagrees': true,
  'dc-registers-unreachable-address': true,
  'dc-registers-unknown-address': true,
  'wrong-site': true,
  'rpc-refused': true,
  'negotiation-refused': true,
  'no-preauthentication': true,
  'other-service': true,
  'ticket-refused': true,
  'bind-refused': true,
  'not-equipped': true,
  'name-service-refused': true,
  'rdp-without-tls': true,
  'rdp-refused': true,
  'framing-refused': true,
  'winrm-refused': true,
  'basic-in-clear': true,
  'no-gateway': true,
  'follow-up': true,
  'not-checked': true,
  prerequisite: true,
  'not-applicable': true,
  'no-vantage': true,
  'field-missing': true,
  'name-unknown': true,
  'name-unsettled': true,
  'proxy-unreachable': true,
  'proxy-silent': true,
  'proxy-refused': true,
} as const satisfies Record<FindingCode, true>;

const noteCodes = {
  'handshake-only': true,
  'quic-only': true,
  'firewall-may-refuse': true,
  'rejections-limited': true,
  retried: true,
  'source-cannot-see-udp-refusals': true,
  'from-another-port': true,
  legacy: true,
  'identity-not-compared': true,
} as const satisfies Record<Note, true>;

const diagnosisCodes = {
  'nothing-answers': true,
  'destination-silent': true,
  'dynamic-range-shut': true,
  'udp-shut': true,
  'black-hole': true,
  'fragments-dropped': true,
  'mss-clamped': true,
  'datagrams-limited': true,
  'mtu-learned': true,
} as const satisfies Record<Diagnosis['code'], true>;

const validate = new Ajv2020({ allowUnionTypes: true, allErrors: true }).addKeyword('volatile').addKeyword('expected').compile(reportSchemaFile());

for (const name of exampleNames) {
  test(`the example ${name} conforms to report.schema.json, and so does what is written of it`, () => {
    assert.ok(validate(example(name)), JSON.stringify(validate.errors?.slice(0, 3), null, 2));
    assert.ok(validate(JSON.parse(render(renderJson, example(name)))));
  });

  test(`the example ${name} counts itself right`, () => {
    const report = example(name);
    assert.deepEqual(report.summary, summarize(report.results));
  });

  test(`the example ${name} comes back from JSON as it was`, () => {
    assert.deepEqual(JSON.parse(render(renderJson, example(name))), example(name));
  });
}

test('a report has one result to a line, and nothing on it that a terminal would act on', () => {
  const text = render(renderJson, example('hostile'));
  const lines = text.split('\n');
  const first = lines.indexOf('  "results": [') + 1;
  for (const [index, result] of example('hostile').results.entries()) {
    assert.deepEqual(JSON.parse((lines[first + index] ?? '').replace(/,$/, '')), result);
  }
  assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Bidi_Control}\p{Cs}]/u);
});

test('the order of keys does not depend on the order in which they came', () => {
  const report = example('every-finding');
  const turned: Report = JSON.parse(JSON.stringify(report), (_key, value: unknown) => reversed(value));
  assert.equal(render(renderJson, turned), render(renderJson, report));
});

test('an unknown key, a wrong type and a missing field are not a report', () => {
  const report = example('clean');
  const [result] = report.results;
  assert.ok(result !== undefined);
  const { attempts: _, ...less } = result;
  const results: unknown[] = [
    { ...result, extra: 1 },
    { ...result, attempts: '1' },
    less,
    { ...result, verdict: { status: 'fail', finding: { code: 'no-such' } } },
  ];
  for (const wrong of results) assert.equal(validate({ ...report, results: [wrong] }), false, JSON.stringify(wrong).slice(0, 200));
});

test('the schema and the types name the same codes', () => {
  const schema = reportSchemaFile();
  assert.deepEqual(constants(schema, 'finding'), Object.keys(findingCodes).toSorted());
  assert.deepEqual(constants(schema, 'diagnosis'), Object.keys(diagnosisCodes).toSorted());
  assert.deepEqual(at(schema, '$defs', 'verdict', 'properties', 'notes', 'items', 'enum'), Object.keys(noteCodes));
  assert.deepEqual(at(schema, '$defs', 'verdict', 'properties', 'status', 'enum'), [...verdictStatuses]);
  assert.deepEqual(at(schema, '$defs', 'reason', 'enum'), [...reasons]);
  assert.deepEqual(at(schema, '$defs', 'serviceStatus', 'enum'), [...serviceStatuses]);
  assert.deepEqual(at(schema, '$defs', 'observed', 'properties', 'state', 'enum'), [...states]);
  assert.deepEqual(at(schema, '$defs', 'failed', 'properties', 'code', 'enum'), [...failureCodes]);
  assert.deepEqual(at(schema, '$defs', 'check', 'properties', 'probe', 'enum'), Object.keys(probes));
  assert.deepEqual(at(schema, '$defs', 'check', 'properties', 'interface', 'enum'), [...rpcInterfaces]);
});

test('the schema describes every property, and marks the volatile facts', () => {
  const schema = reportSchemaFile();
  const undescribed: string[] = [];
  walk(schema, '', (place, property) => {
    if (typeof property === 'object' && property !== null && !('description' in property) && !('$ref' in property) && !place.endsWith('/code'))
      undescribed.push(place);
  });
  assert.deepEqual(undescribed, []);
  const facts = at(schema, '$defs', 'facts', 'properties');
  assert.ok(typeof facts === 'object' && facts !== null);
  const marked = Object.entries(facts).filter(([, fact]) => at(fact, 'volatile') === true);
  assert.deepEqual(
    marked.map(([name]) => name),
    [...volatileFacts],
  );
});

test('the examples hold every finding, note, diagnosis and verdict, and a forbidden rule', () => {
  const results: readonly Result[] = exampleNames.flatMap((name) => example(name).results);
  const findings = results.flatMap(({ verdict }) => (verdict.finding === undefined ? [] : [verdict.finding.code]));
  assert.deepEqual([...new Set(findings)].toSorted(), Object.keys(findingCodes).toSorted());
  assert.deepEqual([...new Set(results.flatMap(({ verdict }) => verdict.notes ?? []))].toSorted(), Object.keys(noteCodes).toSorted());
  assert.deepEqual([...new Set(results.map(({ verdict }) => verdict.status))].toSorted(), verdictStatuses.toSorted());
  const diagnoses = exampleNames.flatMap((name) => example(name).diagnoses.map(({ code }) => code));
  assert.deepEqual([...new Set(diagnoses)].toSorted(), Object.keys(diagnosisCodes).toSorted());
  assert.ok(results.some(({ expected }) => !expected.states.includes('open')));
});

function constants(schema: object, definition: string): string[] {
  const variants = at(schema, '$defs', definition, 'oneOf');
  assert.ok(Array.isArray(variants));
  return variants.map((variant) => String(at(variant, 'properties', 'code', 'const'))).toSorted();
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((inside, key) => (isRecord(inside) ? inside[key] : undefined), value);
}

function walk(value: unknown, place: string, visit: (place: string, property: unknown) => void): void {
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === 'properties') for (const [name, property] of Object.entries(isRecord(inner) ? inner : {})) visit(`${place}/${name}`, property);
    walk(inner, `${place}/${key}`, visit);
  }
}

function reversed(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).toReversed()) : value;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
