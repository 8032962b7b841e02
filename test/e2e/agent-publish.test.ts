/**
 * `portmatrix agent publish`, by the real SDK, against an endpoint that answers as Systems Manager and S3 do. The packages are built as always, around a runtime
 * of a few bytes: nothing here starts it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { DescribeDocumentCommand, GetDocumentCommand, ListDocumentVersionsCommand, SendCommandCommand } from '@aws-sdk/client-ssm';
import { urlsIn } from '../../src/connectors/ssm/package-url.ts';
import { readDocumentFacts } from '../../src/doctor/document-health.ts';
import { buildCommand } from '../../src/commands/agent.ts';
import { doctorCommand } from '../../src/commands/doctor.ts';
import { publishCommand } from '../../src/commands/publish.ts';
import { clientsFor, instanceId, linuxNodes, openEndpoint } from '../support/aws/clients.ts';
import type { Endpoint, EndpointOptions } from '../support/aws/endpoint.ts';
import { portmatrix } from '../support/binary.ts';
import { withEnvironment } from '../support/environment.ts';
import { folderWith } from '../support/temporary-folder.ts';
import { captured } from '../support/terminal.ts';

const region = 'eu-central-1';
const bucket = 'corp-portmatrix';
const hosts = [
  { name: 'dc1', address: '10.0.1.10', roles: ['dc'], connector: { ssm: { instance: instanceId(1), region } } },
  { name: 'dc2', address: 'fd00::10', roles: ['dc'] },
  { name: 'dc3', address: '10.1.1.10', roles: ['dc'] },
];
const usual = { bucket, prefix: 'packages/', inventory: 'inventory.yaml', inline: false, default: false, retire: false, plan: false };
type Options = Partial<Parameters<typeof publishCommand>[0]>;

const smallRuntime = async () => ({ runtime: Buffer.from('a runtime'), licence: Buffer.from('a licence') });

/** What `agent build` makes of a small runtime, once for all tests. */
const stock = mkdtempSync(join(tmpdir(), 'portmatrix-stock-'));
before(async () => {
  const code = await buildCommand({ out: stock }, captured('/'), smallRuntime);
  assert.equal(code, 0);
});
after(() => rmSync(stock, { recursive: true }));

interface Scene {
  readonly endpoint: Endpoint;
  readonly cwd: string;
  readonly publish: (options?: Options) => Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
}

/** An endpoint with an empty bucket, an inventory, and the command. */
async function openScene(t: TestContext, options: EndpointOptions = {}, inventory: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  const endpoint = await openEndpoint(t, { buckets: [bucket], nodes: linuxNodes(1, { tags: { PortMatrix: 'agent' } }), ...options });
  const cwd = folderWith(t, { 'inventory.yaml': JSON.stringify({ domain: 'corp.example.com', hosts, ...inventory }) });
  const publish: Scene['publish'] = async (more) => {
    const terminal = captured(cwd);
    const code = await withEnvironment(endpoint.environment, () => publishCommand({ ...usual, from: stock, ...more }, terminal, smallRuntime));
    return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
  };
  return { endpoint, cwd, publish };
}

/** How often each operation that changes something was called, and went through. */
function changes({ calls }: Endpoint): Readonly<Record<string, number>> {
  const done = calls.filter(({ operation, error }) => error === undefined && /^(Put|Create|Update|Delete)/.test(operation));
  return Object.fromEntries([...Map.groupBy(done, ({ operation }) => operation)].map(([operation, all]) => [operation, all.length]));
}

function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

