/** Job to checks. Agent and controller both run this, so that a result can travel as a position. */
import { createHash } from 'node:crypto';
import { type Check, checkIds } from './check.ts';
import type { Job, JobHost, JobRule, Pair } from './job.ts';

/** Yields every check of the job in its one order; with `source`, only the rows of that source. A job that names what it does not hold is a bug, and throws. */
export function* expand(job: Job, source?: string): Generator<Check, void> {
  for (const pair of job.pairs) if (source === undefined || entry(job.hosts, pair[0]).name === source) yield* expandPair(job, pair);
}

/** Yields the checks of one source towards one destination. */
export function* expandPair(job: Job, [from, to, set]: Pair): Generator<Check, void> {
  const members = entry(job.sets, set);
  for (const index of members) yield* expandRule(job, index, from, to, members);
}

/** Yields the checks that one rule makes for a source and a destination. All four are indices; `members` are the rules that are asked with it. */
export function* expandRule(
  job: Pick<Job, 'hosts' | 'rules'>,
  index: number,
  from: number,
  to: number,
  members: readonly number[],
): Generator<Check, void> {
  const rule = entry(job.rules, index);
  const source = entry(job.hosts, from);
  const destination = entry(job.hosts, to);
  const after = (rule.after ?? [])
    .filter((other) => members.includes(other))
    .map((other) => prerequisiteId(entry(job.rules, other), source, destination));
  const asked = {
    matrix: rule.matrix,
    rule: rule.rule,
    source: source.name,
    destination: destination.name,
    transport: rule.transport,
    ...(rule.interface !== undefined && { interface: rule.interface }),
    address: destination.address,
    probe: rule.probe,
    ...(rule.size !== undefined && { size: rule.size }),
    ...(after.length > 0 && { after }),
  };
  const idOf = checkIds(asked);
  for (const port of portsOf(rule)) yield { id: idOf(port), port, ...asked };
}

/** How many checks `expandPair` yields, without making them. */
export function countPair(job: Job, [, , set]: Pair): number {
  return entry(job.sets, set).reduce((count, index) => count + countChecks(entry(job.rules, index)), 0);
}

/** The port, or the text, of each check that a rule makes for one pair. */
export function* portsOf(rule: Pick<JobRule, 'ports'>): Generator<number | string, void> {
  if (typeof rule.ports === 'string') {
    yield rule.ports;
    return;
  }
  for (const [first, last] of rule.ports) for (let port = first; port <= last; port += 1) yield port;
}

/** How many checks a rule makes for one pair, without making them. */
export function countChecks({ ports }: Pick<JobRule, 'ports'>): number {
  return typeof ports === 'string' ? 1 : ports.reduce((count, [first, last]) => count + last - first + 1, 0);
}

/** How many checks there are, and a SHA-256 over the id, address and probe of each, in order: agent and controller compare it before any result counts. */
export function fingerprint(checks: Iterable<Check>): { readonly count: number; readonly hash: string } {
  const hash = createHash('sha256');
  let count = 0;
  for (const check of checks) {
    // What is asked and of whom, and not its name alone.
    hash.update(`${check.id} ${check.address} ${check.probe}\n`);
    count += 1;
  }
  return { count, hash: hash.digest('hex') };
}

function prerequisiteId(rule: JobRule, source: JobHost, destination: JobHost): string {
  const [port] = portsOf(rule);
  if (port === undefined) throw new Error(`job: rule ${rule.rule} makes no check, and another one waits for it`);
  const { matrix, rule: name, transport } = rule;
  return checkIds({ matrix, rule: name, source: source.name, destination: destination.name, transport })(port);
}

function entry<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new Error(`job: nothing at index ${index} of ${list.length}`);
  return found;
}
