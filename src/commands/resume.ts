/** `portmatrix resume`: finish a run whose controller is gone, without sending anything twice. */
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import { openAws, refusalOf } from '../aws.ts';
import type { Ticket } from '../connectors/connector.ts';
import { recoverTickets } from '../connectors/ssm/recovery.ts';
import { type Host, readInventory } from '../inventory.ts';
import { type Pending, readPending } from '../pending.ts';
import { exitCode } from '../report.ts';
import { type Format, formats } from '../reporters/registry.ts';
import { openRun } from '../store.ts';
import type { ExitCode, Terminal } from './command.ts';
import { finish } from './conduct.ts';

export function describeResume(argv: Argv) {
  return argv
    .positional('folder', { type: 'string', demandOption: true, describe: 'the folder of the run: what --out said, or reports/<run id>' })
    .option('format', { choices: formats, array: true, requiresArg: true, default: ['table' as const], describe: 'what goes to stdout' })
    .example('$0 resume reports/2026-01-31T06-00-00Z-1f3a', 'collect what the managed nodes of that run said, judge it and write its report')
    .epilogue(
      'Only what went through Systems Manager can be collected: checks from other sources, and from nodes that nothing was sent to, are in error (interrupted).\n\n' +
        'Exit codes: 0 as expected; 1 something failed; 2 wrong usage, or there is no run to resume; 3 something required could not be decided.',
    );
}

interface ResumeOptions {
  readonly folder: string;
  readonly format: readonly Format[];
}

/** Collects the run in the folder, writes its files, and prints the report. Exits as the report deserves. */
export async function resumeCommand({ folder: named, format }: ResumeOptions, terminal: Terminal): Promise<ExitCode> {
  const folder = resolve(terminal.cwd, named);
  const begun = enterAccounts(await readPending(folder, terminal.version));
  await openRun(folder);
  const hosts = begun.plan.hosts.filter(({ name }) => begun.plan.sources.includes(name));
  const sent = unite(begun.tickets, await findUnnoted(begun, hosts, terminal));
  terminal.err(`Collecting ${sent.length} answers of run ${begun.plan.job.run}; nothing that ran is asked again.\n`);
  const { report, isWritten } = await finish(begun, { folder, formats: format, sent }, terminal);
  const code = exitCode(report);
  return !isWritten && code === 0 ? 3 : code;
}

/** The same with the ways into accounts as the inventory has them now: external ids are not kept with a run. */
function enterAccounts(begun: Pending): Pending {
  const { inventory } = begun;
  if (!Object.values(inventory.accounts ?? {}).some(({ role }) => role !== undefined)) return begun;
  const { accounts = {} } = readInventory(inventory.file);
  return { ...begun, inventory: { ...inventory, accounts } };
}

/** What was sent and not noted, if anything; where AWS does not tell, that is said, and what was noted must do. */
async function findUnnoted({ inventory, plan, startedAt }: Pending, hosts: readonly Host[], terminal: Terminal): Promise<readonly Ticket[]> {
  try {
    return await recoverTickets(openAws(inventory.accounts), hosts, {
      job: plan.job,
      document: inventory.systemsManager?.document ?? '',
      since: startedAt,
    });
  } catch (error) {
    const { name, message } = refusalOf(error);
    terminal.err(`portmatrix: the commands of this run cannot be listed (${name}: ${message}); those that were noted are collected\n`);
    return [];
  }
}

/** What was noted, and what was sent and not noted. */
function unite(noted: readonly Ticket[], found: readonly Ticket[]): readonly Ticket[] {
  const known = new Set(noted.map(({ source, id }) => `${source} ${id}`));
  return [...noted, ...found.filter(({ source, id }) => !known.has(`${source} ${id}`))];
}
