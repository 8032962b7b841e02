/** Jobs made by hand, and what an agent tells of them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { contractVersion, type Job, type JobHost, type JobRule } from '../../agent/contract/job.ts';
import type { Bye, Settled } from '../../agent/contract/message.ts';
import type { Observed } from '../../agent/contract/outcome.ts';
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import { dial } from '../../agent/net/dial.ts';
import type { OrderTicket } from '../../agent/net/dialogue.ts';
import { run, type Surroundings } from '../../agent/runner.ts';

export const client: JobHost = { name: 'client', address: '127.0.0.1', domain: 'corp.example.test', dnsName: 'adprobe-none.corp.example.test' };
export const dc1: JobHost = { name: 'dc1', address: '127.0.0.1', domain: 'corp.example.test', dnsName: 'dc1.corp.example.test' };

/** A rule that makes one check, named after its probe and port unless `fields` say otherwise. */
export function ruleOf(probe: ProbeName, transport: Transport, port: number, fields: Partial<JobRule> = {}): JobRule {
  return { matrix: 'm', rule: `${probe}-${port}`, probe, transport, ports: [[port, port]], ...fields };
}

/** A rule for one RPC interface whose port the endpoint mapper names, after the rules with these indices. */
export function rpcRule(name: JobRule['interface'] = 'drsuapi', ...after: readonly number[]): JobRule {
  return { matrix: 'm', rule: 'rpc', probe: 'rpc', transport: 'tcp', ports: '49152-65535', interface: name, ...(after.length > 0 && { after }) };
}

/** A job in which `client` asks `dc1` all the rules. */
export function jobOf(rules: readonly JobRule[], fields: Partial<Job> = {}): Job {
  return {
    contract: contractVersion,
    run: 'test',
    timeoutMs: 10_000,
    attempts: 2,
    endsAfterMs: 60_000,
    hosts: [client, dc1],
    rules,
    sets: [rules.map((_, index) => index)],
    pairs: [[0, 1, 0]],
    pace: { client: { inFlight: 256, perDestination: 256 } },
    reply: 'messages',
    ...fields,
  };
}

/** The token that every ticket is here. */
export const token = Buffer.from('a ticket');

/** Issues a ticket for every order, at once. */
const issuing: OrderTicket = (_order, told) => {
  queueMicrotask(() => told({ kind: 'issue', issue: { principal: 'alice@CORP.EXAMPLE.TEST', token } }));
  return () => undefined;
};

/** A host with a clock and sockets, on which no name means anything and no proxy is set. */
export const surroundings: Surroundings = {
  now: Date.now,
  random: randomBytes,
  sockets: 4_096,
  icmpErrors: () => undefined,
  resolve: () => Promise.resolve({ resolution: 'no-such-name', message: 'there are no names here' }),
  environment: {},
  canHaveUdpPort: async () => false,
  dial,
  tickets: { order: issuing },
};

/** Everything that a run told, results in the order of their telling. */
export interface Told {
  readonly results: readonly Settled[];
  readonly reason: Bye['reason'];
}

/** Runs the job as the agent on `client` would; `heard` is called with each result as it is told. */
export async function runJob(
  job: Job,
  heard: (result: Settled) => void = () => undefined,
  signal = new AbortController().signal,
  around: Partial<Surroundings> = {},
): Promise<Told> {
  const results: Settled[] = [];
  const tell = (message: Parameters<Parameters<typeof run>[2]>[0]): void => {
    if (message.kind !== 'result') return;
    results.push(message);
    heard(message);
  };
  return { reason: await run(job, 'client', tell, signal, { ...surroundings, ...around }), results };
}

/** The result of the check with this index; there must be exactly one. */
export function resultAt({ results }: Told, index: number): Settled {
  const found = results.filter((result) => result.index === index);
  const [only] = found;
  assert.ok(only !== undefined && found.length === 1, `check ${index} was told ${found.length} times`);
  return only;
}

/** The outcome of the check with this index, which must have looked at the network. */
export function observedAt(told: Told, index: number): Observed {
  const { outcome } = resultAt(told, index);
  assert.ok(outcome.kind === 'observed', JSON.stringify(outcome));
  return outcome;
}
