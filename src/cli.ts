/** The command line: the only file that prints, and the only one that sets the exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import yargs from 'yargs';
import { buildCommand, describeBuild } from './commands/agent.ts';
import type { ExitCode, Terminal } from './commands/command.ts';
import { completionCommand, describeCompletion, propose, question, straighten } from './commands/completion.ts';
import { describeDoctor, doctorCommand } from './commands/doctor.ts';
import { agentCommandNames, commandNames, complain, complaints, matrixCommandNames, refuseLeftovers } from './commands/grammar.ts';
import { type Defaults, defaultsFor } from './commands/defaults.ts';
import { demoCommand, describeDemo } from './commands/demo.ts';
import { describeInit, initCommand } from './commands/init.ts';
import { describeExplain, explainCommand } from './commands/explain.ts';
import { describeExport, describeList, describeShow, exportCommand, listCommand, showCommand } from './commands/matrix.ts';
import { describePlan, planCommand } from './commands/plan.ts';
import { describePreflight, preflightCommand } from './commands/preflight.ts';
import { publishCommand } from './commands/publish.ts';
import { describePublish } from './commands/publish-options.ts';
import { describeReport, reportCommand } from './commands/report.ts';
import { describeResume, resumeCommand } from './commands/resume.ts';
import { describeRun, runCommand } from './commands/run.ts';
import { describeValidate, validateCommand } from './commands/validate.ts';
import { packageRoot } from './package-root.ts';
import { bare } from './quotation.ts';
import { UsageError } from './usage-error.ts';

/** Characters of a message about a mistake. */
const longestMessage = 4_000;

/** What `main` runs: words in, exit code out. */
type Program = (words: readonly string[], terminal: Terminal) => Promise<ExitCode>;

/** Runs the command that the words name and sets the exit code (DESIGN section 7). */
export async function main(words: readonly string[], program: Program = runWords): Promise<void> {
  const { terminal, crashed, outputProblem, release } = openTerminal();
  try {
    const code = await Promise.race([program(words, terminal), crashed]);
    const problem = outputProblem();
    if (problem !== undefined) terminal.err(`portmatrix: stdout cannot be written: ${problem}\n`);
    process.exitCode = problem !== undefined && code === 0 ? 3 : code;
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.err(`portmatrix: ${bare(error.message.replaceAll(/\s+/g, ' '), longestMessage)}\n`);
      process.exitCode = 2;
    } else {
      terminal.err(`portmatrix: this is a bug in portmatrix, not in your network:\n${error instanceof Error ? error.stack : String(error)}\n`);
      process.exitCode = 70;
    }
  } finally {
    release();
  }
}

async function runWords(given: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const words = straighten(given);
  const defaults = defaultsFor(words, terminal);
  try {
    return await runCommands(words, terminal, defaults);
  } catch (error) {
    throw defaults.blame(error);
  }
}

