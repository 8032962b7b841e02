import { packFrame } from '../../agent/contract/frame.ts';
import { fitFrame } from '../../agent/frame-fit.ts';
import { retell } from '../support/large-forest.ts';
import { runAgent } from './agent-process.ts';
import { borrowLab } from './lab.ts';
import type { Row } from './row.ts';

const checks = 5_000;
const failEvery = 20;
const budget = 23_000;
/** What the messages around a frame take of a step. */
const around = 500;

/** Row 7: what a source says of some 240 DCs at once. The answers are those of the lab's two DCs, retold. */
export async function frame(): Promise<readonly Row[]> {
  const { forest, scene, release } = await borrowLab();
  try {
    const { job } = scene.plan('normal');
    const { results } = await runAgent(job, 'client', forest.prefix('client'));
    const seen = results.toSorted((one, other) => one.index - other.index);
    const large = retell({ job, source: 'client', results: seen }, checks, failEvery);
    const whole = packFrame(large.job, 'client', large);
    const fitted = fitFrame(large.job, 'client', large.results, { step: budget - around, all: 6 * (budget - around) });
    return [
      {
        what: `7. frame of ${checks} checks, ${100 / failEvery} % failing, as an agent in a step tells it`,
        unit: 'bytes',
        budget,
        measured: fitted.length,
      },
      { what: '7. the same with all evidence', unit: 'bytes', measured: whole.length },
    ];
  } finally {
    await release();
  }
}
