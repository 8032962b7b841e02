/**
 * `portmatrix agent doctor`, by the real SDK, against an endpoint that answers as Systems Manager does. A process of its own takes seconds to start, so that most
 * cases run the command in this one.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { CreateDocumentCommand } from '@aws-sdk/client-ssm';
import { contractVersion } from '../../agent/contract/job.ts';
import { encodeMessage } from '../../agent/contract/message.ts';
import { packPolicy, type Policy } from '../../agent/contract/policy.ts';
import { doctorCommand } from '../../src/commands/doctor.ts';
import { clientsFor, documentText, instanceId, openEndpoint } from '../support/aws/clients.ts';
import type { EndpointOptions } from '../support/aws/endpoint.ts';
import type { ManagedNode } from '../support/aws/managed-node.ts';
import { portmatrix } from '../support/binary.ts';
import { withEnvironment } from '../support/environment.ts';
import { folderWith } from '../support/temporary-folder.ts';
import { captured } from '../support/terminal.ts';

const region = 'eu-central-1';
const dc: ManagedNode = { instance: instanceId(1), platform: 'Linux', tags: { PortMatrix: 'agent', Name: 'dc1' } };
const client: ManagedNode = { instance: instanceId(2), platform: 'Windows', tags: { PortMatrix: 'agent', Name: 'client' } };

const hosts = [
  { name: 'dc1', address: '10.0.1.10', roles: ['dc'], connector: { ssm: { instance: dc.instance, region } } },
  { name: 'client', address: '10.0.7.21', roles: ['client'], connector: { ssm: { tag: { Name: 'client' }, region } } },
];

const wide: Policy = { destinations: ['10.0.0.0/8'], ports: ['1-65535/tcp', '1-65535/udp'], endsAfterMs: 3_600_000 };

/** A document like those that are published, with this policy and contract. */
function ourDocument(policy: Policy = wide, contract: number = contractVersion): string {
  const script = `policy='${packPolicy(policy)}'\nexit 0`;
  const step = (name: string, os: string, action: string) => ({
    action,
    name,
    precondition: { StringEquals: ['platformType', os] },
    inputs: { timeoutSeconds: '{{ ExecutionTimeout }}', runCommand: [...script.split('\n'), '# {{ Job }} {{ Fetch }}'] },
  });
  const parameter = { type: 'String', default: '90' };
  const document: Readonly<Record<string, unknown>> = JSON.parse(
    documentText([step('RunLinux', 'Linux', 'aws:runShellScript'), step('RunWindows', 'Windows', 'aws:runPowerShellScript')], {
      Job: parameter,
      Fetch: parameter,
      ExecutionTimeout: parameter,
    }),
  );
  return JSON.stringify({ ...document, description: `Asks hosts (portmatrix, contract ${contract}).` });
}