describe('what the inventory asks is published, and nothing else is allowed', () => {
  it('packages first, each under its hash; then the document, with the version and the hash to pin', async (t) => {
    const { endpoint, publish } = await openScene(t);
    const { ssm } = clientsFor(t, endpoint);
    const { code, stdout, stderr } = await publish();
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(changes(endpoint), { PutObject: 3, CreateDocument: 1 });
    const order = endpoint.calls.map(({ operation }) => operation);
    assert.ok(order.lastIndexOf('PutObject') < order.indexOf('CreateDocument'));
    const objects = endpoint.store.list(bucket, 'packages/');
    assert.equal(objects.length, 3);
    for (const [key, { body }] of objects) assert.match(key, new RegExp(`^packages/${sha256(body)}/portmatrix-agent-[a-z0-9-]+\\.(tar\\.gz|zip)$`));
    const { Document: described } = await ssm.send(new DescribeDocumentCommand({ Name: 'PortMatrix-Agent' }));
    const { Content: content = '' } = await ssm.send(new GetDocumentCommand({ Name: 'PortMatrix-Agent' }));
    assert.match(
      stdout,
      new RegExp(`^document  PortMatrix-Agent in eu-central-1: created as version 1, sha256 ${described?.Hash}; the default$`, 'm'),
    );
    assert.match(stdout, /^In the inventory: systemsManager: \{document: PortMatrix-Agent, version: '1'\}$/m);
    const facts = readDocumentFacts(content);
    // The DC at an IPv6 address is not asked by one at an IPv4 address.
    assert.deepEqual(facts?.policy.destinations, ['10.1.1.10/32']);
    assert.ok(facts.policy.ports.includes('49152-65535/tcp') && facts.policy.ports.includes('88/udp'));
    assert.deepEqual(
      facts.packages.map(({ key, ...where }) => [where, endpoint.store.has(bucket, key)]),
      Array.from({ length: 3 }, () => [{ bucket, region }, true]),
    );
    assert.match(stdout, /^allowed   10\.1\.1\.10\/32$/m);
  });

  it('without --from it builds what agent build does, byte for byte', async (t) => {
    const { endpoint, publish } = await openScene(t);
    const { code, stderr } = await publish({ from: undefined });
    assert.equal(code, 0);
    assert.match(stderr, /^Packing node-linux-x64 /);
    const { stdout } = await publish({ plan: true });
    assert.equal(stdout.match(/: there already$/gm)?.length, 3);
    assert.match(stdout, /unchanged, it is version 1/);
    assert.deepEqual(changes(endpoint), { PutObject: 3, CreateDocument: 1 });
  });

  it('publishing the same again changes nothing', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await publish();
    const before = changes(endpoint);
    const { code, stdout } = await publish();
    assert.equal(code, 0);
    assert.deepEqual(changes(endpoint), before);
    assert.match(stdout, /unchanged, it is version 1, sha256 [0-9a-f]{64}; the default$/m);
    assert.equal(stdout.match(/: there already$/gm)?.length, 3);
  });

  it('other content is another version, and the default is another only when that is said', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await publish();
    const wider = { allowDestination: ['10.0.0.0/8', 'fd00::/8'], allowPort: ['389/tcp,636/tcp'], longestMinutes: 60 };
    const second = await publish(wider);
    assert.match(second.stdout, /updated to version 2, sha256 [0-9a-f]{64}; the default is still version 1: --default makes this one it$/m);
    assert.match(second.stdout, /^allowed   10\.0\.0\.0\/8, fd00::\/8\n          on 389\/tcp, 636\/tcp\n          for at most 60 min$/m);
    const again = await publish({ ...wider, default: true });
    assert.match(again.stdout, /unchanged, it is version 2, sha256 [0-9a-f]{64}; the default$/m);
    // The first one is not published a second time either.
    const back = await publish();
    assert.match(back.stdout, /unchanged, it is version 1, .*; the default is still version 2/m);
    assert.deepEqual(changes(endpoint), { PutObject: 3, CreateDocument: 1, UpdateDocument: 1, UpdateDocumentDefaultVersion: 1 });
  });

  it('--plan says what would be done, and does nothing', async (t) => {
    const { endpoint, publish } = await openScene(t);
    const { code, stdout } = await publish({ plan: true });
    assert.equal(code, 0);
    assert.deepEqual(changes(endpoint), {});
    assert.equal(stdout.match(/: would be uploaded$/gm)?.length, 3);
    assert.match(stdout, /^document  PortMatrix-Agent in eu-central-1: would be created$/m);
    assert.match(stdout, /^allowed   10\.1\.1\.10\/32$/m);
    assert.match(stdout, /^Nothing was changed\.$/m);
    await publish();
    const narrower = await publish({ plan: true, allowPort: ['389/tcp'] });
    assert.match(narrower.stdout, /would get a new version; the default stays version 1$/m);
    const same = await publish({ plan: true });
    assert.match(same.stdout, /unchanged, it is version 1/);
  });

  it('--inline also publishes the document that brings the agent along', async (t) => {
    const { endpoint, publish } = await openScene(t);
    const { code, stdout } = await publish({ inline: true });
    assert.equal(code, 0);
    assert.equal(changes(endpoint)['CreateDocument'], 2);
    assert.match(stdout, /^document  PortMatrix-Agent-Inline in eu-central-1: created as version 1/m);
  });

  it('--package-url names more places that nodes may be told to fetch from', async (t) => {
    const { endpoint, publish } = await openScene(t);
    const { ssm } = clientsFor(t, endpoint);
    const more = `https://bucket.vpce-1a2b3c4d-5e6f.s3.${region}.vpce.amazonaws.com/${bucket}/`;
    assert.equal((await publish({ packageUrl: [more] })).code, 0);
    const { Content: content = '' } = await ssm.send(new GetDocumentCommand({ Name: 'PortMatrix-Agent' }));
    const usualPlaces = [`https://${bucket}.s3.${region}.amazonaws.com/packages/`, `https://s3.${region}.amazonaws.com/${bucket}/packages/`];
    assert.deepEqual(urlsIn(content), [...usualPlaces, more]);
  });

  it('names are told apart, since only the nodes know what they resolve to', async (t) => {
    const managed = { region, roles: ['dc', 'managed-node'] };
    const { publish } = await openScene(t, {}, { hosts: hosts.map((host) => ({ ...host, ...(host.name === 'dc1' && managed) })) });
    const { code, stderr } = await publish();
    assert.equal(code, 0);
    assert.match(stderr, /not allowed, since only the nodes know .*ssm\.eu-central-1\.amazonaws\.com/);
  });
});

