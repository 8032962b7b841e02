/** SendCommand, and what can be asked of a command afterwards. */
import { randomUUID } from 'node:crypto';
import type {
  CancelCommandRequest,
  GetCommandInvocationRequest,
  GetCommandInvocationResult,
  ListCommandInvocationsRequest,
  ListCommandInvocationsResult,
  ListCommandsRequest,
  ListCommandsResult,
  SendCommandRequest,
  SendCommandResult,
} from '@aws-sdk/client-ssm';
import { isFinal, startCommand } from './command.ts';
import { commandStatus, invocationStatus } from './command-status.ts';
import { type SentCommand, viewCommand, viewInvocation, viewStep } from './command-view.ts';
import { platformsOf } from './document-content.ts';
import { documentBytes, documentOf, versionNamed } from './document-operations.ts';
import { pageOf } from './page.ts';
import { valuesOf } from './parameters.ts';
import { hasTag } from './node-operations.ts';
import { Refusal } from './refusal.ts';
import type { Territory } from './territory.ts';
import type { World } from './world.ts';

const longestPage = 50;

/** SendCommand: checked whole before anything happens. The answer counts nothing yet. */
export function sendCommand(world: World, territory: Territory, request: SendCommandRequest): SendCommandResult {
  const document = documentOf(territory, request.DocumentName);
  const version = versionNamed(document, request.DocumentVersion);
  // The service's own error for another hash is not published.
  if (request.DocumentHash !== undefined && request.DocumentHash !== version.sha256) {
    throw new Refusal('InvalidDocument', 'The hash of the document is not the given one');
  }
  const instances = instancesOf(territory, request);
  const values = valuesOf(version.content, request.Parameters ?? {});
  if (Buffer.byteLength(version.text) + Buffer.byteLength(JSON.stringify(request.Parameters ?? {})) > documentBytes) {
    throw new Refusal('MaxDocumentSizeExceeded', 'The size limit of a document is 64 KB.');
  }
  const platforms: readonly string[] = platformsOf(version.content);
  // Nodes that are found by a tag are Invalid Platform one by one.
  const misfit = (request.InstanceIds ?? []).find((instance) => !platforms.includes(territory.nodes.get(instance)?.platform ?? ''));
  if (misfit !== undefined) throw new Refusal('UnsupportedPlatformType', `The document does not support the platform type of ${misfit}`);
  if (request.OutputS3BucketName !== undefined && !world.store.hasBucket(request.OutputS3BucketName)) {
    throw new Refusal('InvalidOutputFolder', "The S3 bucket doesn't exist.");
  }
  const command = startCommand(world, territory, {
    id: randomUUID(),
    documentName: document.name,
    version,
    values,
    parameters: request.Parameters ?? {},
    instances,
    maxConcurrency: request.MaxConcurrency ?? '50',
    maxErrors: request.MaxErrors ?? '0',
    timeoutSeconds: request.TimeoutSeconds ?? 3_600,
    ...(request.OutputS3BucketName === undefined ? {} : { output: { bucket: request.OutputS3BucketName, prefix: request.OutputS3KeyPrefix ?? '' } }),
  });
  const sent: SentCommand = Object.assign(command, { request });
  territory.commands.set(command.order.id, sent);
  const view = viewCommand(sent, mannerOf(world, territory));
  return { Command: { ...view, Status: 'Pending', StatusDetails: 'Pending', TargetCount: 0, CompletedCount: 0, ErrorCount: 0 } };
}

/** ListCommands, latest first. */
export function listCommands(world: World, territory: Territory, request: ListCommandsRequest): ListCommandsResult {
  if (request.CommandId !== undefined && !territory.commands.has(request.CommandId)) throw unknownCommand(request.CommandId);
  const found = commandsOf(territory, request.CommandId, request.InstanceId).filter((command) =>
    (request.Filters ?? []).every(({ key = '', value = '' }) => {
      if (key === 'ExecutionStage') return (value === 'Executing') !== [...command.invocations.values()].every(isFinal);
      return meets(command, key, value, commandStatus(command, world.spacedDetails));
    }),
  );
  const { items, next } = pageOf(found, request.MaxResults ?? longestPage, request.NextToken);
  return { Commands: items.map((command) => viewCommand(command, mannerOf(world, territory))), NextToken: next };
}

/** ListCommandInvocations; right after SendCommand the list is empty, as the real one may be. */
export function listInvocations(world: World, territory: Territory, request: ListCommandInvocationsRequest): ListCommandInvocationsResult {
  const filters = request.Filters ?? [];
  if (filters.some(({ key }) => key === 'ExecutionStage')) throw new Refusal('InvalidFilterKey', "The specified key isn't valid.");
  const visible = commandsOf(territory, request.CommandId, undefined).filter((command) => {
    command.hiddenLists -= 1;
    return command.hiddenLists < 0;
  });
  const found = visible
    .flatMap((command) => [...command.invocations.values()].map((invocation) => ({ command, invocation })))
    .filter(({ invocation }) => request.InstanceId === undefined || invocation.instance === request.InstanceId)
    .filter(({ command, invocation }) =>
      filters.every(({ key = '', value = '' }) => meets(command, key, value, invocationStatus(invocation, world.spacedDetails))),
    );
  const { items, next } = pageOf(found, request.MaxResults ?? longestPage, request.NextToken);
  return {
    CommandInvocations: items.map(({ command, invocation }) =>
      viewInvocation(command, invocation, request.Details ?? false, mannerOf(world, territory)),
    ),
    NextToken: next,
  };
}