interface Scene {
  readonly endpoint?: EndpointOptions;
  readonly document?: string | null;
  readonly inventory?: Readonly<Record<string, unknown>>;
  readonly tries?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Opens the endpoint of a scene, and a folder with its inventory. */
async function openScene(t: TestContext, { endpoint: options = {}, document = ourDocument(), inventory = {}, environment = {} }: Scene) {
  const endpoint = await openEndpoint(t, { nodes: [dc, client], ...options });
  if (document !== null)
    await endpoint.ssm.send(
      new CreateDocumentCommand({ Name: 'PortMatrix-Agent', DocumentType: 'Command', DocumentFormat: 'JSON', Content: document }),
    );
  const cwd = folderWith(t, { 'inventory.yaml': JSON.stringify({ domain: 'corp.example.com', hosts, ...inventory }) });
  return { endpoint, cwd, env: { ...endpoint.environment, ...environment } };
}

/** The same, as data. */
async function examineAsJson(t: TestContext, scene: Scene) {
  const { endpoint, cwd, env } = await openScene(t, scene);
  const terminal = captured(cwd);
  const options = { inventory: 'inventory.yaml', format: 'json', try: scene.tries === true } as const;
  const code = await withEnvironment(env, () => doctorCommand(options, terminal));
  const stdout = terminal.stdout();
  const sent = endpoint.calls.filter(({ operation }) => operation === 'SendCommand').length;
  const said: {
    readonly emulated?: boolean;
    readonly places: readonly { readonly problems: readonly { readonly code: string; readonly what: string; readonly next: string }[] }[];
    readonly nodes: readonly {
      readonly host: string;
      readonly session?: string;
      readonly trial?: string;
      readonly problems: readonly { readonly code: string; readonly what: string; readonly next: string }[];
    }[];
    readonly bastion: { readonly possible: string; readonly direct: readonly string[]; readonly relays: readonly string[] };
  } = JSON.parse(stdout);
  return { code, sent, said, problems: [...said.places, ...said.nodes].flatMap(({ problems }) => problems) };
}

it('says that all can run, in a line for each node, and sends nothing', async (t) => {
  const { endpoint, cwd, env } = await openScene(t, {});
  const { code, stdout, stderr } = await portmatrix(t, ['agent', 'doctor', '-i', 'inventory.yaml'], { cwd, env });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /^Emulated: /);
  assert.match(stdout, new RegExp(`^eu-central-1  PortMatrix-Agent version 1, contract ${contractVersion}, [0-9a-f]{12}…$`, 'm'));
  assert.match(stdout, /^✓ dc1     i-0{16}1  Linux 12 +3\.3\.\d+\.0  Online  yes      ready$/m);
  assert.match(stdout, /^✓ client  i-0{16}2  Windows 10\.0\.20348  3\.3\.\d+\.0  Online  yes      ready$/m);
  assert.match(stdout, /^2 of 2 nodes can run\. Nothing was sent: /m);
  assert.match(stdout, /^Session Manager could replace the bastion: sessions to dc1 themselves; ports of the DCs forwarded through client\. /m);
  const operations = new Set(endpoint.calls.map(({ operation }) => operation));
  assert.deepEqual([...operations].sort(), [
    'CreateDocument',
    'DescribeDocument',
    'DescribeInstanceInformation',
    'GetCommandInvocation',
    'GetConnectionStatus',
    'GetDocument',
    'ListCommandInvocations',
    'ListCommands',
  ]);
});

