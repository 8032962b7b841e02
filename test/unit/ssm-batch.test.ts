import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unpackEnvelope } from '../../agent/contract/envelope.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { longestJob } from '../../src/agent-document.ts';
import { batchesOf, commentOf, readComment, nextRound, type Recipient } from '../../src/connectors/ssm/batch.ts';
import { commandInput } from '../../src/connectors/ssm/send.ts';
import { UsageError } from '../../src/usage-error.ts';

const frankfurt = { region: 'eu-central-1' };

function instanceOf(number: number): string {
  return `i-${number.toString(16).padStart(17, '0')}`;
}

function recipients(count: number, over: Partial<Recipient> = {}): readonly Recipient[] {
  return Array.from({ length: count }, (_, index) => ({
    source: `source${index}`,
    place: frankfurt,
    instance: instanceOf(index),
    platform: 'linux' as const,
    ...over,
  }));
}

/** A job in which each source asks one DC. */
function jobFor(sources: readonly string[], endsAfterMs = 60_000): Job {
  return {
    contract: contractVersion,
    run: '2026-01-31T06-00-00Z-1f3a',
    timeoutMs: 5_000,
    attempts: 2,
    endsAfterMs,
    hosts: [
      { name: 'dc', address: '10.0.0.1', dnsName: 'dc.example.test' },
      ...sources.map((name) => ({ name, address: '10.0.0.2', dnsName: name })),
    ],
    rules: [{ matrix: 'm', rule: 'ldap', probe: 'tcp', transport: 'tcp', ports: [[389, 389]] }],
    sets: [[0]],
    pairs: sources.map((_, index) => [index + 1, 0, 0] as const),
    pace: Object.fromEntries(sources.map((name) => [name, { inFlight: 1, perDestination: 1 }])),
    reply: 'messages',
  };
}

const many = recipients(120);
const jobOfMany = jobFor(many.map(({ source }) => source));

describe('managed nodes are told in commands', () => {
  it('of at most 50 nodes, each node once, each with the names of its own nodes', () => {
    const batches = batchesOf(jobOfMany, many, 32, 600);
    assert.deepEqual(
      batches.map((batch) => batch.recipients.length),
      [50, 50, 20],
    );
    assert.deepEqual(new Set(batches.flatMap((batch) => batch.recipients)), new Set(many));
    for (const batch of batches) {
      const envelope = unpackEnvelope(batch.job);
      assert.deepEqual(envelope?.nodes, Object.fromEntries(batch.recipients.map(({ instance, source }) => [instance, source])));
      assert.equal(envelope.job.pairs.length, batch.recipients.length);
      assert.equal(envelope.job.reply, 'frame');
    }
  });

  it('by account, Region and platform', () => {
    const places = [
      recipients(2),
      recipients(2, { platform: 'windows' }),
      recipients(2, { place: { region: 'eu-west-1' } }),
      recipients(2, { place: { ...frankfurt, account: 'other' } }),
    ];
    assert.equal(batchesOf(jobFor(['source0', 'source1']), places.flat(), 32, 600).length, 4);
  });

  it('twice where a node is two hosts, since a command names a node once', () => {
    const [node] = recipients(1);
    assert.ok(node !== undefined);
    const two = [node, { ...node, source: 'source0-ipv6' }];
    const batches = batchesOf(jobFor(two.map(({ source }) => source)), two, 32, 600);
    assert.deepEqual(
      batches.map((batch) => batch.recipients.map(({ source }) => source)),
      [['source0'], ['source0-ipv6']],
    );
  });

  it('and no more of them work at once than may, in all commands together', () => {
    for (const atOnce of [3, 7, 32]) {
      const batches = batchesOf(jobOfMany, many, atOnce, 600);
      assert.ok(batches.reduce((sum, batch) => sum + batch.atOnce, 0) <= atOnce);
      assert.ok(batches.every((batch) => batch.atOnce >= 1));
    }
  });

  it('one kind after the other, where all kinds at once need more commands than nodes may work', () => {
    const [intel, arm] = [recipients(2, { lacks: 'linux-x64' }), recipients(2, { lacks: 'linux-arm64' })];
    const all = [...intel, ...arm];
    assert.deepEqual(nextRound(all, 1), intel);
    assert.deepEqual(nextRound(all, 2), all);
    assert.equal(batchesOf(jobFor(['source0', 'source1']), nextRound(all, 1), 1, 600).length, 1);
  });

  it('that wait for as long as those before them may work', () => {
    const [batch] = batchesOf(jobFor(['source0', 'source1', 'source2']), recipients(3), 1, 600);
    assert.equal(batch?.executionSeconds, 120);
    assert.equal(batch?.deliverySeconds, 600 + 2 * 120);
  });
});

