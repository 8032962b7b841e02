/** The endpoint takes a command through its life as Systems Manager does: ramp, errors, cancellation, pages, lag. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  CancelCommandCommand,
  type CommandInvocation,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  paginateListCommandInvocations,
  SendCommandCommand,
  type SendCommandCommandInput,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import { documentText, instanceId, linuxNodes, openEndpoint, sendDocument, shellStep } from '../support/aws/clients.ts';
import type { EndpointOptions } from '../support/aws/endpoint.ts';
import type { ManagedNode, ScriptRunner } from '../support/aws/managed-node.ts';
import { folderWith } from '../support/temporary-folder.ts';

const node = instanceId(1);
const unlagged = { reads: 0 };
const text = documentText([shellStep('First', 'printf ran')]);

function idsOf(nodes: readonly ManagedNode[]): string[] {
  return nodes.map(({ instance }) => instance);
}

async function invocationsOf(ssm: SSMClient, CommandId: string): Promise<CommandInvocation[]> {
  const found: CommandInvocation[] = [];
  for await (const page of paginateListCommandInvocations({ client: ssm }, { CommandId, Details: true }))
    found.push(...(page.CommandInvocations ?? []));
  return found;
}

/** What becomes of a command: its own words, and those of its invocations. */
async function endOf(t: TestContext, options: EndpointOptions, request: Partial<SendCommandCommandInput>, document = text): Promise<unknown[]> {
  const endpoint = await openEndpoint(t, { lag: unlagged, clock: 100, ...options });
  const CommandId = await sendDocument(endpoint.ssm, document, { InstanceIds: idsOf(options.nodes ?? []), TimeoutSeconds: 30, ...request });
  await endpoint.ended(CommandId);
  const { Commands: [command] = [] } = await endpoint.ssm.send(new ListCommandsCommand({ CommandId }));
  const invocations = await invocationsOf(endpoint.ssm, CommandId);
  return [`${command?.Status}: ${command?.StatusDetails}`, invocations.map(({ Status, StatusDetails }) => `${Status}: ${StatusDetails}`).join(', ')];
}

/** Runs that end one at a time, when the test says so. */
function startGate(): {
  readonly runner: ScriptRunner;
  readonly begun: () => Promise<string>;
  readonly release: () => void;
  readonly most: () => number;
} {
  const begun: string[] = [];
  const waiting: (() => void)[] = [];
  const open: (() => void)[] = [];
  let most = 0;
  return {
    runner: async ({ instance }) => {
      begun.push(instance);
      const released = new Promise<void>((resolve) => open.push(resolve));
      most = Math.max(most, open.length);
      waiting.shift()?.();
      await released;
      return { code: 0, stdout: Buffer.from('ran'), stderr: Buffer.alloc(0) };
    },
    begun: async () => {
      if (begun.length === 0) await new Promise<void>((resolve) => waiting.push(resolve));
      return begun.shift() ?? '';
    },
    release: () => open.shift()?.(),
    most: () => most,
  };
}

it('right after it was sent a command is nowhere: an empty list, InvocationDoesNotExist, and only then the truth', async (t) => {
  const endpoint = await openEndpoint(t, { nodes: linuxNodes(1), lag: { reads: 2 } });
  const { ssm } = endpoint;
  const CommandId = await sendDocument(ssm, text, { InstanceIds: [node] });
  const list = async (): Promise<number | undefined> => (await ssm.send(new ListCommandInvocationsCommand({ CommandId }))).CommandInvocations?.length;
  const look = new GetCommandInvocationCommand({ CommandId, InstanceId: node });
  assert.deepEqual([await list(), await list(), await list()], [0, 0, 1]);
  await assert.rejects(ssm.send(look), { name: 'InvocationDoesNotExist' });
  await assert.rejects(ssm.send(look), { name: 'InvocationDoesNotExist' });
  await endpoint.ended(CommandId);
  assert.equal((await ssm.send(look)).StandardOutputContent, 'ran');
});