async function runCommands(words: readonly string[], terminal: Terminal, defaults: Defaults): Promise<ExitCode> {
  let code: ExitCode = 0;
  const settle = async (result: Promise<ExitCode>): Promise<void> => {
    code = await result;
  };
  const program = yargs([...words])
    .scriptName('portmatrix')
    .usage('Proves that every machine that must talk to a domain controller can, on every port, in the protocol that lives there.\n\n$0 <command>')
    .command('demo', 'a simulated forest on this machine, with two faults in it that must be found', describeDemo, () =>
      settle(demoCommand(terminal)),
    )
    .command(
      'init',
      'write an inventory to start from, with the DCs that DNS names; never overwrites',
      defaults.under('init', describeInit),
      (options) => settle(initCommand(options, terminal)),
    )
    .command(
      'preflight',
      'will a domain join from this host go through? finds the DCs, asks them, and says GO or NO-GO',
      defaults.under('preflight', describePreflight),
      (options) => settle(preflightCommand(options, terminal)),
    )
    .command('run', 'ask everything that the plan says, judge it, and write the report', defaults.under('run', describeRun), (options) =>
      settle(runCommand(options, terminal)),
    )
    .command(
      'resume <folder>',
      'finish a run of managed nodes whose controller is gone; nothing is sent twice',
      defaults.under('resume', describeResume),
      (options) => settle(resumeCommand(options, terminal)),
    )
    .command(
      'plan',
      'say what a run would send, and what it would leave out and why; nothing is sent',
      defaults.under('plan', describePlan),
      (options) => settle(planCommand(options, terminal)),
    )
    .command('validate', 'check matrix and inventory files; nothing is sent', defaults.under('validate', describeValidate), (options) =>
      settle(validateCommand(options, terminal)),
    )
    .command('matrix', 'the matrices that come with the product', (argv) =>
      argv
        .command('list', 'name them', describeList, () => settle(listCommand(terminal)))
        .command('show <name>', 'print one', describeShow, (options) => settle(showCommand(options, terminal)))
        .command('export <names..>', 'print them as Markdown, CSV or firewall rules', describeExport, (options) =>
          settle(exportCommand(options, terminal)),
        )
        .demandCommand(1, `matrix needs a command: expected ${matrixCommandNames.slice(0, -1).join(', ')} or ${matrixCommandNames.at(-1)}`)
        .example('$0 matrix show client-to-dc', 'the rules, and where they come from')
        .epilogue('Exit codes: 0 printed; 2 wrong usage, or a wrong matrix.'),
    )
    .command('explain <subject>', 'say what a port, a rule or a check is about, and how to test it by hand', describeExplain, (options) =>
      settle(explainCommand(options, terminal)),
    )
    .command('report <file>', 'render a report again', defaults.under('report', describeReport), (options) =>
      settle(reportCommand(options, terminal)),
    )
    .command('agent', 'what hosts run that nobody logs on to', (argv) =>
      argv
        .command('build', 'make the packages and the documents for Systems Manager; nothing is sent', describeBuild, (options) =>
          settle(buildCommand(options, terminal)),
        )
        .command(
          'publish',
          'upload the packages, and publish the documents in every account and Region of an inventory',
          describePublish,
          (options) => settle(publishCommand(options, terminal)),
        )
        .command('doctor', 'say what is missing before a run through Systems Manager, node by node', describeDoctor, (options) =>
          settle(doctorCommand(options, terminal)),
        )
        .demandCommand(1, `agent needs a command: expected ${agentCommandNames.slice(0, -1).join(', ')} or ${agentCommandNames.at(-1)}`)
        .example('$0 agent build', 'packages and documents, in the folder portmatrix-agent')
        .example('$0 agent publish -i inventory.yaml --bucket corp-portmatrix --plan', 'what publishing would do, and what it would allow')
        .example('$0 agent doctor -i inventory.yaml', 'what is missing, and the next step')
        .epilogue('Exit codes: 0 as wanted; 1 something is missing; 2 wrong usage.'),
    )
    .command('completion [shell]', 'print a script that teaches your shell to complete what you type', describeCompletion, (options) =>
      settle(completionCommand(options, terminal)),
    )
    .demandCommand(
      1,
      `a command is missing: expected ${commandNames.slice(0, -1).join(', ')} or ${commandNames.at(-1)} (portmatrix --help explains them; portmatrix demo shows it at work)`,
    )
    .example('$0 demo', 'see it work, without a network')
    .example('$0 init', 'an inventory to start from')
    .example('$0 preflight --domain corp.example.com', 'before a domain join, on the machine that is to join')
    .example('$0 matrix list', 'what can be asked')
    .example('$0 plan -i inventory.yaml', 'what a run would send')
    .example('$0 run -i inventory.yaml', 'ask it, judge it, report it')
    .example('$0 explain 389/udp', 'what a port is for, and how to test it by hand')
    .epilogue(
      'Exit codes: 0 as expected; 1 something failed; 2 wrong usage, nothing was sent; 3 something required could not be decided, or it was interrupted; 70 a bug in portmatrix. Each command says what they mean for it.',
    )
    .strict()
    .check(refuseLeftovers, true)
    .middleware(defaults.announce)
    // Whatever the user's language: the rest of what we say is English too.
    .locale('en')
    .updateStrings(complaints)
    .parserConfiguration({ 'greedy-arrays': false, 'boolean-negation': false, 'dot-notation': false, 'populate--': true })
    .version(terminal.version)
    .help()
    .alias('help', 'h')
    .wrap(Math.min(terminal.width ?? 110, 120))
    .exitProcess(false);
  program.fail((message: string | null, error: Error | undefined) => {
    // What a `coerce` throws arrives as yargs' own kind of error.
    throw error === undefined || error.name === 'YError' ? complain(message ?? error?.message ?? 'wrong usage', program.parsed) : error;
  });
  if (words[0] === question) {
    let said = '';
    await program.parse(words, {}, (_error, _argv, output) => {
      said = output;
    });
    for (const word of propose(words, said.split('\n'))) await terminal.out(`${word}\n`);
    return 0;
  }
  await program.parseAsync();
  return code;
}

/** The process as a terminal. `crashed` rejects on an exception that nobody else caught; `outputProblem` says what stdout could not take. */
interface OpenTerminal {
  readonly terminal: Terminal;
  readonly crashed: Promise<never>;
  readonly outputProblem: () => string | undefined;
  readonly release: () => void;
}

function openTerminal(): OpenTerminal {
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
  const crash = Promise.withResolvers<never>();
  const fall = (error: unknown): void => {
    crash.reject(error);
    emergency.abort();
  };
  process.on('uncaughtException', fall);
  // A reader that has seen enough (`| head`) is no problem.
  let problem: string | undefined;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') problem ??= error.message;
  });
  // There is nobody left to tell.
  stderr.on('error', () => undefined);
  const terminal: Terminal = {
    // Called back on success, on failure, and when the stream is gone.
    out: (text) => new Promise((done) => void stdout.write(text, () => done())),
    err: (text) => void stderr.write(text),
    cwd: callersFolder(env),
    colour: stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    ascii: !/utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'utf-8'),
    ...(stdout.isTTY && { width: stdout.columns }),
    ...(stderr.isTTY && { live: stderr }),
    version: packageVersion(),
    stop: stop.signal,
    emergency: emergency.signal,
  };
  const release = (): void => {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    process.off('uncaughtException', fall);
  };
  return { terminal, crashed: crash.promise, outputProblem: () => problem, release };
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
