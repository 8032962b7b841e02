import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Result } from '../../src/report.ts';
import { wordsOf } from './cells.ts';
import { borrowForest, type Forest } from './forest.ts';
import { installLabPackages } from './packages.ts';
import { type Family, inventoryText, type Ran, runProduct } from './product.ts';

const { installed, reason } = installLabPackages();

const tcp = 'open syn-ack identified -> pass';
const udp = 'open udp-response identified -> pass';
const refused = 'closed conn-refused -> fail refused';
const tolerated = 'closed conn-refused -> warn refused';

const sizeRows = {
  'locator-1232 389/udp': udp,
  'dns-udp-1452 53/udp': udp,
  'kerberos-udp-1452 88/udp': udp,
  'kerberos-udp-2000 88/udp': udp,
  'ldap-4000 389/tcp': tcp,
  'ldap-reply 389/tcp': tcp,
} as const;

/** What Samba serves passes with its protocol identified; what it does not serve is reported as it is. Keys are rules with their port. */
const dcRows = {
  'dns 53/tcp': tcp,
  'dns 53/udp': udp,
  'kerberos 88/tcp': tcp,
  'kerberos 88/udp': udp,
  'time 123/udp': udp,
  'endpoint-mapper 135/tcp': tcp,
  'netbios-name 137/udp': udp,
  'netbios-datagram 138/udp': udp,
  'netbios-session 139/tcp': tcp,
  'ldap 389/tcp': tcp,
  'locator 389/udp': udp,
  'smb 445/tcp': tcp,
  'smb-udp 445/udp': 'closed port-unreach -> warn refused',
  'kpasswd 464/tcp': tcp,
  'kpasswd 464/udp': udp,
  'ldaps 636/tcp': tcp,
  'global-catalog 3268/tcp': tcp,
  'global-catalog-tls 3269/tcp': tcp,
  'dfsr-2008 5722/tcp dfsr': 'nothing -> skip not-applicable',
  'adws 9389/tcp': refused,
  'rpc-dynamic 49152-65535/tcp drsuapi': tcp,
  'rpc-dynamic 49152-65535/tcp netlogon': tcp,
  'rpc-dynamic 49152-65535/tcp samr': tcp,
  'rpc-dynamic 49152-65535/tcp lsarpc': tcp,
  'rpc-dynamic 49152-65535/tcp dfsr': 'open syn-ack absent -> fail service-absent',
  'udp-dynamic 64370/udp': 'closed port-unreach -> warn refused',
  ...sizeRows,
} as const;

const clientRows = {
  'dns 53/tcp': tcp,
  'dns-udp 53/udp': udp,
  'kerberos 88/tcp': tcp,
  'kerberos-udp 88/udp': udp,
  'time 123/udp': udp,
  'endpoint-mapper 135/tcp': tcp,
  'netbios-name 137/udp': udp,
  'netbios-datagram 138/udp': udp,
  'ldap 389/tcp': tcp,
  'locator 389/udp': udp,
  'smb 445/tcp': tcp,
  'smb-quic 443/udp': 'nothing -> skip not-applicable',
  'kpasswd 464/tcp': tcp,
  'kpasswd-udp 464/udp': udp,
  'ldaps 636/tcp': tcp,
  'global-catalog 3268/tcp': tcp,
  'global-catalog-tls 3269/tcp': tcp,
  'adws 9389/tcp': tolerated,
  'rpc-dynamic 49152-65535/tcp drsuapi': tcp,
  'rpc-dynamic 49152-65535/tcp netlogon': tcp,
  'rpc-dynamic 49152-65535/tcp samr': tcp,
  'rpc-dynamic 49152-65535/tcp lsarpc': tcp,
  ...sizeRows,
} as const;

const bastionRows = {
  'rdgw 443/tcp': 'nothing -> skip not-applicable',
  'rdp 3389/tcp': refused,
  'rdp-udp 3389/udp': 'closed port-unreach -> warn refused',
  'winrm 5985/tcp': refused,
  'winrm-tls 5986/tcp': refused,
} as const;

const toBastionRows = { 'winrm 5985/tcp': tolerated, 'winrm-tls 5986/tcp': tolerated } as const;

/** Samba speaks NetBIOS over IPv4 only. */
const withoutNetbios = {
  'netbios-name 137/udp': 'closed port-unreach -> warn refused',
  'netbios-datagram 138/udp': 'closed port-unreach -> warn refused',
} as const;

const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'dc-to-dc dc1->dc2': dcRows,
  'dc-to-dc dc2->dc1': dcRows,
  'client-to-dc client->dc1': clientRows,
  'client-to-dc client->dc2': clientRows,
  'bastion-to-dc bastion->dc1': bastionRows,
  'bastion-to-dc bastion->dc2': bastionRows,
  'bastion-to-dc dc1->bastion': toBastionRows,
  'bastion-to-dc dc2->bastion': toBastionRows,
};

