/** What is collected from managed nodes, whatever Systems Manager says and in whatever order: the SDK asks a server that a test scripts, call by call. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3 } from '@aws-sdk/client-s3';
import type { SSM } from '@aws-sdk/client-ssm';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { encodeMessage, type Message } from '../../agent/contract/message.ts';
import type { Connection, Delivery, Ticket } from '../../src/connectors/connector.ts';
import { connectBySsm, type Patience } from '../../src/connectors/ssm/connection.ts';
import { fillHost, type Host } from '../../src/host.ts';
import { sendBatch } from '../../src/connectors/ssm/send.ts';
import { type Answer, clientsOf, type Script } from '../support/scripted-aws.ts';

const command = '11111111-2222-3333-4444-555555555555';
const [one, other] = ['i-00000000000000001', 'i-00000000000000002'];
const bye: Message = { kind: 'bye', reason: 'finished' };
const job: Job = {
  contract: contractVersion,
  run: 'run',
  timeoutMs: 1_000,
  attempts: 1,
  endsAfterMs: 1_000,
  hosts: [],
  rules: [],
  sets: [],
  pairs: [],
  pace: {},
  reply: 'frame',
};

function ticketFor(source: string, instance: string, fetches = false): Ticket {
  const errand = { place: { region: 'eu-central-1' }, command, instance, platform: 'linux' as const, fetches, endsBy: Date.now() + 60_000 };
  return { source, id: `${command}/${instance}`, errand };
}

const impatience: Patience = { firstLookMs: 300, longestWaitMs: 300, rereadMs: [1, 1], throttledMs: [1, 1], graceMs: 0, cancelMs: 0 };

/** All that is delivered of the tickets. */
async function collect(t: TestContext, script: Script, tickets: readonly Ticket[]): Promise<readonly Delivery[]> {
  const { ssm, s3 } = await clientsOf(t, script);
  const deliveries: Delivery[] = [];
  for await (const delivery of connectionBy(ssm, s3).collect(tickets, job, new AbortController().signal)) deliveries.push(delivery);
  return deliveries;
}

function connectionBy(ssm: SSM, s3: S3): Connection {
  return connectBySsm({
    aws: { ssm: () => Promise.resolve(ssm), s3: () => Promise.resolve(s3), presign: () => Promise.resolve('https://nowhere') },
    systemsManager: { document: 'PortMatrix-Agent', deliverySeconds: 60, output: { bucket: 'results' }, fetch: 'role' },
    atOnce: 8,
    stop: new AbortController().signal,
    keep: () => Promise.resolve(),
    now: Date.now,
    patience: impatience,
  });
}

function listed(status: string): Answer {
  return { CommandInvocations: [one, other].map((instance) => ({ InstanceId: instance, Status: status, StatusDetails: status })) };
}

function step(code: number, messages: readonly Message[] = []): Answer {
  return {
    ResponseCode: code,
    StandardOutputContent: messages.map((message) => `${encodeMessage(message)}\n`).join(''),
    StandardErrorContent: code === 10 ? 'portmatrix: runtime-missing: linux-x64 is not in /var/lib/portmatrix-agent\n' : '',
  };
}

