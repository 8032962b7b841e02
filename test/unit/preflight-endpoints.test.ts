import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { findMatrix } from '../../src/matrix.ts';
import { type Conclusion, exitCodeOf } from '../../src/preflight/conclusion.ts';
import { concludeEndpoints } from '../../src/preflight/endpoints.ts';
import { endpointQuestions } from '../../src/preflight/purpose.ts';
import type { Report, Result } from '../../src/report.ts';
import { reporters } from '../../src/reporters/registry.ts';
import type { Finding, Requirement, VerdictStatus } from '../../src/verdict.ts';
import { example, render, reportSchemaFile } from '../support/reporting.ts';

const questions = endpointQuestions(findMatrix('ssm-endpoints', { cwd: '.', asPublished: false }));
const proxy = 'proxy.corp.example.com:3128';

type Fate = readonly [status: VerdictStatus, finding?: Finding | undefined, facts?: { readonly proxy: string }];

/** The results of all endpoints; those that are not named pass, directly. */
function resultsOf(fates: Readonly<Record<string, Fate>>, all: Fate = ['pass']): readonly Result[] {
  return questions.matrix.rules.map(({ id, to, requirement }): Result => {
    const [status, finding, facts] = fates[id] ?? all;
    const destination = to?.name.replace('{region}', 'eu-central-1') ?? assert.fail();
    const outcome: Outcome = {
      kind: 'observed',
      state: 'open',
      reason: 'syn-ack',
      target: { address: '192.0.2.1', port: 443 },
      at: '2026-11-22T08:00:00.000Z',
      ...(facts !== undefined && { service: { status: 'identified', facts } }),
    };
    return {
      check: {
        id: `ssm/${id}/host->${destination}:443/tcp`,
        matrix: 'ssm',
        rule: id,
        source: 'host',
        destination,
        address: destination,
        transport: 'tcp',
        port: 443,
        probe: 'https',
      },
      expected: { states: ['open'], requirement: requirement satisfies Requirement },
      ...(status !== 'error' && { outcome }),
      verdict: { status, ...(finding !== undefined && { finding }) },
      attempts: 1,
      elapsedMs: 1,
    };
  });
}

function concluded(fates: Readonly<Record<string, Fate>>): Conclusion {
  return concludeEndpoints('eu-central-1', resultsOf(fates));
}

const dropped: Fate = ['fail', { code: 'no-answer', reason: 'no-response' }];
const lost: Fate = ['error', { code: 'not-checked', because: 'unsupported', message: 'no route' }];
const open: Fate = ['inconclusive', { code: 'name-unsettled', why: 'no answer (EAI_AGAIN)' }];
const missed: Fate = ['warn', { code: 'no-answer', reason: 'no-response' }];
const expiring: Fate = ['warn', { code: 'certificate-expires-soon', notAfter: '2026-11-30T00:00:00.000Z', days: 8 }];

test('what Systems Manager cannot do without is required, and nothing else is', () => {
  assert.deepEqual(
    questions.matrix.rules.filter(({ requirement }) => requirement === 'required').map(({ id }) => id),
    ['ssm', 'ssmmessages'],
  );
});