type Expected = readonly [code: number, problems: readonly string[], what: RegExp, next: RegExp];
const about = (host: number, change: Partial<ManagedNode>): EndpointOptions => ({
  nodes: [dc, client].map((node, index) => (index === host ? { ...node, ...change } : node)),
});
const cases: Readonly<Record<string, readonly [Scene, Expected]>> = {
  'a node that is offline': [
    { endpoint: about(0, { ping: 'ConnectionLost' }) },
    [1, ['offline'], /is ConnectionLost in Systems Manager/, /preflight --purpose ssm --region eu-central-1/],
  ],
  'a node that is not there': [
    { endpoint: { nodes: [client] } },
    [1, ['not-managed'], /knows no managed node with i-0{16}1/, /AmazonSSMManagedInstanceCore/],
  ],
  'a tag that two nodes have': [
    { endpoint: { nodes: [dc, client, { ...client, instance: instanceId(3) }] } },
    [1, ['ambiguous'], /2 managed nodes .* have the tag Name=client/, /by its id/],
  ],
  'a node for which there is no agent': [{ endpoint: about(0, { platform: 'MacOS' }) }, [1, ['platform'], /runs MacOS/, /inventory/]],
  'Windows Server 2012 R2': [
    { endpoint: about(1, { platformVersion: '6.3.9600' }) },
    [1, ['old-windows'], /Windows 6\.3\.9600, .* Server 2016/, /standsFor/],
  ],
  'Windows Server 2016': [{ endpoint: about(1, { platformVersion: '10.0.14393' }) }, [0, [], /^$/, /^$/]],
  'an SSM agent that pastes parameters into scripts': [
    { endpoint: about(0, { agentVersion: '3.3.2299.0' }) },
    [0, ['old-agent'], /version 3\.3\.2299\.0/, /3\.3\.2746\.0 or later/],
  ],
  'an SSM agent that can be led out of its folder': [
    { endpoint: about(0, { agentVersion: '3.3.987.0' }) },
    [0, ['vulnerable-agent'], /3\.3\.1957\.0/, /AWS-UpdateSSMAgent/],
  ],
  'an SSM agent with a CVE': [
    { endpoint: about(0, { agentVersion: '3.1.804.0' }) },
    [0, ['vulnerable-agent'], /CVE-2022-29527/, /AWS-UpdateSSMAgent/],
  ],
  'a node without the tag': [{ endpoint: about(0, { tags: {} }) }, [0, ['untagged'], /no tag PortMatrix/, /give it the tag/]],
  'no document': [{ document: null }, [1, ['document-missing'], /there is no document PortMatrix-Agent in eu-central-1/, /agent publish/]],
  'no such version of it': [
    { inventory: { systemsManager: { version: '7' } } },
    [1, ['document-missing'], /there is no version 7 of the document PortMatrix-Agent/, /agent publish/],
  ],
  "somebody else's document": [
    { document: documentText([]).replace('[]', '[{"action":"aws:runShellScript","name":"Echo","inputs":{"runCommand":["exit 0"]}}]') },
    [1, ['document-foreign'], /was not made by portmatrix agent publish/, /another name/],
  ],
  'a document of another contract': [
    { document: ourDocument(wide, contractVersion + 1) },
    [1, ['document-contract'], new RegExp(`contract ${contractVersion + 1}, and this portmatrix speaks ${contractVersion}`), /pin a version/],
  ],
  'a document that allows less than is asked': [
    { document: ourDocument({ ...wide, destinations: ['10.0.7.0/24'] }) },
    [1, ['document-narrow'], /does not allow what the inventory asks: 10\.0\.1\.10;.*source-denied/, /publish it again/],
  ],
  'a document that leaves a port out': [
    { document: ourDocument({ ...wide, ports: ['1-388/tcp', '390-65535/tcp', '1-65535/udp'] }) },
    [1, ['document-narrow'], /389\/tcp/, /publish it again/],
  ],
  'a document that ends its agents early': [
    { document: ourDocument({ ...wide, endsAfterMs: 60_000 }) },
    [0, ['document-narrow'], /after 1 min/, /--longest-minutes/],
  ],
  'no right to list nodes': [
    { endpoint: { faults: [{ operation: 'DescribeInstanceInformation', error: 'AccessDeniedException' }] } },
    [1, ['permission'], /ssm:DescribeInstanceInformation .* not allowed/, /operator\.json/],
  ],
  'several rights at once': [
    {
      endpoint: {
        faults: ['DescribeInstanceInformation', 'GetDocument', 'GetCommandInvocation'].map((operation) => ({
          operation,
          error: 'AccessDeniedException',
        })),
      },
    },
    [1, ['permission', 'permission', 'permission'], /ssm:DescribeInstanceInformation/, /operator\.json/],
  ],
  'no right to follow commands': [
    { endpoint: { faults: [{ operation: 'ListCommandInvocations', error: 'AccessDeniedException' }] } },
    [1, ['permission'], /ssm:ListCommandInvocations/, /operator\.json/],
  ],
  'no right to list commands, which only resuming needs': [
    { endpoint: { faults: [{ operation: 'ListCommands', error: 'AccessDeniedException' }] } },
    [0, ['permission'], /ssm:ListCommands /, /operator\.json/],
  ],
  'no right to see the document': [
    { endpoint: { faults: [{ operation: 'DescribeDocument', error: 'AccessDeniedException' }] } },
    [1, ['permission'], /ssm:DescribeDocument/, /operator\.json/],
  ],
  'no right to read the document': [
    { endpoint: { faults: [{ operation: 'GetDocument', error: 'AccessDeniedException' }] } },
    [1, ['permission'], /ssm:GetDocument/, /operator\.json/],
  ],
  'no right to ask for sessions, which only sessions need': [
    { endpoint: { faults: [{ operation: 'GetConnectionStatus', error: 'AccessDeniedException' }] } },
    [0, ['permission', 'permission'], /ssm:GetConnectionStatus/, /operator\.json/],
  ],
  'credentials that have expired': [
    {
      endpoint: {
        faults: [
          {
            operation: 'DescribeInstanceInformation',
            error: 'ExpiredTokenException',
            message: 'The security token included in the request is expired',
          },
        ],
      },
    },
    [3, ['credentials'], /expired/, /log in/],
  ],
  'no credentials': [{ environment: { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' } }, [3, ['credentials'], /no valid credentials/, /log in/]],
  'no way to the endpoint': [
    { environment: { AWS_ENDPOINT_URL_SSM: 'http://127.0.0.1:1' } },
    [3, ['endpoint'], /cannot be asked from here/, /preflight --purpose ssm/],
  ],
  'a service that is too busy': [
    { endpoint: { faults: [{ operation: 'DescribeInstanceInformation', error: 'ThrottlingException' }] } },
    [3, ['throttled'], /throttled/, /again/],
  ],
};

describe('names what is missing, and the next step', () => {
  for (const [name, [scene, [expected, codes, what, next]]] of Object.entries(cases))
    it(name, async (t) => {
      const { code, problems, sent, said } = await examineAsJson(t, scene);
      assert.deepEqual([code, problems.map((problem) => problem.code), sent, said.emulated], [expected, codes, 0, true]);
      for (const problem of problems.slice(0, 1)) {
        assert.match(problem.what, what);
        assert.match(problem.next, next);
      }
    });
});

describe('says whether Session Manager could replace the bastion', () => {
  const sessions: Readonly<Record<string, readonly [EndpointOptions, possible: string, direct: readonly string[], relays: readonly string[]]>> = {
    'by the DC and by another node': [{}, 'yes', ['dc1'], ['client']],
    'by the DC alone': [about(1, { ping: 'ConnectionLost' }), 'yes', ['dc1'], []],
    'through another node alone': [about(0, { ping: 'ConnectionLost' }), 'yes', [], ['client']],
    'not through one whose agent forwards nothing': [
      {
        nodes: [
          { ...dc, ping: 'ConnectionLost' },
          { ...client, agentVersion: '3.1.1260.0' },
        ],
      },
      'no',
      [],
      [],
    ],
    'not where none takes sessions': [{ nodes: [dc, client].map((node) => ({ ...node, ping: 'ConnectionLost' as const })) }, 'no', [], []],
    'not known where nobody may list the nodes': [
      { faults: [{ operation: 'DescribeInstanceInformation', error: 'AccessDeniedException' }] },
      'unknown',
      [],
      [],
    ],
    'not known where nobody may ask': [{ faults: [{ operation: 'GetConnectionStatus', error: 'AccessDeniedException' }] }, 'unknown', [], []],
  };
  for (const [name, [endpoint, possible, direct, relays]] of Object.entries(sessions))
    it(name, async (t) => {
      const { said } = await examineAsJson(t, { endpoint });
      assert.deepEqual(said.bastion, { possible, direct, relays });
    });
});

describe('--try sends an empty job to each node that can be sent one, and nothing is fetched', () => {
  const ending = (code: number, stderr = ''): Partial<ManagedNode> => ({
    runner: async () => ({
      code,
      stdout: Buffer.from(code === 0 ? `${encodeMessage({ kind: 'bye', reason: 'finished' })}\n` : ''),
      stderr: Buffer.from(stderr),
    }),
  });
  type Row = readonly [what: string, about: Partial<ManagedNode>, problem?: string, words?: RegExp, next?: RegExp];
  const rows: readonly Row[] = [
    ['the agent runs', ending(0)],
    [
      'the agent is not there yet',
      ending(10, 'portmatrix: runtime-missing: linux-x64 is not in /var/lib/portmatrix-agent'),
      'runtime-missing',
      /a run has it fetched/,
      /node\.json/,
    ],
    ['the agent was changed', ending(12, 'portmatrix: bundle-hash: changed'), 'step', /not the published one/, /somebody changed it/],
    ['the package does not come', ending(13), 'step', /could not be fetched/, /node\.json/],
    ['the disk is full', ending(14), 'step', /no room/, /200 MB/],
    ['the agent is of another version', ending(20), 'step', /the job, the policy/, /publish again/],
    ['the command does not arrive', { fault: { kind: 'undeliverable' } }, 'undelivered', /"Undeliverable"/, /SSM agent/],
    ['nothing is sent to a node that is offline', { ping: 'ConnectionLost' }, 'offline', /ConnectionLost/, /SSM agent/],
  ];
  const nodes = rows.map(([, about], index): ManagedNode => ({ ...dc, ...about, instance: instanceId(index + 1) }));
  const inventory = {
    hosts: nodes.map(({ instance }, index) => ({
      name: `dc${index}`,
      address: `10.0.1.${index + 1}`,
      roles: ['dc'],
      connector: { ssm: { instance, region } },
    })),
  };

  it('and says what came of it, node by node', async (t) => {
    const { code, said, sent } = await examineAsJson(t, { endpoint: { nodes }, inventory, tries: true });
    assert.deepEqual({ code, sent }, { code: 1, sent: 1 });
    for (const [index, [what, , problem, words = /^$/, next = /^$/]] of rows.entries()) {
      const { problems = [], trial } = said.nodes[index] ?? {};
      assert.deepEqual([what, problems.map((one) => one.code)], [what, problem === undefined ? [] : [problem]]);
      assert.equal(trial, problem === undefined ? 'ran' : problem === 'offline' ? undefined : 'failed', what);
      for (const one of problems) {
        assert.match(one.what, words);
        assert.match(one.next, next);
      }
    }
  });

  it('a node that lacks the agent can run, since a run has it fetched', async (t) => {
    const { code, said } = await examineAsJson(t, {
      endpoint: { nodes: nodes.slice(1, 2) },
      inventory: { hosts: pairOf(inventory.hosts[1]) },
      tries: true,
    });
    assert.deepEqual([code, said.nodes[0]?.problems.map((problem) => problem.code)], [0, ['runtime-missing']]);
  });

  it('the right to send is missing', async (t) => {
    const faults = [{ operation: 'SendCommand', error: 'AccessDeniedException' }];
    const { code, problems } = await examineAsJson(t, {
      endpoint: { nodes: nodes.slice(0, 1), faults },
      inventory: { hosts: pairOf(inventory.hosts[0]) },
      tries: true,
    });
    assert.deepEqual([code, problems.map((problem) => problem.code)], [1, ['permission']]);
    assert.match(problems[0]?.what ?? '', /ssm:SendCommand is not allowed/);
    assert.match(problems[0]?.next ?? '', /tag/);
  });

  /** A DC, and another one for it to ask. */
  function pairOf(host: unknown): readonly unknown[] {
    return [host, { name: 'far', address: '10.0.9.1', roles: ['dc'] }];
  }
});

it('looks in every account and Region of the inventory, with the way into each', async (t) => {
  const far = { ...dc, account: '444455556666', region: 'us-east-1' };
  const endpoint = await openEndpoint(t, { nodes: [client, far], roles: [{ arn: 'arn:aws:iam::444455556666:role/operator', externalId: 'corp' }] });
  for (const { ssm } of [endpoint, clientsFor(t, endpoint, '444455556666', 'us-east-1')])
    await ssm.send(new CreateDocumentCommand({ Name: 'PortMatrix-Agent', DocumentType: 'Command', DocumentFormat: 'JSON', Content: ourDocument() }));
  const [one, two] = hosts;
  const cwd = folderWith(t, {
    'inventory.yaml': JSON.stringify({
      domain: 'corp.example.com',
      accounts: { prod: { role: 'arn:aws:iam::444455556666:role/operator', externalId: 'corp' } },
      hosts: [{ ...one, connector: { ssm: { instance: dc.instance, region: 'us-east-1', account: 'prod' } } }, two],
    }),
  });
  const { code, stdout, stderr } = await portmatrix(t, ['agent', 'doctor', '-i', 'inventory.yaml'], { cwd, env: endpoint.environment });
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  assert.match(stdout, /^prod\/us-east-1  PortMatrix-Agent version 1/m);
  assert.match(stdout, /^eu-central-1  PortMatrix-Agent version 1/m);
  assert.match(stdout, /^2 of 2 nodes can run/m);
});

it('an inventory without managed nodes is a mistake, and nothing is asked', async (t) => {
  const local = hosts.map((host) => ({ ...host, connector: 'local' }));
  const { endpoint, cwd, env } = await openScene(t, { document: null, inventory: { hosts: local } });
  const options = { inventory: 'inventory.yaml', format: 'text', try: true } as const;
  await assert.rejects(
    withEnvironment(env, () => doctorCommand(options, captured(cwd))),
    /no host is a managed node: expected at least one with connector/,
  );
  assert.deepEqual(endpoint.calls, []);
});
