/** `portmatrix report`: an old report in any format. */
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { readReport } from '../report-file.ts';
import { type Format, formats, reporters } from '../reporters/registry.ts';
import type { ExitCode, Terminal } from './command.ts';

export function describeReport(argv: Argv) {
  return argv
    .positional('file', { type: 'string', demandOption: true, describe: 'a report.json' })
    .option('format', { choices: formats, requiresArg: true, default: 'table' as const, describe: 'what goes to stdout' })
    .example('$0 report reports/last/report.json --format junit > junit.xml', 'the same run as JUnit')
    .epilogue('Exit codes: 0 rendered, whatever the verdicts; 2 wrong usage, or no report.');
}

/** Renders a report again. Exits 0 when it did, whatever the verdicts. */
export async function reportCommand(options: { readonly file: string; readonly format: Format }, terminal: Terminal): Promise<ExitCode> {
  const report = readReport(resolve(terminal.cwd, options.file));
  for (const chunk of reporters[options.format](report, terminal)) await terminal.out(chunk);
  return 0;
}
