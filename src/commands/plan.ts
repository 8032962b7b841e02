/** `portmatrix plan`: what a run would send. Nothing is sent. */
import type { Argv } from 'yargs';
import { countChecks } from '../../agent/contract/expand.ts';
import type { JobRule } from '../../agent/contract/job.ts';
import type { Member, Plan } from '../plan.ts';
import { plannedChecks } from '../plan.ts';
import { questions } from '../reporters/question-wording.ts';
import type { ExitCode, Terminal } from './command.ts';
import { planFrom, type PlanOptions, withPlanOptions } from './options.ts';

export function describePlan(argv: Argv) {
  return withPlanOptions(argv)
    .option('format', { choices: ['text', 'json'] as const, requiresArg: true, default: 'text' as const, describe: 'json: one check a line' })
    .example('$0 plan -i inventory.yaml', 'per source: what, to whom, what is left out and why, and how long it can take')
    .example('$0 plan -i inventory.yaml --format json | wc -l', 'how many checks there are')
    .epilogue('Exit codes: 0 planned; 2 wrong usage, matrix or inventory. Nothing is sent.');
}

/** Prints the plan. */
export async function planCommand(options: PlanOptions & { readonly format: 'text' | 'json' }, terminal: Terminal): Promise<ExitCode> {
  const { plan } = planFrom(options, terminal.cwd);
  if (options.format === 'json') {
    for (const { check, skip } of plannedChecks(plan)) await terminal.out(`${JSON.stringify({ ...check, ...(skip !== undefined && { skip }) })}\n`);
  } else {
    for (const line of describe(plan)) await terminal.out(`${line}\n`);
  }
  return 0;
}

function* describe(plan: Plan): Generator<string, void> {
  let asked = 0;
  for (const [index, host] of plan.hosts.entries()) {
    const groups = new Map<readonly Member[], string[]>();
    for (const pair of plan.pairs) {
      if (pair.source !== index) continue;
      const target = plan.hosts[pair.destination];
      groups.set(pair.members, [
        ...(groups.get(pair.members) ?? []),
        target === undefined ? '' : target.name === target.address ? target.name : `${target.name} ${target.address}`,
      ]);
    }
    for (const [members, targets] of groups) {
      const each = members
        .filter(({ skip }) => skip === undefined)
        .reduce((sum, { rule }) => sum + countChecks(plan.job.rules[rule] ?? { ports: [] }), 0);
      asked += each * targets.length;
      yield `${host.name} ${host.address} -> ${targets.join(', ')}: ${each} checks${targets.length > 1 ? ' each' : ''}`;
      yield* describeMembers(plan, members);
      if (lacksControl(plan, members)) yield '  No rule here wants a port open, so that no silence can pass: name a matrix of permitted traffic too.';
      yield '';
    }
  }
  if (plan.drawnIn.length > 0) yield `Also asked, because a chosen rule needs it: ${plan.drawnIn.join(', ')}`;
  yield* describeExclusions(plan);
  const seconds = Math.ceil(plan.worstCaseMs / 1_000);
  yield `${asked} checks from ${plan.sources.length} ${plan.sources.length === 1 ? 'source' : 'sources'}. When nothing answers, the slowest source takes up to ${seconds} s. Nothing was sent.`;
}

/** True where traffic is forbidden and nothing that is asked beside it could show the destination alive. */
function lacksControl({ rules }: Plan, members: readonly Member[]): boolean {
  const wanted = members.filter(({ skip }) => skip === undefined).map(({ rule }) => rules[rule]?.rule.expect.includes('open'));
  return wanted.length > 0 && !wanted.includes(true);
}

function* describeMembers(plan: Plan, members: readonly Member[]): Generator<string, void> {
  const seen = new Set<string>();
  for (const { rule: index, skip } of members) {
    const row = plan.job.rules[index];
    const planned = plan.rules[index];
    if (row === undefined || planned === undefined) continue;
    const ports =
      typeof row.ports === 'string' ? row.ports : row.ports.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',');
    const name = `${planned.matrix.name}/${planned.rule.id}`;
    const interfaces = planned.rule.interfaces.length > 0 ? ` (${planned.rule.interfaces.join(', ')})` : '';
    const why =
      skip === undefined
        ? `${questions[row.probe]}${sizeWords(row)}`
        : skip.code === 'not-applicable'
          ? `left out: the destination has no feature "${skip.feature}"`
          : skip.code === 'field-missing'
            ? `left out: this host has no ${skip.field}, which the name holds`
            : 'left out: this host runs no agent (connector: none)';
    const { expect } = planned.rule;
    const wanted = expect.includes('open') ? '' : ` [must be ${expect.join(' or ')}]`;
    const requirement = planned.requirement === 'required' ? '' : ` [${planned.requirement}]`;
    const line = `  ${name.padEnd(34)} ${`${ports}/${row.transport}`.padEnd(15)} ${why}${interfaces}${wanted}${requirement}`;
    if (!seen.has(line)) yield line;
    seen.add(line);
  }
}

function sizeWords({ size }: JobRule): string {
  if (size === undefined) return '';
  return size.of === 'request' ? `, in a request of ${size.bytes} bytes` : `, all of it: an answer of at least ${size.bytes} bytes`;
}

function* describeExclusions({ excluded }: Plan): Generator<string, void> {
  const reasons = new Map<string, string[]>();
  for (const { source, destination, reason } of excluded) reasons.set(reason, [...(reasons.get(reason) ?? []), `${source} -> ${destination}`]);
  for (const [reason, pairs] of reasons) {
    const shown = pairs.slice(0, 8).join(', ');
    yield `Not meant to talk (${reason}): ${shown}${pairs.length > 8 ? `, … (${pairs.length} in all)` : ''}`;
  }
}