describe('what is collected', () => {
  it('holds what one node said, though another could not be asked in the same look', async (t) => {
    let refusals = 1;
    const refused = Promise.withResolvers<void>();
    const said = await collect(
      t,
      {
        ListCommandInvocations: () => listed('Success'),
        GetCommandInvocation: async ({ InstanceId }) => {
          if (InstanceId === one) {
            if ((refusals -= 1) < 0) return step(0, [bye]);
            // The other is answered later than this.
            setImmediate(() => setImmediate(refused.resolve));
            return { error: 'InternalServerError' };
          }
          await refused.promise;
          return step(0, [bye]);
        },
      },
      [ticketFor('first', one), ticketFor('second', other)],
    );
    assert.deepEqual(
      said.toSorted((before, after) => before.source.localeCompare(after.source)),
      [
        { source: 'first', message: bye },
        { source: 'second', message: bye },
      ],
    );
  });

  it('waits for a step that its own record does not know of yet, though the command has succeeded', async (t) => {
    let unknown = 1;
    const said = await collect(
      t,
      { ListCommandInvocations: () => listed('Success'), GetCommandInvocation: () => ((unknown -= 1) >= 0 ? step(-1) : step(0, [bye])) },
      [ticketFor('first', one)],
    );
    assert.deepEqual(said, [{ source: 'first', message: bye }]);
  });

  it('names the real trouble at once where the document has no step that fetches', async (t) => {
    let looks = 0;
    const said = await collect(
      t,
      {
        ListCommandInvocations: () => {
          looks += 1;
          return listed('Failed');
        },
        GetCommandInvocation: ({ PluginName }) =>
          PluginName === 'RunLinux'
            ? { ...step(13), StandardErrorContent: 'portmatrix: fetch-failed: the step that downloads brought no package\n' }
            : { error: 'InvalidPluginName' },
      },
      [ticketFor('first', one, true)],
    );
    assert.equal(looks, 1);
    assert.match(JSON.stringify(said), /"lost":"[^"]*the step that downloads brought no package/);
  });

  it('is taken from S3 with all its parts where Systems Manager gives none of them', async (t) => {
    const parts = [1, 2].map((part): Message => ({ kind: 'part', part, of: 2, text: String(part) }));
    const [first, second] = parts;
    assert.ok(first !== undefined && second !== undefined);
    const said = await collect(
      t,
      {
        ListCommandInvocations: () => listed('Success'),
        GetCommandInvocation: () => step(0),
        GetObject: ({ key }) => ({ text: `${(String(key).includes('/RunLinux/') ? [first, bye] : [second]).map(encodeMessage).join('\n')}\n` }),
      },
      [ticketFor('first', one)],
    );
    assert.deepEqual(
      said.map((delivery) => ('message' in delivery ? delivery.message : delivery)),
      [first, second, bye],
    );
  });
});

it('who lacks the agent is sent the job again when nobody else is at work any more, so that no destination is asked by more than may', async (t) => {
  const story: string[] = [];
  let looks = 0;
  const said = await collect(
    t,
    {
      ListCommandInvocations: ({ CommandId }) => {
        if (CommandId !== command) return { CommandInvocations: [{ InstanceId: other, Status: 'Success' }] };
        looks += 1;
        const status = looks < 3 ? 'InProgress' : 'Success';
        story.push(`the first is ${status}`);
        return {
          CommandInvocations: [
            { InstanceId: one, Status: status },
            { InstanceId: other, Status: 'Failed' },
          ],
        };
      },
      GetCommandInvocation: ({ CommandId, InstanceId }) => (CommandId === command && InstanceId === other ? step(10) : step(0, [bye])),
      DescribeDocument: () => ({ Document: { DocumentVersion: '1' } }),
      SendCommand: () => {
        story.push('the second is sent it again');
        return { Command: { CommandId: command.replaceAll('1', '6') } };
      },
    },
    [ticketFor('first', one), ticketFor('second', other)],
  );
  assert.deepEqual(story, ['the first is InProgress', 'the first is InProgress', 'the first is Success', 'the second is sent it again']);
  assert.deepEqual(said, [
    { source: 'first', message: bye },
    { source: 'second', message: bye },
  ]);
});