describe('an old version can be sent until it is retired', () => {
  const versionsOf = async (t: TestContext, endpoint: Endpoint, name = 'PortMatrix-Agent'): Promise<readonly string[]> => {
    const { DocumentVersions: versions = [] } = await clientsFor(t, endpoint).ssm.send(new ListDocumentVersionsCommand({ Name: name }));
    return versions.map(({ DocumentVersion: version = '', IsDefaultVersion: isDefault }) => `${version}${isDefault === true ? ' default' : ''}`);
  };
  const narrower: Options = { allowPort: ['389/tcp'], default: true };
  const send = (t: TestContext, endpoint: Endpoint, version: string) =>
    clientsFor(t, endpoint).ssm.send(
      new SendCommandCommand({
        DocumentName: 'PortMatrix-Agent',
        DocumentVersion: version,
        InstanceIds: [instanceId(1)],
        Parameters: { Job: ['QUJD'] },
      }),
    );

  it('--default alone keeps it; --retire deletes all but the one that is published, and nobody can send it any more', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await publish();
    await publish({ allowPort: ['636/tcp'] });
    await publish(narrower);
    assert.deepEqual(await versionsOf(t, endpoint), ['3 default', '2', '1']);
    const planned = await publish({ ...narrower, retire: true, plan: true });
    assert.match(planned.stdout, /^document  PortMatrix-Agent in eu-central-1: unchanged, it is version 3, .*; would delete versions 1, 2$/m);
    assert.deepEqual(await versionsOf(t, endpoint), ['3 default', '2', '1']);
    const { code, stdout } = await publish({ ...narrower, retire: true });
    assert.equal(code, 0);
    assert.match(stdout, /unchanged, it is version 3, sha256 [0-9a-f]{64}; the default; deleted versions 1, 2$/m);
    assert.match(stdout, /^In the inventory: .*version: '3'\}$/m);
    assert.deepEqual(await versionsOf(t, endpoint), ['3 default']);
    await assert.rejects(send(t, endpoint, '1'), { name: 'InvalidDocumentVersion' });
    const again = await publish({ ...narrower, retire: true });
    assert.match(again.stdout, /the default; there is no other version$/m);
  });

  it('the new one is the default before any other goes', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await publish();
    const { code } = await publish({ ...narrower, retire: true });
    assert.equal(code, 0);
    const order = endpoint.calls.map(({ operation }) => operation);
    assert.ok(order.indexOf('UpdateDocumentDefaultVersion') < order.indexOf('DeleteDocument'));
    assert.deepEqual(await versionsOf(t, endpoint), ['2 default']);
  });

  it('nothing goes where the new one could not be made the default', async (t) => {
    const { endpoint, publish } = await openScene(t, { faults: [{ operation: 'UpdateDocumentDefaultVersion', error: 'AccessDeniedException' }] });
    await publish();
    const { code, stdout } = await publish({ ...narrower, retire: true });
    assert.equal(code, 3);
    assert.match(stdout, /AccessDeniedException/);
    assert.deepEqual(await versionsOf(t, endpoint), ['2', '1 default']);
  });

  it('one that AWS keeps is named, and keeps none of the others', async (t) => {
    const { endpoint, publish } = await openScene(t, { faults: [{ operation: 'DeleteDocument', error: 'AssociatedInstances', times: 1 }] });
    await publish();
    await publish({ allowPort: ['636/tcp'] });
    const { code, stdout } = await publish({ ...narrower, retire: true });
    assert.equal(code, 3);
    assert.match(stdout, /; the default; deleted version 2; version 1 CAN STILL BE SENT: AssociatedInstances: /);
    assert.deepEqual(await versionsOf(t, endpoint), ['3 default', '1']);
  });

  it('with --inline those of the other document go too, and only then', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await publish({ inline: true });
    await publish({ ...narrower, inline: true });
    await publish({ ...narrower, retire: true });
    assert.deepEqual(await versionsOf(t, endpoint, 'PortMatrix-Agent-Inline'), ['2 default', '1']);
    await publish({ ...narrower, inline: true, retire: true });
    assert.deepEqual(await versionsOf(t, endpoint, 'PortMatrix-Agent-Inline'), ['2 default']);
  });
});

