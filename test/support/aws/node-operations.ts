/** The operations that list nodes. */
import type {
  DescribeInstanceInformationRequest,
  DescribeInstanceInformationResult,
  GetConnectionStatusRequest,
  GetConnectionStatusResponse,
  InstanceInformation,
} from '@aws-sdk/client-ssm';
import { currentAgentVersion, type ManagedNode, pingOf } from './managed-node.ts';
import { pageOf } from './page.ts';
import { Refusal } from './refusal.ts';
import type { Territory } from './territory.ts';

interface Filter {
  readonly key: string;
  readonly values: readonly string[];
}

const defaultPage = 10;
const enumerated: Readonly<Record<string, readonly string[]>> = {
  PingStatus: ['Online', 'ConnectionLost', 'Inactive', 'Connection Lost'],
  PlatformTypes: ['Windows', 'Linux', 'MacOS'],
  ResourceType: ['ManagedInstance', 'EC2Instance'],
};
const plainKeys: ReadonlySet<string> = new Set([
  'InstanceIds',
  'AgentVersion',
  'PingStatus',
  'PlatformTypes',
  'ResourceType',
  'ActivationIds',
  'IamRole',
  'AssociationStatus',
]);

/** DescribeInstanceInformation: filters of different keys are all to be met, values of one key are alternatives. */
export function describeNodes(territory: Territory, request: DescribeInstanceInformationRequest): DescribeInstanceInformationResult {
  if (request.Filters !== undefined && request.InstanceInformationFilterList !== undefined) {
    throw new Refusal('ValidationException', 'Filters and InstanceInformationFilterList cannot be given together');
  }
  const filters = [
    ...(request.Filters ?? []).map(({ Key = '', Values = [] }) => ({ key: Key, values: Values })),
    ...(request.InstanceInformationFilterList ?? []).map(({ key = '', valueSet = [] }) => ({ key, values: valueSet })),
  ];
  for (const filter of filters) expectFilter(filter);
  if (filters.some(isTag) && !filters.every(isTag)) {
    throw new Refusal('ValidationException', 'Tag filters cannot be used together with other filters');
  }
  const found = [...territory.nodes.values()].filter((node) => filters.every((filter) => meets(node, filter)));
  const { items, next } = pageOf(found, request.MaxResults ?? defaultPage, request.NextToken);
  return { InstanceInformationList: items.map(informationOf), NextToken: next };
}

/** GetConnectionStatus: whether a session could be opened. */
export function connectionStatus(territory: Territory, { Target }: GetConnectionStatusRequest): GetConnectionStatusResponse {
  const node = territory.nodes.get(Target ?? '');
  return { Target, Status: node !== undefined && pingOf(node) === 'Online' ? 'connected' : 'notconnected' };
}

/** Whether a node has a tag; `tag-key` asks for the key alone. */
export function hasTag({ tags = {} }: ManagedNode, key: string, values: readonly string[]): boolean {
  if (key === 'tag-key') return values.some((name) => tags[name] !== undefined);
  const value = tags[key.slice('tag:'.length)];
  return value !== undefined && values.includes(value);
}

function isTag({ key }: Filter): boolean {
  return key.startsWith('tag:') || key === 'tag-key';
}

function expectFilter(filter: Filter): void {
  if (!isTag(filter) && !plainKeys.has(filter.key)) throw new Refusal('InvalidFilterKey', `The filter ${filter.key} is not supported`);
  const known = enumerated[filter.key];
  const strange = known === undefined ? undefined : filter.values.find((value) => !known.includes(value));
  if (strange !== undefined) throw new Refusal('InvalidInstanceInformationFilterValue', `${strange} is no value of ${filter.key}`);
  const malformed = filter.key === 'InstanceIds' ? filter.values.find((value) => !/^(i-(\w{8}|\w{17})|mi-\w{17})$/.test(value)) : undefined;
  if (malformed !== undefined) throw new Refusal('InvalidInstanceId', `Instance ID ${malformed} is not valid`);
}

function meets(node: ManagedNode, { key, values }: Filter): boolean {
  if (isTag({ key, values })) return hasTag(node, key, values);
  const said: Readonly<Record<string, string | undefined>> = {
    InstanceIds: node.instance,
    AgentVersion: node.agentVersion ?? currentAgentVersion,
    PingStatus: pingOf(node),
    PlatformTypes: node.platform,
    ResourceType: resourceTypeOf(node),
    AssociationStatus: 'Success',
  };
  return values.some((value) => value.replace(' ', '') === said[key]);
}

function resourceTypeOf({ instance }: ManagedNode): 'ManagedInstance' | 'EC2Instance' {
  return instance.startsWith('mi-') ? 'ManagedInstance' : 'EC2Instance';
}

function informationOf(node: ManagedNode): InstanceInformation {
  const isHybrid = node.instance.startsWith('mi-');
  return {
    InstanceId: node.instance,
    PingStatus: pingOf(node),
    LastPingDateTime: new Date(),
    AgentVersion: node.agentVersion ?? currentAgentVersion,
    IsLatestVersion: node.agentVersion === undefined,
    PlatformType: node.platform,
    PlatformName: node.platformName ?? (node.platform === 'Windows' ? 'Microsoft Windows Server 2022 Datacenter' : 'Debian GNU/Linux'),
    PlatformVersion: node.platformVersion ?? (node.platform === 'Windows' ? '10.0.20348' : '12'),
    ResourceType: resourceTypeOf(node),
    Name: isHybrid ? node.computerName : undefined,
    IPAddress: node.ipAddress,
    ComputerName: node.computerName,
    SourceId: node.instance,
    SourceType: isHybrid ? 'AWS::SSM::ManagedInstance' : 'AWS::EC2::Instance',
  };
}
