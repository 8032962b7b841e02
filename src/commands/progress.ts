/** Progress of a run on stderr: a live line on a terminal, nothing in a pipe. */
import cliProgress from 'cli-progress';
import { countChecks } from '../../agent/contract/expand.ts';
import type { Plan } from '../plan.ts';
import type { Verdict } from '../verdict.ts';
import type { Terminal } from './command.ts';

/** Lives from the first packet to the report. */
export class Progress {
  readonly #bar: cliProgress.SingleBar | undefined;
  readonly #total: number;
  readonly #sources: number;
  #failed = 0;

  constructor(plan: Plan, terminal: Terminal) {
    const perSet = plan.job.sets.map((members) => members.reduce((sum, rule) => sum + countChecks(plan.job.rules[rule] ?? { ports: [] }), 0));
    this.#total = plan.job.pairs.reduce((sum, [, , set]) => sum + (perSet[set] ?? 0), 0);
    this.#sources = plan.sources.length;
    if (terminal.live === undefined) return;
    this.#bar = new cliProgress.SingleBar(
      {
        stream: terminal.live,
        format: `{bar} {value}/{total} checks from {sources}, {failed} failed, {eta_formatted} left`,
        hideCursor: true,
        clearOnComplete: true,
        barsize: 24,
        fps: 8,
        // Ctrl-C is ours: the report must still be written.
        gracefulExit: false,
        ...(terminal.ascii && { barCompleteChar: '#', barIncompleteChar: '.' }),
      },
      cliProgress.Presets.shades_classic,
    );
  }

  start(): void {
    this.#bar?.start(this.#total, 0, this.#words());
  }

  settled(_source: string, verdict: Verdict): void {
    if (verdict.status === 'fail') this.#failed += 1;
    this.#bar?.increment(1, this.#words());
  }

  stop(): void {
    this.#bar?.stop();
  }

  #words(): { readonly sources: string; readonly failed: number } {
    return { sources: this.#sources === 1 ? '1 source' : `${this.#sources} sources`, failed: this.#failed };
  }
}
