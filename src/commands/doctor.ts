/** `portmatrix agent doctor`: what is missing before a run through Systems Manager, node by node. */
import type { Argv } from 'yargs';
import { type Aws, isEmulated, openAws } from '../aws.ts';
import {
  type BastionSubstitute,
  bastionSubstitute,
  type Examination,
  examinationCode,
  type ExaminedNode,
  forwardsSince,
} from '../doctor/examination.ts';
import { look, type ManagedHost } from '../doctor/look.ts';
import { isBefore } from '../doctor/node-health.ts';
import { tryOut } from '../doctor/trial.ts';
import type { Host, Inventory } from '../inventory.ts';
import { allowanceOf } from '../plan-allowance.ts';
import { examinationLines } from '../reporters/examination.ts';
import { UsageError } from '../usage-error.ts';
import type { ExitCode, Terminal } from './command.ts';
import { runId } from './options.ts';
import { planInScope, type ScopeOptions, withScope } from './scope.ts';

export function describeDoctor(argv: Argv) {
  return withScope(argv)
    .option('inventory', { alias: 'i', type: 'string', demandOption: true, requiresArg: true, describe: 'the hosts: a YAML file' })
    .option('try', {
      type: 'boolean',
      default: false,
      describe: 'also send each node an empty job, which asks nothing of anybody: shows the right to send, and whether the agent is there',
    })
    .option('format', { choices: ['text', 'json'] as const, requiresArg: true, default: 'text' as const, describe: 'what goes to stdout' })
    .example('$0 agent doctor -i inventory.yaml', 'a line for each node, and the next step for each problem; nothing is sent')
    .example('$0 agent doctor -i inventory.yaml --try', 'the same, with an empty job for each node')
    .epilogue(
      'Looks at permissions, the document, the nodes and their SSM agents, and whether Session Manager could replace the bastion.\n\n' +
        'Exit codes: 0 all nodes can run; 1 something is missing; 2 wrong usage, matrix or inventory; 3 somebody could not look.',
    );
}

interface DoctorOptions extends ScopeOptions {
  readonly try: boolean;
  readonly format: 'text' | 'json';
}

/** Looks, tries where that is wanted, and prints what was found. */
export async function doctorCommand(options: DoctorOptions, terminal: Terminal): Promise<ExitCode> {
  const { inventory, plan } = planInScope(options, terminal.cwd);
  const managed = managedHosts(inventory, options.source ?? []);
  const { systemsManager } = inventory;
  if (managed.length === 0 || systemsManager === undefined) {
    throw new UsageError(`${options.inventory}: no host is a managed node: expected at least one with connector: {ssm: {instance: i-…, region: …}}`);
  }
  const aws = openAws(inventory.accounts, 3);
  const seen = await look(aws, {
    managed,
    systemsManager,
    allowanceIn: ({ region, account }) => allowanceOf(plan, (node) => node.region === region && node.account === account),
  });
  const nodes = options.try ? await tried(seen.nodes, managed, aws, inventory, terminal) : seen.nodes;
  const examination: Examination = {
    ...(isEmulated() && { emulated: true as const }),
    places: seen.places,
    nodes,
    bastion: substitute(nodes, inventory.hosts),
  };
  if (options.format === 'json') await terminal.out(`${JSON.stringify(examination, null, 2)}\n`);
  else for (const line of examinationLines(examination, terminal)) await terminal.out(`${line}\n`);
  return examinationCode(examination);
}

/** The hosts of an inventory that are managed nodes, of those that were named, if any were. */
export function managedHosts({ hosts }: Inventory, named: readonly string[]): readonly ManagedHost[] {
  return hosts.flatMap((host) =>
    host.connector.kind === 'ssm' && (named.length === 0 || named.includes(host.name)) ? [{ host, node: host.connector.node }] : [],
  );
}

/** Tries the nodes that nothing of their own keeps from running. */
async function tried(
  nodes: readonly ExaminedNode[],
  managed: readonly ManagedHost[],
  aws: Aws,
  { systemsManager }: Inventory,
  { stop, emergency, err }: Terminal,
): Promise<readonly ExaminedNode[]> {
  if (systemsManager === undefined) return nodes;
  const able = new Set(
    nodes.filter(({ instance, problems }) => instance !== undefined && problems.every(({ weight }) => weight === 'note')).map(({ host }) => host),
  );
  const hosts = managed.map(({ host }) => host).filter(({ name }) => able.has(name));
  if (hosts.length > 0) err(`Sending an empty job to ${hosts.length} ${hosts.length === 1 ? 'node' : 'nodes'}.\n`);
  const trials = await tryOut(hosts, { aws, systemsManager, run: `doctor-${runId(new Date())}`, stop, emergency, now: Date.now });
  return nodes.map((node) => {
    const trial = trials.get(node.host);
    return trial === undefined ? node : { ...node, trial: trial.trial, problems: [...node.problems, ...trial.problems] };
  });
}

function substitute(nodes: readonly ExaminedNode[], hosts: readonly Host[]): BastionSubstitute {
  return bastionSubstitute(nodes, hosts, ({ agentVersion }) => agentVersion !== undefined && !isBefore(agentVersion, forwardsSince));
}
