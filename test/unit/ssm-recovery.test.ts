import assert from 'node:assert/strict';
import { it } from 'node:test';
import { packEnvelope } from '../../agent/contract/envelope.ts';
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { fillHost } from '../../src/host.ts';
import { commentOf, envelopeFor } from '../../src/connectors/ssm/batch.ts';
import { recoverTickets } from '../../src/connectors/ssm/recovery.ts';
import { clientsOf } from '../support/scripted-aws.ts';

const region = 'eu-central-1';
const [mine, another] = ['i-00000000000000001', 'i-00000000000000002'];
const job: Job = {
  contract: contractVersion,
  run: '2026-01-31T06-00-00Z-1f3a',
  timeoutMs: 5_000,
  attempts: 2,
  endsAfterMs: 60_000,
  hosts: [
    { name: 'dc', address: '10.0.0.1', dnsName: 'dc.example.test' },
    { name: 'client', address: '10.0.0.2', dnsName: 'client.example.test' },
  ],
  rules: [{ matrix: 'm', rule: 'ldap', probe: 'tcp', transport: 'tcp', ports: [[389, 389]] }],
  sets: [[0]],
  pairs: [[1, 0, 0]],
  pace: { client: { inFlight: 1, perDestination: 1 } },
  reply: 'messages',
};

/** A command as ListCommands tells it, but for its id. */
function sent(asked: Job, instance: string, over: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const text = packEnvelope(envelopeFor(asked, [{ source: 'client', instance }]));
  return {
    DocumentName: 'PortMatrix-Agent',
    Comment: commentOf(job.run, { job: text, platform: 'linux' }),
    InstanceIds: [instance],
    Parameters: { Job: [text], Fetch: ['cached'] },
    ExpiresAfter: 1_800_000_000,
    ...over,
  };
}

it('only a command of our document that carries this very job to the node of its source is taken for one of the run', async (t) => {
  const elsewhere: Job = { ...job, hosts: job.hosts.map((host) => (host.name === 'dc' ? { ...host, address: '127.0.0.1' } : host)) };
  const commands: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    ours: sent(job, mine),
    'asks the same checks of another address': sent(elsewhere, mine),
    'asks another probe': sent({ ...job, rules: job.rules.map((rule) => ({ ...rule, probe: 'ldap' as const })) }, mine),
    'is told to another node': sent(job, another),
    'is of another document': sent(job, mine, { DocumentName: 'AWS-RunShellScript' }),
    'is of another run': sent(job, mine, { Comment: commentOf('another', { job: '', platform: 'linux' }) }),
  };
  const list = Object.entries(commands).map(([name, command]) => ({ CommandId: name, ...command }));
  const { ssm, s3 } = await clientsOf(t, { ListCommands: () => ({ Commands: list }) });
  const host = fillHost({ name: 'client', address: '10.0.0.2', connector: { ssm: { instance: mine, region } } }, {}, 'example.test');
  const aws = { ssm: () => Promise.resolve(ssm), s3: () => Promise.resolve(s3), presign: () => Promise.resolve('https://nowhere') };
  const tickets = await recoverTickets(aws, [host], { job, document: 'PortMatrix-Agent', since: 0 });
  assert.deepEqual(
    tickets.map(({ source, errand }) => [source, errand?.command, errand?.instance]),
    [['client', 'ours', mine]],
  );
});
