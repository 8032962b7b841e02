import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Inventory, readInventory } from '../../src/inventory.ts';
import { findMatrix, type Matrix, publishedMatrices } from '../../src/matrix.ts';
import { permissions } from '../../src/permission.ts';
import { csvTable, markdownTable } from '../../src/reporters/rule-table.ts';
import { ruleset } from '../../src/reporters/ruleset.ts';
import { portText } from '../../src/port-range.ts';
import { sceneOf, type WrittenHost, type WrittenRule } from '../support/binary.ts';

const dc1 = { name: 'dc1', address: '10.0.1.10', roles: ['dc'], features: ['dns'] };
const dc2 = { name: 'dc2', address: '10.1.1.10', roles: ['dc'], rpc: { netlogon: 50001, samr: 50002, lsarpc: 50002, drsuapi: 50003 } };
const client = { name: 'client1', address: '10.1.7.21', roles: ['client'] };

function inventoryOf(t: TestContext, hosts: readonly WrittenHost[], fields: Readonly<Record<string, unknown>> = {}): Inventory {
  return readInventory(join(sceneOf(t, [], hosts, { domain: 'corp.example.com', ...fields }), 'inventory.yaml'));
}

function matrixOf(t: TestContext, rules: readonly WrittenRule[], hosts?: readonly WrittenHost[]): Matrix {
  return findMatrix('./mine.yaml', { cwd: sceneOf(t, rules, hosts), asPublished: false });
}

const published = (name: string, asPublished = false): Matrix => findMatrix(name, { cwd: '.', asPublished });

/** `client1>dc1: 53/tcp, …`, and what is forbidden behind a bar. */
function allowedIn(matrices: readonly Matrix[], inventory: Inventory): readonly string[] {
  return permissions(matrices, inventory).map(({ source, destination, allowed, forbidden }) =>
    `${source.name}>${destination.name}: ${allowed.map(portText).join(', ')} | ${forbidden.map(portText).join(', ')}`.replace(/ \| $/, ''),
  );
}

describe('what a firewall must let through', () => {
  it('is what the rules want of each pair, with the fixed ports of a destination in the place of the dynamic range, and no legacy rule', (t) => {
    const inventory = inventoryOf(t, [dc1, dc2, client]);
    assert.deepEqual(allowedIn([published('client-to-dc')], inventory), [
      'client1>dc1: 53/tcp, 88/tcp, 135/tcp, 389/tcp, 445/tcp, 464/tcp, 9389/tcp, 49152-65535/tcp, 53/udp, 88/udp, 123/udp, 389/udp, 464/udp',
      'client1>dc2: 53/tcp, 88/tcp, 135/tcp, 389/tcp, 445/tcp, 464/tcp, 636/tcp, 3268-3269/tcp, 9389/tcp, 50001-50003/tcp, 53/udp, 88/udp, 123/udp, 389/udp, 464/udp',
    ]);
  });

  it('is nothing between hosts that are not meant to talk, of two address families, or in a direction that no rule has', (t) => {
    const rules = [
      { id: 'there', ports: ['1/tcp'], probe: 'tcp' },
      { id: 'both', ports: ['2/tcp'], probe: 'tcp', direction: 'both' },
      { id: 'old', ports: ['3/tcp'], probe: 'tcp', direction: 'both', reverseRequirement: 'legacy' },
      { id: 'shut', ports: ['9/tcp'], probe: 'tcp', expect: ['filtered'] },
    ];
    const near = { name: 'near1', address: '127.0.0.9', roles: ['near'] };
    const hosts = [
      near,
      { ...near, name: 'far1', address: '127.0.0.1', roles: ['far'] },
      { ...near, name: 'far2', address: '127.0.0.2', roles: ['far'] },
    ];
    const far6 = { name: 'far6', address: '::1', roles: ['far'] };
    const inventory = inventoryOf(t, [...hosts, far6], { except: [{ from: { host: 'near1' }, to: { host: 'far2' } }] });
    assert.deepEqual(allowedIn([matrixOf(t, rules)], inventory), ['near1>far1: 1-3/tcp | 9/tcp', 'far1>near1: 2/tcp']);
  });
});

function textOf(matrices: readonly Matrix[], inventory: Inventory): string {
  return [...ruleset(permissions(matrices, inventory), { matrices, inventory: 'a\nb.yaml', version: '1.2.3' })].join('');
}

