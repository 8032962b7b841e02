import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { meetings, reasonApart } from '../../src/meetings.ts';
import type { WrittenHost } from '../support/binary.ts';
import { planOf } from '../support/planning.ts';

const rules = [{ id: 'web', ports: ['443/tcp'], probe: 'tcp' }];
const host = (name: string, last: number, fields: Readonly<Record<string, unknown>> = {}): WrittenHost => ({
  name,
  address: `10.0.0.${last}`,
  roles: ['near', 'far'],
  connector: 'local',
  ...fields,
});

/** Every ordered pair of a hub, two spokes and a stranger that may talk, under these links. */
function allowed(t: TestContext, fields: Readonly<Record<string, unknown>>): string {
  const hosts = [
    host('hub', 1, { site: 'hub', domain: 'Corp.example' }),
    host('a', 2, { site: 'a', domain: 'corp.example' }),
    host('b', 3, { site: 'b', domain: 'corp.example' }),
    host('x', 4, { domain: 'other.example' }),
  ];
  const { inventory } = planOf(t, rules, hosts, {}, fields);
  return inventory.hosts
    .flatMap((source) =>
      inventory.hosts
        .filter((other) => other !== source && reasonApart(inventory, source, other) === undefined)
        .map((other) => `${source.name}>${other.name}`),
    )
    .join(' ');
}

describe('hosts are meant to talk', () => {
  it('all with all where no link says otherwise', (t) => {
    assert.equal(allowed(t, {}), 'hub>a hub>b hub>x a>hub a>b a>x b>hub b>a b>x x>hub x>a x>b');
  });

  it('where a link joins their sites, both ways unless it goes one way', (t) => {
    const links = [
      { from: { site: 'hub' }, to: { site: 'a' } },
      { from: { site: 'hub' }, to: { site: 'b' }, oneWay: true },
    ];
    assert.equal(allowed(t, { links }), 'hub>a hub>b a>hub');
  });

  it('where a link joins their domains, whatever the case', (t) => {
    const links = [{ from: { domain: 'CORP.EXAMPLE' }, to: { domain: 'other.example' }, oneWay: true }];
    assert.equal(allowed(t, { links }), 'hub>x a>x b>x');
  });

  it('unless an exception keeps them apart, which counts for more than a link', (t) => {
    const links = [{ from: { domain: 'corp.example' }, to: { domain: 'corp.example' } }];
    const except = [{ from: { host: 'a' }, to: { host: 'b' }, oneWay: true, reason: 'a is in the DMZ' }];
    assert.equal(allowed(t, { links, except }), 'hub>a hub>b a>hub b>hub b>a');
  });

  it('never over different address families', (t) => {
    const hosts = [host('four', 1), { ...host('six', 2), address: 'fd00::2' }, host('other', 3)];
    const { inventory } = planOf(t, rules, hosts);
    const [four, six] = inventory.hosts;
    assert.ok(four !== undefined && six !== undefined);
    assert.match(reasonApart(inventory, four, six) ?? '', /IPv4 .*IPv6/);
  });
});

describe('a matrix brings together', () => {
  it('every host of one role with every other of the other role, each ordered pair once, and no machine with itself', (t) => {
    const hosts = [
      host('both', 1),
      host('client', 2, { roles: ['near'] }),
      host('server', 3, { roles: ['far'] }),
      host('server6', 4, { roles: ['far', 'near'], address: 'fd00::3', dnsName: 'server' }),
    ];
    const { inventory, matrix } = planOf(t, rules, hosts);
    const met = Array.from(meetings(matrix, inventory.hosts), ({ source, destination, reversed }) =>
      [hosts[source]?.name, reversed ? '<' : '>', hosts[destination]?.name].join(''),
    );
    assert.equal(new Set(met.map((words) => words.replace('<', '>'))).size, met.length);
    assert.deepEqual(
      met.sort(),
      [
        'both>server',
        'both>server6',
        'both<client',
        'client>both',
        'client>server',
        'client>server6',
        'server6>both',
        'server6<client',
        'server<both',
        'server<client',
      ].sort(),
    );
  });
});
