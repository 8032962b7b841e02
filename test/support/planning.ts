/** Plans made from what a test writes, through the real readers. */
import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { type Inventory, readInventory } from '../../src/inventory.ts';
import { findMatrix, type Matrix } from '../../src/matrix.ts';
import { type Choice, plan, type Plan, plannedChecks } from '../../src/plan.ts';
import { sceneOf, type WrittenHost, type WrittenRule } from './binary.ts';

/** Without the control, so that a plan asks what its test writes and nothing else. */
export const usualChoice: Choice = {
  run: 'test',
  sources: [],
  destinations: [],
  rules: [],
  timeoutMs: 1_000,
  attempts: 2,
  paceName: 'normal',
  withoutControl: true,
};

export interface Planned {
  readonly plan: Plan;
  readonly inventory: Inventory;
  readonly matrix: Matrix;
}

/** The plan of one matrix, `mine`, in which `near` asks `far`. */
export function planOf(
  t: Pick<TestContext, 'after'>,
  rules: readonly WrittenRule[],
  hosts: readonly WrittenHost[],
  choice: Partial<Choice> = {},
  fields: Readonly<Record<string, unknown>> = {},
): Planned {
  const folder = sceneOf(t, rules, hosts, fields);
  const inventory = readInventory(join(folder, 'inventory.yaml'));
  const matrix = findMatrix('./mine.yaml', { cwd: folder, asPublished: false });
  return { plan: plan([matrix], inventory, { ...usualChoice, ...choice }), inventory, matrix };
}

/** Ids of the planned checks; what is left out has its reason behind it. */
export function idsOf(made: Plan): readonly string[] {
  return Array.from(plannedChecks(made), ({ check, skip }) => (skip === undefined ? check.id : `${check.id} ${skip.code}`));
}
