/** What commands that send something do with their plan: they open the run's folder, run, write its files and render the report. */
import { resolve } from 'node:path';
import { connectByCommand } from '../connectors/exec.ts';
import type { Inventory } from '../inventory.ts';
import type { Choice, Plan } from '../plan.ts';
import type { Report } from '../report.ts';
import { type Format, reporters } from '../reporters/registry.ts';
import { run } from '../run.ts';
import { openRun, writeRun } from '../store.ts';
import { UsageError } from '../usage-error.ts';
import type { Terminal } from './command.ts';
import { Progress } from './progress.ts';

/** What is to be done, and where its results go. */
export interface Undertaking {
  readonly plan: Plan;
  readonly inventory: Inventory;
  readonly choice: Choice;
  /** Default: `reports/<run id>`. */
  readonly out?: string | undefined;
  readonly formats: readonly Format[];
  readonly allowInconclusive?: boolean;
  /** The run asks a simulation. */
  readonly emulated?: true;
}

/** Resolves to the report, and to whether its files could be written. */
export async function conduct(
  { plan, inventory, choice, out, formats, allowInconclusive = false, emulated }: Undertaking,
  terminal: Terminal,
): Promise<{ readonly report: Report; readonly isWritten: boolean }> {
  if (out === '') throw new UsageError('--out is empty, expected a folder');
  const folder = resolve(terminal.cwd, out ?? `reports/${choice.run}`);
  await openRun(folder);
  const progress = new Progress(plan, terminal);
  progress.start();
  const ran = await run(plan, {
    inventory,
    pace: choice,
    connection: connectByCommand(),
    allowInconclusive,
    version: terminal.version,
    signal: terminal.stop,
    emergency: terminal.emergency,
    now: Date.now,
    settled: (source, verdict) => progress.settled(source, verdict),
  });
  progress.stop();
  const report = emulated === undefined ? ran : { ...ran, run: { ...ran.run, emulated } };
  const { written, problems } = await writeRun(folder, report);
  for (const format of new Set(formats)) for (const chunk of reporters[format](report, terminal)) await terminal.out(chunk);
  if (written.length > 0) terminal.err(`Written: ${written.join(', ')}\n`);
  for (const problem of problems) terminal.err(`portmatrix: ${problem}\n`);
  return { report, isWritten: problems.length === 0 };
}
