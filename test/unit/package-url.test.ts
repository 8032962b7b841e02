/** Presigned addresses, made by the SDK as always, and held to what the document lets a node be told. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { contractVersion } from '../../agent/contract/job.ts';
import { documentFor, packageKey } from '../../src/agent-document.ts';
import { readScripts } from '../../src/agent-package.ts';
import { openAws } from '../../src/aws.ts';
import { NoPackage, packageUrl } from '../../src/connectors/ssm/package-url.ts';
import { type Literals, usualFolders } from '../../src/document-literal.ts';
import { withEnvironment } from '../support/environment.ts';
import { clientsOf } from '../support/scripted-aws.ts';

const archive = 'a'.repeat(64);
const location = { bucket: 'corp-portmatrix', region: 'eu-central-1', prefix: 'packages/' };
const literals: Literals = {
  contract: contractVersion,
  bundle: 'b'.repeat(64),
  packages: { 'linux-x64': { archive, runtime: 'c'.repeat(64) } },
  location,
  policy: { destinations: ['10.0.0.0/8'], ports: ['389/tcp'], endsAfterMs: 60_000 },
  ...usualFolders,
};
const credentials = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
const endpoint = 'https://bucket.vpce-1a2b3c4d-5e6f.s3.eu-central-1.vpce.amazonaws.com';

/** The address that a node is told, by a document with these changes and in that environment. */
async function addressBy(t: TestContext, change: Partial<Literals> = {}, environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const content = documentFor({ ...literals, ...change }, readScripts());
  const { ssm } = await clientsOf(t, { GetDocument: () => ({ Content: content }) });
  const pin = { document: 'PortMatrix-Agent', version: '1', fetches: true };
  return withEnvironment({ ...credentials, ...environment }, () => {
    const aws = { ...openAws(), ssm: () => Promise.resolve(ssm) };
    return packageUrl(aws, { region: 'eu-central-1' }, pin, 'linux-x64');
  });
}

describe('the address of a package', { concurrency: 1 }, () => {
  const key = packageKey(location, 'linux-x64', archive);

  it('is one that the document allows, though nobody named any place but the bucket', async (t) => {
    const url = await addressBy(t);
    assert.ok(url.startsWith(`https://corp-portmatrix.s3.eu-central-1.amazonaws.com/${key}?`), url);
  });

  it('is one in the other form, for a bucket with dots in its name', async (t) => {
    const url = await addressBy(t, { location: { ...location, bucket: 'corp.portmatrix' } });
    assert.ok(url.startsWith(`https://s3.eu-central-1.amazonaws.com/corp.portmatrix/${key}?`), url);
  });

  it('is not given to nodes that would refuse it: the error says what allows it, and nothing of the signature', async (t) => {
    const beginning = `https://corp-portmatrix.${endpoint.slice('https://'.length)}/`;
    await assert.rejects(addressBy(t, {}, { AWS_ENDPOINT_URL_S3: endpoint }), (error: unknown) => {
      assert.ok(error instanceof NoPackage);
      assert.match(error.message, /does not let nodes fetch the package from https:\/\/corp-portmatrix\.bucket\.vpce-/);
      assert.ok(error.message.endsWith(`agent publish --package-url ${beginning} allows it`), error.message);
      assert.doesNotMatch(error.message, /X-Amz/);
      return true;
    });
    const url = await addressBy(t, { urls: [beginning] }, { AWS_ENDPOINT_URL_S3: endpoint });
    assert.ok(url.startsWith(`${beginning}${key}?`), url);
  });
});
