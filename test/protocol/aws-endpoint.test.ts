/** The endpoint answers an unmodified SDK as Systems Manager does: where it is found, and documents. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import {
  CreateDocumentCommand,
  DeleteDocumentCommand,
  DescribeDocumentCommand,
  DescribeInstanceInformationCommand,
  GetDocumentCommand,
  ListDocumentVersionsCommand,
  SSMClient,
  UpdateDocumentCommand,
  UpdateDocumentDefaultVersionCommand,
} from '@aws-sdk/client-ssm';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { documentText, instanceId, linuxNodes, openEndpoint, shellStep } from '../support/aws/clients.ts';

const node = instanceId(1);
const Name = 'Test-Document';
const first = documentText([shellStep('First', 'exit 0')]);
const second = documentText([shellStep('First', 'exit 1')]);

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Runs with these variables of the environment and no others of AWS. */
async function withEnvironment<Result>(variables: Readonly<Record<string, string>>, run: () => Promise<Result>): Promise<Result> {
  const before = Object.entries(process.env).filter(([name]) => name.startsWith('AWS_'));
  for (const [name] of before) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return await run();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    Object.assign(process.env, Object.fromEntries(before));
  }
}

it('clients that are given nothing find the endpoint in the environment', async (t) => {
  const other = '444455556666';
  const endpoint = await openEndpoint(t, { nodes: linuxNodes(1, { account: other }), region: 'eu-north-1', buckets: ['a-bucket'] });
  await withEnvironment(endpoint.environment, async () => {
    const [s3, ssm] = [
      new S3Client({}),
      new SSMClient({ credentials: fromTemporaryCredentials({ params: { RoleArn: `arn:aws:iam::${other}:role/operator` } }) }),
    ];
    t.after(() => {
      s3.destroy();
      ssm.destroy();
    });
    await s3.send(new HeadBucketCommand({ Bucket: 'a-bucket' }));
    const { InstanceInformationList } = await ssm.send(new DescribeInstanceInformationCommand({}));
    assert.deepEqual(
      InstanceInformationList?.map(({ InstanceId }) => InstanceId),
      [node],
    );
  });
  assert.deepEqual(
    endpoint.calls.map(({ service, operation, account, region }) => [service, operation, account, region].join(' ')),
    ['s3 HeadBucket 111122223333 eu-north-1', 'sts AssumeRole 111122223333 eu-north-1', `ssm DescribeInstanceInformation ${other} eu-north-1`],
  );
});

