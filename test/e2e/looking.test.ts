/** The commands that send nothing: plan, validate, matrix, help and version. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { checkout, far, near, onScene, portmatrix, sceneOf } from '../support/binary.ts';

const web = { id: 'web', ports: ['443/tcp'], probe: 'tcp' };

describe('plan', () => {
  it('says what is asked, what is kept apart and why, what is left out and why, and how long it can take', async (t) => {
    const hosts = [
      { ...near, site: 'a' },
      { name: 'near2', address: '127.0.0.10', roles: ['near'], site: 'b' },
      { ...far, site: 'a' },
      { name: 'far2', address: '127.0.0.2', roles: ['far'], features: [], site: 'b' },
      { name: 'far6', address: '::1', roles: ['far'], site: 'a' },
    ];
    const links = {
      links: [{ from: { site: 'a' }, to: { site: 'b' } }],
      except: [{ from: { host: 'near1' }, to: { host: 'far2' }, reason: 'the DMZ is shut' }],
    };
    const folder = sceneOf(t, [web, { id: 'secure', ports: ['636/tcp'], probe: 'ldaps', when: 'ldaps', requirement: 'legacy' }], hosts, links);
    const { code, stdout, stderr } = await portmatrix(t, ['plan', ...onScene], { cwd: folder });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    for (const wanted of [
      /^near1 127\.0\.0\.9 -> far1 127\.0\.0\.1: 1 checks?$/m,
      /mine\/web +443\/tcp +a TCP handshake/,
      /mine\/secure +636\/tcp +left out: the destination has no feature "ldaps" \[legacy\]/,
      /mine\/web +443\/tcp +left out: this host runs no agent/,
      /Not meant to talk \(the DMZ is shut\): near1 -> far2/,
      /Not meant to talk \(one has an IPv4 address and the other an IPv6 address\): near1 -> far6/,
      /the slowest source takes up to \d+ s\. Nothing was sent\./,
    ])
      assert.match(stdout, wanted);
  });

  it('as JSON is one check a line, with what is left out and why', async (t) => {
    const folder = sceneOf(t, [web, { id: 'secure', ports: ['636/tcp'], probe: 'ldaps', when: 'ldaps' }]);
    const { stdout } = await portmatrix(t, ['plan', ...onScene, '--format', 'json'], { cwd: folder });
    const checks = stdout
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    assert.partialDeepStrictEqual(checks, [
      { id: 'mine/web/near1->far1:443/tcp', address: '127.0.0.1', probe: 'tcp' },
      { id: 'mine/secure/near1->far1:636/tcp', skip: { code: 'not-applicable', feature: 'ldaps' } },
    ]);
  });
});

describe('plan of forbidden traffic', () => {
  const hosts = [
    { ...near, roles: ['client'] },
    { ...far, roles: ['dc'] },
  ];

  it('is made only where it is named, draws its control in, and says what must not be open', async (t) => {
    const folder = sceneOf(t, [], hosts);
    const planned = async (...words: readonly string[]): Promise<string> =>
      (await portmatrix(t, ['plan', '-i', 'inventory.yaml', ...words], { cwd: folder })).stdout;
    assert.doesNotMatch(await planned(), /hardening/);
    const named = await planned('-m', 'hardening', '--rule', 'rdp');
    assert.match(named, /hardening\/rdp +3389\/tcp +a TCP handshake, then FIN \[must be filtered\]/);
    assert.match(named, /Also asked, because a chosen rule needs it: hardening\/alive/);
    assert.doesNotMatch(named, /No rule here wants a port open/);
  });

  it('without anything that could show the destination alive says that no silence can pass', async (t) => {
    const folder = sceneOf(t, [{ ...web, expect: ['filtered'] }]);
    assert.match((await portmatrix(t, ['plan', ...onScene], { cwd: folder })).stdout, /No rule here wants a port open, so that no silence can pass/);
  });
});

describe('validate', () => {
  it('says what is in files that are right', async (t) => {
    const { code, stdout, stderr } = await portmatrix(t, ['validate', '-i', 'inventory.yaml', '-m', 'mine.yaml'], { cwd: sceneOf(t, [web]) });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(
      stdout,
      /^mine\.yaml: right, 1 rules? from near to far\n.*inventory\.yaml: right, 2 hosts \(1 can run an agent\), everybody may talk to everybody\n$/,
    );
  });
});

describe('matrix', () => {
  it('list names each matrix, who asks whom, and where it is published', async (t) => {
    const { code, stdout } = await portmatrix(t, ['matrix', 'list']);
    assert.equal(code, 0);
    assert.match(stdout, /^client-to-dc +client -> dc +\d+ rules {2}Client to domain controller\n +https:/m);
  });

  it('show prints the file as it is', async (t) => {
    const { stdout } = await portmatrix(t, ['matrix', 'show', 'client-to-dc']);
    assert.equal(stdout, readFileSync(join(checkout, 'matrices', 'client-to-dc.yaml'), 'utf8'));
  });

  it('show --format json fills every default in, and knows the rows as published', async (t) => {
    const { stdout } = await portmatrix(t, ['matrix', 'show', 'client-to-dc', '--format', 'json']);
    const matrix: unknown = JSON.parse(stdout);
    assert.partialDeepStrictEqual(matrix, { name: 'client-to-dc', from: ['client'], to: 'dc', asPublished: false });
    const published: unknown = JSON.parse((await portmatrix(t, ['matrix', 'show', 'client-to-dc', '--format', 'json', '--as-published'])).stdout);
    assert.partialDeepStrictEqual(published, { asPublished: true });
    assert.notDeepEqual(published, matrix);
  });
});

describe('matrix export', () => {
  it('prints Markdown, CSV, and the firewall rules of the hosts of an inventory', async (t) => {
    const folder = sceneOf(t, [web]);
    const exported = async (...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await portmatrix(t, ['matrix', 'export', './mine.yaml', ...words], { cwd: folder });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      return stdout;
    };
    assert.match(await exported(), /^\| web \| {2}\| 443\/tcp \|/m);
    assert.match(await exported('--format', 'csv'), /^mine,near,far,web,,443\/tcp,/m);
    assert.match(await exported('--format', 'nftables', '-i', 'inventory.yaml'), /ip daddr \{ 127\.0\.0\.1 \} tcp dport \{ 443 \} accept/);
  });
});

describe('explain', () => {
  it('tells of one result of a report, with the rules that open it between its addresses', async (t) => {
    const id = 'client-to-dc/dynamic-rpc/ws1.corp.example.com->dc1.corp.example.com:49152-65535/tcp#netlogon';
    const { code, stdout, stderr } = await portmatrix(t, ['explain', id, '--report', 'reports/examples/blocked.report.json'], { cwd: checkout });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /verdict FAIL no-answer\. /);
    assert.match(stdout, /nft add rule inet filter forward ip saddr 10\.99\.3\.21 ip daddr 10\.99\.1\.11 tcp dport 49152-65535 ct state new accept/);
  });

  it('says what a check of a report is about, and how to test it by hand', async (t) => {
    const { code, stdout, stderr } = await portmatrix(t, ['explain', 'client-to-dc/ldap/client1->dc1:389/tcp']);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.match(stdout, /^client-to-dc\/ldap 389\/tcp {2}LDAP\n/);
    assert.match(stdout, /Allow client1:\* → dc1:389\/tcp and the replies/);
    assert.match(stdout, /by hand Linux: ldapsearch -x -H ldap:\/\/dc1:389 /);
  });

  it('knows the rules of a file of one’s own', async (t) => {
    const { code, stdout } = await portmatrix(t, ['explain', 'web', '-m', 'mine.yaml'], { cwd: sceneOf(t, [web]) });
    assert.equal(code, 0);
    assert.match(stdout, /^mine\/web 443\/tcp/);
  });
});

describe('help', { concurrency: 2 }, () => {
  for (const words of [
    [],
    ['run'],
    ['plan'],
    ['validate'],
    ['matrix'],
    ['matrix', 'list'],
    ['matrix', 'show'],
    ['matrix', 'export'],
    ['explain'],
    ['report'],
  ]) {
    it(`of "${['portmatrix', ...words].join(' ')}" has an example that names it`, async (t) => {
      const { code, stdout, stderr } = await portmatrix(t, [...words, '--help'], { env: { LANG: 'de_DE.UTF-8' } });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const [, examples = ''] = stdout.split('Examples:\n');
      assert.match(examples, new RegExp(`^ +${['portmatrix', ...words].join(' ')} `, 'm'));
      assert.doesNotMatch(stdout, /undefined|\$0/);
    });
  }

  it('--version is the one of package.json', async (t) => {
    const { version }: { readonly version: string } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
    assert.deepEqual(await portmatrix(t, ['--version']), { code: 0, signal: null, stdout: `${version}\n`, stderr: '' });
  });
});