describe('a package is never replaced', () => {
  it('something else under its name stops everything', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await publish();
    const [[key] = ['']] = endpoint.store.list(bucket, 'packages/');
    endpoint.store.put(bucket, key, Buffer.from('something else'), { metadata: {} });
    const { code, stdout, stderr } = await publish({ allowPort: ['389/tcp'] });
    assert.equal(code, 1);
    assert.match(stdout, /SOMETHING ELSE IS THERE/);
    assert.match(stderr, /nothing was published/);
    assert.deepEqual(changes(endpoint), { PutObject: 3, CreateDocument: 1 });
    assert.equal(String(endpoint.store.get(bucket, key).body), 'something else');
  });

  it('who may not list the bucket uploads only what is not there', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await publish();
    endpoint.interrupt({ operation: 'HeadObject', error: 'AccessDenied' });
    const { code, stdout } = await publish();
    assert.equal(code, 0);
    assert.equal(stdout.match(/: there already$/gm)?.length, 3);
    assert.deepEqual(changes(endpoint), { PutObject: 3, CreateDocument: 1 });
  });
});

describe('what AWS refuses is said with the policy that allows it', () => {
  const refusals: Readonly<Record<string, readonly [operation: string, error: string, words: RegExp, done: Readonly<Record<string, number>>]>> = {
    'the bucket': ['HeadBucket', 'AccessDenied', /bucket corp-portmatrix: .*s3:ListBucket; .*publisher\.json/, {}],
    'an upload': ['PutObject', 'AccessDenied', /s3:PutObject; .*publisher\.json/, {}],
    'the document': ['CreateDocument', 'AccessDeniedException', /AccessDeniedException: .*publisher\.json/, { PutObject: 3 }],
  };
  for (const [name, [operation, error, words, done]] of Object.entries(refusals))
    it(name, async (t) => {
      const { endpoint, publish } = await openScene(t, { faults: [{ operation, error }] });
      const { code, stdout, stderr } = await publish();
      assert.equal(code, 3);
      assert.match(`${stdout}${stderr}`, words);
      assert.doesNotMatch(stdout, /In the inventory/);
      assert.deepEqual(changes(endpoint), done);
    });

  it('no bucket of that name', async (t) => {
    const { publish } = await openScene(t, { buckets: [] });
    assert.equal((await publish()).code, 3);
  });

  it('one place that refuses does not keep the document from the others', async (t) => {
    const two = [hosts[0], { ...hosts[2], connector: { ssm: { instance: instanceId(2), region: 'eu-west-1' } } }];
    const { publish } = await openScene(t, { faults: [{ operation: 'CreateDocument', error: 'AccessDeniedException', region }] }, { hosts: two });
    const { code, stdout } = await publish();
    assert.equal(code, 3);
    assert.match(stdout, /in eu-central-1: AccessDeniedException/);
    assert.match(stdout, /in eu-west-1: created as version 1/);
  });
});