describe('documents', { concurrency: 2 }, () => {
  it('have versions, a default, a hash, and their content as it was written', async (t) => {
    const { ssm } = await openEndpoint(t);
    const Tags = [{ Key: 'application', Value: 'portmatrix' }];
    const created = await ssm.send(
      new CreateDocumentCommand({ Name, Content: first, DocumentFormat: 'JSON', DocumentType: 'Command', VersionName: 'one', Tags }),
    );
    const { CreatedDate, ...description } = created.DocumentDescription ?? {};
    assert.ok(CreatedDate instanceof Date);
    assert.deepEqual(description, {
      Name,
      VersionName: 'one',
      Description: 'a test',
      Owner: '111122223333',
      Status: 'Creating',
      Parameters: [],
      PlatformTypes: ['Linux'],
      Tags,
      Hash: sha256(first),
      HashType: 'Sha256',
      DocumentVersion: '1',
      LatestVersion: '1',
      DefaultVersion: '1',
      DocumentFormat: 'JSON',
      DocumentType: 'Command',
      SchemaVersion: '2.2',
    });
    const updated = await ssm.send(new UpdateDocumentCommand({ Name, Content: second, DocumentVersion: '$LATEST' }));
    assert.deepEqual([updated.DocumentDescription?.LatestVersion, updated.DocumentDescription?.DefaultVersion], ['2', '1']);
    await ssm.send(new UpdateDocumentDefaultVersionCommand({ Name, DocumentVersion: '2' }));
    const { Document } = await ssm.send(new DescribeDocumentCommand({ Name: `arn:aws:ssm:eu-central-1:111122223333:document/${Name}` }));
    assert.deepEqual([Document?.Status, Document?.DocumentVersion, Document?.Hash], ['Active', '2', sha256(second)]);
    assert.equal((await ssm.send(new GetDocumentCommand({ Name, VersionName: 'one' }))).Content, first);
    const { DocumentVersions } = await ssm.send(new ListDocumentVersionsCommand({ Name }));
    assert.deepEqual(
      DocumentVersions?.map((version) => [version.DocumentVersion, version.IsDefaultVersion]),
      [
        ['2', true],
        ['1', false],
      ],
    );
    await ssm.send(new DeleteDocumentCommand({ Name }));
    await assert.rejects(ssm.send(new DescribeDocumentCommand({ Name })), { name: 'InvalidDocument' });
  });

  it('may be YAML', async (t) => {
    const { ssm } = await openEndpoint(t);
    const Content = "schemaVersion: '2.2'\nmainSteps:\n  - action: aws:runPowerShellScript\n    name: First\n    inputs: {runCommand: [exit 0]}\n";
    const { DocumentDescription } = await ssm.send(new CreateDocumentCommand({ Name, Content, DocumentFormat: 'YAML', DocumentType: 'Command' }));
    assert.deepEqual([DocumentDescription?.DocumentFormat, DocumentDescription?.PlatformTypes], ['YAML', ['Windows']]);
  });

  const steps = [shellStep('First', 'exit 0')];
  const contents: readonly [string, string, string][] = [
    ['no JSON', '{', 'InvalidDocumentContent'],
    ['an older schema', JSON.stringify({ schemaVersion: '1.2', mainSteps: steps }), 'InvalidDocumentSchemaVersion'],
    ['no steps', documentText([]), 'InvalidDocumentContent'],
    ['two steps of one name', documentText([...steps, ...steps]), 'InvalidDocumentContent'],
    ['a name that GetCommandInvocation could not ask for', documentText([shellStep('One', 'exit 0')]), 'InvalidDocumentContent'],
    ['an action that nobody knows', documentText([{ ...shellStep('First', 'exit'), action: 'aws:runAnything' }]), 'InvalidDocumentContent'],
    ['braces around what is no parameter', documentText([shellStep('First', 'echo {{ Nothing }}')]), 'InvalidDocumentContent'],
    ['an input that the action does not have', documentText([shellStep('First', 'exit', { commands: [] })]), 'InvalidDocumentContent'],
    [
      'two preconditions',
      documentText([{ ...shellStep('First', ''), precondition: { StringEquals: ['platformType', 'Linux', 'x'] } }]),
      'InvalidDocumentContent',
    ],
    [
      'a precondition about nothing',
      documentText([{ ...shellStep('First', ''), precondition: { StringEquals: ['a', 'b'] } }]),
      'InvalidDocumentContent',
    ],
    ['a pattern that looks ahead', documentText(steps, { Word: { type: 'String', allowedPattern: '^(?!x).*$' } }), 'InvalidDocumentContent'],
    [
      'a pattern that repeats too often for RE2',
      documentText(steps, { Word: { type: 'String', allowedPattern: '^a{0,30000}$' } }),
      'InvalidDocumentContent',
    ],
    ['a type of Automation', documentText(steps, { Word: { type: 'StringMap' } }), 'InvalidDocumentContent'],
    [
      'an interpolation type that there is not',
      documentText(steps, { Word: { type: 'String', interpolationType: 'ENV' } }),
      'InvalidDocumentContent',
    ],
    ['more than 64 KB', documentText([shellStep('First', '#'.repeat(65_536))]), 'MaxDocumentSizeExceeded'],
  ];
  for (const [name, Content, error] of contents) {
    it(`with ${name} are ${error}`, async (t) => {
      const { ssm } = await openEndpoint(t);
      await assert.rejects(ssm.send(new CreateDocumentCommand({ Name, Content, DocumentType: 'Command' })), { name: error });
    });
  }

  const Content = first;
  const changes: readonly [string, (ssm: SSMClient) => Promise<unknown>][] = [
    ['DocumentAlreadyExists', (ssm) => ssm.send(new CreateDocumentCommand({ Name, Content }))],
    ['DuplicateDocumentContent', (ssm) => ssm.send(new UpdateDocumentCommand({ Name, Content, DocumentVersion: '$LATEST' }))],
    ['DuplicateDocumentVersionName', (ssm) => ssm.send(new UpdateDocumentCommand({ Name, Content: second, VersionName: 'one' }))],
    ['InvalidDocumentVersion', (ssm) => ssm.send(new UpdateDocumentCommand({ Name, Content: second, DocumentVersion: '7' }))],
    ['InvalidDocumentVersion', (ssm) => ssm.send(new UpdateDocumentDefaultVersionCommand({ Name, DocumentVersion: '2' }))],
    ['InvalidDocument', (ssm) => ssm.send(new GetDocumentCommand({ Name: 'Another-Document' }))],
    ['InvalidDocumentOperation', (ssm) => ssm.send(new DeleteDocumentCommand({ Name, DocumentVersion: '1' }))],
    ['ValidationException', (ssm) => ssm.send(new CreateDocumentCommand({ Name: 'AWS-Document', Content }))],
    ['ValidationException', (ssm) => ssm.send(new CreateDocumentCommand({ Name: 'a document', Content }))],
  ];
  for (const [error, change] of changes) {
    it(`refuse a change with ${error}`, async (t) => {
      const { ssm } = await openEndpoint(t);
      await ssm.send(new CreateDocumentCommand({ Name, Content, VersionName: 'one' }));
      await assert.rejects(change(ssm), { name: error });
    });
  }
});
