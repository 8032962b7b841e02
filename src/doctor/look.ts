/** Looks at the places and nodes of an inventory, by calls that only read: nothing is sent to any node. */
import { type Aws, type AwsPlace, nameOf, refusalOf, type S3, type SSM } from '../aws.ts';
import { bucket, type Spend } from '../connectors/ssm/bucket.ts';
import { findNodes, type Node, type Nodes } from '../connectors/ssm/nodes.ts';
import type { ManagedNode } from '../host.ts';
import type { Host, SystemsManager } from '../inventory.ts';
import type { PlanAllowance } from '../plan-allowance.ts';
import { type DocumentFacts, documentProblems, readDocumentFacts } from './document-health.ts';
import type { ExaminedDocument, ExaminedNode, ExaminedPlace } from './examination.ts';
import { nodeHealth, nodeTag } from './node-health.ts';
import { type Problem, refusedCall } from './problem.ts';

/** A host that is a managed node, and which. */
export interface ManagedHost {
  readonly host: Host;
  readonly node: ManagedNode;
}

/** What is looked for. */
export interface Subject {
  readonly managed: readonly ManagedHost[];
  readonly systemsManager: SystemsManager;
  /** What the plan of the inventory would ask in that place. */
  readonly allowanceIn: (place: AwsPlace) => PlanAllowance;
}

/** Looks at one place after the other, and at its nodes. */
export async function look(
  aws: Aws,
  subject: Subject,
): Promise<{ readonly places: readonly ExaminedPlace[]; readonly nodes: readonly ExaminedNode[] }> {
  const places: ExaminedPlace[] = [];
  const nodes = new Map<string, ExaminedNode>();
  for (const group of Map.groupBy(subject.managed, ({ node }) => nameOf(node)).values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { region, account } = first.node;
    const place: AwsPlace = { region, ...(account !== undefined && { account }) };
    const seen = await lookAtPlace(aws, place, group, subject);
    places.push(seen.place);
    for (const node of seen.nodes) nodes.set(node.host, node);
  }
  // In the order of the inventory.
  return { places, nodes: subject.managed.flatMap(({ host }) => nodes.get(host.name) ?? []) };
}

async function lookAtPlace(
  aws: Aws,
  place: AwsPlace,
  group: readonly ManagedHost[],
  subject: Subject,
): Promise<{ readonly place: ExaminedPlace; readonly nodes: readonly ExaminedNode[] }> {
  const spend = bucket(5, 10);
  const bare = ({ host }: ManagedHost): ExaminedNode => ({ ...place, host: host.name, address: host.address, roles: host.roles, problems: [] });
  const ssm = await aws.ssm(place);
  let found: Nodes | undefined;
  const problems: Problem[] = [];
  try {
    const wanted = group.map(({ node }) => node.wanted);
    found = await findNodes(ssm, wanted, spend);
  } catch (error) {
    const problem = refusedCall('ssm:DescribeInstanceInformation', place.region, refusalOf(error));
    problems.push(problem);
    // Whoever lacks one right should be told of all that are missing; without a way or a name there is nothing more to ask.
    if (problem.code !== 'permission') return { place: { ...place, problems }, nodes: group.map(bare) };
  }
  const document = await lookAtDocument(ssm, aws, place, subject);
  problems.push(...(await lookAtRights(ssm, place)), ...document.problems);
  const examined: ExaminedPlace = { ...place, ...document, problems };
  if (found === undefined) return { place: examined, nodes: group.map(bare) };
  const known = found;
  const tagged = await taggedNodes(ssm, spend);
  const nodes = await Promise.all(
    group.map(async (managed): Promise<ExaminedNode> => {
      const health = nodeHealth(managed.host, managed.node, known, tagged);
      const { node } = health;
      if (node === undefined) return { ...bare(managed), problems: health.problems };
      const session = await lookForSession(ssm, node, place, spend);
      return { ...bare(managed), ...factsOf(node), ...session, problems: [...health.problems, ...session.problems] };
    }),
  );
  return { place: examined, nodes };
}

function factsOf({ instance, ping, platform, platformVersion, agentVersion }: Node) {
  return {
    instance,
    ping,
    platform,
    ...(platformVersion !== undefined && { platformVersion }),
    ...(agentVersion !== undefined && { agentVersion }),
  };
}

/** Rights that a run needs beside those that are used to look: each is asked for what nobody has, and any answer but a denial shows that it is there. */
async function lookAtRights(ssm: SSM, { region }: AwsPlace): Promise<readonly Problem[]> {
  const command = { CommandId: '00000000-0000-4000-8000-000000000000' };
  const calls: readonly (readonly [action: string, call: () => Promise<unknown>])[] = [
    ['ssm:ListCommandInvocations', () => ssm.listCommandInvocations({ ...command, MaxResults: 1 })],
    ['ssm:GetCommandInvocation', () => ssm.getCommandInvocation({ ...command, InstanceId: 'i-00000000000000000' })],
    ['ssm:ListCommands', () => ssm.listCommands({ ...command, MaxResults: 1 })],
  ];
  const problems = await Promise.all(
    calls.map(async ([action, call]): Promise<readonly Problem[]> => {
      try {
        await call();
        return [];
      } catch (error) {
        const problem = refusedCall(action, region, refusalOf(error));
        if (problem.code !== 'permission') return [];
        // A run does without listing commands; one that is resumed may not find all that was sent.
        return [action === 'ssm:ListCommands' ? { ...problem, weight: 'note' } : problem];
      }
    }),
  );
  return problems.flat();
}

