import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gateOf } from '../../agent/contract/policy.ts';
import { readInventory } from '../../src/inventory.ts';
import { findMatrix, publishedMatrices } from '../../src/matrix.ts';
import { plan } from '../../src/plan.ts';
import { allowanceOf } from '../../src/plan-allowance.ts';
import { planOf, usualChoice } from '../support/planning.ts';
import { folderWith } from '../support/temporary-folder.ts';

const node = (digit: string) => ({ ssm: { instance: `i-0123456789abcdef${digit}`, region: 'eu-central-1' } });
const managed = { name: 'near1', address: '10.0.0.9', roles: ['near'], connector: node('0') };
const far = { name: 'far1', address: '10.0.1.10', roles: ['far'], features: [] };

describe('what a plan asks of managed nodes is all that a document must allow', () => {
  const cases: readonly (readonly [
    what: string,
    rules: Parameters<typeof planOf>[1],
    hosts: Parameters<typeof planOf>[2],
    destinations: readonly string[],
    ports: readonly string[],
  ])[] = [
    ['one port of one address', [{ id: 'a', ports: ['389/tcp'], probe: 'tcp' }], [managed, far], ['10.0.1.10/32'], ['389/tcp']],
    [
      'an IPv6 address in its short form',
      [{ id: 'a', ports: ['389/tcp'], probe: 'tcp' }],
      [
        { ...managed, address: 'fd00::9' },
        { ...far, address: 'fd00:0:0::1:10' },
      ],
      ['fd00::1:10/128'],
      ['389/tcp'],
    ],
    [
      'neighbouring ports as a range',
      [{ id: 'a', ports: ['138/tcp', '137/tcp', '139/tcp'], probe: 'tcp' }],
      [managed, far],
      ['10.0.1.10/32'],
      ['137-139/tcp'],
    ],
    [
      'what is cut off over UDP, over TCP too',
      [{ id: 'a', ports: ['53/udp', '88/udp'], probe: 'dns' }],
      [managed, far],
      ['10.0.1.10/32'],
      ['53/tcp', '88/tcp', '53/udp', '88/udp'],
    ],
    [
      'the range of an RPC interface',
      [
        { id: 'epm', ports: ['135/tcp'], probe: 'epm' },
        { id: 'b', ports: ['49152-65535/tcp'], probe: 'rpc', interfaces: ['drsuapi'], after: ['epm'] },
      ],
      [managed, far],
      ['10.0.1.10/32'],
      ['135/tcp', '49152-65535/tcp'],
    ],
    [
      'the port that a site fixed for it',
      [
        { id: 'epm', ports: ['135/tcp'], probe: 'epm' },
        { id: 'b', ports: ['49152-65535/tcp'], probe: 'rpc', interfaces: ['drsuapi'], after: ['epm'] },
      ],
      [managed, { ...far, rpc: { drsuapi: 50_001 } }],
      ['10.0.1.10/32'],
      ['135/tcp', '50001/tcp'],
    ],
    [
      'nothing of hosts that are reached another way',
      [{ id: 'a', ports: ['389/tcp'], probe: 'tcp' }],
      [{ ...managed, connector: 'local' }, far],
      [],
      [],
    ],
  ];
  for (const [what, rules, hosts, destinations, ports] of cases)
    it(what, (t) => {
      const { plan: made } = planOf(t, rules, hosts);
      const { job, ...rest } = { job: made.job, ...allowanceOf(made) };
      assert.deepEqual(rest, { destinations, ports, names: [], endsAfterMs: job.endsAfterMs });
    });
});

it('names are told apart: what they resolve to is known on the nodes only', (t) => {
  const rules = [
    { id: 'a', ports: ['389/tcp'], probe: 'tcp' },
    { id: 'b', ports: ['443/tcp'], probe: 'https', to: { name: 'ssm.{region}.amazonaws.com' } },
  ];
  const { plan: made } = planOf(t, rules, [{ ...managed, region: 'eu-central-1' }, far]);
  const { destinations, names, ports } = allowanceOf(made);
  assert.deepEqual(
    { destinations, names, ports },
    { destinations: ['10.0.1.10/32'], names: ['ssm.eu-central-1.amazonaws.com'], ports: ['389/tcp', '443/tcp'] },
  );
});

it('every check of the published matrices may be asked under the allowance of its own plan', (t) => {
  const hosts = ['dc', 'client', 'bastion', 'dc'].map((role, index) => ({
    name: `h${index}`,
    address: `10.0.0.${index + 1}`,
    roles: [role],
    connector: node(String(index)),
  }));
  const folder = folderWith(t, { 'inventory.yaml': JSON.stringify({ domain: 'corp.example.com', hosts }) });
  const matrices = publishedMatrices()
    .map((name) => findMatrix(name, { cwd: folder, asPublished: false }))
    .filter(({ to }) => to === 'dc');
  const made = plan(matrices, readInventory(join(folder, 'inventory.yaml')), {
    ...usualChoice,
    withoutControl: false,
    kerberos: { installation: '/' },
  });
  const { destinations, ports, endsAfterMs } = allowanceOf(made);
  // Nobody asks the client.
  assert.equal(destinations.length, 3);
  const allows = gateOf({ destinations, ports, endsAfterMs });
  let asked = 0;
  for (const [, destination, set] of made.job.pairs)
    for (const index of made.job.sets[set] ?? []) {
      const { address = '' } = made.job.hosts[destination] ?? {};
      const rule = made.job.rules[index];
      assert.ok(rule !== undefined);
      const [first, last] = typeof rule.ports === 'string' ? rule.ports.split('-').map(Number) : [rule.ports[0]?.[0], rule.ports.at(-1)?.[1]];
      for (const port of [first, last]) assert.ok(port !== undefined && allows({ address, port, transport: rule.transport }), `${rule.rule} ${port}`);
      asked += 1;
    }
  assert.ok(asked > 100);
  assert.equal(allows({ address: '10.0.0.5', port: 389, transport: 'tcp' }), false);
  assert.equal(allows({ address: '10.0.0.1', port: 22, transport: 'tcp' }), false);
});