describe('the forest as it is, through the three published matrices', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};
  before(async () => ({ forest, release } = await borrowForest()));
  after(async () => release());

  for (const family of [4, 6] as const) {
    test(`over IPv${family} every row is reported exactly as it is`, async () => {
      const { report, status } = await ran(family);
      assert.deepEqual(table(report.results), family === 4 ? expected : overIpv6());
      assert.equal(status, 1, 'DCs without ADWS, DFSR and remote desktop fail');
      assert.deepEqual(
        report.sources.map(({ name, state, capabilities }) => [name, state, capabilities?.udpRefused]),
        ['dc1', 'dc2', 'client', 'bastion'].map((name) => [name, 'reported', true]),
      );
    });
  }

  test('what the DCs say of themselves is in the facts', async () => {
    const { report } = await ran(4);
    const factsOf = (id: string): unknown => {
      const outcome = report.results.find(({ check }) => check.id === id)?.outcome;
      return outcome?.kind === 'observed' ? outcome.service?.facts : undefined;
    };
    const pick = (id: string, ...names: string[]): unknown[] => {
      const facts = factsOf(id);
      assert.ok(typeof facts === 'object' && facts !== null, id);
      return names.map((name) => Object.entries(facts).find(([key]) => key === name)?.[1]);
    };
    const [site] = ['Default-First-Site-Name'];
    assert.deepEqual(pick('client-to-dc/locator/client->dc2:389/udp', 'dnsName', 'domain', 'netbiosName', 'netbiosDomain', 'site', 'clientSite'), [
      'dc2.corp.example.test',
      'corp.example.test',
      'DC2',
      'CORP',
      site,
      site,
    ]);
    assert.deepEqual(pick('client-to-dc/dns-udp/client->dc1:53/udp', 'rcode', 'authoritative', 'srvTargets'), [
      'NOERROR',
      true,
      ['dc1.corp.example.test', 'dc2.corp.example.test'],
    ]);
    assert.deepEqual(pick('client-to-dc/kerberos/client->dc1:88/tcp', 'principal', 'realm', 'errorCode'), ['DC1$', 'CORP.EXAMPLE.TEST', 25]);
    assert.deepEqual(pick('dc-to-dc/kerberos/dc1->dc2:88/udp', 'principal', 'errorCode'), ['DC1$', 25]);
    assert.deepEqual(pick('client-to-dc/ldaps/client->dc1:636/tcp', 'tlsProtocol', 'certificateChain', 'certificateKeyBits', 'dnsName'), [
      'TLSv1.3',
      'trusted',
      2048,
      'dc1.corp.example.test',
    ]);
    assert.deepEqual(pick('client-to-dc/smb/client->dc1:445/tcp', 'dialect', 'signingRequired'), ['3.1.1', true]);
    assert.deepEqual(pick('client-to-dc/endpoint-mapper/client->dc1:135/tcp', 'rpcPorts', 'rpcAbsent'), [
      { drsuapi: 49153, netlogon: 49152, samr: 49154, lsarpc: 49153 },
      ['dfsr'],
    ]);
  });

  test('a host that is not the one the inventory means is a wrong host, on every protocol that names it', async () => {
    const swapped = { dc1: { dnsName: 'dc9.corp.example.test' } };
    const { report } = await runProduct(inventoryText(forest.caFile, 4, swapped), undefined, ['-m', 'client-to-dc', '--destination', 'dc1']);
    const wrong = report.results.filter(({ verdict }) => verdict.finding?.code === 'wrong-host').map(({ check }) => check.rule);
    assert.deepEqual(wrong.toSorted(), ['global-catalog', 'ldap', 'locator', 'netbios-datagram', 'netbios-name']);
    const otherwise = new Map(report.results.map(({ check, verdict }) => [check.rule, verdict]));
    assert.deepEqual(
      [otherwise.get('ldaps')?.finding?.code, otherwise.get('ldaps')?.also?.map(({ code }) => code)],
      ['certificate-name', ['wrong-host']],
    );
    assert.equal(otherwise.get('dns')?.finding?.code, 'not-registered');
  });

  test('a domain that the DCs do not serve is a wrong host or a failure of DNS', async () => {
    const elsewhere = { dc1: { domain: 'other.example.test', dnsName: 'dc1.corp.example.test' } };
    const { report } = await runProduct(inventoryText(forest.caFile, 4, elsewhere), undefined, ['-m', 'client-to-dc', '--destination', 'dc1']);
    const codes = Object.fromEntries(report.results.map(({ check, verdict }) => [`${check.rule} ${check.transport}`, verdict.finding?.code]));
    assert.equal(codes['locator udp'], 'wrong-host');
    assert.equal(codes['ldap tcp'], 'wrong-host');
    assert.equal(codes['dns tcp'], 'dns-failure');
  });

  async function ran(family: Family): Promise<Ran> {
    return runProduct(inventoryText(forest.caFile, family), undefined);
  }
});

function table(results: readonly Result[]): Record<string, Record<string, string>> {
  const rows: Record<string, Record<string, string>> = {};
  for (const { check, outcome, verdict } of results) {
    const pair = (rows[`${check.matrix} ${check.source}->${check.destination}`] ??= {});
    const row = [`${check.rule} ${check.port}/${check.transport}`, check.interface].filter((word) => word !== undefined).join(' ');
    pair[row] = `${wordsOf(outcome)} -> ${[verdict.status, verdict.finding?.code].filter((word) => word !== undefined).join(' ')}`;
  }
  return rows;
}

function overIpv6(): Record<string, Record<string, string>> {
  return Object.fromEntries(
    Object.entries(expected).map(([pair, rows]) => [
      pair,
      Object.fromEntries(Object.entries({ ...rows, ...withoutNetbios }).filter(([row]) => row in rows)),
    ]),
  );
}
