/**
 * The two ways to documents: a stack of the template that `agent build --bucket` writes, and `agent publish`. The stack is played as CloudFormation's own provider of
 * AWS::SSM::Document does it: CreateDocument, or UpdateDocument of the latest version and then UpdateDocumentDefaultVersion, and only of what has changed in the template.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  CreateDocumentCommand,
  DescribeDocumentCommand,
  GetDocumentCommand,
  type SSMClient,
  UpdateDocumentCommand,
  UpdateDocumentDefaultVersionCommand,
} from '@aws-sdk/client-ssm';
import { buildCommand } from '../../src/commands/agent.ts';
import { publishCommand } from '../../src/commands/publish.ts';
import { openEndpoint } from '../support/aws/clients.ts';
import { withEnvironment } from '../support/environment.ts';
import type { Template } from '../support/policies.ts';
import { documentsIn } from '../support/stack.ts';
import { folderWith } from '../support/temporary-folder.ts';
import { captured } from '../support/terminal.ts';

const place = { bucket: 'corp-portmatrix', region: 'eu-central-1' };
const names = ['PortMatrix-Agent', 'PortMatrix-Agent-Inline'];
const narrow = { allowDestination: ['10.1.0.0/16'], allowPort: ['389/tcp'] };
const wide = { allowDestination: ['10.0.0.0/8'], allowPort: ['389/tcp'] };
type Allowance = typeof narrow;
const smallRuntime = async () => ({ runtime: Buffer.from('a runtime'), licence: Buffer.from('a licence') });

/** An endpoint with the stack's bucket; `build` and `publish` as a user would call them, and `deploy` for the template of a build. */
async function openScene(t: TestContext) {
  const endpoint = await openEndpoint(t, { buckets: [place.bucket] });
  const cwd = folderWith(t, {});
  const deployed = new Map<string, string>();
  const build = async (out: string, allowance: Allowance): Promise<void> => {
    assert.equal(await buildCommand({ out, ...place, ...allowance }, captured(cwd), smallRuntime), 0);
  };
  const deploy = async (from: string): Promise<void> => {
    const template: Template = JSON.parse(readFileSync(join(cwd, from, 'portmatrix.template.json'), 'utf8'));
    for (const { name, content } of documentsIn(template)) {
      const before = deployed.get(name);
      if (before === undefined)
        await endpoint.ssm.send(new CreateDocumentCommand({ Name: name, Content: content, DocumentType: 'Command', DocumentFormat: 'JSON' }));
      else if (before !== content) await renew(endpoint.ssm, name, content);
      deployed.set(name, content);
    }
  };
  const publish = async (from: string, allowance: Allowance, more: { readonly plan?: boolean } = {}): Promise<string> => {
    const terminal = captured(cwd);
    const options = {
      bucket: place.bucket,
      region: [place.region],
      prefix: 'packages/',
      inline: true,
      default: false,
      retire: false,
      plan: false,
      from,
      ...allowance,
      ...more,
    };
    const code = await withEnvironment(endpoint.environment, () => publishCommand(options, terminal, smallRuntime));
    assert.deepEqual({ code, stderr: terminal.stderr() }, { code: 0, stderr: '' });
    return terminal.stdout();
  };
  /** The calls that changed something in Systems Manager since the last time, and the latest and the default version of each document. */
  let seen = 0;
  const changed = (): readonly string[] => {
    const fresh = endpoint.calls
      .slice(seen)
      .filter(({ operation, error }) => error === undefined && /^(Create|Update|Delete)Document/.test(operation));
    seen = endpoint.calls.length;
    return fresh.map(({ operation }) => operation);
  };
  const versions = (): Promise<readonly string[]> =>
    Promise.all(
      names.map(async (Name) => {
        const { Document: said } = await endpoint.ssm.send(new DescribeDocumentCommand({ Name }));
        return `latest ${said?.LatestVersion}, default ${said?.DefaultVersion}`;
      }),
    );
  return { endpoint, cwd, build, deploy, publish, changed, versions };
}

async function renew(ssm: SSMClient, name: string, content: string): Promise<void> {
  const request = { Name: name, Content: content, DocumentFormat: 'JSON', DocumentVersion: '$LATEST' } as const;
  const { DocumentDescription: made } = await ssm.send(new UpdateDocumentCommand(request));
  await ssm.send(new UpdateDocumentDefaultVersionCommand({ Name: name, DocumentVersion: made?.DocumentVersion }));
}

describe('documents that a stack has made', () => {
  it('are what was built, and publish of the same uploads the packages, changes no document and says what to pin', async (t) => {
    const { endpoint, cwd, build, deploy, publish, changed, versions } = await openScene(t);
    await build('one', narrow);
    await deploy('one');
    for (const Name of names) {
      const { Content: content } = await endpoint.ssm.send(new GetDocumentCommand({ Name }));
      assert.equal(content, readFileSync(join(cwd, 'one', `${Name}.json`), 'utf8'));
    }
    assert.deepEqual(changed(), ['CreateDocument', 'CreateDocument']);
    const stdout = await publish('one', narrow);
    assert.deepEqual(changed(), []);
    assert.deepEqual(await versions(), ['latest 1, default 1', 'latest 1, default 1']);
    for (const name of names)
      assert.match(stdout, new RegExp(`^document  ${name} in eu-central-1: unchanged, it is version 1, sha256 [0-9a-f]{64}; the default$`, 'm'));
    assert.match(stdout, /^In the inventory: systemsManager: \{document: PortMatrix-Agent, version: '1'\}$/m);
    assert.equal(endpoint.store.list(place.bucket, 'packages/').length, 3);
    const keys = endpoint.store.list(place.bucket, 'packages/').map(([key]) => key);
    const { Content: usual = '' } = await endpoint.ssm.send(new GetDocumentCommand({ Name: 'PortMatrix-Agent' }));
    for (const key of keys) assert.ok(usual.includes(`https://s3.eu-central-1.amazonaws.com/${place.bucket}/${key}`));
  });

  it('get other content from publish as a version that is not the default, until the stack makes its own next one the default', async (t) => {
    const { build, deploy, publish, changed, versions } = await openScene(t);
    await build('one', narrow);
    await deploy('one');
    assert.match(await publish('one', wide), /updated to version 2, .*; the default is still version 1/);
    assert.deepEqual(await versions(), ['latest 2, default 1', 'latest 2, default 1']);
    await build('two', { ...narrow, allowPort: ['636/tcp'] });
    await deploy('two');
    assert.deepEqual(await versions(), ['latest 3, default 3', 'latest 3, default 3']);
    changed();
    assert.match(await publish('two', { ...narrow, allowPort: ['636/tcp'] }, { plan: true }), /unchanged, it is version 3, .*; the default/);
    assert.match(await publish('one', wide), /unchanged, it is version 2, .*; the default is still version 3/);
    assert.deepEqual(changed(), []);
  });

  it('are made by the stack first: what publish has made already, it cannot', async (t) => {
    const { build, deploy, publish, versions } = await openScene(t);
    await build('one', narrow);
    await deploy('one');
    await build('two', wide);
    await publish('two', wide);
    await assert.rejects(deploy('two'), { name: 'DuplicateDocumentContent' });
    assert.deepEqual(await versions(), ['latest 2, default 1', 'latest 2, default 1']);
    const { build: buildAgain, deploy: deployAgain, publish: publishFirst } = await openScene(t);
    await buildAgain('one', narrow);
    await publishFirst('one', narrow);
    await assert.rejects(deployAgain('one'), { name: 'DocumentAlreadyExists' });
  });
});
