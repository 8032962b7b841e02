/** The template with the documents of one build in it. That it holds together is checked where the tracked one is, in `policies.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTemplate as readTracked } from '../../src/agent-package.ts';
import { stackTemplate } from '../../src/stack-template.ts';
import { readTemplate, type Template } from '../support/policies.ts';
import { readDocument } from '../support/ssm-document.ts';
import { builtTemplate, documentsIn, location, stackDocuments } from '../support/stack.ts';

const text = builtTemplate();
const template: Template = JSON.parse(text);

test('it is the tracked template, with two documents, one bucket and one Region more', () => {
  const {
    Description: description,
    Parameters: parameters,
    Rules: rules,
    Resources: resources,
    ...others
  }: Record<string, unknown> & Template = JSON.parse(text);
  const { AgentDocument: agent, InlineDocument: inline, ...same } = resources;
  const tracked: Record<string, unknown> & Template = { ...readTemplate() };
  const { BucketName: bucket, PackagePrefix: prefix } = tracked.Parameters;
  assert.deepEqual([agent?.Type, inline?.Type], ['AWS::SSM::Document', 'AWS::SSM::Document']);
  assert.match(String(description), /and the documents, with the hashes/);
  const longForm = JSON.parse(
    JSON.stringify(tracked, (key, value: unknown) => (key === 'Fn::GetAtt' && typeof value === 'string' ? value.split('.') : value)),
  );
  assert.deepEqual(
    { ...others, Description: tracked['Description'], Resources: same, Parameters: { ...parameters, BucketName: bucket, PackagePrefix: prefix } },
    longForm,
  );
  assert.deepEqual(rules?.['WhereThePackagesAre']?.Assertions[0]?.Assert, { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'eu-central-1'] });
});

test('the documents are text, byte for byte, under the names that operators may send', () => {
  const { usual, inline } = stackDocuments();
  const rest = { DocumentType: 'Command', DocumentFormat: 'JSON', UpdateMethod: 'NewVersion' };
  assert.deepEqual(documentsIn(template), [
    { name: 'PortMatrix-Agent', content: usual, rest },
    { name: 'PortMatrix-Agent-Inline', content: inline, rest },
  ]);
  for (const { content } of documentsIn(template)) readDocument(content);
});

test('nothing in a document is anything to CloudFormation, and every byte of the template survives its way there', () => {
  assert.doesNotMatch(text, /\{\{ *resolve:/);
  assert.match(text, /^[\n\x20-\x7e]*$/);
  assert.match(stackDocuments().usual, /\$\{/);
  assert.ok(text.length > 51_200 && text.length < 1_048_576);
});

test('bucket and folder have the one value that the documents hold', () => {
  const where = { bucket: 'other-bucket', region: 'us-gov-west-1', prefix: 'a/b/' };
  const { Parameters: parameters, Rules: rules }: Template = JSON.parse(builtTemplate(where));
  for (const [name, value] of [
    ['BucketName', 'other-bucket'],
    ['PackagePrefix', 'a/b/'],
  ] as const) {
    assert.equal(parameters[name]?.Default, value);
    assert.deepEqual(parameters[name]?.AllowedValues, [value]);
  }
  assert.match(JSON.stringify(rules), /us-gov-west-1/);
  assert.ok(stackDocuments(where).usual.includes(`https://s3.us-gov-west-1.amazonaws.com/other-bucket/a/b/${'1'.repeat(64)}/`));
});

test('the same documents give the same bytes', () => {
  assert.equal(stackTemplate(readTracked(), { ...location }, stackDocuments()), text);
});