/** Ids of the nodes that have our tag; undefined where that cannot be asked. */
async function taggedNodes(ssm: SSM, spend: Spend): Promise<ReadonlySet<string> | undefined> {
  const ids = new Set<string>();
  let token: string | undefined;
  try {
    do {
      await spend();
      const page = await ssm.describeInstanceInformation({
        Filters: [{ Key: 'tag-key', Values: [nodeTag] }],
        MaxResults: 50,
        ...(token !== undefined && { NextToken: token }),
      });
      for (const { InstanceId: id } of page.InstanceInformationList ?? []) if (id !== undefined) ids.add(id);
      token = page.NextToken === '' ? undefined : page.NextToken;
    } while (token !== undefined);
    return ids;
  } catch (error) {
    refusalOf(error);
    return undefined;
  }
}

async function lookForSession(
  ssm: SSM,
  { instance, ping }: Node,
  { region }: AwsPlace,
  spend: Spend,
): Promise<{ readonly session?: 'connected' | 'notconnected'; readonly problems: readonly Problem[] }> {
  try {
    await spend();
    const { Status: status } = await ssm.getConnectionStatus({ Target: instance });
    if (status === 'connected') return { session: 'connected', problems: [] };
    if (ping !== 'Online') return { session: 'notconnected', problems: [] };
    const what = `${instance} has no channel for sessions, so that Session Manager cannot open one to it; Run Command may work all the same`;
    const next = `on the host: portmatrix preflight --purpose ssm --region ${region} asks the endpoint ssmmessages, through the proxy in force`;
    return { session: 'notconnected', problems: [{ code: 'no-session', weight: 'note', what, next }] };
  } catch (error) {
    const problem = refusedCall('ssm:GetConnectionStatus', region, refusalOf(error));
    return { problems: [{ ...problem, weight: 'note' }] };
  }
}

async function lookAtDocument(
  ssm: SSM,
  aws: Aws,
  place: AwsPlace,
  { systemsManager, allowanceIn }: Subject,
): Promise<{ readonly document?: ExaminedDocument; readonly problems: readonly Problem[] }> {
  const { document: name, version: wanted } = systemsManager;
  const which = { Name: name, ...(wanted !== undefined && { DocumentVersion: wanted }) };
  const where = nameOf(place);
  let action = 'ssm:DescribeDocument';
  try {
    const { Document: said = {} } = await ssm.describeDocument(which);
    const { DocumentVersion: version = wanted ?? '', Hash: hash, Status: status = 'Active' } = said;
    const document = { name, version, ...(hash !== undefined && { hash }) };
    if (status !== 'Active') {
      const what = `version ${version} of ${name} in ${where} is ${status}${said.StatusInformation === undefined ? '' : `: ${said.StatusInformation}`}`;
      return { document, problems: [{ code: 'document-status', weight: 'blocks', what, next: 'wait until it is Active, or publish it again' }] };
    }
    action = 'ssm:GetDocument';
    const { Content: content = '' } = await ssm.getDocument(which);
    const facts = readDocumentFacts(content);
    if (facts === undefined) {
      const what = `version ${version} of ${name} in ${where} was not made by portmatrix agent publish`;
      const next =
        'publish it: portmatrix agent publish -i inventory.yaml --bucket BUCKET, under another name (systemsManager.document) if this one is taken';
      return { document, problems: [{ code: 'document-foreign', weight: 'blocks', what, next }] };
    }
    const { contract, policy } = facts;
    return {
      document: { ...document, contract, allows: policy },
      problems: [...documentProblems(facts, name, allowanceIn(place)), ...(await lookAtPackages(aws, place, facts))],
    };
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal.name.startsWith('InvalidDocument')) return { problems: [refusedCall(action, place.region, refusal)] };
    const what = `there is no ${wanted === undefined ? '' : `version ${wanted} of the `}document ${name} in ${where}`;
    return {
      problems: [
        { code: 'document-missing', weight: 'blocks', what, next: 'publish it: portmatrix agent publish -i inventory.yaml --bucket BUCKET' },
      ],
    };
  }
}

/** Packages that the document has nodes fetch and that are gone. Whoever may not read them is told nothing. */
async function lookAtPackages(aws: Aws, { account }: AwsPlace, { packages }: DocumentFacts): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const { bucket: name, key, region } of packages) {
    const s3 = await aws.s3({ region, ...(account !== undefined && { account }) });
    if (await isThere(s3, name, key)) continue;
    const what = `the package s3://${name}/${key} is gone, and nodes that do not have it yet cannot fetch it`;
    problems.push({ code: 'package-missing', weight: 'blocks', what, next: 'publish again: portmatrix agent publish uploads what is missing' });
  }
  return problems;
}

async function isThere(s3: S3, bucketName: string, key: string): Promise<boolean> {
  try {
    await s3.headObject({ Bucket: bucketName, Key: key });
    return true;
  } catch (error) {
    return refusalOf(error).status !== 404;
  }
}
