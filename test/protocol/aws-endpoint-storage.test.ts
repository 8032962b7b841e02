/** The endpoint's S3 and its Security Token Service, spoken to by an unmodified SDK. */
import assert from 'node:assert/strict';
import { get } from 'node:https';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DescribeInstanceInformationCommand, SSMClient } from '@aws-sdk/client-ssm';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { clientsFor, linuxNodes, openEndpoint } from '../support/aws/clients.ts';
import { accessKeyFor } from '../support/aws/incoming.ts';
import type { Role } from '../support/aws/sts.ts';
import { makeIdentity } from '../support/certificate.ts';

const Bucket = 'packages-of-a-test';
const Key = 'agents/a b+c/ü.tar.gz';

describe('S3', { concurrency: 2 }, () => {
  it('makes a bucket, once, and says whether it is there', async (t) => {
    const { s3 } = await openEndpoint(t);
    await assert.rejects(s3.send(new HeadBucketCommand({ Bucket })), { name: 'NotFound' });
    await s3.send(new CreateBucketCommand({ Bucket }));
    assert.equal((await s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion, 'eu-central-1');
    await assert.rejects(s3.send(new CreateBucketCommand({ Bucket })), { name: 'BucketAlreadyOwnedByYou' });
  });

  it('keeps an object with its type and metadata, and gives it back byte by byte', async (t) => {
    const { s3 } = await openEndpoint(t, { buckets: [Bucket] });
    const Body = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'application/gzip', Metadata: { sha256: 'abc' } }));
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    assert.deepEqual([head.ContentLength, head.ContentType, head.Metadata], [100_000, 'application/gzip', { sha256: 'abc' }]);
    const whole = await s3.send(new GetObjectCommand({ Bucket, Key }));
    assert.deepEqual(Buffer.from((await whole.Body?.transformToByteArray()) ?? []), Body);
    const part = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=250-252' }));
    assert.deepEqual([...((await part.Body?.transformToByteArray()) ?? [])], [250, 0, 1]);
    assert.equal(part.ContentRange, 'bytes 250-252/100000');
  });

  it('takes a stream in chunks with its checksum behind it', async (t) => {
    const { s3, store } = await openEndpoint(t, { buckets: [Bucket] });
    const Body = Readable.from([Buffer.alloc(70_000, 'a'), Buffer.alloc(5, 'b')]);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: 70_005 }));
    assert.equal(store.get(Bucket, Key).body.toString(), `${'a'.repeat(70_000)}bbbbb`);
  });

  it('refuses an upload whose checksum is another, and one onto what is there when asked to', async (t) => {
    const { s3, store } = await openEndpoint(t, { buckets: [Bucket] });
    const put = new PutObjectCommand({ Bucket, Key, Body: 'package', ChecksumSHA256: Buffer.alloc(32).toString('base64') });
    await assert.rejects(s3.send(put), { name: 'BadDigest' });
    assert.equal(store.has(Bucket, Key), false);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'package', IfNoneMatch: '*' }));
    await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key, Body: 'other', IfNoneMatch: '*' })), { name: 'PreconditionFailed' });
  });

  it('lists keys by prefix, page by page, in the order of their bytes, and forgets what is deleted', async (t) => {
    const { s3, store } = await openEndpoint(t, { buckets: [Bucket] });
    for (const key of ['b/2', 'b/10', 'a/1', 'b/&<', 'b/1']) store.put(Bucket, key, Buffer.from(key));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'b/1' }));
    const keys: (string | undefined)[][] = [];
    for await (const { Contents = [] } of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket, Prefix: 'b/' })) {
      keys.push(Contents.map((object) => object.Key));
    }
    assert.deepEqual(keys, [['b/&<', 'b/10'], ['b/2']]);
  });

  const missing: readonly [string, (s3: S3Client) => Promise<unknown>, string][] = [
    ['an object', (s3) => s3.send(new GetObjectCommand({ Bucket, Key })), 'NoSuchKey'],
    ['an object that is looked at', (s3) => s3.send(new HeadObjectCommand({ Bucket, Key })), 'NotFound'],
    ['a bucket', (s3) => s3.send(new PutObjectCommand({ Bucket: 'another-bucket', Key, Body: '' })), 'NoSuchBucket'],
  ];
  for (const [name, ask, error] of missing) {
    it(`says ${error} where ${name} is missing`, async (t) => {
      const { s3 } = await openEndpoint(t, { buckets: [Bucket] });
      await assert.rejects(ask(s3), { name: error });
    });
  }

  it('finds the bucket in the host name as well', async (t) => {
    const { url, store } = await openEndpoint(t, { buckets: [Bucket] });
    const credentials = { accessKeyId: accessKeyFor('111122223333', 'AKIA'), secretAccessKey: 'x' };
    const lookup = (_: string, __: unknown, found: (error: null, addresses: { address: string; family: number }[]) => void): void =>
      found(null, [{ address: '127.0.0.1', family: 4 }]);
    const s3 = new S3Client({
      endpoint: url.replace('127.0.0.1', 'localhost'),
      region: 'eu-central-1',
      credentials,
      requestHandler: { httpAgent: { lookup } },
    });
    t.after(() => s3.destroy());
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'package' }));
    assert.equal(store.get(Bucket, Key).body.toString(), 'package');
  });

  it('gives an object to whoever has a presigned URL, until that expires, over https too', async (t) => {
    const tls = makeIdentity('localhost');
    const endpoint = await openEndpoint(t, { buckets: [Bucket], tls });
    endpoint.store.put(Bucket, Key, Buffer.from('package'));
    const object = new GetObjectCommand({ Bucket, Key });
    const fetchText = async (url: string): Promise<[number | undefined, string]> => {
      const { promise, resolve, reject } = Promise.withResolvers<[number | undefined, string]>();
      const read = (response: Readable & { statusCode?: number | undefined }): void =>
        void buffer(response).then((bytes) => resolve([response.statusCode, bytes.toString()]), reject);
      get(url, { ca: tls.cert, servername: 'localhost' }, read).on('error', reject);
      return promise;
    };
    const [status, text] = await fetchText(await getSignedUrl(endpoint.s3, object, { expiresIn: 60 }));
    assert.deepEqual([status, text], [200, 'package']);
    const signingDate = new Date(Date.now() - 120_000);
    const [late, sentence] = await fetchText(await getSignedUrl(endpoint.s3, object, { expiresIn: 60, signingDate }));
    assert.deepEqual([late, /Request has expired/.test(sentence)], [403, true]);
    const [bare] = await fetchText(`${endpoint.url}/${Bucket}/${encodeURI(Key)}`);
    assert.equal(bare, 403);
  });

  it('notes every call', async (t) => {
    const { s3, calls } = await openEndpoint(t, { buckets: [Bucket] });
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'package' }));
    const [call] = calls;
    assert.deepEqual([call?.service, call?.operation, call?.account, call?.input], ['s3', 'PutObject', '111122223333', { Bucket, Key }]);
  });
});

