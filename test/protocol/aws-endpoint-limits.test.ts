/** What SendCommand of the endpoint refuses: every limit of the model, and what the document declares. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import {
  CreateDocumentCommand,
  DescribeInstanceInformationCommand,
  InvalidInstanceId,
  SendCommandCommand,
  type SendCommandCommandInput,
} from '@aws-sdk/client-ssm';
import { documentText, instanceId, linuxNodes, openEndpoint, shellStep } from '../support/aws/clients.ts';

const node = instanceId(1);
const Name = 'Test-Document';
const first = documentText([shellStep('First', 'exit 0')]);

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

describe('SendCommand refuses', { concurrency: 2 }, () => {
  const parameters = {
    Job: { type: 'String', allowedPattern: '^[A-Za-z0-9+/=]*$', maxChars: 30_000 },
    Fetch: { type: 'String', default: 'cached', allowedValues: ['cached', 'download'] },
    Name: { type: 'String', default: 'abc', minChars: 3 },
    Words: { type: 'StringList', default: ['a'], maxItems: 2 },
  };
  const Content = documentText([shellStep('First', 'exit 0'), shellStep('Long', '#'.repeat(40_000))], parameters);
  const Parameters = { Job: ['abcd'] };
  const ids = (count: number): string[] => linuxNodes(count).map(({ instance }) => instance);
  const limits: readonly [string, Partial<SendCommandCommandInput>, string, RegExp][] = [
    [
      '51 ids',
      { InstanceIds: ids(51) },
      'ValidationException',
      /^1 validation error detected: Value '.*' at 'instanceIds' failed to satisfy constraint: Member must have length less than or equal to 50$/,
    ],
    [
      '6 targets',
      { InstanceIds: [], Targets: Array.from({ length: 6 }, () => ({ Key: 'tag:a', Values: ['b'] })) },
      'ValidationException',
      /'targets'.*equal to 5$/,
    ],
    ['what is no id', { InstanceIds: ['dc1'] }, 'ValidationException', /'instanceIds.1.member'.*pattern/],
    ['a comment of 101 characters', { Comment: 'x'.repeat(101) }, 'ValidationException', /'comment'.*equal to 100$/],
    ['a delivery timeout of 29 s', { TimeoutSeconds: 29 }, 'ValidationException', /'timeoutSeconds'.*greater than or equal to 30$/],
    ['a delivery timeout of more than a month', { TimeoutSeconds: 2_592_001 }, 'ValidationException', /less than or equal to 2592000$/],
    ['a MaxConcurrency of 0', { MaxConcurrency: '0' }, 'ValidationException', /'maxConcurrency'/],
    ['a MaxErrors of 101%', { MaxErrors: '101%' }, 'ValidationException', /'maxErrors'/],
    ['a bucket name of two characters', { OutputS3BucketName: 'ab' }, 'ValidationException', /'outputS3BucketName'/],
    [
      'two things at once, and says so',
      { Comment: 'x'.repeat(101), TimeoutSeconds: 1 },
      'ValidationException',
      /^2 validation errors detected: .*; /,
    ],
    ['neither ids nor targets', { InstanceIds: undefined }, 'ValidationException', /Either/],
    ['an id twice', { InstanceIds: [node, node] }, 'DuplicateInstanceId', /./],
    ['a node that is not managed, and all others with it', { InstanceIds: [node, instanceId(9)] }, 'InvalidInstanceId', /0009/],
    ['a document that there is not', { DocumentName: 'Another-Document' }, 'InvalidDocument', /./],
    ['a version that there is not', { DocumentVersion: '2' }, 'InvalidDocumentVersion', /./],
    ['another hash', { DocumentHash: sha256('x'), DocumentHashType: 'Sha256' }, 'InvalidDocument', /hash/],
    ['a bucket that there is not', { OutputS3BucketName: 'no-such-bucket' }, 'InvalidOutputFolder', /./],
    ['a parameter that there is not', { Parameters: { ...Parameters, Other: ['x'] } }, 'InvalidParameters', /Other/],
    ['a missing parameter', { Parameters: {} }, 'InvalidParameters', /Job/],
    ['two values of one text', { Parameters: { Job: ['a', 'b'] } }, 'InvalidParameters', /exactly one/],
    ['what the pattern does not allow', { Parameters: { Job: ['$(id)'] } }, 'InvalidParameters', /match/],
    ['a newline after what the pattern allows', { Parameters: { Job: ['abcd\n'] } }, 'InvalidParameters', /match/],
    ['a value that is not among the allowed', { Parameters: { ...Parameters, Fetch: ['url'] } }, 'InvalidParameters', /Fetch/],
    ['a value that is too short', { Parameters: { ...Parameters, Name: ['ab'] } }, 'InvalidParameters', /fewer than 3/],
    ['a value that is too long', { Parameters: { Job: ['a'.repeat(30_001)] } }, 'InvalidParameters', /more than 30000/],
    ['too many items', { Parameters: { ...Parameters, Words: ['a', 'b', 'c'] } }, 'InvalidParameters', /items/],
    ['64 KB of document and parameters', { Parameters: { Job: ['a'.repeat(29_000)] } }, 'MaxDocumentSizeExceeded', /64 KB/],
    ['a platform without a step', { InstanceIds: [instanceId(2)] }, 'UnsupportedPlatformType', /./],
  ];
  async function refuse(
    t: TestContext,
    request: Partial<SendCommandCommandInput>,
    expected: { readonly name: string; readonly message: RegExp },
  ): Promise<void> {
    const { ssm, calls } = await openEndpoint(t, { nodes: [...linuxNodes(1), { instance: instanceId(2), platform: 'Windows' }] });
    await ssm.send(new CreateDocumentCommand({ Name, Content }));
    await assert.rejects(ssm.send(new SendCommandCommand({ DocumentName: Name, InstanceIds: [node], Parameters, ...request })), expected);
    assert.equal(calls.at(-1)?.error, expected.name);
  }
  for (const [name, request, error, message] of limits) it(name, (t) => refuse(t, request, { name: error, message }));

  it('a node that was there a moment ago, with the class of the SDK', async (t) => {
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(2) });
    await endpoint.ssm.send(new CreateDocumentCommand({ Name, Content: first }));
    assert.equal((await endpoint.ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList?.length, 2);
    endpoint.change(instanceId(2), { fault: { kind: 'vanished' } });
    const sent = endpoint.ssm.send(new SendCommandCommand({ DocumentName: Name, InstanceIds: ids(2) }));
    await assert.rejects(sent, InvalidInstanceId);
  });
});
