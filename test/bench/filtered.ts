import { withNamespacePair } from './namespace-pair.ts';
import { runAgent } from './agent-process.ts';
import { median } from './repeat.ts';
import type { Row } from './row.ts';
import { twoHosts } from './two-hosts.ts';

const deadlineMs = 5_000;
const budget = (1.25 * deadlineMs) / 1_000 + 1;
const firstPort = 10_000;
const rounds = 3;

/** Row 1: nothing answers, up to as many checks as one source may have in flight; default deadline and attempts. */
export function filtered(): Promise<readonly Row[]> {
  return withNamespacePair(async (pair) => {
    await pair.silence();
    const rows: Row[] = [];
    for (const checks of [16, 1_024, 16_384]) {
      const scene = twoHosts(pair, `${firstPort}-${firstPort + checks - 1}`);
      const agents: number[] = [];
      const wholes: number[] = [];
      for (let round = 0; round < rounds; round += 1) {
        const { wallMs, results } = await runAgent(scene.plan('bulk').job, 'source', pair.onSource);
        agents.push(wallMs / 1_000);
        const silent = results.filter(({ outcome }) => outcome.kind === 'observed' && outcome.reason === 'no-response');
        if (silent.length !== checks) throw new Error(`${silent.length} of ${checks} filtered checks are seen as such`);
        wholes.push((await scene.run(['--pace', 'bulk'])).wallMs / 1_000);
      }
      scene.remove();
      rows.push(
        { what: `1. ${checks} filtered TCP checks, agent`, unit: 's', budget, measured: median(agents) },
        { what: `1. ${checks} filtered TCP checks, whole run with its reports`, unit: 's', budget, measured: median(wholes) },
      );
    }
    return rows;
  });
}
