/** The options of commands that look at what an inventory and matrices come to, and run nothing: the plan of a run with its defaults. */
import type { Argv } from 'yargs';
import type { Inventory } from '../inventory.ts';
import type { Plan } from '../plan.ts';
import { planFrom, scopeOptions } from './options.ts';

/** Adds the options that say which matrices, and which hosts as sources. */
export function withScope<T>(argv: Argv<T>) {
  return argv.options(scopeOptions);
}

/** What the options came to. */
export interface ScopeOptions {
  readonly inventory: string;
  readonly matrix?: readonly string[] | undefined;
  readonly source?: readonly string[] | undefined;
}

/** Plans what a run with these options and no others would ask. Throws a `UsageError` as a run would. */
export function planInScope(options: ScopeOptions, cwd: string): { readonly inventory: Inventory; readonly plan: Plan } {
  return planFrom({ ...options, asPublished: false, withoutControl: false, kerberos: false, pace: 'normal' }, cwd);
}
