/** The command line: the only file that prints, and the only one that sets the exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import yargs from 'yargs';
import type { ExitCode, Terminal } from './commands/command.ts';
import { describeShow, listCommand, showCommand } from './commands/matrix.ts';
import { describePlan, planCommand } from './commands/plan.ts';
import { describeReport, reportCommand } from './commands/report.ts';
import { describeRun, runCommand } from './commands/run.ts';
import { describeValidate, validateCommand } from './commands/validate.ts';
import { packageRoot } from './package-root.ts';
import { UsageError } from './usage-error.ts';

/** Runs the command that the words name and sets the exit code (DESIGN section 7). */
export async function main(words: readonly string[]): Promise<void> {
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const { terminal, release } = openTerminal();
  try {
    process.exitCode = await runWords(words, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`portmatrix: ${error.message}\n`);
      process.exitCode = 2;
    } else {
      terminal.err(`portmatrix: this is a bug in portmatrix, not in your network:\n${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 70;
    }
  } finally {
    release();
  }
}

async function runWords(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = 0;
  const settle = async (result: Promise<ExitCode>): Promise<void> => {
    code = await result;
  };
  await yargs([...words])
    .scriptName('portmatrix')
    .usage('Proves that every machine that must talk to a domain controller can, on every port, in the protocol that lives there.\n\n$0 <command>')
    .command('run', 'ask everything that the plan says, judge it, and write the report', describeRun, (options) =>
      settle(runCommand(options, terminal)),
    )
    .command('plan', 'say what a run would send, and what it would leave out and why; nothing is sent', describePlan, (options) =>
      settle(planCommand(options, terminal)),
    )
    .command('validate', 'check matrix and inventory files; nothing is sent', describeValidate, (options) =>
      settle(validateCommand(options, terminal)),
    )
    .command('matrix', 'the matrices that come with the product', (argv) =>
      argv
        .command('list', 'name them', {}, () => settle(listCommand(terminal)))
        .command('show <name>', 'print one', describeShow, (options) => settle(showCommand(options, terminal)))
        .demandCommand(1, 'matrix needs a command: expected list or show'),
    )
    .command('report <file>', 'render a report again', describeReport, (options) => settle(reportCommand(options, terminal)))
    .demandCommand(1, 'a command is missing: expected run, plan, validate, matrix or report (portmatrix --help explains them)')
    .strict()
    .recommendCommands()
    .parserConfiguration({ 'greedy-arrays': false })
    .version(terminal.version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(terminal.width ?? 110, 120))
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? new UsageError(message ?? 'wrong usage');
    })
    .parseAsync();
  return code;
}

/** The process's terminal, and how to let go of it. */
function openTerminal(): { readonly terminal: Terminal; readonly release: () => void } {
  const { env, stdout, stderr } = process;
  const stop = new AbortController();
  const emergency = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) {
      process.off('SIGINT', interrupt);
      emergency.abort();
    } else {
      stderr.write('\nStopping: agents finish what they are at, and the rest is reported as interrupted. Ctrl-C again stops at once.\n');
      stop.abort();
    }
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const terminal: Terminal = {
    out: async (text) => {
      if (!stdout.write(text) && !stdout.destroyed) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]);
    },
    err: (text) => void stderr.write(text),
    cwd: callersFolder(env),
    colour: stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    ascii: !/utf-?8/i.test(env['LC_ALL'] ?? env['LC_CTYPE'] ?? env['LANG'] ?? 'utf-8'),
    ...(stdout.isTTY && { width: stdout.columns }),
    ...(stderr.isTTY && { live: stderr }),
    version: packageVersion(),
    stop: stop.signal,
    emergency: emergency.signal,
  };
  const release = (): void => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  };
  return { terminal, release };
}

/** Where the user stands: npm scripts run in the package's folder, and name the caller's in INIT_CWD. */
function callersFolder(env: NodeJS.ProcessEnv): string {
  const fromScript = env['npm_lifecycle_event'] === 'portmatrix' && env['npm_package_name'] === 'portmatrix';
  return fromScript ? (env['INIT_CWD'] ?? process.cwd()) : process.cwd();
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown';
}