describe('nothing is sent', () => {
  const refused: Readonly<Record<string, readonly [attempt: () => unknown, message: RegExp]>> = {
    'where there are more commands than nodes may work at once': [
      () => batchesOf(jobOfMany, many, 2, 600),
      /120 managed nodes need 3 commands, and only 2/,
    ],
    'where a node would work for more than two days': [
      () => batchesOf(jobFor(['source0'], 172_800_000), recipients(1), 32, 600),
      /may take 49 hours on one node, expected at most 48/,
    ],
    'where the job is longer than a command carries': [
      () => {
        // Names that do not compress.
        const names = Array.from({ length: 2_000 }, (_, index) => `${(index * 2_654_435_761).toString(36)}${(index * 40_503 * 69_069).toString(36)}`);
        return batchesOf({ ...jobFor(['source0']), hosts: [...jobFor(['source0']).hosts, ...jobFor(names).hosts] }, recipients(1), 32, 600);
      },
      new RegExp(`characters, and a command carries ${longestJob}`),
    ],
  };
  for (const [name, [attempt, message]] of Object.entries(refused)) {
    it(name, () => {
      assert.throws(attempt, (error) => error instanceof UsageError && message.test(error.message));
    });
  }
});

describe('a command', () => {
  const [batch] = batchesOf(jobFor(['source0']), recipients(1), 32, 600);
  assert.ok(batch !== undefined);
  const pin = { document: 'PortMatrix-Agent', version: '3', hash: 'a'.repeat(64), fetches: true };
  const run = '2026-01-31T06-00-00Z-1f3a';

  it('is pinned, goes on where nodes fail, and carries only the job, the way to the agent and numbers', () => {
    const input = commandInput(batch, { run, pin });
    assert.deepEqual(
      { ...input, Parameters: { ...input.Parameters, Job: [] } },
      {
        DocumentName: 'PortMatrix-Agent',
        DocumentVersion: '3',
        DocumentHash: 'a'.repeat(64),
        DocumentHashType: 'Sha256',
        InstanceIds: [instanceOf(0)],
        TimeoutSeconds: 600,
        Comment: input.Comment,
        Parameters: { Job: [], Fetch: ['cached'], ExecutionTimeout: ['120'] },
        MaxConcurrency: '1',
        MaxErrors: '100%',
      },
    );
  });

  it('of the document that carries the agent in itself says nothing of fetching', () => {
    const { Parameters: parameters = {} } = commandInput(batch, { run, pin: { ...pin, fetches: false } });
    assert.deepEqual(Object.keys(parameters), ['Job', 'ExecutionTimeout']);
  });

  it('names its run, so that another controller finds it', () => {
    for (const fetches of [false, true]) {
      const comment = commentOf(run, fetches ? { ...batch, lacks: 'linux-arm64' } : batch);
      assert.ok(comment.length <= 100);
      assert.deepEqual(readComment(comment), { run, platform: 'linux', fetches });
    }
    for (const stranger of ['', 'patching', `portmatrix run=${run}`]) assert.equal(readComment(stranger), undefined);
  });
});
