/** Which managed nodes there are, and which of them the hosts of an inventory are. */
import type { InstanceInformation, InstanceInformationStringFilter, SSM } from '../../aws.ts';
import type { Host, ManagedNode } from '../../host.ts';

/** A managed node, as Systems Manager lists it. */
export interface Node {
  readonly instance: string;
  readonly ping: string;
  /** UTC, ISO 8601. */
  readonly lastPing?: string;
  readonly platform: string;
  /** As the system gives it: 10.0.20348 on Windows Server 2022. */
  readonly platformVersion?: string;
  readonly agentVersion?: string;
  readonly computerName?: string;
  readonly address?: string;
}

/** A node that can be sent a job, or why not, in words. */
export type Match = { readonly node: Node; readonly platform: 'linux' | 'windows' } | { readonly refused: string };

/** Values of one filter, and nodes of one page: the most that Systems Manager takes. */
const mostValues = 100;
const mostNodes = 50;

/** Asks for the nodes that these hosts may be, all pages: those with an id by their ids, those with a tag by each tag. */
export async function findNodes(ssm: SSM, wanted: readonly ManagedNode['wanted'][], spend: () => Promise<void>): Promise<Nodes> {
  const ids = [...new Set(wanted.flatMap((one) => ('instance' in one ? [one.instance] : [])))];
  const tags = new Map(wanted.flatMap((one) => ('tag' in one ? [[tagName(one.tag), one.tag] as const] : [])));
  const byId = new Map<string, Node>();
  const byTag = new Map<string, readonly Node[]>();
  const ask = async (filter: InstanceInformationStringFilter): Promise<readonly Node[]> => {
    const found: Node[] = [];
    let token: string | undefined;
    do {
      await spend();
      const page = await ssm.describeInstanceInformation({
        Filters: [filter],
        MaxResults: mostNodes,
        ...(token !== undefined && { NextToken: token }),
      });
      found.push(...(page.InstanceInformationList ?? []).flatMap(nodeOf));
      token = page.NextToken === '' ? undefined : page.NextToken;
    } while (token !== undefined);
    return found;
  };
  for (let first = 0; first < ids.length; first += mostValues)
    for (const node of await ask({ Key: 'InstanceIds', Values: ids.slice(first, first + mostValues) })) byId.set(node.instance, node);
  for (const [name, [key, value]] of tags) byTag.set(name, await ask({ Key: `tag:${key}`, Values: [value] }));
  return { byId, byTag };
}

/** What was found: by id, and by tag as `tagName` writes it. */
export interface Nodes {
  readonly byId: ReadonlyMap<string, Node>;
  readonly byTag: ReadonlyMap<string, readonly Node[]>;
}

/** The node that a host is, or why nothing can be sent to it. */
export function matchNode(host: Pick<Host, 'os'>, { wanted, region }: ManagedNode, { byId, byTag }: Nodes): Match {
  const named = 'instance' in wanted ? wanted.instance : `the tag ${tagName(wanted.tag)}`;
  const found = 'instance' in wanted ? [byId.get(wanted.instance)].filter((node) => node !== undefined) : (byTag.get(tagName(wanted.tag)) ?? []);
  const [node, second] = found;
  if (node === undefined) return { refused: `Systems Manager in ${region} knows no managed node with ${named}` };
  if (second !== undefined)
    return { refused: `${found.length} managed nodes in ${region} have ${named} (${found.map(({ instance }) => instance).join(', ')})` };
  if (node.ping !== 'Online') {
    const since = node.lastPing === undefined ? '' : `, last heard of at ${node.lastPing}`;
    return { refused: `${node.instance} is ${node.ping} in Systems Manager${since}` };
  }
  const platform = node.platform === 'Linux' ? 'linux' : node.platform === 'Windows' ? 'windows' : undefined;
  if (platform === undefined) return { refused: `${node.instance} runs ${node.platform}, for which there is no agent` };
  if (host.os === 'windows' && platform !== 'windows')
    return { refused: `${node.instance} runs ${node.platform}, and the inventory says that the host runs Windows` };
  return { node, platform };
}

/** A tag as people write it. */
export function tagName([key, value]: readonly [key: string, value: string]): string {
  return `${key}=${value}`;
}

function nodeOf({
  InstanceId,
  PingStatus,
  LastPingDateTime,
  PlatformType,
  PlatformVersion,
  AgentVersion,
  ComputerName,
  IPAddress,
}: InstanceInformation): readonly Node[] {
  if (InstanceId === undefined) return [];
  return [
    {
      instance: InstanceId,
      ping: PingStatus ?? 'of unknown state',
      platform: PlatformType ?? 'an unknown system',
      ...(LastPingDateTime !== undefined && { lastPing: LastPingDateTime.toISOString() }),
      ...(PlatformVersion !== undefined && { platformVersion: PlatformVersion }),
      ...(AgentVersion !== undefined && { agentVersion: AgentVersion }),
      ...(ComputerName !== undefined && { computerName: ComputerName }),
      ...(IPAddress !== undefined && { address: IPAddress }),
    },
  ];
}