describe('a ruleset', () => {
  const odd = { name: `${'long.'.repeat(50)}abc`, address: 'fd00::2', roles: ['client'] };
  const many = [dc1, dc2, client, { ...client, name: 'ip', address: '10.1.7.22' }, odd, { ...dc1, name: 'dc6', address: 'fd00::1' }];
  const bastion = { name: 'bastion1', address: '10.1.9.31', roles: ['bastion', 'client'] };
  const nft = spawnSync('nft', ['--version']);
  const skip = nft.status !== 0 ? 'there is no nft here' : process.getuid?.() === 0 ? false : 'nft checks a ruleset only for root';

  for (const asPublished of [false, true]) {
    it(`of every matrix${asPublished ? ' as published' : ''} is one that nft takes`, { skip }, (t) => {
      const inventory = inventoryOf(t, [...many, bastion]);
      const matrices = publishedMatrices().map((name) => published(name, asPublished));
      for (const chosen of [...matrices.map((matrix) => [matrix]), matrices]) {
        const input = textOf(chosen, inventory);
        const { status, stderr } = spawnSync('nft', ['-c', '-f', '-'], { input, encoding: 'utf8' });
        assert.equal(status, 0, `${stderr}\n${input}`);
      }
    });
  }

  it('lets through what is allowed, drops what is forbidden before it, and all else between the same hosts after it', (t) => {
    const rules = [
      { id: 'web', ports: ['443/tcp', '8000-8010/tcp'], probe: 'tcp' },
      { id: 'time', ports: ['123/udp'], probe: 'ntp' },
      { id: 'shut', ports: ['445/tcp'], probe: 'tcp', expect: ['closed', 'filtered'] },
    ];
    const hosts = [
      { name: 'near1', address: '127.0.0.9', roles: ['near'] },
      { name: 'far1', address: '127.0.0.1', roles: ['far'] },
      { name: 'far2', address: '127.0.0.2', roles: ['far'] },
    ];
    const shut = matrixOf(t, rules.slice(2));
    const text = textOf([matrixOf(t, rules.slice(0, 2)), { ...shut, name: 'shut' }], inventoryOf(t, hosts));
    const [, chain = ''] = /chain from-near1 \{\n([^}]*\}[^]*?)\n {2}\}/.exec(text) ?? [];
    assert.deepEqual(
      chain.split('\n').map((line) => line.trim()),
      [
        'ip daddr { 127.0.0.1, 127.0.0.2 } tcp dport { 445 } drop',
        'ip daddr { 127.0.0.1, 127.0.0.2 } tcp dport { 443, 8000-8010 } accept',
        'ip daddr { 127.0.0.1, 127.0.0.2 } udp dport { 123 } accept',
        'ip daddr { 127.0.0.1, 127.0.0.2 } meta l4proto { tcp, udp } counter drop',
      ],
    );
    assert.doesNotMatch(textOf([shut], inventoryOf(t, hosts)), /l4proto/, 'a matrix that only forbids says nothing of other ports');
    assert.match(text, /policy accept;\n {4}ct state established,related accept\n {4}ip saddr 127\.0\.0\.9 jump from-near1\n/);
  });
});

describe('a table of rules', () => {
  const awkward = (t: TestContext): Matrix =>
    matrixOf(t, [{ id: 'web', ports: ['443/tcp', '80/tcp'], probe: 'tcp', traffic: 'a "quoted" | piped, <b>bold</b> *word*', note: 'plain' }]);

  it('as CSV has one record a rule, with as many fields as the header, quoted as RFC 4180 says', (t) => {
    const records = parseCsv([...csvTable([...publishedMatrices().map((name) => published(name)), awkward(t)])].join(''));
    const [header = [], ...rest] = records;
    assert.equal(
      rest.length,
      publishedMatrices().reduce((sum, name) => sum + published(name).rules.length, 1),
    );
    assert.ok(rest.every((fields) => fields.length === header.length));
    const last = Object.fromEntries(header.map((title, index) => [title, rest.at(-1)?.[index]]));
    assert.partialDeepStrictEqual(last, { matrix: 'mine', rule: 'web', ports: '443/tcp, 80/tcp', traffic: 'a "quoted" | piped, <b>bold</b> *word*' });
  });

  it('as Markdown has a heading and a table a matrix, in which nothing of a rule is markup', (t) => {
    const text = [...markdownTable([published('client-to-dc'), awkward(t)])].join('');
    assert.match(text, /^## Client to domain controller\n\n`client-to-dc`: from client to dc\./);
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    const cells = rows.map((line) => line.replaceAll(/\\./g, '').split('|').length);
    assert.equal(new Set(cells).size, 1);
    assert.equal(rows.length, published('client-to-dc').rules.length + 1 + 4);
    assert.ok(text.includes(String.raw`a "quoted" \| piped, \<b\>bold\</b\> \*word\*`));
  });
});

/** RFC 4180, read independently of how it was written. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let fields: string[] = [];
  for (const [, quoted, bare = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    if (end === '' && fields.length === 0) break;
    fields.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end === ',') continue;
    records.push(fields);
    fields = [];
  }
  return records;
}
