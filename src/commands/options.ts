/** The options that choose what is asked, of whom and how hard: shared by the commands that plan. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { KerberosUse, PortSpan } from '../../agent/contract/job.ts';
import { traitsOf } from '../../agent/contract/probe.ts';
import { type Inventory, readInventory } from '../inventory.ts';
import { directionOf, findMatrix, type Matrix, publishedMatrices } from '../matrix.ts';
import { packageRoot } from '../package-root.ts';
import { paceNames } from '../pace.ts';
import { type Choice, plan, type Plan } from '../plan.ts';
import { quote } from '../quotation.ts';
import { UsageError } from '../usage-error.ts';
import { list, wholeNumber } from './command.ts';

/** The options that say which matrices, and which hosts as sources. */
export const scopeOptions = {
  matrix: {
    alias: 'm',
    type: 'string',
    array: true,
    requiresArg: true,
    describe: 'a published matrix by name, or a file; default: those whose roles the inventory has',
  },
  source: { type: 'string', array: true, requiresArg: true, describe: 'only from these hosts' },
} as const;

/** Adds the options to a command. */
export function withPlanOptions<T>(argv: Argv<T>) {
  return argv
    .option('inventory', { alias: 'i', type: 'string', demandOption: true, requiresArg: true, describe: 'the hosts: a YAML file' })
    .options(scopeOptions)
    .option('destination', { type: 'string', array: true, requiresArg: true, describe: 'only to these hosts' })
    .option('rule', { type: 'string', array: true, requiresArg: true, describe: 'only these rules (rule or matrix/rule), and what they need' })
    .option('as-published', { type: 'boolean', default: false, describe: 'the rows as they were published, without our corrections' })
    .option('without-control', {
      type: 'boolean',
      default: false,
      describe: 'do not ask the port that must not answer (40/tcp), which shows where every handshake is completed',
    })
    .option('kerberos', {
      type: 'boolean',
      default: false,
      describe: 'also ask every DC for tickets, with the Kerberos credentials of each source (matrix kerberos-tickets)',
    })
    .option('keytab', {
      type: 'string',
      requiresArg: true,
      describe: 'with --kerberos: a key table on each source, in place of its credential cache',
    })
    .option('timeout-ms', {
      type: 'string',
      requiresArg: true,
      default: '5000',
      coerce: wholeNumber('--timeout-ms', 200, 120_000),
      describe: 'deadline of one check',
    })
    .option('attempts', {
      type: 'string',
      requiresArg: true,
      default: '2',
      coerce: wholeNumber('--attempts', 1, 10),
      describe: 'how often a check may ask within its deadline',
    })
    .option('concurrency', {
      type: 'string',
      requiresArg: true,
      coerce: wholeNumber('--concurrency', 1, 65_535),
      describe: 'sockets in flight from one source',
    })
    .option('per-destination', {
      type: 'string',
      requiresArg: true,
      coerce: wholeNumber('--per-destination', 1, 65_535),
      describe: 'sockets in flight towards one destination, from all sources together',
    })
    .option('pace', {
      choices: paceNames,
      default: 'normal' as const,
      requiresArg: true,
      describe: 'gentle: 5 new flows a second to a destination; bulk: as --concurrency says',
    })
    .option('source-ports', {
      type: 'string',
      requiresArg: true,
      coerce: portSpan,
      describe: 'local ports to dial from: os, windows (49152-65535) or A-B',
      defaultDescription: 'os',
    });
}

/** What the options came to. */
export interface PlanOptions {
  readonly inventory: string;
  readonly matrix?: readonly string[] | undefined;
  readonly source?: readonly string[] | undefined;
  readonly destination?: readonly string[] | undefined;
  readonly rule?: readonly string[] | undefined;
  readonly asPublished: boolean;
  readonly withoutControl: boolean;
  readonly kerberos: boolean;
  readonly keytab?: string | undefined;
  readonly timeoutMs?: number | undefined;
  readonly attempts?: number | undefined;
  readonly concurrency?: number | undefined;
  readonly perDestination?: number | undefined;
  readonly pace: Choice['paceName'];
  readonly sourcePorts?: PortSpan | undefined;
}

