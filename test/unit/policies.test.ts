import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { format } from 'prettier';
import { checkout } from '../support/binary.ts';
import {
  allowsRequest,
  filled,
  listOf,
  policyFiles,
  policyIn,
  readTemplate,
  type Request,
  type Template,
  templateFile,
} from '../support/policies.ts';
import { builtTemplate } from '../support/stack.ts';

const tracked = readTemplate();
const names = ['PublisherPolicy', 'OperatorPolicy', 'SchedulerPolicy', 'NodePolicy'] as const satisfies readonly (keyof typeof policyFiles)[];
const text = (name: keyof typeof policyFiles): Promise<string> =>
  format(JSON.stringify(policyIn(tracked, name), null, 2), { parser: 'json', printWidth: 150 });

for (const name of names) {
  test(`${policyFiles[name]} is the policy of the template (UPDATE_GOLDEN=1 rewrites it)`, async () => {
    const file = join(checkout, policyFiles[name]);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, await text(name));
    assert.ok(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1 and read it`);
    assert.equal(readFileSync(file, 'utf8'), await text(name));
  });

  test(`${name} is within IAM's 6,144 characters, and its statements have names of their own`, () => {
    const policy = policyIn(tracked, name);
    assert.ok(JSON.stringify(policy).length <= 6_144);
    const sids = policy.Statement.map(({ Sid }) => Sid);
    assert.deepEqual(sids, [...new Set(sids)]);
    for (const sid of sids) assert.match(sid, /^[A-Za-z0-9]+$/);
  });
}

/** The actions that there are, with the kinds of resources that IAM holds them to; `*`: none (Service Authorization Reference). */
const actions: Readonly<Record<string, RegExp>> = {
  'iam:PassRole': /Role/,
  'logs:CreateLogStream': /:log-group:/,
  'logs:DescribeLogStreams': /:log-group:/,
  'logs:PutLogEvents': /:log-group:/,
  's3:GetEncryptionConfiguration': /:s3:::[^/]+$/,
  's3:GetObject': /:s3:::[^/]+\/.*\*$/,
  's3:ListBucket': /:s3:::[^/]+$/,
  's3:PutObject': /:s3:::[^/]+\/.*\*$/,
  's3:PutObjectAcl': /:s3:::[^/]+\/.*\*$/,
  'ssm:CancelCommand': /^\*$/,
  'ssm:CreateAssociation': /:(document|association|instance|managed-instance)\//,
  'ssm:CreateDocument': /:document\//,
  'ssm:DeleteAssociation': /:(document|association|instance|managed-instance)\//,
  'ssm:DeleteDocument': /:document\//,
  'ssm:DescribeAssociation': /:(document|association|instance|managed-instance)\//,
  'ssm:DescribeAssociationExecutionTargets': /^\*$/,
  'ssm:DescribeAssociationExecutions': /^\*$/,
  'ssm:DescribeDocument': /:document\//,
  'ssm:DescribeInstanceInformation': /^\*$/,
  'ssm:GetCommandInvocation': /^\*$/,
  'ssm:GetConnectionStatus': /^\*$/,
  'ssm:GetDocument': /:document\//,
  'ssm:ListAssociations': /^\*$/,
  'ssm:ListCommandInvocations': /^\*$/,
  'ssm:ListCommands': /^\*$/,
  'ssm:ListDocumentVersions': /:document\//,
  'ssm:SendCommand': /:(document|instance|managed-instance)\//,
  'ssm:StartAssociationsOnce': /:association\//,
  'ssm:UpdateAssociation': /:(document|association|instance|managed-instance)\//,
  'ssm:UpdateDocument': /:document\//,
  'ssm:UpdateDocumentDefaultVersion': /:document\//,
};

test('every action is one that there is, spelled out, on a resource that IAM holds it to', () => {
  for (const name of names)
    for (const { Sid, Action: wanted, Resource: resources } of policyIn(tracked, name).Statement)
      for (const action of listOf(wanted)) {
        const kinds = actions[action];
        assert.ok(kinds !== undefined, `${name} ${Sid}: ${action}`);
        for (const resource of listOf(resources)) assert.match(resource, kinds, `${name} ${Sid}: ${action}`);
      }
});