describe('the Security Token Service', { concurrency: 2 }, () => {
  const account = '999900001111';
  const RoleArn = `arn:aws:iam::${account}:role/portmatrix/operator`;
  const roles: readonly Role[] = [{ arn: RoleArn, externalId: 'run' }];

  it('gives credentials that lead to another account', async (t) => {
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(1, { account }), roles });
    const region = 'eu-central-1';
    const masterCredentials = { accessKeyId: accessKeyFor('111122223333', 'AKIA'), secretAccessKey: 'x' };
    const credentials = fromTemporaryCredentials({
      masterCredentials,
      params: { RoleArn, RoleSessionName: 'run-1', ExternalId: 'run' },
      clientConfig: { endpoint: endpoint.url, region },
    });
    const ssm = new SSMClient({ endpoint: endpoint.url, region, credentials });
    t.after(() => ssm.destroy());
    assert.equal((await ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList?.length, 1);
    assert.equal((await endpoint.ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList?.length, 0);
    assert.deepEqual(
      endpoint.calls.map((call) => `${call.account} ${call.operation}`),
      ['111122223333 AssumeRole', `${account} DescribeInstanceInformation`, '111122223333 DescribeInstanceInformation'],
    );
  });

  const refused: readonly [string, Record<string, string>, string][] = [
    ['a role that there is not', { RoleArn: RoleArn.replace('operator', 'other'), RoleSessionName: 'run-1', ExternalId: 'run' }, 'AccessDenied'],
    ['another external id', { RoleArn, RoleSessionName: 'run-1', ExternalId: 'walk' }, 'AccessDenied'],
    ['no external id', { RoleArn, RoleSessionName: 'run-1' }, 'AccessDenied'],
    ['what is no role', { RoleArn: 'operator', RoleSessionName: 'run-1' }, 'ValidationError'],
    ['a session name with blanks', { RoleArn, RoleSessionName: 'run 1', ExternalId: 'run' }, 'ValidationError'],
  ];
  for (const [name, { RoleArn: arn = '', RoleSessionName = '', ...rest }, error] of refused) {
    it(`refuses ${name} with ${error}`, async (t) => {
      const { url, calls } = await openEndpoint(t, { roles });
      const masterCredentials = { accessKeyId: accessKeyFor('111122223333', 'AKIA'), secretAccessKey: 'x' };
      const params = { RoleArn: arn, RoleSessionName, ...rest };
      const provide = fromTemporaryCredentials({ masterCredentials, params, clientConfig: { endpoint: url, region: 'eu-central-1' } });
      await assert.rejects(provide(), { name: new RegExp(`^${error}`) });
      assert.equal(calls.at(-1)?.error, error);
    });
  }

  it('says who calls', async (t) => {
    const { url } = await openEndpoint(t);
    const scope = `${accessKeyFor(account, 'AKIA')}/20260101/eu-central-1/sts/aws4_request`;
    const headers = { authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=${'0'.repeat(64)}` };
    const answer = await fetch(url, { method: 'POST', headers, body: new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' }) });
    assert.match(await answer.text(), new RegExp(`<GetCallerIdentityResult>.*<Account>${account}</Account>`));
  });

  it('and a caller without a signature is nobody, in every service', async (t) => {
    const { url, calls } = await openEndpoint(t, { buckets: [Bucket] });
    const ask = { method: 'POST', body: '{}', headers: { 'x-amz-target': 'AmazonSSM.ListCommands', 'content-type': 'application/x-amz-json-1.1' } };
    await fetch(url, ask);
    await fetch(`${url}/${Bucket}`);
    await fetch(url, { method: 'POST', body: new URLSearchParams({ Action: 'GetCallerIdentity' }) });
    assert.deepEqual(
      calls.map(({ error }) => error),
      ['MissingAuthenticationTokenException', 'AccessDenied', 'MissingAuthenticationToken'],
    );
  });

  it('accounts and Regions of one endpoint do not see each other', async (t) => {
    const endpoint = await openEndpoint(t, { nodes: linuxNodes(1, { account, region: 'us-east-1' }) });
    const { ssm } = clientsFor(t, endpoint, account, 'us-east-1');
    assert.equal((await ssm.send(new DescribeInstanceInformationCommand({}))).InstanceInformationList?.length, 1);
  });
});