describe('the preflight of Systems Manager', () => {
  const cases: Readonly<Record<string, readonly [fates: Readonly<Record<string, Fate>>, decision: Conclusion['decision'], exit: number]>> = {
    'is GO when every endpoint passes': [{}, 'go', 0],
    'is GO with warnings when an optional endpoint does not': [{ s3: missed }, 'go-with-warnings', 0],
    'is GO with warnings when an optional endpoint could not be asked': [{ kms: lost }, 'go-with-warnings', 0],
    'is GO with warnings when a required one is worth a look': [{ ssm: expiring }, 'go-with-warnings', 0],
    'is NO-GO when a required endpoint fails': [{ ssm: dropped }, 'no-go', 1],
    'is NO-GO when one required endpoint fails and the other is undecided': [{ ssm: open, ssmmessages: dropped }, 'no-go', 1],
    'is undecided when a required endpoint is': [{ ssm: open }, 'undecided', 3],
    'is undecided when a required endpoint could not be asked': [{ ssmmessages: lost }, 'undecided', 3],
  };
  for (const [what, [fates, decision, exit]] of Object.entries(cases)) {
    test(what, () => {
      const conclusion = concluded(fates);
      assert.equal(conclusion.decision, decision);
      assert.equal(exitCodeOf(conclusion), exit);
    });
  }

  test('is undecided where nothing was asked', () => {
    assert.equal(concludeEndpoints('eu-central-1', [], 'the agent could not be started').decision, 'undecided');
  });

  test('names each endpoint with its state, and what is wrong with it', () => {
    const { endpoints } = concluded({ ssm: dropped, s3: missed, kms: lost });
    assert.deepEqual(
      endpoints?.list.map(({ rule, isRequired, state, finding }) => [rule, isRequired, state, finding]),
      [
        ['ssm', true, 'not-ready', 'no-answer'],
        ['ssmmessages', true, 'ready', undefined],
        ['ec2messages', false, 'ready', undefined],
        ['s3', false, 'not-ready', 'no-answer'],
        ['ec2', false, 'ready', undefined],
        ['logs', false, 'ready', undefined],
        ['kms', false, 'undecided', 'not-checked'],
      ],
    );
  });

  const likely: readonly (readonly [finding: Finding, words: RegExp])[] = [
    [{ code: 'name-unknown' }, /dial tcp: lookup … : no such host/],
    [{ code: 'name-unknown', proxy }, /proxyconnect tcp/],
    [{ code: 'no-answer', reason: 'no-response' }, /dial tcp …:443: i\/o timeout/],
    [{ code: 'refused', reason: 'conn-refused' }, /connect: connection refused/],
    [{ code: 'rejected', reason: 'host-unreach' }, /no route to host/],
    [{ code: 'certificate-untrusted', why: 'SELF_SIGNED_CERT_IN_CHAIN' }, /x509: certificate signed by unknown authority/],
    [{ code: 'certificate-name', expected: 'a', names: ['b'] }, /x509: certificate is valid for …, not …/],
    [{ code: 'certificate-expired', notAfter: '2026-01-01T00:00:00.000Z' }, /x509: certificate has expired or is not yet valid/],
    [{ code: 'proxy-unreachable', proxy, reason: 'conn-refused' }, /proxyconnect tcp: dial tcp …/],
    [{ code: 'proxy-refused', proxy, status: 403 }, /Forbidden or Proxy Authentication Required/],
  ];
  for (const [finding, words] of likely) {
    test(`after ${finding.code} it says what the SSM Agent would likely log`, () => {
      assert.match(text(concluded({ ssm: ['fail', finding] })), words);
    });
  }

  test('says what stayed open would likely end with, and that only if it fails', () => {
    assert.match(text(concluded({ ssm: open })), /If what stayed open fails, the likely error in the log of the SSM Agent: .*i\/o timeout/);
    assert.deepEqual(concluded({ ssm: lost }).predictions, []);
  });

  test('says which way the requests went', () => {
    const through: Fate = ['pass', undefined, { proxy }];
    const way = (results: readonly Result[]): string => text(concludeEndpoints('eu-central-1', results)).replaceAll(/\s+/g, ' ');
    assert.match(way(resultsOf({})), /way directly: the environment names no proxy for them/);
    assert.match(way(resultsOf({}, through)), /way through the proxy proxy\.corp\.example\.com:3128, as the environment of this process says/);
    assert.match(way(resultsOf({ s3: ['pass'] }, through)), /through the proxy proxy\.corp\.example\.com:3128, and some directly,/);
  });
});

test('a report with such a conclusion conforms to its schema, in which nothing is lost, and every format has it', () => {
  const report: Report = { ...example('clean'), preflight: concluded({ ssm: dropped, s3: missed }) };
  const validate = new Ajv2020({ allowUnionTypes: true, allErrors: true, strict: false }).compile(reportSchemaFile());
  const written: unknown = JSON.parse(render(reporters.json, report));
  assert.ok(validate(written), JSON.stringify(validate.errors?.slice(0, 3)));
  assert.deepEqual(written, JSON.parse(JSON.stringify(report)));
  assert.match(render(reporters.junit, report), /<testcase name="preflight ssm eu-central-1" classname="preflight\.ssm"/);
});

function text(conclusion: Conclusion): string {
  return render(reporters.table, { ...example('clean'), preflight: conclusion }).replaceAll(/\n +/g, ' ');
}
