/** What can go wrong between a controller and its nodes, one fault at a time, as the endpoint makes it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import {
  CreateDocumentCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  type GetCommandInvocationCommandOutput,
  SendCommandCommand,
} from '@aws-sdk/client-ssm';
import type { CallFault } from '../support/aws/call-fault.ts';
import { type Clients, clientsFor, documentText, instanceId, linuxNodes, openEndpoint, sendDocument, shellStep } from '../support/aws/clients.ts';
import type { Endpoint, EndpointOptions } from '../support/aws/endpoint.ts';
import type { NodeFault, ScriptRunner } from '../support/aws/managed-node.ts';
import { folderWith } from '../support/temporary-folder.ts';

const node = instanceId(1);
const bucket = 'packages-of-a-test';
const text = documentText([shellStep('First', 'printf ran')]);

interface Ended extends Endpoint, Clients {
  readonly CommandId: string;
  readonly step: () => Promise<GetCommandInvocationCommandOutput>;
}

/** A command on a node with a fault, and a look at its step once it has ended. */
async function endWith(t: TestContext, fault: NodeFault | undefined, document = text, options: EndpointOptions = {}): Promise<Ended> {
  const nodes = linuxNodes(1, fault === undefined ? {} : { fault });
  const endpoint = await openEndpoint(t, { nodes, lag: { reads: 0 }, clock: 100, buckets: [bucket], ...options });
  const CommandId = await sendDocument(endpoint.ssm, document, {
    InstanceIds: [node],
    TimeoutSeconds: 30,
    OutputS3BucketName: bucket,
    OutputS3KeyPrefix: 'runs/1',
  });
  await endpoint.ended(CommandId);
  return {
    ...endpoint,
    CommandId,
    step: () => endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName: 'First' })),
  };
}

describe('a fault of a node', { concurrency: 2 }, () => {
  const undelivered: readonly [string, NodeFault, string, string][] = [
    ['offline is Delivery Timed Out when TimeoutSeconds are over', { kind: 'offline' }, 'TimedOut', 'Delivery Timed Out'],
    ['undeliverable', { kind: 'undeliverable' }, 'Failed', 'Undeliverable'],
    ['access denied', { kind: 'access-denied' }, 'Failed', 'Access Denied'],
    ['invalid platform', { kind: 'invalid-platform' }, 'Failed', 'Invalid Platform'],
  ];
  for (const [name, fault, status, details] of undelivered) {
    it(name, async (t) => {
      const { step } = await endWith(t, fault);
      const { Status, StatusDetails, ResponseCode, StandardOutputContent } = await step();
      assert.deepEqual([Status, StatusDetails, ResponseCode, StandardOutputContent], [status, details, -1, '']);
    });
  }

  it('delayed: Delayed for so long, and Delivery Timed Out when all time is over', async (t) => {
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(1, { fault: { kind: 'delayed', delayMs: 1e6 } }), lag: { reads: 0 } });
    const CommandId = await sendDocument(endpoint.ssm, text, { InstanceIds: [node] });
    const status = async (): Promise<string | undefined> =>
      (await endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node }))).StatusDetails;
    while ((await status()) !== 'Delayed');
    endpoint.expire(CommandId);
    assert.equal(await status(), 'Delivery Timed Out');
  });

  it('delayed a little: it runs', async (t) => {
    const { step } = await endWith(t, { kind: 'delayed', delayMs: 1 });
    assert.equal((await step()).StandardOutputContent, 'ran');
  });

  it('execution timeout in the middle of a run keeps what was written', async (t) => {
    const document = documentText([shellStep('First', 'printf half; sleep 1000')]);
    const { step } = await endWith(t, { kind: 'execution-timeout', afterBytes: 4 }, document);
    const { Status, StatusDetails, ResponseCode, StandardOutputContent } = await step();
    assert.deepEqual([Status, StatusDetails, ResponseCode, StandardOutputContent], ['TimedOut', 'Execution Timed Out', 137, 'half']);
  });

  it('execution timeout of a script that says nothing', async (t) => {
    const { step } = await endWith(t, { kind: 'execution-timeout', afterMs: 1 }, documentText([shellStep('First', 'sleep 1000')]));
    assert.equal((await step()).StatusDetails, 'Execution Timed Out');
  });

  it('execution timeout of a simulated script', async (t) => {
    const runner: ScriptRunner = () => Promise.resolve({ code: 0, stdout: Buffer.from('whole'), stderr: Buffer.alloc(0) });
    const nodes = linuxNodes(1, { runner, fault: { kind: 'execution-timeout', afterBytes: 2 } });
    const { step } = await endWith(t, undefined, text, { nodes });
    const { Status, StandardOutputContent } = await step();
    assert.deepEqual([Status, StandardOutputContent], ['TimedOut', 'wh']);
  });

  it('lost in the middle of a run: nothing more is heard, and it ends as Delivery Timed Out', async (t) => {
    const begun = join(folderWith(t, {}), 'begun');
    const document = documentText([shellStep('First', `touch ${begun}; printf half; sleep 1000`), shellStep('Second', 'printf ran')]);
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(1, { fault: { kind: 'lost-mid-run', afterBytes: 4 } }), lag: { reads: 0 } });
    const CommandId = await sendDocument(endpoint.ssm, document, { InstanceIds: [node] });
    const look = (PluginName: string): Promise<GetCommandInvocationCommandOutput> =>
      endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName }));
    while (!existsSync(begun) || endpoint.processes().length > 0) await setImmediate();
    assert.equal((await look('First')).Status, 'InProgress');
    endpoint.expire(CommandId);
    await endpoint.ended(CommandId);
    const ends = [await look('First'), await look('Second')];
    assert.deepEqual(
      ends.map(({ StatusDetails, StandardOutputContent }) => [StatusDetails, StandardOutputContent]),
      [
        ['Delivery Timed Out', ''],
        ['Delivery Timed Out', ''],
      ],
    );
  });

  it('truncated output says so and has lost its end', async (t) => {
    const { step } = await endWith(t, { kind: 'truncated-output', bytes: 40 }, documentText([shellStep('First', 'seq 1 100')]));
    assert.equal((await step()).StandardOutputContent, '1\n2\n3\n4\n5\n6\n7\n8\n9\n10--output truncated--');
  });

  it('empty output after Success, for so many reads', async (t) => {
    const { step } = await endWith(t, { kind: 'empty-output', reads: 2 });
    const reads = [await step(), await step(), await step()];
    assert.deepEqual(
      reads.map(({ Status }) => Status),
      ['Success', 'Success', 'Success'],
    );
    assert.deepEqual(
      reads.map(({ StandardOutputContent }) => StandardOutputContent),
      ['', '', 'ran'],
    );
  });
});

