import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Result } from '../../src/report.ts';
import { wordsOf } from './cells.ts';
import { run } from './command.ts';
import { dialFrom, type Target } from './dial.ts';
import { clearFirewall } from './firewall.ts';
import { borrowForest, type Forest } from './forest.ts';
import { installLabPackages } from './packages.ts';
import { exportedRuleset, inventoryText, runProduct } from './product.ts';
import { HOSTS, inNetns, ROUTER_NETNS } from './topology.ts';

const { installed, reason } = installLabPackages();
const matrices = ['dc-to-dc', 'client-to-dc', 'bastion-to-dc'];
const chosen = matrices.flatMap((name) => ['-m', name]);

describe(
  'the ruleset that is exported for the lab, on a router that drops everything else',
  { skip: installed ? false : `no lab: ${reason}` },
  () => {
    let forest: Forest;
    let release = async (): Promise<void> => {};
    before(async () => ({ forest, release } = await borrowForest()));
    after(async () => release());

    for (const family of [4, 6] as const) {
      test(`over IPv${family} lets through all that the matrices want, and nothing that they do not name`, async () => {
        const inventory = inventoryText(forest.caFile, family);
        await clearFirewall();
        const unlisted = unlistedOver(family);
        assert.deepEqual(await dialFrom('bastion', unlisted), ['connected', 'ECONNREFUSED', 'reply'], 'without rules it gets through');
        const open = await runProduct(inventory, undefined, chosen);

        const exported = await exportedRuleset(inventory, matrices);
        const dropping = exported.replace('policy accept;', 'policy drop;');
        assert.notEqual(dropping, exported);
        await run([...inNetns(ROUTER_NETNS), 'nft', '-f', '-'], { input: dropping });
        const filtered = await runProduct(inventory, undefined, chosen);

        // The DCs register the addresses of both families, and the inventory names those of one: nothing is opened to the others.
        const expected = rowsOf(open.report.results, false).map((row) =>
          row.replace(/(\/dns\/\S+:53\/tcp .*) -> pass$/, '$1 -> warn dc-registers-unreachable-address'),
        );
        assert.deepEqual(rowsOf(filtered.report.results, false), expected);
        assert.ok(rowsOf(filtered.report.results, false).length > 100);
        for (const row of rowsOf(filtered.report.results, true)) assert.match(row, /no-response|skip/, 'nothing is opened for a legacy rule');
        assert.equal(filtered.status, open.status);
        assert.deepEqual(await dialFrom('bastion', unlisted), ['timeout', 'timeout', 'timeout']);
      });
    }
  },
);

/** What no matrix gives to a bastion: LDAP, a port that nobody serves, and the time. */
function unlistedOver(family: 4 | 6): readonly Target[] {
  const address = family === 4 ? HOSTS.dc1.address : HOSTS.dc1.address6;
  return [
    { transport: 'tcp', address, port: 389 },
    { transport: 'tcp', address, port: 42 },
    { transport: 'udp', address, port: 123 },
  ];
}

/** Each check with what was seen and what it came to; of the legacy rules, or of all others. */
function rowsOf(results: readonly Result[], legacy: boolean): readonly string[] {
  return results
    .filter(({ expected }) => (expected.requirement === 'legacy') === legacy)
    .map(({ check, outcome, verdict }) => `${check.id} ${wordsOf(outcome)} -> ${verdict.status} ${verdict.finding?.code ?? ''}`.trimEnd());
}
