import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { attempt, run } from './command.ts';
import { borrowForest, raiseForest } from './forest.ts';
import type { Forest } from './forest.ts';
import { existingNamespaces, pidsIn } from './network.ts';
import { installLabPackages } from './packages.ts';
import { pollUntil } from './poll.ts';
import { NAMING_CONTEXTS } from './replication.ts';
import { runAs, smbConf } from './samba.ts';
import { DC_TCP_PORTS, DC_UDP_PORTS, DCS, DOMAIN, HOSTS, NAMESPACES } from './topology.ts';

const { installed, reason } = installLabPackages();

const addresses = DCS.flatMap((dc) => [HOSTS[dc].address, HOSTS[dc].address6].map((address) => ({ dc, address })));

describe('the forest', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};

  before(async () => {
    ({ forest, release } = await borrowForest());
  });

  after(() => release());

  function onClient(...argv: string[]): Promise<string> {
    return run([...forest.prefix('client'), ...argv]);
  }

  test('is raised only once by two raises at the same time', async () => {
    const [samba] = await pidsIn(HOSTS.dc1.netns);
    const [one, two] = await Promise.all([raiseForest(), raiseForest()]);
    assert.equal(one, two);
    assert.deepEqual(await existingNamespaces(), NAMESPACES);
    assert.deepEqual((await pidsIn(HOSTS.dc1.netns))[0], samba, 'Samba was started anew');
  });

  for (const { dc, address } of addresses) {
    const six = address.includes(':') ? ['-6'] : [];

    test(`${dc} names both DCs in DNS at ${address}`, async () => {
      const found = await onClient('dig', '+short', `@${address}`, 'SRV', `_ldap._tcp.dc._msdcs.${DOMAIN}`);
      assert.deepEqual(found.trim().split('\n').sort(), [`0 100 389 dc1.${DOMAIN}.`, `0 100 389 dc2.${DOMAIN}.`]);
      for (const host of DCS.map((name) => HOSTS[name])) {
        assert.equal((await onClient('dig', '+short', `@${address}`, 'A', host.fqdn)).trim(), host.address);
        assert.equal((await onClient('dig', '+short', `@${address}`, 'AAAA', host.fqdn)).trim(), host.address6);
      }
    });

    test(`${dc} answers for its directory at ${address}`, async () => {
      const shown = await onClient('nmap', ...six, '-n', '-Pn', '--unprivileged', '-p389', '--script', 'ldap-rootdse', address);
      assert.match(shown, /defaultNamingContext: DC=corp,DC=example,DC=test/);
      assert.match(shown, new RegExp(`dnsHostName: ${dc}\\.${DOMAIN.replaceAll('.', '\\.')}`));
      assert.match(shown, /isSynchronized: TRUE/);
    });

    test(`${dc} has exactly the DC's TCP ports open at ${address}`, async () => {
      const shown = await onClient('nmap', ...six, '-n', '-Pn', '-sT', '--unprivileged', '-p-', address);
      const open = [...shown.matchAll(/^(\d+)\/tcp\s+open\b/gm)].map(([, port]) => Number(port));
      assert.deepEqual(open, DC_TCP_PORTS);
    });

    test(`${dc} has exactly the DC's UDP ports bound at ${address}`, async () => {
      const bound = (await run([...forest.prefix(dc), 'ss', '-Hlun']))
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/)[3] ?? '');
      const own = six.length > 0 ? [`[${address}]`, '[::]'] : [address, '0.0.0.0'];
      const ports = bound.filter((local) => own.includes(local.replace(/:\d+$/, ''))).map((local) => Number(local.replace(/^.*:/, '')));
      const expected = six.length > 0 ? DC_UDP_PORTS.filter((port) => port !== 137 && port !== 138) : DC_UDP_PORTS;
      assert.deepEqual(
        [...new Set(ports)].sort((a, b) => a - b),
        expected,
      );
    });

    for (const port of ['636', '3269']) {
      test(`${dc} proves its name by a certificate of the lab's CA at ${address} port ${port}`, async () => {
        const at = six.length > 0 ? `[${address}]:${port}` : `${address}:${port}`;
        const connect = ['openssl', 's_client', '-connect', at, '-CAfile', forest.caFile, '-verify_return_error', '-x509_strict', '-brief'];
        const shown = await attempt([...forest.prefix('client'), ...connect, '-verify_hostname', HOSTS[dc].fqdn]);
        assert.match(shown.stderr, /^Verification: OK$/m);
        assert.match(shown.stderr, new RegExp(`^Verified peername: ${HOSTS[dc].fqdn}$`, 'm'));
        const other = await attempt([...forest.prefix('client'), ...connect, '-verify_hostname', DOMAIN]);
        assert.match(other.stderr, /hostname mismatch/i);
      });
    }
  }

  test('replicates every naming context both ways', async () => {
    for (const dc of DCS) {
      const shown = await runAs(dc, ['samba-tool', 'drs', 'showrepl', dc, '-s', smbConf(dc), '-P'], 20_000);
      const inbound = shown.slice(shown.indexOf('INBOUND'), shown.indexOf('OUTBOUND'));
      for (const nc of NAMING_CONTEXTS) assert.match(inbound, new RegExp(`^${nc}$`, 'm'), `${dc} does not pull ${nc}`);
      assert.doesNotMatch(inbound, /[1-9]\d* consecutive failure/);
      assert.equal([...inbound.matchAll(/was successful/g)].length, NAMING_CONTEXTS.length);
    }
  });

  test('knows a new object on one DC after replication on the other', async () => {
    const { name, password } = forest.administrator;
    const account = `-U${name}%${password}`;
    const computer = `lab${process.pid}`;
    await runAs('dc1', ['samba-tool', 'computer', 'create', computer, '-s', smbConf('dc1'), account, `-Hldap://${HOSTS.dc1.fqdn}`], 20_000);
    try {
      const [context = ''] = NAMING_CONTEXTS;
      await runAs('dc2', ['samba-tool', 'drs', 'replicate', 'dc2', 'dc1', context, '-s', smbConf('dc2'), account], 20_000);
      const listed = await runAs('dc2', ['samba-tool', 'computer', 'list', '-s', smbConf('dc2'), account, `-Hldap://${HOSTS.dc2.fqdn}`], 20_000);
      assert.match(listed, new RegExp(`^${computer}\\$`, 'm'));
    } finally {
      await runAs('dc1', ['samba-tool', 'computer', 'delete', computer, '-s', smbConf('dc1'), account, `-Hldap://${HOSTS.dc1.fqdn}`], 20_000);
    }
  });

  test('answers from every host by name, with the resolver that the host has', async () => {
    for (const host of ['client', 'bastion', 'dc1', 'dc2'] as const) {
      const found = await run([...forest.prefix(host), 'getent', 'ahosts', HOSTS.dc2.fqdn]);
      assert.match(found, new RegExp(`^${HOSTS.dc2.address} `, 'm'));
      assert.match(found, new RegExp(`^${HOSTS.dc2.address6} `, 'm'));
    }
  });

  test('has no way out: its hosts have no link but the one to the router, the router none but those to the hosts', async () => {
    for (const netns of NAMESPACES) {
      const links = (await run(['ip', '-n', netns, '-br', 'link']))
        .trim()
        .split('\n')
        .map((line) => line.split(/[@\s]/)[0]);
      assert.deepEqual(
        // The second forest may have been raised by another test.
        links.filter((link) => link !== 'dc3').toSorted((one = '', other = '') => one.localeCompare(other)),
        netns === 'pm-router' ? ['bastion', 'client', 'dc1', 'dc2', 'lo'] : ['eth0', 'lo'],
      );
    }
    assert.equal(await run(['ip', '-n', 'pm-router', 'route', 'show', 'default']), '');
  });

  test('comes up again after its daemons were killed, from the state that they left', async () => {
    const directory = async (): Promise<string> =>
      (await runAs('dc1', ['samba-tool', 'drs', 'showrepl', 'dc1', '-s', smbConf('dc1'), '-P'], 20_000)).replace(
        /^[^]*DSA invocationId: (\S+)[^]*$/,
        '$1',
      );
    const before = await directory();
    const pids = [...(await pidsIn(HOSTS.dc1.netns)), ...(await pidsIn(HOSTS.dc2.netns))];
    await run(['kill', '-KILL', ...pids]);
    await pollUntil('end of the daemons', 10_000, async () => (await pidsIn(HOSTS.dc2.netns))[0]);
    await raiseForest();
    assert.equal(await directory(), before);
  });
});