describe('output in S3', { concurrency: 2 }, () => {
  it('is whole, under prefix, command, node, action and step; what is empty is not there', async (t) => {
    const { CommandId, step, s3, store, calls } = await endWith(t, undefined, documentText([shellStep('First', 'seq 1 20000')]));
    const Key = `runs/1/${CommandId}/${node}/awsrunShellScript/First/stdout`;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const whole = (await Body?.transformToString()) ?? '';
    assert.equal(whole.split('\n').length, 20_001);
    assert.equal((await step()).StandardOutputUrl, `https://s3.eu-central-1.amazonaws.com/${bucket}/${Key}`);
    assert.deepEqual(
      store.list(bucket, '').map(([key]) => key),
      [Key],
    );
    assert.deepEqual(
      calls.filter(({ instance }) => instance === node).map(({ operation }) => operation),
      ['PutObject'],
    );
  });

  for (const [name, fault, faults] of [
    ['was never stored', { kind: 'output-not-stored' }, []],
    ['could not be uploaded', undefined, [{ operation: 'PutObject', error: 'AccessDenied' }]],
    ['is missing when it is asked for', undefined, [{ operation: 'GetObject', error: 'NoSuchKey', key: 'stdout' }]],
  ] as const satisfies readonly (readonly [string, NodeFault | undefined, readonly CallFault[]])[]) {
    it(`that ${name} is a Success all the same`, async (t) => {
      const { CommandId, step, s3 } = await endWith(t, fault, text, { faults });
      assert.equal((await step()).Status, 'Success');
      const Key = `runs/1/${CommandId}/${node}/awsrunShellScript/First/stdout`;
      await assert.rejects(s3.send(new GetObjectCommand({ Bucket: bucket, Key })), { name: 'NoSuchKey' });
    });
  }
});