/** GetCommandInvocation of one step; a document of several steps needs PluginName. */
export function getInvocation(world: World, territory: Territory, request: GetCommandInvocationRequest): GetCommandInvocationResult {
  const command = commandsOf(territory, request.CommandId, undefined)[0];
  const invocation = command?.invocations.get(request.InstanceId ?? '');
  if (command === undefined || invocation === undefined || invocation.hiddenLooks > 0) {
    if (invocation !== undefined) invocation.hiddenLooks -= 1;
    throw new Refusal('InvocationDoesNotExist', 'The command ID and managed node ID you specified did not match any invocations.');
  }
  const { steps } = invocation;
  const only = steps.length === 1 ? steps[0] : undefined;
  const result = request.PluginName === undefined ? only : steps.find(({ step }) => step.name === request.PluginName);
  if (result === undefined) throw new Refusal('InvalidPluginName', "The plugin name isn't valid.");
  const view = viewStep(command, invocation, result, mannerOf(world, territory));
  if (result.status === 'Success' && result.isSkipped !== true) invocation.emptyReads -= 1;
  return view;
}

/** CancelCommand: what runs is killed, what has ended stays. */
export function cancelCommand(territory: Territory, request: CancelCommandRequest): Record<string, never> {
  const command = commandsOf(territory, request.CommandId, undefined)[0];
  if (command === undefined) throw unknownCommand(request.CommandId ?? '');
  const wanted = request.InstanceIds ?? [];
  expectNoRepetition(wanted);
  const stranger = wanted.find((instance) => !command.invocations.has(instance));
  if (stranger !== undefined) throw new Refusal('InvalidInstanceId', `Instance ID ${stranger} is not part of the command`);
  const open = [...command.invocations.values()].filter((invocation) => !isFinal(invocation)).map(({ instance }) => instance);
  const ended = wanted.length === 0 ? open : open.filter((instance) => wanted.includes(instance));
  command.isCancelled ||= open.length > 0 && ended.length === open.length;
  command.cancel(ended);
  return {};
}

/** Explicit ids are all or nothing; targets are whatever has the tags. */
function instancesOf({ nodes }: Territory, { InstanceIds = [], Targets = [] }: SendCommandRequest): string[] {
  if (InstanceIds.length > 0 === Targets.length > 0) throw new Refusal('ValidationException', 'Either InstanceIds or Targets must be specified');
  expectNoRepetition(InstanceIds);
  const bad = InstanceIds.filter((instance) => !nodes.has(instance) || nodes.get(instance)?.fault?.kind === 'vanished');
  if (bad.length > 0) throw new Refusal('InvalidInstanceId', `Instances [[${bad.join(', ')}]] not in a valid state for account`);
  if (InstanceIds.length > 0) return [...InstanceIds];
  const matching = [...nodes.values()].filter((node) =>
    Targets.every(({ Key = '', Values = [] }) =>
      /^instanceids$/i.test(Key) ? Values.includes('*') || Values.includes(node.instance) : hasTag(node, Key, Values),
    ),
  );
  return matching.filter(({ fault }) => fault?.kind !== 'vanished').map(({ instance }) => instance);
}

function expectNoRepetition(instances: readonly string[]): void {
  if (new Set(instances).size < instances.length)
    throw new Refusal('DuplicateInstanceId', "You can't specify a managed node ID in more than one place.");
}

function commandsOf({ commands }: Territory, id: string | undefined, instance: string | undefined): SentCommand[] {
  return [...commands.values()]
    .filter(({ order }) => id === undefined || order.id === id)
    .filter(({ invocations }) => instance === undefined || invocations.has(instance))
    .toReversed();
}

function meets(command: SentCommand, key: string, value: string, said: { readonly Status: string; readonly StatusDetails: string }): boolean {
  const at = command.requestedAt.getTime();
  if (key === 'InvokedAfter') return at > Date.parse(value);
  if (key === 'InvokedBefore') return at < Date.parse(value);
  if (key === 'DocumentName') return command.order.documentName === value;
  return said.Status === value || said.StatusDetails.replaceAll(' ', '') === value;
}

function mannerOf({ spacedDetails }: World, { region }: Territory): { readonly region: string; readonly isSpaced: boolean } {
  return { region, isSpaced: spacedDetails };
}

function unknownCommand(id: string): Refusal {
  return new Refusal('InvalidCommandId', `The command ${id} is not known`);
}
