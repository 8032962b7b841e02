import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Inventory, readInventory } from '../../src/inventory.ts';
import { folderWith } from '../support/temporary-folder.ts';

// Self-signed EC certificate of CN=Test CA, made with `openssl req -x509`.
const certificate = `-----BEGIN CERTIFICATE-----
MIIBezCCASGgAwIBAgIUPNKImKvLn75GAUJ5nXfZoyP/GZowCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHVGVzdCBDQTAgFw0yNjExMjIxMzAzMDhaGA8yMTI2MTAyOTEz
MDMwOFowEjEQMA4GA1UEAwwHVGVzdCBDQTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABMRLUxiLs9mJgnbE6UaDsaVLrWhLp4cEtGdYtH5y1zBFUlUL3JXb9uMGymHK
rGSkiPRQEwCZTDzqp1UNxqE8pO+jUzBRMB0GA1UdDgQWBBQB30USQ4GPRuO/n5CZ
YsXHQe0s3zAfBgNVHSMEGDAWgBQB30USQ4GPRuO/n5CZYsXHQe0s3zAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIFIJZ3lN3TdZt+KmOjphOq5uhYIv
iFijqvaVO15FNW67AiEAtd/0eyxNJM0RM1oWfUouw8T3mMR0OpO9OkNmvTx1SZo=
-----END CERTIFICATE-----
`;

function read(t: TestContext, text: string, files: Readonly<Record<string, string | Uint8Array>> = {}): Inventory {
  return readInventory(join(folderWith(t, { ...files, 'inventory.yaml': text }), 'inventory.yaml'));
}