describe('aws:downloadContent', { concurrency: 2 }, () => {
  const base = `https://s3.eu-central-1.amazonaws.com/${bucket}`;
  const get = (path: string, destinationPath: string): Record<string, unknown> => ({
    action: 'aws:downloadContent',
    name: 'Fetch',
    inputs: { sourceType: 'S3', sourceInfo: JSON.stringify({ path }), destinationPath },
  });
  const cases: readonly [string, string, string, string][] = [
    ['to a name', `${base}/tools/agent.tar.gz`, 'package.tar.gz', '700 package.tar.gz'],
    ['into a folder', `${base}/tools/agent.tar.gz`, 'here/', '700 here/agent.tar.gz'],
    ['from a bucket in the host name', `https://${bucket}.s3.eu-central-1.amazonaws.com/tools/agent.tar.gz`, '', '700 agent.tar.gz'],
    ['as a folder', `${base}/tools/`, 'all', '700 all/agent.tar.gz,700 all/more/a b'],
  ];
  for (const [name, path, destination, found] of cases) {
    it(`brings an object ${name}, where the next step finds it`, async (t) => {
      const endpoint = await openEndpoint(t, { nodes: linuxNodes(1), lag: { reads: 0 }, buckets: [bucket] });
      endpoint.store.put(bucket, 'tools/agent.tar.gz', Buffer.from('package'));
      endpoint.store.put(bucket, 'tools/more/a b', Buffer.from('more'));
      const look = 'find . -type f -printf "%m %P\\n" | sort | paste -sd, | tr -d "\\n"';
      const CommandId = await sendDocument(endpoint.ssm, documentText([get(path, destination), shellStep('First', look)]), { InstanceIds: [node] });
      await endpoint.ended(CommandId);
      const step = await endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName: 'First' }));
      assert.equal(step.StandardOutputContent, found);
    });
  }

  const failures: readonly [string, string, EndpointOptions, RegExp][] = [
    ['an object that is missing', `${base}/nothing`, {}, /key does not exist/],
    ['a bucket that is missing', 'https://s3.amazonaws.com/nothing-here/x', {}, /bucket does not exist/],
    ['a node without the right', `${base}/agent`, { nodes: linuxNodes(1, { fault: { kind: 'download-denied' } }) }, /Access Denied/],
    ['a fault of S3', `${base}/agent`, { faults: [{ operation: 'GetObject', error: 'SlowDown', times: 1 }] }, /reduce your request rate/],
  ];
  for (const [name, path, options, sentence] of failures) {
    it(`fails for ${name}, and the next step runs`, async (t) => {
      const endpoint = await openEndpoint(t, { nodes: linuxNodes(1), lag: { reads: 0 }, buckets: [bucket], ...options });
      endpoint.store.put(bucket, 'agent', Buffer.from('package'));
      const CommandId = await sendDocument(endpoint.ssm, documentText([get(path, 'x'), shellStep('First', 'printf ran')]), { InstanceIds: [node] });
      await endpoint.ended(CommandId);
      const look = (PluginName: string): Promise<GetCommandInvocationCommandOutput> =>
        endpoint.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId: node, PluginName }));
      const [fetched, next] = [await look('Fetch'), await look('First')];
      assert.deepEqual([fetched.Status, fetched.ResponseCode, next.Status], ['Failed', 1, 'Success']);
      assert.match(fetched.StandardErrorContent ?? '', sentence);
    });
  }
});

describe('a fault of a call', { concurrency: 2 }, () => {
  it('throttling twice is what the SDK gets over by itself', async (t) => {
    const { ssm, calls } = await openEndpoint(t, { faults: [{ operation: 'DescribeInstanceInformation', error: 'ThrottlingException', times: 2 }] });
    await ssm.send(new DescribeInstanceInformationCommand({}));
    assert.deepEqual(
      calls.map(({ error }) => error),
      ['ThrottlingException', 'ThrottlingException', undefined],
    );
  });

  it('throttling ten times is not', async (t) => {
    const { ssm, calls } = await openEndpoint(t, { faults: [{ operation: 'DescribeInstanceInformation', error: 'ThrottlingException', times: 10 }] });
    await assert.rejects(ssm.send(new DescribeInstanceInformationCommand({})), { name: 'ThrottlingException' });
    assert.equal(calls.length, 3);
  });

  it('denied is denied at once, in one account only', async (t) => {
    const endpoint = await openEndpoint(t, {
      nodes: linuxNodes(1),
      faults: [{ operation: 'SendCommand', error: 'AccessDeniedException', account: '111122223333' }],
    });
    const { ssm } = endpoint;
    await ssm.send(new CreateDocumentCommand({ Name: 'Test-Document', Content: text }));
    const send = new SendCommandCommand({ DocumentName: 'Test-Document', InstanceIds: [node] });
    await assert.rejects(ssm.send(send), { name: 'AccessDeniedException' });
    await assert.rejects(clientsFor(t, endpoint, '444455556666').ssm.send(send), { name: 'InvalidDocument' });
    assert.equal(endpoint.calls.filter(({ operation }) => operation === 'SendCommand').length, 2);
  });

  it('can come later, and a 500 is tried again', async (t) => {
    const { ssm, calls, interrupt } = await openEndpoint(t);
    await ssm.send(new DescribeInstanceInformationCommand({}));
    interrupt({ operation: 'DescribeInstanceInformation', error: 'InternalServerError', times: 1 });
    await ssm.send(new DescribeInstanceInformationCommand({}));
    assert.deepEqual(
      calls.map(({ error }) => error),
      [undefined, 'InternalServerError', undefined],
    );
  });
});