const values = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': '111122223333',
  DocumentName: 'PortMatrix-Agent',
  NodeTag: 'agent',
  Bucket: 'corp-portmatrix',
  PackagePrefix: 'packages/',
  ResultPrefix: 'results/',
  'DispatchRole.Arn': 'arn:aws:iam::111122223333:role/portmatrix-DispatchRole',
};
const document = (name: string, account = '111122223333'): string => `arn:aws:ssm:eu-central-1:${account}:document/${name}`;
const instance = 'arn:aws:ec2:eu-central-1:111122223333:instance/i-0123456789abcdef0';
const hybrid = 'arn:aws:ssm:eu-central-1:111122223333:managed-instance/mi-0123456789abcdef0';
const association = (account: string): string => `arn:aws:ssm:eu-central-1:${account}:association/0b2bfbbd-0b6c-4c8a-9a5b-3f0c1c1d7b11`;
const object = (key: string): string => `arn:aws:s3:::corp-portmatrix/${key}`;
const tagged = { 'ssm:resourceTag/PortMatrix': 'agent' };

type Case = readonly [what: string, request: Request, allowed: boolean];
const cases: Readonly<Record<keyof typeof policyFiles, readonly Case[]>> = {
  OperatorPolicy: [
    ['sends our document', { action: 'ssm:SendCommand', resource: document('PortMatrix-Agent') }, true],
    ['sends the one that holds the agent', { action: 'ssm:SendCommand', resource: document('PortMatrix-Agent-Inline') }, true],
    ["never sends AWS's shell", { action: 'ssm:SendCommand', resource: 'arn:aws:ssm:eu-central-1::document/AWS-RunShellScript' }, false],
    ["never sends AWS's PowerShell", { action: 'ssm:SendCommand', resource: 'arn:aws:ssm:eu-central-1::document/AWS-RunPowerShellScript' }, false],
    ["never sends another account's document", { action: 'ssm:SendCommand', resource: document('PortMatrix-Agent', '444455556666') }, false],
    ['never sends a document with a longer name', { action: 'ssm:SendCommand', resource: document('PortMatrix-Agent2') }, false],
    ['to a tagged instance', { action: 'ssm:SendCommand', resource: instance, keys: tagged }, true],
    ['to a tagged hybrid node', { action: 'ssm:SendCommand', resource: hybrid, keys: tagged }, true],
    ['not to an instance without the tag', { action: 'ssm:SendCommand', resource: instance }, false],
    ['not to one with another value', { action: 'ssm:SendCommand', resource: instance, keys: { 'ssm:resourceTag/PortMatrix': 'no' } }, false],
    ['not to a hybrid node without the tag', { action: 'ssm:SendCommand', resource: hybrid }, false],
    ['cancels', { action: 'ssm:CancelCommand', resource: '*' }, true],
    ['reads results', { action: 's3:GetObject', resource: object('results/a/b') }, true],
    ['reads nothing else', { action: 's3:GetObject', resource: object('other/a') }, false],
    ['writes no package', { action: 's3:PutObject', resource: object('packages/a') }, false],
    ['changes no document', { action: 'ssm:UpdateDocument', resource: document('PortMatrix-Agent') }, false],
    ['deletes no document', { action: 'ssm:DeleteDocument', resource: document('PortMatrix-Agent') }, false],
    ['opens no session', { action: 'ssm:StartSession', resource: instance, keys: tagged }, false],
  ],
  PublisherPolicy: [
    ['makes our documents', { action: 'ssm:CreateDocument', resource: document('PortMatrix-Agent') }, true],
    ['makes no others', { action: 'ssm:CreateDocument', resource: document('Corp-Patch') }, false],
    ['changes no others', { action: 'ssm:UpdateDocument', resource: document('Corp-Patch') }, false],
    ['deletes old versions of ours', { action: 'ssm:DeleteDocument', resource: document('PortMatrix-Agent') }, true],
    ['deletes no others', { action: 'ssm:DeleteDocument', resource: document('Corp-Patch') }, false],
    ['uploads packages', { action: 's3:PutObject', resource: object('packages/0/p.zip') }, true],
    ['uploads nothing else', { action: 's3:PutObject', resource: object('results/0') }, false],
    ['deletes no package', { action: 's3:DeleteObject', resource: object('packages/0/p.zip') }, false],
    ['sends nothing', { action: 'ssm:SendCommand', resource: document('PortMatrix-Agent') }, false],
  ],
  SchedulerPolicy: [
    ['associates our document', { action: 'ssm:CreateAssociation', resource: document('PortMatrix-Agent') }, true],
    ["never AWS's shell", { action: 'ssm:CreateAssociation', resource: 'arn:aws:ssm:eu-central-1::document/AWS-RunShellScript' }, false],
    ['names tagged nodes', { action: 'ssm:CreateAssociation', resource: instance, keys: tagged }, true],
    ['names no others', { action: 'ssm:CreateAssociation', resource: instance }, false],
    [
      'hands one role to Systems Manager',
      { action: 'iam:PassRole', resource: values['DispatchRole.Arn'], keys: { 'iam:PassedToService': 'ssm.amazonaws.com' } },
      true,
    ],
    [
      'and to nobody else',
      { action: 'iam:PassRole', resource: values['DispatchRole.Arn'], keys: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
      false,
    ],
    ['starts an association', { action: 'ssm:StartAssociationsOnce', resource: association('111122223333') }, true],
    ["starts none of another account's", { action: 'ssm:StartAssociationsOnce', resource: association('444455556666') }, false],
    // What SECURITY says that it can do, since IAM has no condition for it.
    ["changes anybody's associations of the account", { action: 'ssm:UpdateAssociation', resource: association('111122223333') }, true],
    ['sends nothing itself', { action: 'ssm:SendCommand', resource: document('PortMatrix-Agent') }, false],
  ],
  NodePolicy: [
    ['reads packages', { action: 's3:GetObject', resource: object('packages/0/p.zip') }, true],
    ['lists packages', { action: 's3:ListBucket', resource: 'arn:aws:s3:::corp-portmatrix', keys: { 's3:prefix': 'packages/0' } }, true],
    ['lists nothing else', { action: 's3:ListBucket', resource: 'arn:aws:s3:::corp-portmatrix', keys: { 's3:prefix': 'results/' } }, false],
    ['writes results', { action: 's3:PutObject', resource: object('results/0/i/stdout') }, true],
    ['reads no results', { action: 's3:GetObject', resource: object('results/0/i/stdout') }, false],
    ['writes no package', { action: 's3:PutObject', resource: object('packages/0/p.zip') }, false],
    ['sends nothing', { action: 'ssm:SendCommand', resource: document('PortMatrix-Agent') }, false],
  ],
};

for (const name of names) {
  describe(`who has ${name}`, () => {
    const policy = filled(policyIn(tracked, name), values);
    for (const [what, request, allowed] of cases[name]) test(what, () => assert.equal(allowsRequest(policy, request), allowed));
  });
}

/** Required and known properties of the resources that the template uses (CloudFormation resource reference). */
const resourceTypes: Readonly<Record<string, { readonly required: readonly string[]; readonly optional: readonly string[] }>> = {
  'AWS::S3::Bucket': {
    required: [],
    optional: [
      'BucketName',
      'BucketEncryption',
      'OwnershipControls',
      'PublicAccessBlockConfiguration',
      'VersioningConfiguration',
      'LifecycleConfiguration',
    ],
  },
  'AWS::S3::BucketPolicy': { required: ['Bucket', 'PolicyDocument'], optional: [] },
  'AWS::Logs::LogGroup': { required: [], optional: ['LogGroupName', 'RetentionInDays'] },
  'AWS::IAM::ManagedPolicy': { required: ['PolicyDocument'], optional: ['Description'] },
  'AWS::SSM::Document': { required: ['Content'], optional: ['Name', 'DocumentType', 'DocumentFormat', 'UpdateMethod'] },
  'AWS::IAM::Role': { required: ['AssumeRolePolicyDocument'], optional: ['Description', 'ManagedPolicyArns'] },
};
const attributes: Readonly<Record<string, readonly string[]>> = { 'AWS::S3::Bucket': ['Arn'], 'AWS::IAM::Role': ['Arn'] };
const pseudo: ReadonlySet<string> = new Set(['AWS::AccountId', 'AWS::NoValue', 'AWS::Partition', 'AWS::Region']);

const built: Template = JSON.parse(builtTemplate());

for (const [title, template] of Object.entries({ [templateFile]: tracked, 'the template that agent build --bucket writes': built }))
  describe(title, () => {
    const { Parameters: parameters, Resources: resources, Conditions: conditions, Outputs: outputs, Rules: assertions } = template;
    const typeOf = (name: string): string => resources[name]?.Type ?? '';
    const found = {
      Ref: new Array<string>(),
      'Fn::GetAtt': new Array<string>(),
      'Fn::If': new Array<string>(),
      Condition: new Array<string>(),
    };
    JSON.stringify({ conditions, resources, outputs, assertions }, (key, value: unknown) => {
      if (key === 'Ref') found.Ref.push(String(value));
      if (key === 'Fn::GetAtt') found['Fn::GetAtt'].push(Array.isArray(value) ? value.join('.') : String(value));
      if (key === 'Fn::If' && Array.isArray(value)) found['Fn::If'].push(String(value[0]));
      if (key === 'Condition' && typeof value === 'string') found.Condition.push(value);
      if (key === 'Fn::Sub')
        for (const [, name = ''] of String(value).matchAll(/\$\{([^}]*)\}/g)) (name.includes('.') ? found['Fn::GetAtt'] : found.Ref).push(name);
      return value;
    });

    test('every Ref, and every name in a Sub, is a parameter, a resource or of AWS', () => {
      assert.ok(found.Ref.length > 20);
      assert.deepEqual(
        found.Ref.filter((name) => !Object.hasOwn(parameters, name) && !Object.hasOwn(resources, name) && !pseudo.has(name)),
        [],
      );
    });

    test('every attribute is one that its resource has', () => {
      const unknown = found['Fn::GetAtt'].filter((name) => {
        const [resource = '', attribute = ''] = name.split('.');
        return attributes[typeOf(resource)]?.includes(attribute) !== true;
      });
      assert.ok(found['Fn::GetAtt'].length > 5);
      assert.deepEqual(unknown, []);
    });

    test('every condition is there', () => {
      assert.deepEqual(
        [...found['Fn::If'], ...found.Condition].filter((name) => !Object.hasOwn(conditions, name)),
        [],
      );
    });

    test('nothing that is always there names a resource that may not be', () => {
      const optional = Object.entries(resources).flatMap(([name, { Condition: condition }]) => (condition === undefined ? [] : [name]));
      assert.ok(optional.length > 0);
      const always = [...Object.entries(resources), ...Object.entries(outputs)].filter(([, { Condition: condition }]) => condition === undefined);
      for (const [name, value] of always)
        for (const other of optional)
          assert.doesNotMatch(JSON.stringify(value), new RegExp(`"${other}["\\.]|\\$\\{${other}[.}]`), `${name} names ${other}`);
    });

    test('every resource is of a known type, with the properties that it needs and no unknown ones', () => {
      for (const [name, { Type: type, Properties: properties }] of Object.entries(resources)) {
        const known = resourceTypes[type];
        assert.ok(known !== undefined, `${name} is ${type}`);
        assert.deepEqual([name, known.required.filter((property) => !Object.hasOwn(properties, property))], [name, []]);
        assert.deepEqual(
          [name, Object.keys(properties).filter((property) => ![...known.required, ...known.optional].includes(property))],
          [name, []],
        );
        assert.match(name, /^[A-Za-z0-9]{1,255}$/);
      }
    });

    test('every default fits its own pattern or is among the values', () => {
      for (const [name, { Default: usual, AllowedPattern: pattern, AllowedValues: allowed }] of Object.entries(parameters)) {
        if (pattern !== undefined) assert.match(String(usual), new RegExp(pattern), name);
        if (allowed !== undefined) assert.ok(allowed.includes(usual), name);
        assert.ok(pattern !== undefined || allowed !== undefined, name);
      }
    });

    test('the bucket is encrypted, private, versioned and kept, and a package in it is never replaced', () => {
      const bucket = resources['Bucket'];
      assert.ok(bucket !== undefined);
      const { DeletionPolicy: deletion, Properties: properties } = bucket;
      assert.equal(deletion, 'Retain');
      assert.match(JSON.stringify(properties['BucketEncryption']), /"SSEAlgorithm":"AES256"/);
      const isBlocked = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };
      assert.deepEqual(properties['PublicAccessBlockConfiguration'], isBlocked);
      assert.deepEqual(properties['VersioningConfiguration'], { Status: 'Enabled' });
      const rules = JSON.stringify(policyIn(template, 'BucketPolicy').Statement);
      assert.match(rules, /"Null":\{"s3:if-none-match":"true"\}/);
      assert.match(rules, /"aws:SecureTransport":"false"/);
    });
  });
