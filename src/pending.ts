/** A run that others work on: all that is needed to finish it when its controller is gone. Kept in the run's folder until the report is written. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contractVersion } from '../agent/contract/job.ts';
import type { Ticket } from './connectors/connector.ts';
import type { Account, Inventory } from './inventory.ts';
import type { Matrix } from './matrix.ts';
import type { PaceChoice } from './pace.ts';
import type { Plan } from './plan.ts';
import type { PlannedRule } from './rule-rows.ts';
import { UsageError } from './usage-error.ts';

/** What was begun. */
export interface Pending {
  readonly plan: Plan;
  readonly inventory: Inventory;
  readonly pace: PaceChoice;
  readonly allowInconclusive: boolean;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly tickets: readonly Ticket[];
}

const fileName = 'pending.json';

/** As it stands in the file: each matrix once, and rules by the index of theirs. */
interface Written extends Omit<Pending, 'plan'> {
  readonly pending: typeof contractVersion;
  readonly version: string;
  readonly matrices: readonly Matrix[];
  readonly plan: Omit<Plan, 'matrices' | 'rules'> & {
    readonly matrices: readonly number[];
    readonly rules: readonly (Omit<PlannedRule, 'matrix'> & { readonly matrix: number })[];
  };
}

/** Writes it into the folder, whole or not at all, in the place of what was there. External ids of accounts are left out: they are the inventory's to keep. */
export async function keepPending(folder: string, version: string, pending: Pending): Promise<void> {
  const { plan, inventory, ...rest } = pending;
  const matrices = [...new Set([...plan.matrices, ...plan.rules.map(({ matrix }) => matrix)])];
  const indexOf = (matrix: Matrix): number => matrices.indexOf(matrix);
  const written: Written = {
    pending: contractVersion,
    version,
    ...rest,
    inventory: withoutExternalIds(inventory),
    matrices,
    plan: { ...plan, matrices: plan.matrices.map(indexOf), rules: plan.rules.map((rule) => ({ ...rule, matrix: indexOf(rule.matrix) })) },
  };
  const path = join(folder, fileName);
  await writeFile(`${path}.partial`, JSON.stringify(written), { mode: 0o600 });
  await rename(`${path}.partial`, path);
}

/** Reads it; a `UsageError` where there is none, or one that this version did not write. */
export async function readPending(folder: string, version: string): Promise<Pending> {
  const path = join(folder, fileName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'there is no run to resume' : `${path} cannot be read`;
    throw new UsageError(`${folder}: ${why}, expected the folder of a run that was sent to managed nodes and has no report yet (${fileName} in it)`);
  }
  const written = parse(text);
  if (written === undefined) throw new UsageError(`${path} is not whole, expected what portmatrix run wrote`);
  if (written.pending !== contractVersion || written.version !== version) {
    throw new UsageError(`${path} was written by portmatrix ${written.version}, and this is ${version}: expected the same version to finish the run`);
  }
  const { plan, matrices, pending: _contract, version: _version, ...rest } = written;
  const matrixOf = (index: number): Matrix => {
    const matrix = matrices[index];
    if (matrix === undefined) throw new UsageError(`${path} names a matrix that it does not hold, expected what portmatrix run wrote`);
    return matrix;
  };
  return {
    ...rest,
    plan: { ...plan, matrices: plan.matrices.map(matrixOf), rules: plan.rules.map((rule) => ({ ...rule, matrix: matrixOf(rule.matrix) })) },
  };
}

function parse(text: string): Written | undefined {
  try {
    const value: Written | null = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // A file that was cut, or no file of ours.
    return undefined;
  }
}

function withoutExternalIds({ accounts, ...inventory }: Inventory): Inventory {
  if (accounts === undefined) return inventory;
  const kept = Object.entries(accounts).map(([name, { profile, role }]): readonly [string, Account] => [
    name,
    { ...(profile !== undefined && { profile }), ...(role !== undefined && { role }) },
  ]);
  return { ...inventory, accounts: Object.fromEntries(kept) };
}

/** Takes it away: the run is finished. */
export async function dropPending(folder: string): Promise<void> {
  await rm(join(folder, fileName), { force: true });
}
