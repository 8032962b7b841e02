/** `portmatrix run`: ask, judge, report. */
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { connectByCommand } from '../connectors/exec.ts';
import { type Format, formats, reporters } from '../reporters/registry.ts';
import { exitCode } from '../report.ts';
import { run } from '../run.ts';
import { writeRun } from '../store.ts';
import { type ExitCode, type Terminal } from './command.ts';
import { planFrom, type PlanOptions, withPlanOptions } from './options.ts';
import { Progress } from './progress.ts';

export function describeRun(argv: Argv) {
  return withPlanOptions(argv)
    .option('format', { choices: formats, array: true, requiresArg: true, default: ['table' as const], describe: 'what goes to stdout' })
    .option('out', { type: 'string', requiresArg: true, describe: 'folder for report.json and junit.xml', defaultDescription: 'reports/<run id>' })
    .option('allow-inconclusive', { type: 'boolean', default: false, describe: 'exit 0 even when something required stays undecided' })
    .example('$0 run -i inventory.yaml', 'everything that the inventory and the published matrices ask for')
    .example('$0 run -i inventory.yaml -m client-to-dc --source client1 --format junit', 'one matrix from one host, JUnit on stdout')
    .example('$0 run -i inventory.yaml --rule ldap,rpc-dynamic', 'two rules, and what they need')
    .epilogue('Exit codes: 0 as expected; 1 something failed; 2 wrong usage, nothing was sent; 3 something required could not be decided.');
}

interface RunOptions extends PlanOptions {
  readonly format: readonly Format[];
  readonly out?: string | undefined;
  readonly allowInconclusive: boolean;
}

/** Runs the plan, writes the run's files, and prints the report. Exits as the report deserves. */
export async function runCommand(options: RunOptions, terminal: Terminal): Promise<ExitCode> {
  const { inventory, choice, plan } = planFrom(options, terminal.cwd);
  const folder = resolve(terminal.cwd, options.out ?? `reports/${choice.run}`);
  const progress = new Progress(plan, terminal);
  progress.start();
  const report = await run(plan, {
    inventory,
    pace: choice,
    connection: connectByCommand(),
    allowInconclusive: options.allowInconclusive,
    version: terminal.version,
    signal: terminal.stop,
    emergency: terminal.emergency,
    now: Date.now,
    settled: (source, verdict) => progress.settled(source, verdict),
  });
  progress.stop();
  const files = await writeRun(folder, report);
  for (const format of new Set(options.format)) for (const chunk of reporters[format](report, terminal)) await terminal.out(chunk);
  terminal.err(`Written: ${files.join(', ')}\n`);
  return exitCode(report);
}