describe('every account and Region of the inventory', () => {
  const role = 'arn:aws:iam::444455556666:role/publisher';
  const accounts = { prod: { role } };
  const places = [
    hosts[0],
    { ...hosts[2], connector: { ssm: { instance: instanceId(2), region: 'us-east-1', account: 'prod' } } },
    { name: 'dc4', address: '10.1.1.11', roles: ['dc'], connector: { ssm: { instance: instanceId(3), region: 'eu-west-1' } } },
  ];
  const open = (t: TestContext): Promise<Scene> => openScene(t, { roles: [{ arn: role }] }, { accounts, hosts: places });
  const where = ({ calls }: Endpoint): readonly string[] =>
    calls.flatMap(({ operation, account, region: at }) => (operation === 'CreateDocument' ? [`${account}/${at}`] : [])).sort();

  it('gets the same document, by the way into each; the bucket is in one', async (t) => {
    const { endpoint, publish } = await open(t);
    const { code, stdout } = await publish();
    assert.equal(code, 0);
    assert.deepEqual(where(endpoint), ['111122223333/eu-central-1', '111122223333/eu-west-1', '444455556666/us-east-1']);
    assert.equal(new Set([...stdout.matchAll(/sha256 ([0-9a-f]{64})/g)].map(([, hash]) => hash)).size, 1);
    assert.deepEqual(
      [...new Set(endpoint.calls.filter(({ operation }) => operation === 'PutObject').map(({ account }) => account))],
      ['111122223333'],
    );
  });

  const filters: Readonly<Record<string, readonly [Options, readonly string[]]>> = {
    'only one Region': [{ region: ['eu-west-1'] }, ['111122223333/eu-west-1']],
    'only two of them': [{ region: ['eu-west-1,us-east-1'] }, ['111122223333/eu-west-1', '444455556666/us-east-1']],
    'only one account': [{ account: ['prod'] }, ['444455556666/us-east-1']],
    'only the place of a source': [{ source: ['dc4'] }, ['111122223333/eu-west-1']],
  };
  for (const [name, [options, expected]] of Object.entries(filters))
    it(name, async (t) => {
      const { endpoint, publish } = await open(t);
      assert.equal((await publish(options)).code, 0);
      assert.deepEqual(where(endpoint), expected);
    });

  it('versions that differ are not one to pin', async (t) => {
    const { publish } = await open(t);
    await publish({ region: ['eu-west-1'], allowPort: ['389/tcp'] });
    const { stdout } = await publish();
    assert.match(stdout, /^The versions differ from place to place/m);
  });

  it('without an inventory, the Regions and networks that are named', async (t) => {
    const { endpoint, publish } = await open(t);
    const { code, stdout } = await publish({ inventory: undefined, region: ['ap-south-1'], allowDestination: ['10.0.0.0/8'] });
    assert.equal(code, 0);
    assert.deepEqual(where(endpoint), ['111122223333/ap-south-1']);
    assert.match(stdout, /^allowed   10\.0\.0\.0\/8\n          on .*49152-65535\/tcp/m);
  });
});

