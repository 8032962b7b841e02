/** What the endpoint answers about a command that has ended, as Systems Manager does. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CommandInvocation,
  DescribeDocumentCommand,
  GetCommandInvocationCommand,
  ListCommandsCommand,
  type ListCommandsCommandInput,
  paginateListCommandInvocations,
  SendCommandCommand,
  type SSMClient,
  UpdateDocumentCommand,
  UpdateDocumentDefaultVersionCommand,
} from '@aws-sdk/client-ssm';
import { documentText, instanceId, linuxNodes, openEndpoint, sendDocument, shellStep } from '../support/aws/clients.ts';
import type { ScriptRunner } from '../support/aws/managed-node.ts';

const node = instanceId(1);
const unlagged = { reads: 0 };
const text = documentText([shellStep('First', 'printf ran')]);

async function invocationsOf(ssm: SSMClient, CommandId: string): Promise<CommandInvocation[]> {
  const found: CommandInvocation[] = [];
  for await (const page of paginateListCommandInvocations({ client: ssm }, { CommandId, Details: true }))
    found.push(...(page.CommandInvocations ?? []));
  return found;
}

describe('what is asked of a command afterwards', { concurrency: 2 }, () => {
  it('is about the version that was pinned, by number and hash, and not about the default', async (t) => {
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(1), lag: unlagged });
    const { ssm } = endpoint;
    const first = await sendDocument(ssm, text, { InstanceIds: [node] });
    await ssm.send(
      new UpdateDocumentCommand({ Name: 'Test-Document', Content: documentText([shellStep('First', 'printf other')]), DocumentVersion: '$LATEST' }),
    );
    await ssm.send(new UpdateDocumentDefaultVersionCommand({ Name: 'Test-Document', DocumentVersion: '2' }));
    const { Document } = await ssm.send(new DescribeDocumentCommand({ Name: 'Test-Document', DocumentVersion: '1' }));
    const pinned = { DocumentVersion: '1', DocumentHash: Document?.Hash, DocumentHashType: Document?.HashType };
    const outputs: (string | undefined)[] = [];
    for (const request of [pinned, {}]) {
      const { Command } = await ssm.send(new SendCommandCommand({ DocumentName: 'Test-Document', InstanceIds: [node], ...request }));
      const CommandId = Command?.CommandId ?? '';
      await endpoint.ended(CommandId);
      outputs.push((await ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node }))).StandardOutputContent);
    }
    assert.deepEqual(outputs, ['ran', 'other']);
    await endpoint.ended(first);
  });

  it('comes in pages of fifty', async (t) => {
    const runner: ScriptRunner = () => Promise.resolve({ code: 0, stdout: Buffer.from('ran'), stderr: Buffer.alloc(0) });
    const nodes = linuxNodes(120, { runner, tags: { Name: 'dc' } });
    const endpoint = await openEndpoint(t, { nodes, lag: unlagged });
    const CommandId = await sendDocument(endpoint.ssm, text, { Targets: [{ Key: 'tag:Name', Values: ['dc'] }], MaxConcurrency: '100%' });
    await endpoint.ended(CommandId);
    const before = endpoint.calls.length;
    const found = await invocationsOf(endpoint.ssm, CommandId);
    assert.deepEqual(
      found.map(({ InstanceId }) => InstanceId),
      nodes.map(({ instance }) => instance),
    );
    assert.equal(endpoint.calls.length - before, 3);
  });

  it('shows 2,500 characters of both streams in the details, and why a step was skipped', async (t) => {
    const noise = 'head -c 9000 /dev/zero | tr "\\0" x; head -c 9000 /dev/zero | tr "\\0" y >&2';
    const other = { ...shellStep('Other', 'exit'), precondition: { StringEquals: ['platformType', 'Windows'] } };
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(1), lag: unlagged });
    const CommandId = await sendDocument(
      endpoint.ssm,
      documentText([shellStep('Short', 'echo out; echo error >&2'), shellStep('Long', noise), other]),
      { InstanceIds: [node] },
    );
    await endpoint.ended(CommandId);
    const [invocation] = await invocationsOf(endpoint.ssm, CommandId);
    const [short, long, skipped] = invocation?.CommandPlugins ?? [];
    assert.equal(short?.Output, 'out\n\n----------ERROR-------\nerror\n');
    assert.equal(long?.Output?.length, 2_500);
    assert.match(long.Output, /^x+\n---Output truncated---\n----------ERROR-------\ny+\n---Error truncated----$/);
    const why = `Step execution skipped due to unsatisfied preconditions: '"StringEquals": [platformType, Windows]'. Step name: Other`;
    assert.deepEqual([skipped?.Status, skipped?.ResponseCode, skipped?.Output], ['Success', 0, why]);
  });

  it('needs the name of a step where there are two, and a right one', async (t) => {
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(1), lag: unlagged });
    const CommandId = await sendDocument(endpoint.ssm, documentText([shellStep('First', 'exit'), shellStep('Second', 'exit')]), {
      InstanceIds: [node],
    });
    await endpoint.ended(CommandId);
    for (const PluginName of [undefined, 'Third']) {
      await assert.rejects(endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName })), {
        name: 'InvalidPluginName',
      });
    }
    await assert.rejects(endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName: 'One' })), {
      name: 'ValidationException',
    });
  });

  it('shows parameters in clear to whoever lists commands', async (t) => {
    const { ssm } = await openEndpoint(t, { nodes: linuxNodes(1) });
    const document = documentText([shellStep('First', 'exit')], { Job: { type: 'String' } });
    const CommandId = await sendDocument(ssm, document, { InstanceIds: [node], Parameters: { Job: ['abc'] } });
    const { Commands } = await ssm.send(new ListCommandsCommand({ CommandId }));
    assert.deepEqual(
      Commands?.map(({ Parameters }) => Parameters),
      [{ Job: ['abc'] }],
    );
  });

  const filters: readonly [string, ListCommandsCommandInput, number][] = [
    ['status', { Filters: [{ key: 'Status', value: 'Success' }] }, 1],
    ['another status', { Filters: [{ key: 'Status', value: 'DeliveryTimedOut' }] }, 0],
    ['document', { Filters: [{ key: 'DocumentName', value: 'Test-Document' }] }, 1],
    ['time', { Filters: [{ key: 'InvokedAfter', value: '2100-01-01T00:00:00Z' }] }, 0],
    ['stage', { Filters: [{ key: 'ExecutionStage', value: 'Complete' }] }, 1],
    ['node', { InstanceId: instanceId(2) }, 0],
  ];
  for (const [name, input, count] of filters) {
    it(`is found by ${name}`, async (t) => {
      const endpoint = await openEndpoint(t, { nodes: linuxNodes(2) });
      await endpoint.ended(await sendDocument(endpoint.ssm, text, { InstanceIds: [node] }));
      assert.equal((await endpoint.ssm.send(new ListCommandsCommand(input))).Commands?.length, count);
    });
  }
});
