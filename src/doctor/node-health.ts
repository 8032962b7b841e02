/** What Systems Manager says of a host's node, and what that means for a run. Pure. */
import type { Host, ManagedNode } from '../host.ts';
import { matchNode, type Node, type Nodes, tagName } from '../connectors/ssm/nodes.ts';
import type { Problem } from './problem.ts';

/** The tag that the policies which come with portmatrix hold nodes to. */
export const nodeTag = 'PortMatrix';

/** Agents of Systems Manager before these versions, and why it matters. */
const agents = {
  /** CVE-2022-29527: what it writes could be changed by any user. */
  writable: '3.1.1208.0',
  /** A step's name could lead out of its folder. */
  traversal: '3.3.1957.0',
  /** Parameters go to scripts as variables of the environment, and not into their text. */
  variables: '3.3.2746.0',
} as const;

/** Windows Server 2016. */
const oldestWindows = '10.0.14393';

/** The node that a host is, if there is exactly one, and what is the matter with it. `tagged`: ids of the nodes that have the tag; absent: not known. */
export function nodeHealth(
  host: Pick<Host, 'os'>,
  managed: ManagedNode,
  nodes: Nodes,
  tagged: ReadonlySet<string> | undefined,
): { readonly node?: Node; readonly problems: readonly Problem[] } {
  const { wanted, region } = managed;
  const found = 'instance' in wanted ? [nodes.byId.get(wanted.instance) ?? []].flat() : (nodes.byTag.get(tagName(wanted.tag)) ?? []);
  const match = matchNode(host, managed, nodes);
  const refused = 'refused' in match ? match.refused : '';
  const [node, second] = found;
  if (node === undefined) {
    const next = `on the host: is the SSM agent installed, does its role have AmazonSSMManagedInstanceCore, and does portmatrix preflight --purpose ssm --region ${region} say GO?`;
    return { problems: [{ code: 'not-managed', weight: 'blocks', what: refused, next }] };
  }
  if (second !== undefined) {
    return { problems: [{ code: 'ambiguous', weight: 'blocks', what: refused, next: 'name the node by its id in the inventory: {instance: i-…}' }] };
  }
  return { node, problems: [...reach(node, region, refused), ...ages(node), ...tagOf(node, tagged)] };
}

/** True when one dotted version is lower than the other; what is no number counts as 0. */
export function isBefore(version: string, other: string): boolean {
  const [mine, theirs] = [version, other].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  const length = Math.max(mine?.length ?? 0, theirs?.length ?? 0);
  for (let index = 0; index < length; index += 1) {
    const [one = 0, two = 0] = [mine?.[index], theirs?.[index]];
    if (one !== two) return one < two;
  }
  return false;
}

function* reach({ ping, platform, platformVersion, instance }: Node, region: string, refused: string): Generator<Problem, void> {
  if (ping !== 'Online') {
    const next = `on the host: is it up, does the SSM agent run, and does portmatrix preflight --purpose ssm --region ${region} say GO (endpoints, proxy)?`;
    yield { code: 'offline', weight: 'blocks', what: refused, next };
  } else if (refused !== '') {
    yield { code: 'platform', weight: 'blocks', what: refused, next: 'correct the inventory, or give this host another connector' };
  }
  if (platform === 'Windows' && platformVersion !== undefined && isBefore(platformVersion, oldestWindows)) {
    const what = `${instance} runs Windows ${platformVersion}, and the agent needs Windows Server 2016 (${oldestWindows}) or later`;
    yield { code: 'old-windows', weight: 'blocks', what, next: 'ask from another host of that network, and say so with standsFor' };
  }
}

function* ages({ agentVersion, instance }: Node): Generator<Problem, void> {
  if (agentVersion === undefined) return;
  const next = `update it: the document AWS-UpdateSSMAgent, or State Manager; ${agents.variables} or later is recommended`;
  const said = `${instance} has version ${agentVersion} of the SSM agent`;
  if (isBefore(agentVersion, agents.writable)) {
    yield { code: 'vulnerable-agent', weight: 'note', what: `${said}, and before ${agents.writable} it can be misused (CVE-2022-29527)`, next };
  } else if (isBefore(agentVersion, agents.traversal)) {
    yield {
      code: 'vulnerable-agent',
      weight: 'note',
      what: `${said}, and before ${agents.traversal} the name of a step can lead out of its folder`,
      next,
    };
  } else if (isBefore(agentVersion, agents.variables)) {
    const what = `${said}, which puts parameters into the text of scripts; their patterns keep that harmless`;
    yield { code: 'old-agent', weight: 'note', what, next };
  }
}

function* tagOf({ instance }: Node, tagged: ReadonlySet<string> | undefined): Generator<Problem, void> {
  if (tagged === undefined || tagged.has(instance)) return;
  yield {
    code: 'untagged',
    weight: 'note',
    what: `${instance} has no tag ${nodeTag}, and the policies that come with portmatrix send nothing to a node without it`,
    next: `give it the tag ${nodeTag} with the value of the stack (agent), unless your own policies say otherwise`,
  };
}
