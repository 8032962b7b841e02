/**
 * Nothing secret is left anywhere: a whole run, with things that go wrong where AWS and the SDK tell more than they should, is searched for what was planted
 * in the environment of controller and nodes, in a profile and in the inventory.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { instanceId } from '../support/aws/clients.ts';
import { accessKeyFor } from '../support/aws/incoming.ts';
import type { ManagedNode } from '../support/aws/managed-node.ts';
import { serveTcp } from '../support/loopback.ts';
import { manage, type Managed, usualWords, verdicts } from '../support/managed.ts';
import { called } from '../support/managed-scene.ts';
import { folderWith } from '../support/temporary-folder.ts';

/** Each in a place of its own, so that a leak tells where it comes from. */
const planted = {
  'secret access key': 'PLANTED-secret-access-key',
  'session token': 'PLANTED-session-token',
  'external id': 'PLANTED-external-id',
  'key of the profile': 'PLANTED-profile-key',
  'words of a credential_process': 'PLANTED-process-word',
  'what a credential_process says': 'PLANTED-process-says',
  'proxy of the controller': 'PLANTED-controller-proxy',
  'proxy of a node': 'PLANTED-node-proxy',
  'key of a node': 'PLANTED-node-key',
  'presigned address on a node': 'PLANTED-node-signature',
} as const;
type Secret = keyof typeof planted;

const roles = { partner: 'arn:aws:iam::222233334444:role/operator' } as const;
const accounts = {
  partner: { role: roles.partner, externalId: planted['external id'] },
  branch: { profile: 'branch' },
  broken: { profile: 'broken' },
};

/** The sources: one that works in each way into an account, and one in each that fails. */
const sources = [
  { name: 'near1', region: 'eu-central-1' },
  { name: 'near2', region: 'eu-central-1', account: 'partner', of: '222233334444' },
  { name: 'near3', region: 'eu-central-1', account: 'branch', of: '333344445555' },
  { name: 'near4', region: 'eu-central-1', account: 'broken', of: '444455556666' },
  { name: 'near5', region: 'us-east-1' },
] as const;

/** A refused signature, as Systems Manager tells it: with all that was signed. */
const refusedSignature = `The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.

The Canonical String for this request should have been
'POST
/

host:ssm.us-east-1.amazonaws.com
x-amz-security-token:${planted['session token']}
x-amz-target:AmazonSSM.DescribeInstanceInformation'`;

async function sceneOf(t: TestContext): Promise<Managed & { readonly port: number; readonly variables: Readonly<Record<string, string>> }> {
  const port = await serveTcp(t, (socket) => socket.end());
  const environment = {
    HTTPS_PROXY: `http://agent:${planted['proxy of a node']}@127.0.0.1:${port}`,
    AWS_SECRET_ACCESS_KEY: planted['key of a node'],
    PACKAGE: `https://packages.s3.amazonaws.com/agent.tar.gz?X-Amz-Signature=${planted['presigned address on a node']}`,
  };
  const nodes = sources.map((source, index): ManagedNode => ({
    instance: instanceId(index + 1),
    platform: 'Linux',
    region: source.region,
    environment,
    ...('of' in source && { account: source.of }),
  }));
  const hosts = sources.map((source, index) => ({
    name: source.name,
    address: `127.0.0.${index + 2}`,
    roles: ['near'],
    connector: { ssm: { instance: instanceId(index + 1), region: source.region, ...('account' in source && { account: source.account }) } },
  }));
  const rules = [
    { id: 'web', ports: [`${port}/tcp`], probe: 'tcp' },
    { id: 'api', ports: ['443/tcp'], probe: 'https', to: { name: 'api.example.test' } },
  ];
  const managed = await manage(
    t,
    {
      nodes,
      roles: [{ arn: roles.partner, externalId: planted['external id'] }],
      faults: [{ operation: 'DescribeInstanceInformation', region: 'us-east-1', error: 'InvalidSignatureException', message: refusedSignature }],
      deliveryDelayMs: 3_000,
    },
    {
      'inventory.yaml': JSON.stringify({ hosts: [...hosts, { name: 'far1', address: '127.0.0.1', roles: ['far'] }], accounts }),
      'mine.yaml': JSON.stringify({ matrix: 'mine', from: 'near', to: 'far', rules }),
    },
  );
  const config = `
[profile branch]
aws_access_key_id = ${accessKeyFor('333344445555', 'AKIA')}
aws_secret_access_key = ${planted['key of the profile']}
[profile broken]
credential_process = sh -c "echo ${planted['what a credential_process says']} >&2; exit 1" ${planted['words of a credential_process']}
`;
  const variables = {
    AWS_CONFIG_FILE: join(folderWith(t, { config }), 'config'),
    AWS_SECRET_ACCESS_KEY: planted['secret access key'],
    AWS_SESSION_TOKEN: planted['session token'],
    HTTPS_PROXY: `http://controller:${planted['proxy of the controller']}@127.0.0.1:9`,
  };
  return { ...managed, port, variables };
}

