/** `--kerberos` against the real forest: a ticket of each DC, one KDC dropped or silent, no credentials, no library. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { silentPort } from '../support/loopback.ts';
import { run } from './command.ts';
import { applyFirewall } from './firewall.ts';
import { borrowForest, type Forest } from './forest.ts';
import { kerberosAddon } from './kerberos-addon.ts';
import { installLabPackages } from './packages.ts';
import { inventoryText, type Ran, runProduct } from './product.ts';
import { runAs, smbConf } from './samba.ts';
import { KRB5_FILE } from './state.ts';
import { ADMINISTRATOR, DOMAIN, HOSTS, inNetns, REALM } from './topology.ts';

const { installed, reason } = installLabPackages();
const words = ['--kerberos', '-m', 'kerberos-tickets', '--source', 'client', '--timeout-ms', '4000'];
const principal = `${ADMINISTRATOR.name}@${REALM}`;

describe('with Kerberos credentials on the client', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};
  let folder = '';
  let env: Readonly<Record<string, string>> = {};

  before(async () => {
    // Built before the forest is borrowed, which others wait for.
    const addon = await kerberosAddon();
    ({ forest, release } = await borrowForest());
    folder = mkdtempSync(join(tmpdir(), 'portmatrix-'));
    env = { NODE_PATH: addon, KRB5CCNAME: `FILE:${join(folder, 'cache')}` };
    await run([...inNetns(HOSTS.client.netns), 'kinit', principal], {
      input: `${ADMINISTRATOR.password}\n`,
      env: { ...env, KRB5_CONFIG: KRB5_FILE },
    });
  });
  after(async () => {
    if (folder !== '') rmSync(folder, { recursive: true });
    await release();
  });

  const ask = async (more: readonly string[] = [], extra: object = {}, environment = env): Promise<Ran> =>
    runProduct(inventoryText(forest.caFile, 4, { client: extra }), undefined, [...words, ...more], environment);

  test('each DC issues both tickets, and takes the one for its directory; the cache stays as it was', async () => {
    await applyFirewall([]);
    const cache = readFileSync(join(folder, 'cache'));
    const { report, status } = await ask();
    assert.deepEqual(verdicts({ report }), {
      'ldap-ticket dc1': 'pass',
      'cifs-ticket dc1': 'pass',
      'ldap-bind dc1': 'pass',
      'ldap-ticket dc2': 'pass',
      'cifs-ticket dc2': 'pass',
      'ldap-bind dc2': 'pass',
    });
    assert.equal(status, 0);
    for (const { check, outcome } of report.results) {
      assert.ok(outcome?.kind === 'observed');
      const { principal: asked, servicePrincipal, realm, errorCode, resultCode } = outcome.service?.facts ?? {};
      const service = `${check.rule.slice(0, 4)}/${check.destination}.${DOMAIN}`;
      if (check.probe === 'ldap-bind') assert.equal(resultCode, 0);
      else assert.deepEqual([asked, servicePrincipal, realm, errorCode], [principal, service, REALM, 0]);
    }
    assert.deepEqual(readFileSync(join(folder, 'cache')), cache);
  });

  test('over IPv6 too', async () => {
    await applyFirewall([]);
    const { report, status } = await runProduct(inventoryText(forest.caFile, 6), undefined, words, env);
    assert.deepEqual([status, report.summary.pass], [0, 6]);
  });

  test('a key table serves as well as a cache', async () => {
    await applyFirewall([]);
    const keytab = join(folder, 'keytab');
    await runAs('dc1', ['samba-tool', 'domain', 'exportkeytab', keytab, `--principal=${ADMINISTRATOR.name}`, '-s', smbConf('dc1')], 30_000);
    const { report, status } = await ask(['--keytab', keytab], {}, { ...env, KRB5CCNAME: '/nowhere' });
    assert.deepEqual([status, report.summary.pass], [0, 6]);
  });

  test('one KDC dropped fails its own checks, and no others', async () => {
    await applyFirewall([{ source: 'client', destination: 'dc2', transport: 'tcp', ports: '88', action: 'drop' }]);
    const { report, status } = await ask();
    assert.deepEqual(verdicts({ report }), {
      'ldap-ticket dc1': 'pass',
      'cifs-ticket dc1': 'pass',
      'ldap-bind dc1': 'pass',
      'ldap-ticket dc2': 'fail no-answer',
      'cifs-ticket dc2': 'fail no-answer',
      'ldap-bind dc2': 'skip prerequisite',
    });
    assert.equal(status, 1);
  });

  test('a directory dropped fails the bind alone', async () => {
    await applyFirewall([{ source: 'client', destination: 'dc1', transport: 'tcp', ports: '389', action: 'drop' }]);
    const { report } = await ask(['--destination', 'dc1']);
    assert.deepEqual(verdicts({ report }), { 'ldap-ticket dc1': 'pass', 'cifs-ticket dc1': 'pass', 'ldap-bind dc1': 'fail no-answer' });
  });

  test('a KDC that takes the question and stays silent ends with the deadline, as silence of the service', async (t) => {
    const port = await silentPort(t, 'tcp');
    const hosts = [
      { name: 'client', address: '127.0.0.9', roles: ['client'], connector: 'local' },
      { name: 'dc1', address: '127.0.0.1', roles: ['dc'], os: 'samba' },
    ];
    const matrix = { matrix: 'silent', from: 'client', to: 'dc', rules: [{ id: 'ldap-ticket', ports: [`${port}/tcp`], probe: 'ldap-ticket' }] };
    const startedAt = performance.now();
    const { report } = await runProduct(
      JSON.stringify({ domain: DOMAIN, hosts }),
      JSON.stringify(matrix),
      ['--kerberos', '--timeout-ms', '2000'],
      env,
    );
    assert.deepEqual(verdicts({ report }), { 'ldap-ticket dc1': 'fail service-silent' });
    // libkrb5 alone would hold on to it for half a minute.
    assert.ok(performance.now() - startedAt < 20_000);
  });

  test('a service that the DC does not have is refused by its KDC', async () => {
    await applyFirewall([]);
    const inventory = inventoryText(forest.caFile, 4, { dc1: { dnsName: `nobody.${DOMAIN}` } });
    const { report } = await runProduct(inventory, undefined, [...words, '--destination', 'dc1'], env);
    assert.deepEqual(verdicts({ report }), {
      'ldap-ticket dc1': 'fail ticket-refused',
      'cifs-ticket dc1': 'fail ticket-refused',
      'ldap-bind dc1': 'skip prerequisite',
    });
    assert.ok(report.results.some(({ verdict }) => verdict.finding?.code === 'ticket-refused' && verdict.finding.errorCode === 7));
  });

  test('without credentials nothing fails: it could not be looked', async () => {
    await applyFirewall([]);
    const { report, status } = await ask(['--destination', 'dc1'], {}, { ...env, KRB5CCNAME: join(folder, 'nothing') });
    assert.deepEqual(verdicts({ report }), {
      'ldap-ticket dc1': 'error not-checked',
      'cifs-ticket dc1': 'error not-checked',
      'ldap-bind dc1': 'skip prerequisite',
    });
    assert.equal(status, 3);
  });

  test('without the library the checks are skipped, and the rest is asked', async () => {
    await applyFirewall([]);
    // `ip netns exec` gives the agent a mount namespace of its own.
    const hide = 'for file in /usr/lib/*/libgssapi_krb5.so.2; do mount --bind /dev/null "$file"; done; exec "$@"';
    const connector = { exec: [...inNetns(HOSTS.client.netns), 'sh', '-c', hide, 'sh'] };
    const { report, status } = await ask(['-m', 'client-to-dc', '--rule', 'kerberos,ldap-ticket,cifs-ticket', '--destination', 'dc1'], { connector });
    assert.deepEqual(verdicts({ report }), {
      'locator dc1': 'pass',
      'kerberos dc1': 'pass',
      'ldap-ticket dc1': 'skip not-equipped',
      'cifs-ticket dc1': 'skip not-equipped',
    });
    assert.equal(status, 0);
  });
});

function verdicts({ report }: Pick<Ran, 'report'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    report.results.map(({ check, verdict: { status, finding } }) => [
      `${check.rule} ${check.destination}`,
      finding === undefined ? status : `${status} ${finding.code}`,
    ]),
  );
}