describe('what cannot be published is a mistake, and nothing is asked of AWS', () => {
  const many = Array.from({ length: 1_001 }, (_, index) => `10.0.${index >> 8}.${index & 255}/32`);
  const mistakes: Readonly<Record<string, readonly [Options, RegExp, inventory?: Readonly<Record<string, unknown>>]>> = {
    'no place': [{ inventory: undefined }, /nothing says where to publish: expected -i FILE, with managed nodes in it, or --region/],
    'no networks': [
      { inventory: undefined, region: ['eu-central-1'] },
      /nothing says what agents may dial: expected -i FILE, or --allow-destination/,
    ],
    'an account without an inventory': [{ inventory: undefined, account: ['prod'] }, /--account "prod" is a name of an inventory/],
    'a matrix without an inventory': [{ inventory: undefined, matrix: ['dc-to-dc'] }, /expected -i FILE with them/],
    'a Region that is none': [{ inventory: undefined, region: ['Frankfurt'] }, /--region "Frankfurt" is not an AWS Region/],
    'a Region without nodes': [{ region: ['us-east-2'] }, /--region "us-east-2" .*expected one of eu-central-1/],
    'an account without nodes': [{ account: ['prod'] }, /--account "prod" .*expected none/],
    'an inventory without nodes': [{}, /the inventory has no managed node/, { hosts: hosts.map((host) => ({ ...host, connector: 'local' })) }],
    'a network with bits beyond its prefix': [{ allowDestination: ['10.0.0.1/8'] }, /--allow-destination "10\.0\.0\.1\/8" is no network/],
    'a port that is none': [{ allowPort: ['389'] }, /--allow-port "389" is no port/],
    'too many networks': [{ allowDestination: many }, /1001 destinations .* more than a document holds/],
    'a name that the policies do not hold for': [{ document: 'Corp-Agent' }, /--document "Corp-Agent" .*PortMatrix-/],
    'a bucket that is none': [{ bucket: 'Corp_Bucket' }, /--bucket "Corp_Bucket"/],
    'an address of packages without its last slash': [
      { packageUrl: ['https://s3.example.com/packages'] },
      /--package-url "https:\/\/s3\.example\.com\/packages" .*with its last slash/,
    ],
    'an address of packages without TLS': [{ packageUrl: ['http://s3.example.com/'] }, /--package-url "http:/],
    'old versions that would go while one of them is the default': [{ retire: true }, /--retire .*expected --default with it/],
    'a prefix that is no folder': [{ prefix: '../x' }, /--prefix "\.\.\/x"/],
    'an account of the bucket that nobody knows': [{ bucketAccount: 'audit' }, /--bucket-account "audit"/],
    'a folder with nothing in it': [{ from: '/nowhere' }, /--from "\/nowhere" has no manifest\.json: expected a folder that agent build made/],
  };
  for (const [name, [options, words, inventory]] of Object.entries(mistakes))
    it(name, async (t) => {
      const { endpoint, publish } = await openScene(t, {}, inventory);
      await assert.rejects(publish(options), words);
      assert.deepEqual(endpoint.calls, []);
    });

  it('a policy that leaves no room for a job', async (t) => {
    const { endpoint, publish } = await openScene(t);
    await assert.rejects(publish({ allowDestination: many.slice(0, 1_000) }), /leaves too little for a job/);
    assert.deepEqual(endpoint.calls, []);
  });

  const tampering: Readonly<Record<string, (folder: string) => void>> = {
    'a package that was changed after it was built': (folder) => appendFileSync(join(folder, 'portmatrix-agent-linux-x64.tar.gz'), 'x'),
    'an agent that was changed after it was built': (folder) => appendFileSync(join(folder, 'agent.cjs'), 'x'),
    'a manifest of another contract': (folder) => writeFileSync(join(folder, 'manifest.json'), '{"contract":0}'),
    'a manifest that is no JSON': (folder) => writeFileSync(join(folder, 'manifest.json'), 'x'),
  };
  for (const [name, tamper] of Object.entries(tampering))
    it(name, async (t) => {
      const { endpoint, publish } = await openScene(t);
      const folder = folderWith(t, {});
      await buildCommand({ out: folder }, captured('/'), async () => ({ runtime: Buffer.from('another'), licence: Buffer.from('a licence') }));
      tamper(folder);
      await assert.rejects(publish({ from: folder }), /--from /);
      assert.deepEqual(endpoint.calls, []);
    });
});

it('the doctor is content with what was published, and misses a package that is gone', async (t) => {
  const { endpoint, cwd, publish } = await openScene(t);
  await publish();
  const examine = async (): Promise<readonly [number, string]> => {
    const terminal = captured(cwd);
    const code = await withEnvironment(endpoint.environment, () =>
      doctorCommand({ inventory: 'inventory.yaml', try: false, format: 'text' }, terminal),
    );
    return [code, terminal.stdout()];
  };
  const [code, stdout] = await examine();
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^1 of 1 node can run/m);
  const [[key] = ['']] = endpoint.store.list(bucket, 'packages/');
  endpoint.store.remove(bucket, key);
  const [missing, told] = await examine();
  assert.equal(missing, 1);
  assert.match(told, /is gone, and nodes that do not have it yet cannot fetch it/);
});

it('the step that was published really runs: a node that has no package says which it lacks, and nothing is fetched', async (t) => {
  // The script's folders are in a world of their own.
  const prefix = ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount -t tmpfs none /var/lib && exec "$@"', 'sh'];
  const { endpoint, cwd, publish } = await openScene(t, { nodes: linuxNodes(1, { tags: { PortMatrix: 'agent' }, prefix }) });
  await publish();
  const terminal = captured(cwd);
  const code = await withEnvironment(endpoint.environment, () => doctorCommand({ inventory: 'inventory.yaml', try: true, format: 'text' }, terminal));
  assert.match(terminal.stdout(), /does not have the agent yet; a run has it fetched$/m);
  assert.equal(code, 0);
  assert.equal(endpoint.calls.filter(({ operation }) => operation === 'SendCommand').length, 1);
});

it('the command as a user types it', async (t) => {
  const { endpoint, cwd } = await openScene(t);
  const words = ['agent', 'publish', '-i', 'inventory.yaml', '--bucket', bucket, '--from', stock, '--region', region, '--region', region];
  const { code, stdout, stderr } = await portmatrix(t, words, { cwd, env: endpoint.environment });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /created as version 1/);
});
