/** What a look at all places and nodes of an inventory found. Pure. */
import type { Policy } from '../../agent/contract/policy.ts';
import type { AwsPlace } from '../aws.ts';
import type { Host } from '../inventory.ts';
import type { Problem } from './problem.ts';

/** The document in one place. */
export interface ExaminedDocument {
  readonly name: string;
  readonly version: string;
  readonly hash?: string;
  readonly contract?: number;
  readonly allows?: Policy;
}

/** One place: a Region of an account. */
export interface ExaminedPlace extends AwsPlace {
  readonly document?: ExaminedDocument;
  readonly problems: readonly Problem[];
}

/** One host of the inventory that is a managed node. `session`: whether Session Manager could open a session to it now. */
export interface ExaminedNode extends AwsPlace {
  readonly host: string;
  readonly address: string;
  readonly roles: readonly string[];
  readonly instance?: string;
  readonly ping?: string;
  readonly platform?: string;
  readonly platformVersion?: string;
  readonly agentVersion?: string;
  readonly session?: 'connected' | 'notconnected';
  /** `ran`: an empty job was sent, and the agent did it. */
  readonly trial?: 'ran' | 'failed';
  readonly problems: readonly Problem[];
}

/** All of it. */
export interface Examination {
  readonly emulated?: true;
  readonly places: readonly ExaminedPlace[];
  readonly nodes: readonly ExaminedNode[];
  readonly bastion: BastionSubstitute;
}

/** Who could be entered through Session Manager: `direct` the DCs that are nodes themselves, `relays` other nodes that ports could be forwarded through. */
export interface BastionSubstitute {
  readonly possible: 'yes' | 'no' | 'unknown';
  readonly direct: readonly string[];
  readonly relays: readonly string[];
}

/** `ready`: it can run; `blocked`: something is missing; `unknown`: nobody could look. */
export type NodeState = 'ready' | 'blocked' | 'unknown';

/** The state of a node: its own problems and those of its place. */
export function stateOf(node: ExaminedNode, places: readonly ExaminedPlace[]): NodeState {
  const place = places.find(({ region, account }) => region === node.region && account === node.account);
  const weights = new Set([...node.problems, ...(place?.problems ?? [])].map(({ weight }) => weight));
  return weights.has('blocks') ? 'blocked' : weights.has('unknown') ? 'unknown' : 'ready';
}

/** 0 all can run, 1 something is missing somewhere, 3 somebody could not look and nothing else is the matter. */
export function examinationCode({ nodes, places }: Pick<Examination, 'nodes' | 'places'>): 0 | 1 | 3 {
  const states = new Set(nodes.map((node) => stateOf(node, places)));
  return states.has('blocked') ? 1 : states.has('unknown') ? 3 : 0;
}

/** The oldest SSM agent through which ports of other hosts can be forwarded (AWS-StartPortForwardingSessionToRemoteHost). */
export const forwardsSince = '3.1.1374.0';

/** Whether sessions could stand in for a bastion, by the hosts that can be entered now. `forwards`: whether a node's agent forwards ports of other hosts. */
export function bastionSubstitute(
  nodes: readonly ExaminedNode[],
  hosts: readonly Host[],
  forwards: (node: ExaminedNode) => boolean,
): BastionSubstitute {
  const dcs = new Set(hosts.filter(({ roles }) => roles.includes('dc')).map(({ name }) => name));
  const connected = nodes.filter(({ session }) => session === 'connected');
  const direct = connected.filter(({ host }) => dcs.has(host)).map(({ host }) => host);
  const relays = connected.filter((node) => !dcs.has(node.host) && forwards(node)).map(({ host }) => host);
  // Of a node that Systems Manager does not know, a problem of its own says so; one without was not looked for.
  const isUnknown = nodes.some(({ session, instance, problems }) => session === undefined && (instance !== undefined || problems.length === 0));
  const isPossible = relays.length > 0 || (direct.length > 0 && direct.length === dcs.size);
  return { possible: isPossible ? 'yes' : isUnknown || nodes.length === 0 ? 'unknown' : 'no', direct, relays };
}
