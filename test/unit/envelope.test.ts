import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { type Envelope, packEnvelope, unpackEnvelope } from '../../agent/contract/envelope.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { stepExit, stepExits } from '../../agent/contract/step-exit.ts';
import { client, dc1, jobOf, rpcRule, ruleOf } from '../support/jobs.ts';

const rules = [
  ruleOf('ldap', 'tcp', 389),
  ruleOf('epm', 'tcp', 135),
  rpcRule('drsuapi', 1),
  ruleOf('dns', 'udp', 53, { size: { of: 'request', bytes: 512 } }),
];
const job: Job = jobOf(rules, {
  hosts: [
    { ...client, joined: true },
    { ...dc1, rpc: { drsuapi: 49_153 } },
  ],
  reply: 'frame',
  sourcePorts: [50_000, 51_000],
  authorities: 'PEM',
  pace: { client: { inFlight: 8, perDestination: 4, flowsPerSecond: 0.5 } },
});
const envelope: Envelope = { contract: contractVersion, nodes: { 'i-0123456789abcdef0': 'client' }, job };

/** Text around any value, made as somebody who lies would make it. */
function forge(value: unknown): string {
  return brotliCompressSync(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');
}

function withRule(edits: object): object {
  return { rules: [{ ...rules[0], ...edits }, ...rules.slice(1)] };
}

describe('an envelope', () => {
  test('comes back from its text as it was, line breaks or none', () => {
    const text = packEnvelope(envelope);
    assert.match(text, /^[A-Za-z0-9+/]+={0,2}$/);
    assert.deepEqual(unpackEnvelope(text), envelope);
    assert.deepEqual(unpackEnvelope(`${text.replaceAll(/.{76}/g, '$&\r\n')}\n`), envelope);
  });

  test('that is cut anywhere is none', () => {
    const text = packEnvelope(envelope);
    for (let length = 0; length < text.length; length += 1)
      assert.equal(unpackEnvelope(text.slice(0, length)), undefined, `${length} of ${text.length}`);
  });

  for (const [what, edits] of [
    ['of another version', { contract: contractVersion + 1 }],
    ['without nodes', { nodes: undefined }],
    ['whose node is no source', { nodes: { 'i-0': 7 } }],
    ['without a job', { job: null }],
    [
      'with more checks than any plan has',
      { job: { ...job, rules: [ruleOf('tcp', 'tcp', 1, { ports: Array.from({ length: 4 }, () => [1, 65_535] as const) })], sets: [[0]] } },
    ],
  ] as const) {
    test(`${what} is none`, () => assert.equal(unpackEnvelope(forge({ ...envelope, ...edits })), undefined));
  }

  for (const [what, edits] of [
    ['of another version', { contract: contractVersion + 1 }],
    ['that never ends', { endsAfterMs: 2 ** 31 }],
    ['that ends before it begins', { endsAfterMs: 0 }],
    ['that waits for a text', { timeoutMs: '5' }],
    ['that asks for ever', { attempts: 1e9 }],
    ['without hosts', { hosts: undefined }],
    ['with a host that has no address', { hosts: [client, { ...dc1, address: undefined }] }],
    ['with a host whose name is longer than any', { hosts: [client, { ...dc1, name: 'd'.repeat(256) }] }],
    ['with a host whose fixed port is none', { hosts: [client, { ...dc1, rpc: { drsuapi: 65_536 } }] }],
    ['with a pair of a host that is not there', { pairs: [[0, 2, 0]] }],
    ['with a pair of a set that is not there', { pairs: [[0, 1, 1]] }],
    ['with a pair of four', { pairs: [[0, 1, 0, 0]] }],
    ['with a set of a rule that is not there', { sets: [[9]] }],
    ['with a probe that nobody has', withRule({ probe: 'shell' })],
    ['with a probe that every object has', withRule({ probe: 'constructor' })],
    ['with a transport that the probe does not speak', withRule({ transport: 'udp' })],
    ['with a port that does not exist', withRule({ ports: [[0, 0]] })],
    ['with ports that go down', withRule({ ports: [[9, 8]] })],
    ['with no ports', withRule({ ports: [] })],
    ['with a prerequisite that is not there', withRule({ after: [4] })],
    ['with an interface that nobody knows', withRule({ interface: 'spoolss' })],
    ['with a size of nothing', withRule({ size: { of: 'request', bytes: 0 } })],
    ['with a pace of nothing', { pace: { client: { inFlight: 0, perDestination: 1 } } }],
    ['with a pace below nothing', { pace: { client: { inFlight: 1, perDestination: 1, flowsPerSecond: -1 } } }],
    ['with a pace that no timer can keep', { pace: { client: { inFlight: 1, perDestination: 1, flowsPerSecond: 1e-9 } } }],
    ['with local ports that go down', { sourcePorts: [2, 1] }],
    ['with an unknown way to reply', { reply: 'shout' }],
  ] as const) {
    test(`with a job ${what} is none`, () => assert.equal(unpackEnvelope(forge({ ...envelope, job: { ...job, ...edits } })), undefined));
  }

  test('that unpacks to more than a job can be is none', () => assert.equal(unpackEnvelope(forge(' '.repeat(17 * 1024 * 1024))), undefined));

  test('that is longer than any is none', () => assert.equal(unpackEnvelope('A'.repeat(1024 * 1024 + 4)), undefined));

  test('from any text is an envelope or nothing, and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(unpackEnvelope(text), undefined)));
    fc.assert(fc.property(fc.base64String(), (text) => assert.equal(unpackEnvelope(text), undefined)));
    fc.assert(fc.property(fc.json(), (json) => assert.equal(unpackEnvelope(forge(json)), undefined)));
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom(...Object.keys(job)),
        (value, field) => void unpackEnvelope(forge({ ...envelope, job: { ...job, [field]: value } })),
      ),
    );
  });
});

describe('the exit codes of a step', () => {
  test('leave out those that Systems Manager gives a meaning of its own', () => {
    for (const code of [168, 169, 194, 3010, 3010 % 256, 137, -1, 1, 255]) assert.equal(stepExit(code), undefined, `${code}`);
  });

  test('have a name and a sentence each, and no name twice', () => {
    const all = Object.values(stepExits);
    assert.equal(new Set(all.map(({ name }) => name)).size, all.length);
    for (const { name, sentence } of all) assert.match(`${name}: ${sentence}`, /^[a-z-]+: [\w ,]+$/);
    assert.equal(stepExit(10)?.name, 'runtime-missing');
  });
});
