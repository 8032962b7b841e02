/** What the service says of a command and of its parts (user guide, "Understanding command statuses"). */
import type { CommandInvocationStatus, CommandStatus } from '@aws-sdk/client-ssm';
import { type Command, isFinal, share } from './command.ts';
import type { Invocation, InvocationDetails } from './invocation.ts';

/** Status and StatusDetails. */
export interface Said<Status> {
  readonly Status: Status;
  readonly StatusDetails: string;
}

const statuses: Readonly<Record<InvocationDetails, CommandInvocationStatus>> = {
  Pending: 'Pending',
  InProgress: 'InProgress',
  Delayed: 'Delayed',
  Success: 'Success',
  DeliveryTimedOut: 'TimedOut',
  ExecutionTimedOut: 'TimedOut',
  Failed: 'Failed',
  Cancelled: 'Cancelled',
  Cancelling: 'Cancelling',
  Undeliverable: 'Failed',
  Terminated: 'Cancelled',
  InvalidPlatform: 'Failed',
  AccessDenied: 'Failed',
};
/** What says nothing against a command. */
const neutral: readonly InvocationDetails[] = ['Success', 'Undeliverable'];

/** StatusDetails in the words of the documentation, or in those of the filters. */
export function wordDetails(details: string, isSpaced: boolean): string {
  return isSpaced ? details.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ') : details;
}

/** What an invocation says of itself. */
export function invocationStatus({ details }: Invocation, isSpaced: boolean): Said<CommandInvocationStatus> {
  return { Status: statuses[details], StatusDetails: wordDetails(details, isSpaced) };
}

/** What a command says of itself. It can be a Success of which four nodes never heard. */
export function commandStatus(command: Command, isSpaced: boolean): Said<CommandStatus> {
  const [Status, details] = statusOf(command);
  return { Status, StatusDetails: wordDetails(details, isSpaced) };
}

function statusOf(command: Command): [CommandStatus, string] {
  const invocations = [...command.invocations.values()];
  const count = (...details: readonly InvocationDetails[]): number => invocations.filter((one) => details.includes(one.details)).length;
  if (invocations.length === 0) return ['Success', 'NoInstancesInTag'];
  if (!invocations.every(isFinal)) {
    if (command.isCancelled) return ['Cancelling', 'Cancelling'];
    return count('Pending') === invocations.length ? ['Pending', 'Pending'] : ['InProgress', 'InProgress'];
  }
  if (command.isCancelled) return ['Cancelled', 'Cancelled'];
  if (count('Undeliverable') === invocations.length) return ['Failed', 'Undeliverable'];
  if (count(...neutral) === invocations.length) return ['Success', 'Success'];
  const least = Math.max(1, share(command.order.maxErrors, invocations.length));
  if (count('Failed') >= least) return ['Failed', 'Failed'];
  if (count('ExecutionTimedOut') >= least) return ['TimedOut', 'ExecutionTimedOut'];
  if (count('DeliveryTimedOut') >= least) return ['TimedOut', 'DeliveryTimedOut'];
  return ['Failed', 'Incomplete'];
}