/** Everything that the run left or sent, by where it is. */
function tracesOf({ endpoint, folder, placesOf }: Managed): ReadonlyMap<string, string> {
  const traces = new Map<string, string>();
  const files = [join(folder, 'out'), endpoint.folder, ...sources.flatMap((_, index) => Object.values(placesOf(instanceId(index + 1))))];
  for (const root of files) {
    for (const entry of readdirSync(root, { recursive: true })) {
      const path = join(root, String(entry));
      // The runtime is a link, and not the run's.
      if (existsSync(path) && statSync(path).isFile() && !path.endsWith('/node')) traces.set(path, readFileSync(path, 'latin1'));
    }
  }
  for (const [index, { operation, input }] of endpoint.calls.entries()) {
    // An external id is made for this call and for no other.
    const { ExternalId: _, ...rest } = input;
    traces.set(`call ${index}, ${operation}`, JSON.stringify(operation === 'AssumeRole' ? rest : input));
  }
  return traces;
}

function leaksIn(traces: ReadonlyMap<string, string>): readonly string[] {
  const secrets = Object.entries(planted);
  return [...traces].flatMap(([where, text]) => secrets.flatMap(([name, secret]) => (text.includes(secret) ? [`${name} in ${where}`] : [])));
}

describe('no secret is left', () => {
  const checked: readonly Secret[] = ['secret access key', 'external id', 'key of the profile'];

  it('in the report, the output, what is kept for a resumption, the calls, or on a node', async (t) => {
    const managed = await sceneOf(t);
    const { endpoint, folder, start, reportIn, variables, port } = managed;
    const running = start([...usualWords, '--format', 'json'], variables);
    await called(endpoint, 'ListCommandInvocations', running);
    const pending = readFileSync(join(folder, 'out', 'pending.json'), 'utf8');
    const { code, stdout, stderr } = await running.ended;

    const report = reportIn('out');
    const ofWeb = verdicts(report).filter((words) => words.includes(`:${port} `));
    assert.deepEqual(
      ofWeb,
      sources.map(({ name }, index) => `${name}:${port} ${index < 3 ? 'pass' : 'error not-checked source-unreachable'}`),
    );
    const said = Object.fromEntries(report.sources.map(({ name, message }) => [name, message]));
    assert.match(said['near4'] ?? '', /^CredentialsProviderError: the credential_process of the profile failed$/);
    assert.match(said['near5'] ?? '', /^InvalidSignatureException: The request signature we calculated does not match [^\n]*signing method\.$/);
    assert.notEqual(code, 0);
    assert.match(pending, /"errand"/);

    const traces = new Map([...tracesOf(managed), ['pending.json', pending], ['stdout', stdout], ['stderr', stderr]]);
    assert.ok([...traces.keys()].some((name) => name.endsWith('junit.xml')) && [...traces.keys()].some((name) => name.endsWith('_script.sh')));
    assert.deepEqual(leaksIn(traces), []);
  });

  it('and the search would find one', () => {
    const traces = new Map(checked.map((name) => [`where ${name} is`, `before ${planted[name]} after`]));
    assert.deepEqual(
      leaksIn(traces),
      checked.map((name) => `${name} in where ${name} is`),
    );
  });

  it('and a run that is resumed takes the external id from its inventory again', async (t) => {
    const managed = await sceneOf(t);
    const { endpoint, start, reportIn, variables, port } = managed;
    const running = start(usualWords, variables);
    await called(endpoint, 'ListCommandInvocations', running);
    running.child.kill('SIGKILL');
    await running.ended;
    const before = endpoint.calls.length;
    const { stdout, stderr } = await start(['resume', 'out'], variables).ended;
    const passed = verdicts(reportIn('out')).filter((words) => words.endsWith(`:${port} pass`));
    assert.ok(passed.includes(`near2:${port} pass`), stderr);
    const again = endpoint.calls.slice(before).filter(({ operation, error }) => operation === 'AssumeRole' && error === undefined);
    assert.ok(again.some(({ input }) => input['ExternalId'] === planted['external id']));
    assert.deepEqual(leaksIn(new Map([...tracesOf(managed), ['stdout', stdout], ['stderr', stderr]])), []);
  });
});
