/** Sends nodes an empty job, which asks nothing of anybody: whether a command arrives, and whether the agent is there and starts, shows in what comes back. */
import { contractVersion, type Job } from '../../agent/contract/job.ts';
import { stepExits } from '../../agent/contract/step-exit.ts';
import type { Aws } from '../aws.ts';
import { connectBySsm, type Patience } from '../connectors/ssm/connection.ts';
import type { Host, SystemsManager } from '../inventory.ts';
import { operatorPolicy, type Problem } from './problem.ts';

/** What came of a node's empty job. */
export interface Trial {
  readonly trial: 'ran' | 'failed';
  readonly problems: readonly Problem[];
}

/** What a trial works with. */
export interface TrialMeans {
  readonly aws: Aws;
  readonly systemsManager: SystemsManager;
  readonly run: string;
  readonly stop: AbortSignal;
  readonly emergency: AbortSignal;
  readonly now: () => number;
  readonly patience?: Patience;
}

/** How many nodes are told at the same time: they ask nothing of each other. */
const atOnce = 50;
const endsAfterMs = 30_000;
const deliverySeconds = 60;

/** Tries these hosts; resolves to what came of each, by name. Nothing is fetched: a node that lacks the agent says so. */
export async function tryOut(hosts: readonly Host[], { emergency, systemsManager, ...means }: TrialMeans): Promise<ReadonlyMap<string, Trial>> {
  const trials = new Map<string, Trial>();
  if (hosts.length === 0) return trials;
  const connection = connectBySsm({
    ...means,
    systemsManager: { ...systemsManager, deliverySeconds },
    atOnce,
    keep: async () => undefined,
    lacking: ({ source, instance }) => trials.set(source, lackingOn(instance)),
  });
  const job = emptyJob(means.run, hosts);
  const tickets = await connection.send(hosts, job, means.stop);
  for await (const delivery of connection.collect(tickets, job, emergency)) {
    if ('lost' in delivery) trials.set(delivery.source, { trial: 'failed', problems: [failure(delivery.lost)] });
    else if (delivery.message.kind === 'bye') trials.set(delivery.source, { trial: 'ran', problems: [] });
  }
  return trials;
}

function emptyJob(run: string, hosts: readonly Host[]): Job {
  return {
    contract: contractVersion,
    run,
    timeoutMs: 1_000,
    attempts: 1,
    endsAfterMs,
    hosts: hosts.map(({ name, address, dnsName }) => ({ name, address, dnsName })),
    rules: [],
    sets: [],
    pairs: [],
    pace: {},
    reply: 'frame',
  };
}

function lackingOn(instance: string): Trial {
  const what = `${instance} does not have the agent yet; a run has it fetched`;
  const next = 'nothing, if the node may read the bucket (agent/ssm/policies/node.json); otherwise put the package there before';
  return { trial: 'failed', problems: [{ code: 'runtime-missing', weight: 'note', what, next }] };
}

/** Next steps for the ways in which a step ends, by their names. */
const steps: Readonly<Partial<Record<(typeof stepExits)[keyof typeof stepExits]['name'], string>>> = {
  'runtime-hash': 'somebody changed it: look at that host; what was changed is removed, and the next run has the package fetched again',
  'bundle-hash': 'somebody changed it: look at that host; what was changed is removed, and the next run has the package fetched again',
  'fetch-failed': 'may the node read the bucket (agent/ssm/policies/node.json), and does it reach S3 (endpoint, proxy of the SSM agent)?',
  'no-space': 'make room: a package needs some 200 MB',
  'unsupported-os': 'ask from another host of that network, and say so with standsFor',
  'execution-policy': 'a group policy forbids scripts: allow those of the SSM agent, or those of this document by their hash',
  'language-mode': 'allow Constrained Language Mode at least: it is all that the script needs',
  'application-control': 'allow the runtime: it is signed by the OpenJS Foundation, and its hash is in the document',
  'bad-input': 'use the version of portmatrix that published the document, or publish again',
  'runtime-old': 'update Node.js on that host, or use the document that brings its own',
};

function failure(lost: string): Problem {
  if (/^(AccessDenied|Unauthorized)/.test(lost)) {
    const next = `both the document and the node must be allowed: ${operatorPolicy} wants the node's tag`;
    return { code: 'permission', weight: 'blocks', what: `ssm:SendCommand is not allowed: ${lost}`, next };
  }
  if (lost.includes('Systems Manager says')) {
    return { code: 'undelivered', weight: 'blocks', what: lost, next: 'on the host: does the SSM agent run, and what does its log say?' };
  }
  const exit = Object.values(stepExits).find(({ sentence }) => lost.includes(sentence));
  if (exit !== undefined) return { code: 'step', weight: 'blocks', what: lost, next: steps[exit.name] ?? 'report it, with what the step said' };
  return {
    code: 'output-lost',
    weight: 'unknown',
    what: lost,
    next: 'try again; if it stays so, what Systems Manager says of the command is all that is known',
  };
}
