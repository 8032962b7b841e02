/** What commands that send something do with their plan: they open the run's folder, run, write its files and render the report. */
import { resolve } from 'node:path';
import { isEmulated, openAws } from '../aws.ts';
import type { Ticket } from '../connectors/connector.ts';
import { connectByCommand } from '../connectors/exec.ts';
import { connectBySsm } from '../connectors/ssm/connection.ts';
import { isManaged, sharesOf, type Ways } from '../dispatch.ts';
import type { Inventory } from '../inventory.ts';
import { agentsAtOnce, type PaceChoice } from '../pace.ts';
import { dropPending, keepPending, type Pending } from '../pending.ts';
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
  const begun: Pending = { plan, inventory, pace: paceOf(choice), allowInconclusive, startedAt: Date.now(), tickets: [] };
  return finish(begun, { folder, formats, ...(emulated !== undefined && { emulated }) }, terminal);
}

/** Where the results of a run go, and whether something of it was sent before. */
interface Ending {
  readonly folder: string;
  readonly formats: readonly Format[];
  readonly emulated?: true;
  readonly sent?: readonly Ticket[];
}

/** Runs what was begun to its end: sends it, or collects what was `sent`; writes the files, and renders the report. */
export async function finish(
  begun: Pending,
  { folder, formats, emulated, sent }: Ending,
  terminal: Terminal,
): Promise<{ readonly report: Report; readonly isWritten: boolean }> {
  const { plan, inventory, pace, allowInconclusive, startedAt } = begun;
  const sources = plan.hosts.filter(({ name }) => plan.sources.includes(name));
  const isSentAway = sources.some(isManaged);
  const keep = (tickets: readonly Ticket[]): Promise<void> =>
    keepPending(folder, terminal.version, { ...begun, tickets: [...(sent ?? []), ...tickets] });
  // Before anything is sent, so that no command is ever without a note of its run.
  if (isSentAway && sent === undefined) await keep([]);
  const unheard: string[] = [];
  const progress = new Progress(plan, terminal);
  progress.start();
  const ran = await run(plan, {
    inventory,
    pace,
    ways: isSentAway ? waysWith(inventory, sharesOf(sources, agentsAtOnce(pace)).managed, keep, terminal) : { byCommand: connectByCommand() },
    ...(sent !== undefined && { sent }),
    startedAt,
    allowInconclusive,
    version: terminal.version,
    signal: terminal.stop,
    emergency: terminal.emergency,
    now: Date.now,
    unheard: (names) => unheard.push(...names),
    settled: (source, verdict) => progress.settled(source, verdict),
  });
  progress.stop();
  const isSimulated = emulated === true || (isSentAway && isEmulated());
  const report: Report = isSimulated ? { ...ran, run: { ...ran.run, emulated: true } } : ran;
  const { written, problems } = await writeRun(folder, report);
  if (problems.length === 0 && unheard.length === 0) await dropPending(folder);
  for (const format of new Set(formats)) for (const chunk of reporters[format](report, terminal)) await terminal.out(chunk);
  if (written.length > 0) terminal.err(`Written: ${written.join(', ')}\n`);
  for (const problem of problems) terminal.err(`portmatrix: ${problem}\n`);
  if (unheard.length > 0)
    terminal.err(`portmatrix: what ${unheard.length} sources say could not be read; when AWS lets you read it again: portmatrix resume ${folder}\n`);
  return { report, isWritten: problems.length === 0 };
}

function waysWith(
  { accounts, systemsManager }: Inventory,
  atOnce: number,
  keep: (tickets: readonly Ticket[]) => Promise<void>,
  terminal: Terminal,
): Ways {
  if (systemsManager === undefined) throw new Error('conduct: managed nodes in an inventory that nobody wrote');
  const managed = connectBySsm({ aws: openAws(accounts), systemsManager, atOnce, stop: terminal.stop, keep, now: Date.now });
  return { byCommand: connectByCommand(), managed };
}

function paceOf({ paceName, concurrency, perDestination }: PaceChoice): PaceChoice {
  return { paceName, ...(concurrency !== undefined && { concurrency }), ...(perDestination !== undefined && { perDestination }) };
}
