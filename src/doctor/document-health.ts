/** What a document of Systems Manager holds, read from its content, and what that means for a run. Pure. */
import { contractVersion } from '../../agent/contract/job.ts';
import { gateOf, type Policy, unpackPolicy } from '../../agent/contract/policy.ts';
import type { PlanAllowance } from '../plan-allowance.ts';
import { parsePortRange } from '../port-range.ts';
import type { Problem } from './problem.ts';

/** What a document says of itself. */
export interface DocumentFacts {
  /** Version of the contract that its agent speaks. */
  readonly contract: number;
  readonly policy: Policy;
  /** Where the packages are that it can have nodes fetch; by the folders below `bucket`. */
  readonly packages: readonly { readonly bucket: string; readonly key: string; readonly region: string }[];
}

/** Parameters that a run gives. */
const parameters = ['Job', 'Fetch', 'ExecutionTimeout'] as const;

/** Reads a document of ours; undefined for any other. */
export function readDocumentFacts(content: string): DocumentFacts | undefined {
  const document = objectIn(parsed(content));
  const declared = objectIn(document['parameters']);
  if (parameters.some((name) => !Object.hasOwn(declared, name))) return undefined;
  const steps = Array.isArray(document['mainSteps']) ? document['mainSteps'].map(objectIn) : [];
  const scripts = steps.flatMap((step) => {
    const { runCommand: lines }: Partial<Record<string, unknown>> = objectIn(step['inputs']);
    return Array.isArray(lines) ? [lines.join('\n')] : [];
  });
  const policies = scripts.flatMap((script) => unpackPolicy(/^\$?policy ?= ?'([\w-]+)'$/m.exec(script)?.[1] ?? '') ?? []);
  const [, contract] = /\(portmatrix, contract (\d+)\)/.exec(textIn(document['description'])) ?? [];
  const [policy] = policies;
  if (policy === undefined || contract === undefined) return undefined;
  return { contract: Number(contract), policy, packages: steps.flatMap((step) => packageOf(step)) };
}

/** What is the matter with a document that should serve a plan: it speaks another contract, or allows less than is asked. */
export function documentProblems({ contract, policy }: DocumentFacts, name: string, allowance: PlanAllowance): readonly Problem[] {
  const problems: Problem[] = [];
  const again = 'publish it again: portmatrix agent publish -i inventory.yaml --bucket BUCKET';
  if (contract !== contractVersion) {
    const what = `${name} has an agent that speaks contract ${contract}, and this portmatrix speaks ${contractVersion}`;
    problems.push({ code: 'document-contract', weight: 'blocks', what, next: `${again}, or pin a version of it that fits (systemsManager.version)` });
  }
  const { destinations, ports } = beyond(policy, allowance);
  if (destinations.length > 0 || ports.length > 0) {
    const some = [...destinations.map((network) => network.replace(/\/\d+$/, '')), ...ports];
    const named = some.length > 8 ? `${some.slice(0, 8).join(', ')} and ${some.length - 8} more` : some.join(', ');
    const what = `${name} does not allow what the inventory asks: ${named}; those checks would be errors (source-denied)`;
    problems.push({ code: 'document-narrow', weight: 'blocks', what, next: again });
  }
  if (policy.endsAfterMs < allowance.endsAfterMs) {
    const [has, needs] = [policy.endsAfterMs, allowance.endsAfterMs].map((ms) => Math.ceil(ms / 60_000));
    const what = `${name} ends its agents after ${has} min, and where nothing answers a node may need ${needs}`;
    problems.push({ code: 'document-narrow', weight: 'note', what, next: `${again} --longest-minutes ${needs}` });
  }
  return problems;
}

/** What of an allowance the policy does not let through. */
export function beyond(
  policy: Policy,
  { destinations, ports }: Pick<PlanAllowance, 'destinations' | 'ports'>,
): { readonly destinations: readonly string[]; readonly ports: readonly string[] } {
  const reaches = gateOf({ ...policy, ports: ['1/tcp'] });
  const opens = gateOf({ ...policy, destinations: ['192.0.2.1/32'] });
  return {
    destinations: destinations.filter((network) => !reaches({ address: network.replace(/\/\d+$/, ''), port: 1, transport: 'tcp' })),
    ports: ports.filter((text) => {
      const range = parsePortRange(text);
      if ('expected' in range) return true;
      for (let port = range.first; port <= range.last; port += 1) if (!opens({ address: '192.0.2.1', port, transport: range.transport })) return true;
      return false;
    }),
  };
}

/** The package that a step downloads: `https://s3.<region>.amazonaws.com/<bucket>/<key>`. */
function packageOf(step: Readonly<Record<string, unknown>>): DocumentFacts['packages'] {
  if (step['action'] !== 'aws:downloadContent') return [];
  const path = textIn(objectIn(parsed(textIn(objectIn(step['inputs'])['sourceInfo'])))['path']);
  const [, region, bucket, key] = /^https:\/\/s3\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^/]+)\/(.+)$/.exec(path) ?? [];
  return region === undefined || bucket === undefined || key === undefined ? [] : [{ region, bucket, key }];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is none of ours.
    return undefined;
  }
}

function objectIn(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