/** Reads the files that the options name and plans. */
export function planFrom(options: PlanOptions, cwd: string): { readonly inventory: Inventory; readonly choice: Choice; readonly plan: Plan } {
  const inventory = readInventory(resolve(cwd, options.inventory));
  const names = list('--matrix', options.matrix);
  const kerberos = kerberosUse(options);
  const find = (name: string): Matrix => findMatrix(name, { cwd, asPublished: options.asPublished });
  const asked = names.length > 0 ? [...new Set(names)].map(find) : fitting(inventory, options.asPublished, cwd);
  if (kerberos === undefined) for (const matrix of asked) refuseCredentials(matrix);
  // Whoever names rules of that kind has chosen which.
  const matrices = kerberos === undefined || asked.some(({ rules }) => rules.some(usesCredentials)) ? asked : [...asked, find(ticketMatrix)];
  const choice: Choice = {
    run: runId(new Date()),
    sources: list('--source', options.source),
    destinations: list('--destination', options.destination),
    rules: list('--rule', options.rule),
    timeoutMs: options.timeoutMs ?? 5_000,
    attempts: options.attempts ?? 2,
    paceName: options.pace,
    withoutControl: options.withoutControl,
    ...(options.concurrency !== undefined && { concurrency: options.concurrency }),
    ...(options.perDestination !== undefined && { perDestination: options.perDestination }),
    ...(options.sourcePorts !== undefined && { sourcePorts: options.sourcePorts }),
    ...(kerberos !== undefined && { kerberos }),
  };
  return { inventory, choice, plan: plan(matrices, inventory, choice) };
}

/** The matrix that a run with credentials asks beside the others. */
const ticketMatrix = 'kerberos-tickets';

function kerberosUse({ kerberos, keytab }: PlanOptions): KerberosUse | undefined {
  if (keytab !== undefined && !kerberos) throw new UsageError(`--keytab ${quote(keytab)} is of no use alone: expected --kerberos with it`);
  // Agents start in other folders than the user.
  if (keytab !== undefined && !keytab.startsWith('/')) {
    throw new UsageError(`--keytab ${quote(keytab)} is not a path from the root: expected one like /etc/krb5.keytab, as it is on the sources`);
  }
  return kerberos ? { installation: packageRoot, ...(keytab !== undefined && { keytab }) } : undefined;
}

/** Credentials are used only where the user says so. */
function refuseCredentials({ name, rules }: Matrix): void {
  const rule = rules.find(usesCredentials);
  if (rule === undefined) return;
  throw new UsageError(`matrix ${quote(name)}: the rule ${rule.id} uses the Kerberos credentials of the sources: expected --kerberos with it`);
}

function usesCredentials({ probe }: Pick<Matrix['rules'][number], 'probe'>): boolean {
  return traitsOf(probe).authenticates === true;
}

/** The published matrices whose roles the inventory has, and which need neither be named nor given credentials. */
function fitting({ file, hosts }: Inventory, asPublished: boolean, cwd: string): readonly Matrix[] {
  const matrices = publishedMatrices()
    .map((name) => findMatrix(name, { cwd, asPublished }))
    .filter(({ onRequest, rules }) => !onRequest && !rules.some(usesCredentials));
  const roles = new Set(hosts.flatMap((host) => host.roles));
  const fit = matrices.filter(({ from, to }) => from.some((role) => roles.has(role)) && (to === undefined || roles.has(to)));
  if (fit.length > 0) return fit;
  const wanted = matrices.map((matrix) => `${matrix.name} (${directionOf(matrix)})`).join(', ');
  throw new UsageError(
    `${file}: no published matrix fits the roles ${[...roles].join(', ')}: expected the roles of ${wanted}, or a matrix named with -m`,
  );
}

function portSpan(text: string | undefined): PortSpan | undefined {
  if (text === undefined || text === 'os') return undefined;
  if (text === 'windows') return [49_152, 65_535];
  const [, first = '', last = ''] = /^([0-9]{1,5})-([0-9]{1,5})$/.exec(text) ?? [];
  const span: PortSpan = [Number(first), Number(last)];
  if (first !== '' && span[0] >= 1 && span[0] <= span[1] && span[1] <= 65_535) return span;
  throw new UsageError(`--source-ports ${JSON.stringify(text)} is not a port range: expected os, windows, or two ports like 50000-50999`);
}

/** Sortable, readable, and different for two runs in one second. */
export function runId(now: Date): string {
  return `${now.toISOString().slice(0, 19).replaceAll(':', '-')}Z-${randomBytes(2).toString('hex')}`;
}
