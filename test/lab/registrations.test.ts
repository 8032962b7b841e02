/** What DNS has of the DCs, beside their names: every address that it gives for them is dialled, and a read-only DC has its place in its own site. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Finding } from '../../src/verdict.ts';
import type { Result } from '../../src/report.ts';
import { borrowForest, type Forest } from './forest.ts';
import { installLabPackages } from './packages.ts';
import { inventoryText, runProduct } from './product.ts';
import { runAs, smbConf } from './samba.ts';
import { DOMAIN, HOSTS } from './topology.ts';

const { installed, reason } = installLabPackages();

/** Nobody's, in the segment of dc1: its router gets no answer to ARP. */
const nobody = HOSTS.dc1.address.replace(/\d+$/, '99');
const { name: dc1, fqdn } = HOSTS.dc1;
const site = 'Default-First-Site-Name';

describe('what DNS has of a DC', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};
  before(async () => ({ forest, release } = await borrowForest()));
  after(async () => release());

  /** The client's question to the DNS server of dc1 over TCP. */
  async function asked(extra: Parameters<typeof inventoryText>[2] = {}): Promise<Result> {
    const words = ['-m', 'client-to-dc', '--destination', 'dc1', '--rule', 'client-to-dc/dns'];
    const { report, stderr } = await runProduct(inventoryText(forest.caFile, 4, extra), undefined, words);
    const result = report.results.find(({ check }) => check.transport === 'tcp');
    assert.ok(result !== undefined, stderr);
    return result;
  }

  function findingsOf({ verdict }: Result): readonly Finding[] {
    return [...(verdict.finding === undefined ? [] : [verdict.finding]), ...(verdict.also ?? [])];
  }

  function factsOf({ outcome }: Result): object {
    assert.ok(outcome?.kind === 'observed' && outcome.service !== undefined);
    return outcome.service.facts;
  }

  async function change(verb: 'add' | 'delete'): Promise<void> {
    const { name, password } = forest.administrator;
    const words = ['dns', verb, fqdn, DOMAIN, dc1, 'A', nobody, '-s', smbConf(dc1), `-U${name}%${password}`];
    await runAs(dc1, ['samba-tool', ...words], 30_000);
  }

  test('its IPv6 address, which an inventory of IPv4 does not have, lets the client in: nothing to say', async () => {
    const result = await asked();
    assert.deepEqual([result.verdict.status, findingsOf(result)], ['pass', []]);
    const facts: { readonly ownAddresses?: readonly string[]; readonly otherAddresses?: readonly string[] } = factsOf(result);
    const [own, other = '', ...more] = facts.ownAddresses ?? [];
    assert.deepEqual([own, more, facts.otherAddresses], [HOSTS.dc1.address, [], [`${other} open`]]);
    assert.ok(other.includes(':'), other);
  });

  test('an address that nobody has is dialled, and warns', async () => {
    await change('add');
    try {
      const result = await asked();
      assert.deepEqual(findingsOf(result), [{ code: 'dc-registers-unreachable-address', name: fqdn, addresses: [nobody] }]);
      assert.equal(result.verdict.status, 'warn');
    } finally {
      await change('delete');
    }
    assert.deepEqual(findingsOf(await asked()), []);
  });

  test('a DC that is said to be read-only stands in the list of its site, and should stand in no other', async () => {
    const result = await asked({ dc1: { site }, dc2: { site, readOnly: true } });
    assert.deepEqual(findingsOf(result), [{ code: 'read-only-dcs-registered', names: [HOSTS.dc2.fqdn] }]);
    const facts: { readonly siteTargets?: readonly string[] } = factsOf(result);
    assert.deepEqual(facts.siteTargets, [fqdn, HOSTS.dc2.fqdn]);
  });

  test('a read-only DC that its site does not list is missed there', async () => {
    const rodc = { site: 'Branch', readOnly: true };
    const result = await asked({ dc2: rodc, client: { site: 'Branch' } });
    assert.deepEqual(findingsOf(result).at(-1), { code: 'dcs-not-in-site', site: 'Branch', names: [HOSTS.dc2.fqdn] });
  });
});
