/** Commands and invocations as the API shows them. */
import type {
  Command as CommandDescription,
  CommandInvocation,
  CommandPlugin,
  GetCommandInvocationResult,
  SendCommandRequest,
} from '@aws-sdk/client-ssm';
import { type Command, isFinal } from './command.ts';
import { commandStatus, invocationStatus, wordDetails } from './command-status.ts';
import { type Invocation, outputKey } from './invocation.ts';
import { detailsOutput, stderrContent, stdoutContent } from './output.ts';
import type { StepResult } from './step-plan.ts';

/** A command with the request that made it. */
export interface SentCommand extends Command {
  readonly request: SendCommandRequest;
}

/** How it is shown. */
interface Manner {
  readonly region: string;
  readonly isSpaced: boolean;
}

/** A command as ListCommands shows it: its parameters in clear. */
export function viewCommand(command: SentCommand, { isSpaced }: Manner): CommandDescription {
  const invocations = [...command.invocations.values()];
  const { order, request } = command;
  return {
    CommandId: order.id,
    DocumentName: order.documentName,
    DocumentVersion: request.DocumentVersion ?? '$DEFAULT',
    Comment: request.Comment ?? '',
    ExpiresAfter: command.expiresAt,
    Parameters: Object.fromEntries(Object.entries(order.parameters).map(([name, values]) => [name, [...values]])),
    InstanceIds: request.InstanceIds ?? [],
    Targets: request.Targets ?? [],
    RequestedDateTime: command.requestedAt,
    ...commandStatus(command, isSpaced),
    OutputS3BucketName: request.OutputS3BucketName,
    OutputS3KeyPrefix: request.OutputS3KeyPrefix,
    MaxConcurrency: order.maxConcurrency,
    MaxErrors: order.maxErrors,
    TargetCount: invocations.length,
    CompletedCount: invocations.filter(isFinal).length,
    ErrorCount: invocations.filter(({ details }) => details === 'Failed' || details === 'ExecutionTimedOut').length,
    DeliveryTimedOutCount: invocations.filter(({ details }) => details === 'DeliveryTimedOut').length,
    TimeoutSeconds: order.timeoutSeconds,
    NotificationConfig: { NotificationArn: '', NotificationEvents: [] },
    CloudWatchOutputConfig: { CloudWatchLogGroupName: '-', CloudWatchOutputEnabled: false },
  };
}

/** An invocation as ListCommandInvocations shows it; the plugins only when Details are asked for. */
export function viewInvocation(command: SentCommand, invocation: Invocation, details: boolean, manner: Manner): CommandInvocation {
  const { order, request } = command;
  return {
    CommandId: order.id,
    InstanceId: invocation.instance,
    InstanceName: invocation.computerName,
    Comment: request.Comment ?? '',
    DocumentName: order.documentName,
    DocumentVersion: request.DocumentVersion ?? '$DEFAULT',
    RequestedDateTime: command.requestedAt,
    ...invocationStatus(invocation, manner.isSpaced),
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    CommandPlugins: details ? invocation.steps.map((result) => viewPlugin(command, invocation, result, manner)) : [],
    ServiceRole: request.ServiceRoleArn ?? '',
  };
}

/** One step as GetCommandInvocation shows it: no output before it is over, and while the fault of an empty output lasts. */
export function viewStep(command: SentCommand, invocation: Invocation, result: StepResult, manner: Manner): GetCommandInvocationResult {
  const { order, request } = command;
  const { step, startedAt, endedAt } = result;
  const isShown = isOver(result) && (result.status !== 'Success' || invocation.emptyReads <= 0);
  const hasStarted = result.isSkipped !== true && startedAt !== undefined;
  return {
    CommandId: order.id,
    InstanceId: invocation.instance,
    Comment: request.Comment ?? '',
    DocumentName: order.documentName,
    DocumentVersion: request.DocumentVersion ?? '$DEFAULT',
    PluginName: step.name,
    ResponseCode: isOver(result) ? result.code : -1,
    ExecutionStartDateTime: hasStarted ? startedAt.toISOString() : '',
    ExecutionElapsedTime: hasStarted && endedAt !== undefined ? `PT${((endedAt.getTime() - startedAt.getTime()) / 1_000).toFixed(3)}S` : '',
    ExecutionEndDateTime: hasStarted && endedAt !== undefined ? endedAt.toISOString() : '',
    ...stepStatus(invocation, result, manner),
    StandardOutputContent: isShown ? stdoutContent(result.stdout) : '',
    StandardErrorContent: isShown ? stderrContent(result.stderr) : '',
    StandardOutputUrl: urlOf(command, invocation, result, 'stdout', manner),
    StandardErrorUrl: urlOf(command, invocation, result, 'stderr', manner),
    CloudWatchOutputConfig: { CloudWatchLogGroupName: '-', CloudWatchOutputEnabled: false },
  };
}

function viewPlugin(command: SentCommand, invocation: Invocation, result: StepResult, manner: Manner): CommandPlugin {
  const { request } = command;
  const { Status, StatusDetails } = stepStatus(invocation, result, manner);
  const isShown = isOver(result) && (result.status !== 'Success' || invocation.emptyReads <= 0);
  return {
    Name: result.step.name,
    Status: Status === 'Delayed' || Status === 'Cancelling' ? 'InProgress' : Status,
    StatusDetails,
    ResponseCode: isOver(result) ? result.code : -1,
    ResponseStartDateTime: result.startedAt,
    ResponseFinishDateTime: result.endedAt,
    Output: isShown ? (result.remark ?? detailsOutput(result.stdout, result.stderr)) : '',
    StandardOutputUrl: urlOf(command, invocation, result, 'stdout', manner),
    StandardErrorUrl: urlOf(command, invocation, result, 'stderr', manner),
    OutputS3Region: manner.region,
    OutputS3BucketName: request.OutputS3BucketName,
    OutputS3KeyPrefix: request.OutputS3KeyPrefix,
  };
}

function isOver({ status }: StepResult): boolean {
  return status !== 'Pending' && status !== 'InProgress';
}

/** A step that never ran shares what became of its invocation. */
function stepStatus(invocation: Invocation, { status }: StepResult, { isSpaced }: Manner): ReturnType<typeof invocationStatus> {
  if (status === 'Pending' || status === 'InProgress') {
    if (isFinal(invocation) || invocation.details === 'Delayed' || invocation.details === 'Cancelling') return invocationStatus(invocation, isSpaced);
  }
  const details = status === 'TimedOut' ? 'ExecutionTimedOut' : status;
  return { Status: status, StatusDetails: wordDetails(details, isSpaced) };
}

function urlOf({ order }: Command, { instance }: Invocation, { step }: StepResult, stream: string, { region }: Manner): string {
  if (order.output === undefined) return '';
  return `https://s3.${region}.amazonaws.com/${order.output.bucket}/${outputKey(order.output, order.id, instance, step, stream)}`;
}
