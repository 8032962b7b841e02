import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { allPairs, asked, chosenSeed, drawCells, fromOutside, matrixText, randomFrom, rulesOf, truthOf, verdictOf, wordsOf } from './cells.ts';
import { applyFirewall } from './firewall.ts';
import { borrowForest, type Forest } from './forest.ts';
import { setIcmpRateLimit } from './icmp-rate-limit.ts';
import { installLabPackages } from './packages.ts';
import { type Family, inventoryText, runProduct } from './product.ts';

const { installed, reason } = installLabPackages();
const seed = chosenSeed();

describe('what the report says is what the firewall does', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};
  before(async () => {
    ({ forest, release } = await borrowForest());
    console.log(`truth: PORTMATRIX_SEED=${seed} repeats this draw`);
  });
  after(async () => release());

  test('over IPv4, from every host: no false pass, no false fail, exact state and reason', async () => {
    assert.deepEqual([...(await compare(allPairs, 4, seed)), ...(await compare(allPairs, 4, seed + 1))], []);
  });

  test('over IPv6 likewise', async () => {
    assert.deepEqual(await compare(allPairs, 6, seed + 3), []);
  });

  test('with ICMP errors limited as the kernel does by default, likewise', async () => {
    await setIcmpRateLimit(true);
    try {
      assert.deepEqual([...(await compare(allPairs, 4, seed + 4)), ...(await compare(fromOutside, 4, seed + 5))], []);
      assert.deepEqual(await compare(fromOutside, 6, seed + 6), []);
    } finally {
      await setIcmpRateLimit(false);
    }
  });

  /** Draws a firewall, runs the product against it, and returns a line for every cell that the report has wrong. */
  async function compare(pairs: typeof allPairs, family: Family, draw: number): Promise<readonly string[]> {
    const cells = drawCells(pairs, randomFrom(draw));
    await applyFirewall(rulesOf(cells));
    const roles = {
      dc1: { roles: ['dc', 'asking'] },
      dc2: { roles: ['dc', 'asking'] },
      client: { roles: ['asking'] },
      bastion: { roles: ['asking'] },
    };
    const { report, status } = await runProduct(
      inventoryText(forest.caFile, family, roles),
      matrixText('asking'),
      [...new Set(pairs.map(([source]) => source))].flatMap((source) => ['--source', source]),
    );
    assert.equal(report.results.length, cells.length, 'each cell is in the report once');
    const results = new Map(report.results.map((result) => [keyOf(result.check), result]));
    const wrong = cells.flatMap((cell) => {
      const result = results.get(keyOf(cell));
      const truth = truthOf(cell, family);
      const probe = asked.find((row) => row.port === cell.port && row.transport === cell.transport)?.probe ?? 'tcp';
      const verdict = [result?.verdict.status, result?.verdict.finding?.code].filter((word) => word !== undefined).join(' ');
      const seen = `${wordsOf(result?.outcome)} -> ${verdict}`;
      const expected = `${truth} -> ${verdictOf(truth, probe)}`;
      return seen === expected ? [] : [`${keyOf(cell)} ${cell.action}: expected ${expected}, reported ${seen}`];
    });
    assert.equal(status, 1, 'a run with failures exits 1');
    console.log(`truth: IPv${family}, draw ${draw}: ${cells.length} cells, ${wrong.length} wrong`);
    return wrong;
  }
});

function keyOf({
  source,
  destination,
  transport,
  port,
}: Record<'source' | 'destination' | 'transport', string> & { readonly port: number | string }): string {
  return `${source}->${destination}:${port}/${transport}`;
}
