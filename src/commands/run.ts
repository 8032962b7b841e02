/** `portmatrix run`: ask, judge, report. */
import type { Argv } from 'yargs';
import { type Format, formats } from '../reporters/registry.ts';
import { exitCode } from '../report.ts';
import type { ExitCode, Terminal } from './command.ts';
import { conduct } from './conduct.ts';
import { planFrom, type PlanOptions, withPlanOptions } from './options.ts';

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
  const { out, format, allowInconclusive } = options;
  const { report, isWritten } = await conduct({ plan, inventory, choice, out, formats: format, allowInconclusive }, terminal);
  const code = exitCode(report);
  return !isWritten && code === 0 ? 3 : code;
}