it('while it runs there is no output, and all that it says of itself fits', async (t) => {
  const gate = startGate();
  const endpoint = await openEndpoint(t, { nodes: linuxNodes(1, { runner: gate.runner }), lag: unlagged });
  const { ssm } = endpoint;
  const CommandId = await sendDocument(ssm, text, { InstanceIds: [node], Comment: 'run 1' });
  await gate.begun();
  const look = new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName: 'First' });
  const during = await ssm.send(look);
  assert.deepEqual([during.Status, during.StatusDetails, during.ResponseCode, during.StandardOutputContent], ['InProgress', 'In Progress', -1, '']);
  assert.deepEqual([during.ExecutionEndDateTime, during.ExecutionElapsedTime], ['', '']);
  gate.release();
  await endpoint.ended(CommandId);
  const after = await ssm.send(look);
  assert.deepEqual([after.Status, after.ResponseCode, after.StandardOutputContent, after.Comment], ['Success', 0, 'ran', 'run 1']);
  assert.match(after.ExecutionElapsedTime ?? '', /^PT\d+\.\d{3}S$/);
});

it('MaxConcurrency is reached one, two, four at a time and never exceeded', async (t) => {
  const gate = startGate();
  const nodes = linuxNodes(9, { runner: gate.runner });
  const endpoint = await openEndpoint(t, { nodes, lag: unlagged });
  const CommandId = await sendDocument(endpoint.ssm, text, { InstanceIds: idsOf(nodes), MaxConcurrency: '3' });
  const order: string[] = [];
  for (const _ of nodes) {
    order.push(await gate.begun());
    gate.release();
  }
  await endpoint.ended(CommandId);
  assert.deepEqual(order, idsOf(nodes));
  assert.ok(gate.most() <= 3);
});

it('no second node is sent to before the first was acknowledged, and then two more', async (t) => {
  const nodes = linuxNodes(4);
  const endpoint = await openEndpoint(t, {
    nodes: nodes.map((one, index) => (index === 0 ? { ...one, fault: { kind: 'delayed', delayMs: 1e6 } } : one)),
    lag: unlagged,
  });
  const CommandId = await sendDocument(endpoint.ssm, text, { InstanceIds: idsOf(nodes) });
  const statuses = async (): Promise<(string | undefined)[]> => (await invocationsOf(endpoint.ssm, CommandId)).map(({ Status }) => Status);
  while ((await statuses())[0] !== 'Delayed');
  assert.deepEqual(await statuses(), ['Delayed', 'Pending', 'Pending', 'Pending']);
  await endpoint.ssm.send(new CancelCommandCommand({ CommandId, InstanceIds: [node] }));
  await endpoint.ended(CommandId);
  assert.deepEqual(await statuses(), ['Cancelled', 'Success', 'Success', 'Success']);
});

it('a node works on five commands at a time', async (t) => {
  const gate = startGate();
  const endpoint = await openEndpoint(t, { nodes: linuxNodes(1, { runner: gate.runner }), lag: unlagged });
  const commands = [await sendDocument(endpoint.ssm, text, { InstanceIds: [node] })];
  for (let count = 1; count < 7; count += 1) {
    const { Command } = await endpoint.ssm.send(new SendCommandCommand({ DocumentName: 'Test-Document', InstanceIds: [node] }));
    commands.push(Command?.CommandId ?? '');
  }
  for (const _ of commands) {
    await gate.begun();
    gate.release();
  }
  for (const command of commands) await endpoint.ended(command);
  assert.ok(gate.most() <= 5, `${gate.most()}`);
});

