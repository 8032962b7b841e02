import { runAgent } from './agent-process.ts';
import { withNamespacePair } from './namespace-pair.ts';
import { median } from './repeat.ts';
import type { Row } from './row.ts';
import { twoHosts } from './two-hosts.ts';

const rounds = 5;

/** Row 6: the most memory that the agent ever holds while 16,384 checks wait for an answer, and when they are told. */
export function memory(): Promise<readonly Row[]> {
  return withNamespacePair(async (pair) => {
    await pair.silence();
    const scene = twoHosts(pair, '10000-26383');
    const { job } = scene.plan('bulk');
    const peaks: number[] = [];
    for (let round = 0; round < rounds; round += 1) peaks.push((await runAgent(job, 'source', pair.onSource)).peakBytes);
    scene.remove();
    return [{ what: '6. agent, 16,384 checks in flight, peak RSS', unit: 'MB', budget: 200, measured: median(peaks) / 1e6 }];
  });
}
