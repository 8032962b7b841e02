/** What init writes: goldens, and whatever the network said, an inventory that can be read. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import type { Candidate, Located } from '../../agent/contract/locate.ts';
import type { Facts } from '../../agent/contract/fact.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { type Inventory, readInventory } from '../../src/inventory.ts';
import { draftInventory, type Survey } from '../../src/inventory-text.ts';
import { searchDomains, type Settings } from '../../src/search-domain.ts';
import { makeIdentity } from '../support/certificate.ts';
import { folderWith } from '../support/temporary-folder.ts';

const domain = 'corp.example.test';
const target = { address: '192.0.2.1', port: 389 };
const at = '2026-01-01T00:00:00.000Z';
const guid = '0f8fad5b-d9cb-469f-a165-70867728950e';

function answered(facts: Facts, local?: string): Outcome {
  const service = { status: 'identified', facts: { domain, domainGuid: guid, ...facts } } as const;
  return {
    kind: 'observed',
    state: 'open',
    reason: 'udp-response',
    service,
    target,
    at,
    ...(local !== undefined && { local: { address: local, port: 50_000 } }),
  };
}

const silence: Outcome = { kind: 'observed', state: 'open|filtered', reason: 'no-response', target, at };
const refusal: Outcome = { kind: 'observed', state: 'closed', reason: 'port-unreach', target, at };
const unsupported: Outcome = { kind: 'failed', code: 'unsupported', message: 'connect ENETUNREACH' };

function dc(name: string, address: string, ping: Outcome, resolvers = ['10.0.1.10']): Candidate {
  return { dnsName: `${name}.${domain}`, address, resolvers, ping };
}

function located(candidates: readonly Candidate[], fields: Partial<Located> = {}): Located {
  return { kind: 'located', resolvers: [], candidates, leftOut: 0, ...fields };
}

const self = { name: 'client1', addresses: ['172.17.0.1', '10.1.7.21', 'fd00:7::21'] };
const common = { file: 'inventory.yaml', today: '2026-11-22', self };
const site = 'Berlin Mitte';

const surveys = {
  template: common,
  'template-named': { ...common, file: 'corp.yaml', domain, located: located([]) },
  forest: {
    ...common,
    domain,
    located: located(
      [
        dc('dc1', '10.0.1.10', answered({ site, clientSite: site, roles: ['gc', 'pdc', 'writable'] }, '10.1.7.21'), ['10.0.1.10', '10.0.2.10']),
        dc('dc1', 'fd00:1::10', answered({ site, clientSite: site, roles: ['gc', 'pdc', 'writable'] }, 'fd00:7::21')),
        dc('dc2', '10.0.2.10', answered({ site: 'aws', dnsName: `dc2-new.${domain}`, roles: ['writable'], paused: true })),
        dc('rodc1', '10.0.3.10', answered({ site: 'aws', roles: ['gc', 'read-only'] })),
        dc('quiet', '10.0.4.10', silence),
        dc('refusing', '10.0.5.10', refusal),
        dc('six', 'fd00:6::10', unsupported),
        dc('stranger', '10.0.6.10', answered({ domain: 'other.example.test' })),
      ],
      { clientSite: site },
    ),
  },
  'on-a-dc': {
    ...common,
    self: { name: 'dc2', addresses: ['10.0.2.10'] },
    domain,
    located: located([
      dc('dc1', '10.0.1.10', answered({ site, roles: ['gc', 'writable'] })),
      dc('dc2', '10.0.2.10', answered({ site, roles: ['gc', 'writable'] })),
    ]),
  },
} as const satisfies Readonly<Record<string, Survey>>;

function read(t: Pick<TestContext, 'after'>, text: string): Inventory {
  return readInventory(join(folderWith(t, { 'inventory.yaml': text, 'corp-ca.pem': makeIdentity('ca').cert }), 'inventory.yaml'));
}

/** Every example in force: the lines with # right before their first word. */
function withExamples(text: string): string {
  return text.replaceAll(/^( *)#(?=[^ #\n])/gm, '$1');
}

describe('the inventory that init writes', () => {
  for (const [name, survey] of Object.entries(surveys)) {
    it(`is the golden ${name}.yaml (UPDATE_GOLDEN=1 rewrites it), and is right as it is and with every example in force`, (t) => {
      const file = join(import.meta.dirname, 'inventory-text', `${name}.yaml`);
      const { text } = draftInventory(survey);
      if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
      assert.ok(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1 and read it`);
      assert.equal(text, readFileSync(file, 'utf8'));
      assert.deepEqual(read(t, text).links, []);
      const rich = read(t, withExamples(text));
      assert.equal(rich.links.length, 1);
      assert.ok(rich.authorities !== undefined && rich.hosts.some(({ roles }) => roles.includes('bastion')));
    });
  }

  it('says of each DC what it said of itself, and nothing that it did not', (t) => {
    const { hosts } = read(t, draftInventory(surveys.forest).text);
    const shown = hosts.map(({ name, address, dnsName, features, readOnly, site: place }) =>
      [name, address, dnsName.split('.')[0], place ?? '-', readOnly ? 'read-only' : 'writable', (features ?? []).join()].join(' '),
    );
    assert.deepEqual(shown, [
      `client1 10.1.7.21 client1 ${site} writable `,
      `client1-ipv6 fd00:7::21 client1-ipv6 ${site} writable `,
      `dc1 10.0.1.10 dc1 ${site} writable dns,gc,ldaps`,
      `dc1-ipv6 fd00:1::10 dc1 ${site} writable dns,gc,ldaps`,
      'dc2 10.0.2.10 dc2 aws writable dns,ldaps',
      'rodc1 10.0.3.10 rodc1 aws read-only dns,gc,ldaps',
      'quiet 10.0.4.10 quiet - writable dns,gc,ldaps',
      'refusing 10.0.5.10 refusing - writable dns,gc,ldaps',
      'six fd00:6::10 six - writable dns,gc,ldaps',
      'stranger 10.0.6.10 stranger - writable dns,gc,ldaps',
    ]);
  });

  it('a host that is a DC itself is no client as well', (t) => {
    const { hosts } = read(t, draftInventory(surveys['on-a-dc']).text);
    assert.deepEqual(
      hosts.map(({ name, roles, connector }) => [name, ...roles, connector.kind]),
      [
        ['dc1', 'dc', 'none'],
        ['dc2', 'dc', 'local'],
      ],
    );
  });

  it('counts the DCs and what it left out: names and addresses that no host can have, and what was too much', () => {
    const bad = [
      dc('dc3', '0.0.0.0', silence),
      dc('dc4', '224.0.0.1', silence),
      { ...dc('dc5', '10.0.0.5', silence), dnsName: 'two words' },
      { ...dc('dc6', '10.0.0.6', silence), dnsName: 'a\n  - name: evil' },
    ];
    const { dcs, leftOut, text } = draftInventory({
      ...common,
      domain,
      located: located([...surveys.forest.located.candidates, ...bad], { leftOut: 6 }),
    });
    assert.deepEqual({ dcs, leftOut }, { dcs: 7, leftOut: 10 });
    assert.doesNotMatch(text, /evil|two words/);
  });

  it('names each host once, whatever the names that DNS gives', (t) => {
    const same = ['10.0.0.1', '10.0.0.2', 'fd00::1', 'fd00::2'].map((address) => dc('CLIENT1', address, silence));
    const odd = ['_x', '-', 'null', '123', 'bastion1'].map((name, index) => ({ ...dc(name, `10.0.1.${index + 1}`, silence) }));
    const { hosts } = read(t, withExamples(draftInventory({ ...common, domain, located: located([...same, ...odd]) }).text));
    const names = hosts.map(({ name }) => name.toLowerCase());
    assert.equal(new Set(names).size, names.length);
    assert.equal(names.filter((name) => name.startsWith('client1')).length, 6);
  });

  it('can be read, whatever the network and the host say', (t) => {
    const folder = folderWith(t, {});
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 70 }),
      fc.constantFrom(
        'a: b',
        '# c',
        '- d',
        'null',
        'yes',
        '1e3',
        '0x1',
        '"',
        "'",
        '|',
        '&a',
        '*a',
        '!t',
        '{',
        '%',
        '@',
        '\u2028',
        '\u0085',
        '\r\nhosts: []',
        'é',
        'dc1',
      ),
    );
    const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('127.0.0.1', '::', '::1', '0.0.0.0', '10.1.7.21', '::ffff:10.1.7.21'), word);
    const facts = fc.record(
      {
        domain: fc.constantFrom(domain, 'x'),
        site: word,
        dnsName: word,
        domainGuid: fc.oneof(word, fc.constant(guid)),
        roles: fc.array(fc.oneof(word, fc.constantFrom('gc', 'read-only'))),
      },
      { requiredKeys: [], noNullPrototype: true },
    );
    const ping = fc.oneof(
      facts.map((said) => answered(said)),
      fc.constantFrom(silence, refusal, unsupported),
    );
    const candidate = fc.record({ dnsName: fc.oneof(word, fc.domain()), address, resolvers: fc.array(word, { maxLength: 2 }), ping });
    const search = fc.record({ candidates: fc.array(candidate, { maxLength: 6 }), clientSite: word });
    fc.assert(
      fc.property(search, word, fc.constantFrom(self.addresses, []), word, (found, name, addresses, file) => {
        const survey = {
          file,
          today: '2026-11-22',
          self: { name, addresses },
          domain,
          located: located(found.candidates, { clientSite: found.clientSite }),
        };
        const { text } = draftInventory(survey);
        writeFileSync(join(folder, 'inventory.yaml'), text);
        assert.ok(readInventory(join(folder, 'inventory.yaml')).hosts.length > 0);
        assert.doesNotMatch(text.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the DNS search domains of a host', () => {
  const cases: Readonly<Record<string, readonly [Partial<Settings>, readonly string[]]>> = {
    'those of the search line': [{ resolvConf: 'nameserver 10.0.0.1\nsearch Corp.Example.Test. b.test\n' }, ['corp.example.test', 'b.test']],
    'the last of several lines counts': [{ resolvConf: 'search a.test\ndomain b.test\n' }, ['b.test']],
    'a comment is none': [{ resolvConf: '# search a.test\n;domain b.test\n' }, []],
    'the root and what is no name are none': [{ resolvConf: 'search . a..b -x \u001b[31m\n' }, []],
    "on Windows, the user's domain first": [{ userDomain: 'CORP.EXAMPLE.TEST', hostname: 'pc1' }, ['corp.example.test']],
    "the host's own, after the others, and each once": [{ resolvConf: 'search a.test', hostname: 'pc1.b.test' }, ['a.test', 'b.test']],
    'not more than three': [{ resolvConf: 'search a.test b.test c.test d.test' }, ['a.test', 'b.test', 'c.test']],
    none: [{}, []],
  };
  for (const [name, [settings, expected]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(searchDomains({ resolvConf: '', hostname: 'pc1', ...settings }), expected));
  }
});