describe('a command ends', { concurrency: 2 }, () => {
  const fails = documentText([shellStep('First', 'exit 1')]);
  const late = documentText([shellStep('First', 'sleep 1000', { timeoutSeconds: '5' })]);
  const gone = linuxNodes(2, { fault: { kind: 'undeliverable' } });
  const one = [{ ...linuxNodes(3)[2], instance: instanceId(3), platform: 'Linux' }] as const satisfies readonly ManagedNode[];
  const cases: readonly [string, EndpointOptions, Partial<SendCommandCommandInput>, string, string, string][] = [
    ['as Success', { nodes: linuxNodes(2) }, {}, text, 'Success: Success', 'Success: Success, Success: Success'],
    [
      'as Success where the others could not be reached',
      { nodes: [...gone, ...one] },
      {},
      text,
      'Success: Success',
      'Failed: Undeliverable, Failed: Undeliverable, Success: Success',
    ],
    ['as Failed', { nodes: linuxNodes(1) }, {}, fails, 'Failed: Failed', 'Failed: Failed'],
    [
      'as Execution Timed Out',
      { nodes: linuxNodes(1), nodeClock: 50, clock: 1 },
      {},
      late,
      'TimedOut: Execution Timed Out',
      'TimedOut: Execution Timed Out',
    ],
    [
      'as Delivery Timed Out',
      { nodes: linuxNodes(1, { fault: { kind: 'offline' } }) },
      {},
      text,
      'TimedOut: Delivery Timed Out',
      'TimedOut: Delivery Timed Out',
    ],
    [
      'at the first error where none is allowed, and the rest is Terminated',
      { nodes: linuxNodes(4) },
      { MaxErrors: '0', MaxConcurrency: '1' },
      fails,
      'Failed: Failed',
      'Failed: Failed, Cancelled: Terminated, Cancelled: Terminated, Cancelled: Terminated',
    ],
    [
      'after one error more than allowed',
      { nodes: linuxNodes(4) },
      { MaxErrors: '1', MaxConcurrency: '1' },
      fails,
      'Failed: Failed',
      'Failed: Failed, Failed: Failed, Cancelled: Terminated, Cancelled: Terminated',
    ],
    [
      'on all nodes where 100 % may fail',
      { nodes: linuxNodes(3) },
      { MaxErrors: '100%', MaxConcurrency: '1' },
      fails,
      'Failed: Failed',
      'Failed: Failed, Failed: Failed, Failed: Failed',
    ],
    [
      'without a node where no tag fits',
      { nodes: linuxNodes(1) },
      { InstanceIds: [], Targets: [{ Key: 'tag:Name', Values: ['dc9'] }] },
      text,
      'Success: No Instances In Tag',
      '',
    ],
    [
      'as Incomplete where a tag leads to a platform without a step',
      { nodes: [...linuxNodes(1, { tags: { Name: 'dc1' } }), { instance: instanceId(2), platform: 'Windows', tags: { Name: 'dc1' } }] },
      { InstanceIds: [], Targets: [{ Key: 'tag:Name', Values: ['dc1'] }] },
      text,
      'Failed: Incomplete',
      'Success: Success, Failed: Invalid Platform',
    ],
    [
      'on the nodes of a tag',
      { nodes: linuxNodes(2, { tags: { Name: 'dc1' } }) },
      { InstanceIds: [], Targets: [{ Key: 'tag:Name', Values: ['dc1'] }] },
      text,
      'Success: Success',
      'Success: Success, Success: Success',
    ],
    [
      'in words without spaces where the test wants them',
      { nodes: linuxNodes(1, { fault: { kind: 'offline' } }), spacedDetails: false },
      {},
      text,
      'TimedOut: DeliveryTimedOut',
      'TimedOut: DeliveryTimedOut',
    ],
  ];
  for (const [name, options, request, document, command, invocations] of cases) {
    it(name, async (t) => assert.deepEqual(await endOf(t, options, request, document), [command, invocations]));
  }
});