it('a node that is said to be two machines is sent nothing for either, and one machine at two addresses is told twice', async (t) => {
  let sent = 0;
  const { ssm, s3 } = await clientsOf(t, {
    DescribeInstanceInformation: () => ({ InstanceInformationList: [{ InstanceId: one, PingStatus: 'Online', PlatformType: 'Linux' }] }),
    DescribeDocument: () => ({ Document: { DocumentVersion: '1' } }),
    SendCommand: () => ({ Command: { CommandId: String((sent += 1)) } }),
  });
  const connection = connectionBy(ssm, s3);
  const host = (name: string, address: string, wanted: object, dnsName = name) =>
    fillHost({ name, address, dnsName, connector: { ssm: { ...wanted, region: 'eu-central-1' } } }, {}, undefined);
  const byId = { instance: one };
  const send = (hosts: readonly Host[]) => connection.send(hosts, job, new AbortController().signal);
  const mistaken = await send([host('dc1', '10.0.0.1', byId), host('dc2', '10.0.0.2', { tag: { Name: 'dc2' } })]);
  assert.deepEqual(
    mistaken.map(({ source, refused }) => [source, /^i-0+1 cannot be both (dc1 and dc2|dc2 and dc1): /.test(refused ?? '')]),
    [
      ['dc1', true],
      ['dc2', true],
    ],
  );
  assert.equal(sent, 0);
  const twice = await send([host('dc1', '10.0.0.1', byId), host('dc1-ipv6', 'fd00::1', byId, 'dc1')]);
  assert.deepEqual(twice.map(({ source, errand }) => `${source} ${errand?.command}`).sort(), ['dc1 1', 'dc1-ipv6 2']);
});

const place = { region: 'eu-central-1' };
const recipients = [one, other].map((instance) => ({ source: instance, place, instance, platform: 'linux' as const }));
const batch = { place, platform: 'linux' as const, recipients, job: 'am9i', atOnce: 2, executionSeconds: 60, deliverySeconds: 60 };
const sending = {
  run: 'run',
  pin: { document: 'PortMatrix-Agent', version: '1', fetches: true },
  endsBy: 0,
  spend: () => Promise.resolve(),
  throttledMs: [1, 1],
  stop: new AbortController().signal,
};

describe('a command whose answer is lost', () => {
  const cases: Readonly<Record<string, readonly [commands: (comment: unknown) => readonly object[], expected: readonly (string | undefined)[]]>> = {
    'is found by its comment and its nodes': [
      (comment) => [
        { CommandId: 'stranger', Comment: 'patching', InstanceIds: [one, other] },
        { CommandId: 'half', Comment: comment, InstanceIds: [one] },
        { CommandId: command, Comment: comment, InstanceIds: [other, one] },
      ],
      [command, command],
    ],
    'is an error where it is not found': [() => [], [undefined, undefined]],
  };
  for (const [name, [commands, expected]] of Object.entries(cases)) {
    it(`${name}, and is not sent again`, async (t) => {
      const comments: unknown[] = [];
      const { ssm } = await clientsOf(t, {
        SendCommand: ({ Comment }) => {
          comments.push(Comment);
          return { error: 'InternalServerError' };
        },
        ListCommands: () => ({ Commands: commands(comments[0]) }),
      });
      const tickets = await sendBatch(ssm, batch, sending);
      assert.deepEqual(
        tickets.map(({ errand }) => errand?.command),
        expected,
      );
      assert.equal(comments.length, 1);
    });
  }
});

it('a batch that is stopped half-way keeps the tickets of what was sent, so that it can be cancelled', async (t) => {
  const { ssm } = await clientsOf(t, {
    SendCommand: ({ InstanceIds }) =>
      Array.isArray(InstanceIds) && InstanceIds.length > 1 ? { error: 'InvalidInstanceId' } : { Command: { CommandId: command } },
  });
  let left = 2;
  const stopped = AbortSignal.abort();
  const spend = async (): Promise<void> => {
    if ((left -= 1) < 0) await sleep(0, undefined, { signal: stopped });
  };
  const tickets = await sendBatch(ssm, batch, { ...sending, spend, stop: stopped });
  assert.deepEqual(
    tickets.map(({ source, errand, refused }) => [source, errand?.command, refused]),
    [
      [one, command, undefined],
      [other, undefined, 'it was stopped'],
    ],
  );
});
