import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { countChecks, countPair, expand, expandPair, fingerprint, portsOf } from '../../agent/contract/expand.ts';
import type { Job, JobRule } from '../../agent/contract/job.ts';
import { client, dc1, jobOf, rpcRule, ruleOf } from '../support/jobs.ts';

const dc2 = { ...dc1, name: 'dc2', address: '2001:db8::2', dnsName: 'dc2.corp.example.test' };
const rules: readonly JobRule[] = [
  ruleOf('cldap', 'udp', 389, { rule: 'locator' }),
  ruleOf('kerberos', 'tcp', 88, { rule: 'kerberos', after: [0] }),
  ruleOf('epm', 'tcp', 135, { rule: 'mapper' }),
  rpcRule('drsuapi', 2),
  ruleOf('tcp', 'tcp', 0, {
    rule: 'span',
    ports: [
      [1_000, 1_002],
      [9, 9],
    ],
  }),
];
const job = jobOf(rules, {
  hosts: [client, dc1, dc2],
  sets: [
    [0, 1],
    [2, 3, 4],
    [1, 3],
  ],
  pairs: [
    [0, 1, 0],
    [1, 2, 1],
    [0, 2, 2],
  ],
});

/** Jobs of any shape, each name within it. */
const jobs: fc.Arbitrary<Job> = fc
  .record({
    spans: fc.array(fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat(20)), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
    sets: fc.array(fc.array(fc.nat(5), { maxLength: 6 }), { minLength: 1, maxLength: 3 }),
    pairs: fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2)), { maxLength: 8 }),
  })
  .map(({ spans, sets, pairs }) => {
    const members = sets.map((set) => set.map((index) => index % spans.length));
    return jobOf(
      spans.map((ports, index) =>
        ruleOf('tcp', 'tcp', 0, { rule: `r${index}`, ports: ports.map(([first, more]) => [first, first + more] as const) }),
      ),
      {
        hosts: [client, dc1, dc2],
        sets: members,
        pairs: pairs.map(([from, to, set]) => [from, to, set % members.length] as const),
      },
    );
  });

describe('expanding a job', () => {
  test('yields the checks pair by pair, rule by rule, port by port', () => {
    assert.deepEqual(
      [...expand(job)].map(({ id }) => id),
      [
        'm/locator/client->dc1:389/udp',
        'm/kerberos/client->dc1:88/tcp',
        'm/mapper/dc1->dc2:135/tcp',
        'm/rpc/dc1->dc2:49152-65535/tcp#drsuapi',
        'm/span/dc1->dc2:1000/tcp',
        'm/span/dc1->dc2:1001/tcp',
        'm/span/dc1->dc2:1002/tcp',
        'm/span/dc1->dc2:9/tcp',
        'm/kerberos/client->dc2:88/tcp',
        'm/rpc/client->dc2:49152-65535/tcp#drsuapi',
      ],
    );
  });

  test('gives a check all that is asked', () => {
    assert.deepEqual([...expand(job)][3], {
      id: 'm/rpc/dc1->dc2:49152-65535/tcp#drsuapi',
      matrix: 'm',
      rule: 'rpc',
      source: 'dc1',
      destination: 'dc2',
      address: '2001:db8::2',
      transport: 'tcp',
      port: '49152-65535',
      probe: 'rpc',
      interface: 'drsuapi',
      after: ['m/mapper/dc1->dc2:135/tcp'],
    });
  });

  test('waits only for what the same pair asks too', () => {
    const after = [...expand(job)].map((check) => [check.id, check.after]);
    assert.deepEqual(after[1], ['m/kerberos/client->dc1:88/tcp', ['m/locator/client->dc1:389/udp']]);
    assert.deepEqual(after[8], ['m/kerberos/client->dc2:88/tcp', undefined]);
  });

  test('for one source yields its own rows, in the same order', () => {
    for (const source of ['client', 'dc1', 'dc2', 'nobody']) {
      assert.deepEqual(
        [...expand(job, source)],
        [...expand(job)].filter((check) => check.source === source),
      );
    }
  });

  test('is lazy: the first checks of a whole port range cost nothing', () => {
    const all = ruleOf('tcp', 'tcp', 0, { ports: [[1, 65_535]] });
    const endless = jobOf([all], { pairs: Array.from({ length: 10_000 }, () => [0, 1, 0] as const) });
    assert.equal(expand(endless).next().value?.port, 1);
  });

  for (const [what, broken] of [
    ['a source', jobOf(rules, { pairs: [[7, 1, 0]] })],
    ['a destination', jobOf(rules, { pairs: [[0, 7, 0]] })],
    ['a set', jobOf(rules, { pairs: [[0, 1, 7]] })],
    ['a rule', jobOf(rules, { sets: [[7]] })],
    ['a prerequisite', jobOf([ruleOf('tcp', 'tcp', 1, { after: [7] })], { sets: [[0, 7]] })],
  ] as const) {
    test(`throws for a job that names ${what} which is not there`, () =>
      assert.throws(() => [...expand(broken)], /^Error: job: nothing at index 7 of/));
  }

  test('throws for a prerequisite that makes no check', () => {
    const broken = jobOf([ruleOf('epm', 'tcp', 1, { ports: [] }), rpcRule('drsuapi', 0)]);
    assert.throws(() => [...expand(broken)], /makes no check, and another one waits for it/);
  });
});

describe('counting', () => {
  test('agrees with expanding', () => {
    fc.assert(
      fc.property(jobs, (any) => {
        for (const pair of any.pairs) assert.equal(countPair(any, pair), [...expandPair(any, pair)].length);
        for (const rule of any.rules) assert.equal(countChecks(rule), [...portsOf(rule)].length);
      }),
    );
  });

  test('of a rule whose port the endpoint mapper names is one', () => {
    assert.equal(countChecks(rpcRule()), 1);
    assert.deepEqual([...portsOf(rpcRule())], ['49152-65535']);
  });
});

describe('the fingerprint', () => {
  test('is the same for the same checks, however they were made', () => {
    fc.assert(
      fc.property(jobs, (any) => {
        const copy: Job = JSON.parse(JSON.stringify(any));
        assert.deepEqual(fingerprint(expand(copy)), fingerprint(expand(any)));
        assert.equal(fingerprint(expand(any)).count, [...expand(any)].length);
      }),
    );
  });

  test('is another one when a check is missing, added, changed or in another place', () => {
    const checks = [...expand(job)];
    const [first, second] = checks;
    assert.ok(first !== undefined && second !== undefined);
    const others = [
      [],
      checks.slice(1),
      [...checks, first],
      [second, first, ...checks.slice(2)],
      [{ ...first, id: `${first.id}x` }, ...checks.slice(1)],
    ];
    const hashes = [checks, ...others].map((list) => fingerprint(list).hash);
    assert.equal(new Set(hashes).size, hashes.length);
  });

  test('is SHA-256 over id, address and probe, a line each', () => {
    // printf 'm/tcp-1/client->dc1:1/tcp 127.0.0.1 tcp\n' | sha256sum
    assert.deepEqual(fingerprint(expand(jobOf([ruleOf('tcp', 'tcp', 1)]))), {
      count: 1,
      hash: '134a7dac98ef9f1e99527857527941bcfb1b1851b33331eb64f9d94e4233051c',
    });
  });
});