describe('reading an inventory', () => {
  it('fills in every default of a host', (t) => {
    const { hosts } = read(t, 'hosts: [{name: client1, address: 10.0.1.10, roles: [client]}]\n');
    assert.deepEqual(hosts, [
      {
        name: 'client1',
        address: '10.0.1.10',
        dnsName: 'client1',
        roles: ['client'],
        joined: false,
        readOnly: false,
        node: 'node',
        rpc: {},
        connector: { kind: 'none' },
      },
    ]);
  });

  it('a domain controller has joined its domain and offers DNS, a global catalog and LDAPS unless it says otherwise', (t) => {
    const { hosts } = read(
      t,
      'domain: Corp.Example.com\nhosts:\n- {name: DC1, address: 10.0.0.10, roles: [dc]}\n- {name: dc2, address: 10.0.0.11, roles: [dc], features: []}\n',
    );
    assert.deepEqual(
      hosts.map(({ dnsName, domain, joined, features }) => [dnsName, domain, joined, features]),
      [
        ['dc1.corp.example.com', 'corp.example.com', true, ['dns', 'gc', 'ldaps']],
        ['dc2.corp.example.com', 'corp.example.com', true, []],
      ],
    );
  });

  it('the DNS name is the given one, the name with its dots, the name in the domain, or the name', (t) => {
    const text = `domain: corp.example.com
hosts:
  - {name: a, address: 10.0.0.1, roles: [client], dnsName: Other.Example.com}
  - {name: b.lab.example.com, address: 10.0.0.2, roles: [client]}
  - {name: c, address: 10.0.0.3, roles: [client], domain: EU.corp.example.com}
  - {name: d, address: 10.0.0.4, roles: [client]}
`;
    const names = ['other.example.com', 'b.lab.example.com', 'c.eu.corp.example.com', 'd.corp.example.com'];
    assert.deepEqual(
      read(t, text).hosts.map(({ dnsName }) => dnsName),
      names,
    );
    assert.equal(read(t, 'hosts: [{name: e, address: 10.0.0.5, roles: [client]}]').hosts[0]?.dnsName, 'e');
  });

  it('a member has joined only if the host itself names its domain', (t) => {
    const text = `domain: corp.example.com
defaults: {domain: eu.corp.example.com, roles: [client]}
hosts:
  - {name: a, address: 10.0.0.1}
  - {name: b, address: 10.0.0.2, domain: corp.example.com}
`;
    assert.deepEqual(
      read(t, text).hosts.map(({ domain, joined }) => [domain, joined]),
      [
        ['eu.corp.example.com', false],
        ['corp.example.com', true],
      ],
    );
  });

  it("the inventory's defaults stand behind each host's own fields", (t) => {
    const text = `defaults: {roles: [dc], site: Hub, os: windows, rpc: {drsuapi: 50001}, connector: local, node: /opt/node, features: [dns], readOnly: true}
hosts:
  - {name: a, address: 10.0.0.1}
  - {name: b, address: 10.0.0.2, site: Branch, os: samba, rpc: {netlogon: 50002}, connector: {exec: [ssh, b]}, node: node22, features: [gc], readOnly: false, roles: [client]}
`;
    assert.deepEqual(
      read(t, text).hosts.map(({ roles, site, os, rpc, connector, node, features, readOnly }) => [
        roles,
        site,
        os,
        rpc,
        connector,
        node,
        features,
        readOnly,
      ]),
      [
        [['dc'], 'Hub', 'windows', { drsuapi: 50_001 }, { kind: 'local' }, '/opt/node', ['dns'], true],
        [['client'], 'Branch', 'samba', { netlogon: 50_002 }, { kind: 'exec', prefix: ['ssh', 'b'] }, 'node22', ['gc'], false],
      ],
    );
  });

  it('one machine at two addresses is two hosts with one DNS name', (t) => {
    const text = `hosts:
  - {name: dc1, address: 10.0.0.10, roles: [dc], dnsName: dc1.corp.example.com}
  - {name: dc1-v6, address: 'fd00::10', roles: [dc], dnsName: dc1.corp.example.com}
`;
    assert.deepEqual(
      read(t, text).hosts.map(({ address }) => address),
      ['10.0.0.10', 'fd00::10'],
    );
  });

  it('links and exceptions select by host, site or domain, and go both ways unless one way', (t) => {
    const text = `domain: corp.example.com
hosts:
  - {name: dc1, address: 10.0.0.10, roles: [dc], site: Hub}
  - {name: client1, address: 10.0.1.10, roles: [client], site: Branch}
links:
  - {from: {site: Branch}, to: {site: Hub}, oneWay: true, reason: hub and spoke}
except:
  - {from: {host: dc1}, to: {domain: CORP.example.com}}
`;
    const { links, except } = read(t, text);
    assert.deepEqual(links, [{ from: { site: 'Branch' }, to: { site: 'Hub' }, oneWay: true, reason: 'hub and spoke' }]);
    assert.deepEqual(except, [{ from: { host: 'dc1' }, to: { domain: 'corp.example.com' }, oneWay: false }]);
  });

  it('of the authorities only the certificates are taken: a private key in the same file goes nowhere', (t) => {
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';
    const text = 'authorities: ca.pem\nhosts: [{name: dc1, address: 10.0.0.10, roles: [dc]}]\n';
    assert.equal(read(t, text, { 'ca.pem': `${key}${certificate}\n# and again\n${certificate}` }).authorities, certificate.repeat(2));
  });

  it('the GUID of the domain is compared in lower case', (t) => {
    const text = 'domainGuid: 0F8FAD5B-D9CB-469F-A165-70867728950E\nhosts: [{name: dc1, address: 10.0.0.10, roles: [dc]}]\n';
    assert.equal(read(t, text).domainGuid, '0f8fad5b-d9cb-469f-a165-70867728950e');
  });

  it('an inventory in JSON, with tabs and Windows line ends and a byte order mark, is read too', (t) => {
    const text = `\ufeff${JSON.stringify({ hosts: [{ name: 'dc1', address: '10.0.0.10', roles: ['dc'] }] }, undefined, '\t')}`.replaceAll(
      '\n',
      '\r\n',
    );
    assert.equal(read(t, text).hosts[0]?.name, 'dc1');
  });

  it('what many hosts share may be an anchor', (t) => {
    const hosts = Array.from({ length: 3000 }, (_, index) => `  - {name: c${index}, address: 10.1.${index >> 8}.${index & 255}, roles: *roles}`);
    const text = `defaults: {roles: &roles [client]}\nhosts:\n${hosts.join('\n')}\n`;
    assert.equal(read(t, text).hosts.length, 3000);
  });

  it('the defaults that the schema documents are the ones that are filled in', (t) => {
    const [host] = read(t, 'hosts: [{name: a, address: 10.0.0.1, roles: [client]}]').hosts;
    const schema = readFileSync(join(import.meta.dirname, '../../matrices/inventory.schema.json'), 'utf8');
    const documented = [...schema.matchAll(/"(readOnly|node|rpc|connector)": \{ "\$ref": "[^"]+", "default": ([^}]+\}?) \}/g)].map(
      ([, field, value]) => [field, JSON.parse(value ?? '')],
    );
    assert.deepEqual(Object.fromEntries(documented), { readOnly: host?.readOnly, node: host?.node, rpc: host?.rpc, connector: host?.connector.kind });
  });
});
