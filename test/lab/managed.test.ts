import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Report } from '../../src/report.ts';
import { instanceId } from '../support/aws/clients.ts';
import { manageNodes } from '../support/managed.ts';
import { allPairs, chosenSeed, drawCells, matrixText, randomFrom, rulesOf, wordsOf } from './cells.ts';
import { applyFirewall } from './firewall.ts';
import { borrowForest, type Forest } from './forest.ts';
import { installLabPackages } from './packages.ts';
import { type Family, inventoryText, runProduct } from './product.ts';
import { HOSTS, type HostName, inNetns } from './topology.ts';

const { installed, reason } = installLabPackages();
const seed = chosenSeed();
const names = Object.values(HOSTS).map(({ name }) => name);

describe('the hosts of the lab as managed nodes', { skip: installed ? false : `no lab: ${reason}` }, () => {
  let forest: Forest;
  let release = async (): Promise<void> => {};
  before(async () => {
    ({ forest, release } = await borrowForest());
    console.log(`managed: PORTMATRIX_SEED=${seed} repeats this draw`);
  });
  after(async () => release());

  for (const family of [4, 6] as const) {
    test(`say over IPv${family} what they say through a command prefix, behind a firewall that was drawn`, async (t) => {
      const cells = drawCells(allPairs, randomFrom(seed + family));
      await applyFirewall(rulesOf(cells));
      const roles = { dc1: ['dc', 'asking'], dc2: ['dc', 'asking'], client: ['asking'], bastion: ['asking'] };
      const [through, directly] = await bothWays(t, family, matrixText('asking'), roles);
      assert.equal(through.length, cells.length);
      assert.deepEqual(through, directly);
    });
  }

  test('say of the published matrices what they say through a command prefix', async (t) => {
    await applyFirewall([]);
    const [through, directly] = await bothWays(t, 4, undefined, { dc1: ['dc'], dc2: ['dc'], client: ['client'], bastion: ['bastion'] });
    assert.ok(through.length > 100, `${through.length} checks`);
    assert.deepEqual(through, directly);
  });

  /** What the same run says of each check, through Systems Manager and through command prefixes. */
  async function bothWays(
    t: TestContext,
    family: Family,
    matrix: string | undefined,
    roles: Readonly<Record<HostName, readonly string[]>>,
  ): Promise<readonly [through: readonly string[], directly: readonly string[]]> {
    const nodes = names.map((name, index) => ({ instance: instanceId(index + 1), platform: 'Linux' as const, prefix: inNetns(HOSTS[name].netns) }));
    const { endpoint } = await manageNodes(t, { nodes });
    const inventory = (extra: (name: HostName, index: number) => object): string =>
      inventoryText(forest.caFile, family, Object.fromEntries(names.map((name, index) => [name, { roles: roles[name], ...extra(name, index) }])));
    const managed = inventory((_, index) => ({ connector: { ssm: { instance: instanceId(index + 1), region: 'eu-central-1' } } }));
    const directly = await runProduct(
      inventory(() => ({})),
      matrix,
    );
    const through = await runProduct(managed, matrix, [], endpoint.environment);
    assert.equal(through.report.run.emulated, true);
    assert.equal(through.status, directly.status, through.stderr);
    return [tell(through.report), tell(directly.report)];
  }
});

/** What a report says of each check, without what is another number each time. */
function tell({ results }: Report): readonly string[] {
  return results.map(({ check, outcome, verdict }) => {
    const facts = outcome?.kind === 'observed' ? Object.keys(outcome.service?.facts ?? {}).toSorted() : [];
    return `${check.id}: ${wordsOf(outcome)} [${facts.join()}] -> ${verdict.status} ${verdict.finding?.code ?? ''}`;
  });
}
