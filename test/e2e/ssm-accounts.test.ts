/** One run in several Regions and accounts, by the product as users start it: its credentials come from the environment, a profile and roles. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { instanceId } from '../support/aws/clients.ts';
import { accessKeyFor } from '../support/aws/incoming.ts';
import type { ManagedNode } from '../support/aws/managed-node.ts';
import { serveTcp } from '../support/loopback.ts';
import { manage, usualWords, verdicts } from '../support/managed.ts';
import { folderWith } from '../support/temporary-folder.ts';

const [home, roled, profiled, shut] = ['111122223333', '222233334444', '333344445555', '444455556666'];
const accounts = {
  partner: { role: `arn:aws:iam::${roled}:role/portmatrix/operator`, externalId: 'the-partners-id' },
  branch: { profile: 'branch' },
  stranger: { role: `arn:aws:iam::${shut}:role/operator` },
};
/** Where each source is managed: its Region, its account, and how the inventory names that. */
const places = [
  ['near1', 'eu-central-1', home, undefined],
  ['near2', 'us-east-1', home, undefined],
  ['near3', 'eu-central-1', roled, 'partner'],
  ['near4', 'us-east-1', profiled, 'branch'],
  ['near5', 'eu-central-1', shut, 'stranger'],
] as const;

it('each source is told in its own account and Region, and one whose role may not be assumed is in error with the words of AWS', async (t) => {
  const port = await serveTcp(t, (socket) => socket.end());
  const hosts = places.map(([name, region, , account], index) => ({
    name,
    address: `127.0.0.${index + 2}`,
    roles: ['near'],
    connector: { ssm: { instance: instanceId(index + 1), region, ...(account !== undefined && { account }) } },
  }));
  const nodes = places.map(([, region, account = '']: (typeof places)[number], index): ManagedNode => ({
    instance: instanceId(index + 1),
    platform: 'Linux',
    region,
    account,
  }));
  const { start, reportIn, endpoint } = await manage(
    t,
    { nodes, roles: [{ arn: accounts.partner.role, externalId: accounts.partner.externalId }] },
    {
      'inventory.yaml': JSON.stringify({ hosts: [...hosts, { name: 'far1', address: '127.0.0.1', roles: ['far'] }], accounts }),
      'mine.yaml': JSON.stringify({ matrix: 'mine', from: 'near', to: 'far', rules: [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }] }),
    },
  );
  const config = `[profile branch]\naws_access_key_id = ${accessKeyFor(profiled ?? '', 'AKIA')}\naws_secret_access_key = a secret of the branch\n`;
  const { code, stderr } = await start(usualWords, { AWS_CONFIG_FILE: join(folderWith(t, { config }), 'config') }).ended;
  const report = reportIn('out');
  assert.deepEqual(
    verdicts(report),
    places.map(([name]) => (name === 'near5' ? `${name}:${port} error not-checked source-unreachable` : `${name}:${port} pass`)),
    stderr,
  );
  assert.equal(code, 3);
  const said = report.sources.find(({ name }) => name === 'near5')?.message;
  assert.equal(said, `AccessDenied: User is not authorized to perform: sts:AssumeRole on resource: ${accounts.stranger.role}`);
  const sent = endpoint.calls
    .filter(({ operation }) => operation === 'SendCommand')
    .map(({ account, region, input }) => [account, region, input['InstanceIds']]);
  assert.deepEqual(
    sent.toSorted((one, other) => String(one[2]).localeCompare(String(other[2]))),
    places.slice(0, 4).map(([, region, account], index) => [account, region, [instanceId(index + 1)]]),
  );
  const assumed = endpoint.calls.filter(({ operation }) => operation === 'AssumeRole');
  assert.ok(assumed.every(({ account }) => account === home));
  assert.ok(assumed.some(({ input, error }) => input['ExternalId'] === accounts.partner.externalId && error === undefined));
  // Warnings of the SDK are nothing that a user of this tool could act on.
  assert.doesNotMatch(stderr, /aws-sdk|WARNING/);
});