describe('CancelCommand', { concurrency: 2 }, () => {
  it('kills what runs, keeps what it wrote, and leaves what has ended', async (t) => {
    const folder = folderWith(t, {});
    const script = `[ "$AWS_SSM_INSTANCE_ID" = ${node} ] && exit 0\nprintf half\ntouch ${folder}/begun\nsleep 1000 & sleep 1000`;
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(2), lag: unlagged });
    const { ssm } = endpoint;
    const CommandId = await sendDocument(ssm, documentText([shellStep('First', script), shellStep('Second', 'printf ran')]), {
      InstanceIds: idsOf(linuxNodes(2)),
    });
    const running = async (): Promise<boolean> =>
      (await invocationsOf(ssm, CommandId)).some(({ Status }) => Status === 'Success') && existsSync(join(folder, 'begun'));
    while (!(await running()));
    await ssm.send(new CancelCommandCommand({ CommandId }));
    await endpoint.ended(CommandId);
    assert.deepEqual(
      (await invocationsOf(ssm, CommandId)).map(({ Status }) => Status),
      ['Success', 'Cancelled'],
    );
    const killed = await ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: instanceId(2), PluginName: 'First' }));
    assert.deepEqual([killed.Status, killed.ResponseCode, killed.StandardOutputContent], ['Cancelled', 137, 'half']);
    const never = await ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: instanceId(2), PluginName: 'Second' }));
    assert.deepEqual([never.Status, never.StandardOutputContent], ['Cancelled', '']);
    const { Commands: [command] = [] } = await ssm.send(new ListCommandsCommand({ CommandId }));
    assert.equal(command?.Status, 'Cancelled');
  });

  it('of some nodes leaves the others alone', async (t) => {
    const gate = startGate();
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(2, { runner: gate.runner }), lag: unlagged });
    const CommandId = await sendDocument(endpoint.ssm, text, { InstanceIds: idsOf(linuxNodes(2)) });
    await gate.begun();
    await gate.begun();
    await endpoint.ssm.send(new CancelCommandCommand({ CommandId, InstanceIds: [node] }));
    gate.release();
    gate.release();
    await endpoint.ended(CommandId);
    assert.deepEqual(
      (await invocationsOf(endpoint.ssm, CommandId)).map(({ Status }) => Status),
      ['Cancelled', 'Success'],
    );
  });

  it('of an unknown command, a stranger or a repetition is refused', async (t) => {
    const { ssm } = await openEndpoint(t, { nodes: linuxNodes(1), lag: unlagged });
    const CommandId = await sendDocument(ssm, text, { InstanceIds: [node] });
    const unknown = '00000000-0000-0000-0000-000000000000';
    await assert.rejects(ssm.send(new CancelCommandCommand({ CommandId: unknown })), { name: 'InvalidCommandId' });
    await assert.rejects(ssm.send(new CancelCommandCommand({ CommandId, InstanceIds: [instanceId(9)] })), { name: 'InvalidInstanceId' });
    await assert.rejects(ssm.send(new CancelCommandCommand({ CommandId, InstanceIds: [node, node] })), { name: 'DuplicateInstanceId' });
  });
});

it('no process of a node outlives the endpoint, not even one that left its group', async (t) => {
  const folder = folderWith(t, {});
  const endpoint = await openEndpoint(t, { nodes: linuxNodes(1), lag: unlagged });
  const script = `mkfifo ${folder}/pid\nsetsid sh -c 'echo $$ > ${folder}/escaped; echo > ${folder}/pid; exec sleep 1000' > /dev/null 2>&1 &\nread line < ${folder}/pid`;
  const CommandId = await sendDocument(endpoint.ssm, documentText([shellStep('First', script)]), { InstanceIds: [node] });
  await endpoint.ended(CommandId);
  const escaped = Number(readFileSync(join(folder, 'escaped'), 'utf8'));
  assert.deepEqual(endpoint.processes(), [escaped]);
  await endpoint.close();
  assert.deepEqual(endpoint.processes(), []);
});
