/** One command on one node: its steps in order, and what becomes of them. */
import { join } from 'node:path';
import type { Step } from './document-content.ts';
import type { ManagedNode } from './managed-node.ts';
import { cutByAgent } from './output.ts';
import { type Errand, runStep, type StepEnd } from './step-run.ts';
import { exitCodes, operationOf, type StepResult } from './step-plan.ts';

/** What StatusDetails says of an invocation, without spaces. */
export type InvocationDetails =
  | 'Pending'
  | 'InProgress'
  | 'Delayed'
  | 'Success'
  | 'DeliveryTimedOut'
  | 'ExecutionTimedOut'
  | 'Failed'
  | 'Cancelled'
  | 'Cancelling'
  | 'Undeliverable'
  | 'Terminated'
  | 'InvalidPlatform'
  | 'AccessDenied';

/** A command on a node. */
export interface Invocation {
  readonly instance: string;
  readonly computerName: string;
  details: InvocationDetails;
  /** One for each step of the document. */
  steps: readonly StepResult[];
  /** Ends what runs. */
  readonly stop: AbortController;
  /** Looks at it that still say that it does not exist. */
  hiddenLooks: number;
  /** Reads of its output that still come back empty. */
  emptyReads: number;
}

/** Where a step's output goes, as SendCommand asked. */
export interface OutputPlace {
  readonly bucket: string;
  readonly prefix: string;
}

const reboots = { Linux: 194, MacOS: 194, Windows: 3_010 } as const;
/** A real machine would reboot for ever. */
const mostReboots = 3;

/** Runs all steps; reports each as it ends. Resolves with what the agent reports in the end, or undefined when nobody will hear of it. */
export async function runSteps(
  errand: Errand,
  report: (results: readonly StepResult[]) => void,
  output: OutputPlace | undefined,
): Promise<InvocationDetails | undefined> {
  const { content, node, stop } = errand;
  const results: StepResult[] = [];
  for (const step of content.steps) {
    const startedAt = new Date();
    const pending = pendingSteps(content.steps.slice(results.length + 1));
    const operation = operationOf(node, content, results, errand.values);
    const base = { step, startedAt };
    if (operation.kind === 'execute' && !stop.signal.aborted) {
      report([...results, { ...base, status: 'InProgress', code: -1, ...noOutput }, ...pending]);
      const end = await runWithReboots(errand, step);
      if (end.stopped === 'lost' || end.stopped === 'close') return undefined;
      storeOutput(errand, step, end, output);
      results.push({ ...base, ...resultOf(node, step, end), endedAt: new Date() });
    } else if (operation.kind === 'execute') {
      results.push({ ...base, status: 'Cancelled', code: 1, ...noOutput, endedAt: new Date() });
    } else {
      const isSkipped = operation.kind === 'skip';
      const said = isSkipped ? { ...noOutput, remark: operation.why, isSkipped } : { ...noOutput, stderr: Buffer.from(operation.why) };
      results.push({ ...base, status: isSkipped ? 'Success' : 'Failed', code: isSkipped ? 0 : 1, ...said, endedAt: new Date() });
    }
    report([...results, ...pending]);
  }
  return conclude(results);
}

/** Steps that have not begun. */
export function pendingSteps(steps: readonly Step[]): StepResult[] {
  return steps.map((step) => ({ step, status: 'Pending', code: -1, ...noOutput }));
}

/** The key of a stream of a step in S3 (the agent's iohandler): action without colons, then the step. */
export function outputKey({ prefix }: OutputPlace, commandId: string, instance: string, { action, name }: Step, stream: string): string {
  return [...(prefix === '' ? [] : [prefix.replace(/\/+$/, '')]), commandId, instance, action.replaceAll(':', ''), name, stream].join('/');
}

const noOutput = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) } as const;

async function runWithReboots(errand: Errand, step: Step): Promise<StepEnd> {
  const { node, world, commandId } = errand;
  for (let count = 1; ; count += 1) {
    const end = await runStep(errand, step);
    if (end.stopped !== undefined || end.code !== reboots[node.platform] || step.action === 'aws:downloadContent') return end;
    world.rebooted(node.instance, commandId);
    if (count === mostReboots) return end;
  }
}

function resultOf(node: ManagedNode, step: Step, end: StepEnd): Pick<StepResult, 'status' | 'code' | 'stdout' | 'stderr'> {
  const status = statusOf(node, end);
  const { inputs } = step;
  const leaves = inputs['onFailure'] === 'exit' || inputs['onFailure'] === 'successAndExit';
  if (end.code === exitCodes.success) {
    const why = '\nStep exited with code 168. Therefore, marking step as succeeded. Further document steps will be skipped.';
    return { status: 'Success', code: end.code, stdout: cut(node, end.stdout, why), stderr: Buffer.alloc(0) };
  }
  const why =
    end.code === exitCodes.failure
      ? '\nStep exited with code 169. Therefore, marking step as Failed. Further document steps will be skipped.'
      : status === 'Failed' && leaves
        ? '\nStep was found to have onFailure property. Further document steps will be skipped.'
        : '';
  const sent = { stdout: cut(node, end.stdout, why), stderr: cutByAgent(Buffer.concat([end.stderr, Buffer.from(why)])) };
  const succeeds = status === 'Failed' && end.code !== exitCodes.failure && inputs['onFailure'] === 'successAndExit';
  return succeeds ? { status: 'Success', code: exitCodes.success, ...sent } : { status, code: end.code, ...sent };
}

function statusOf({ platform }: ManagedNode, { code, stopped }: StepEnd): 'Success' | 'Failed' | 'TimedOut' | 'Cancelled' {
  if (stopped === 'cancel') return 'Cancelled';
  // The agent takes the code of a process that it killed for a timeout, whoever ended with it.
  if (code === (platform === 'Windows' ? -1 : 137)) return 'TimedOut';
  return code === 0 ? 'Success' : 'Failed';
}

function cut({ fault }: ManagedNode, bytes: Buffer, addition: string): Buffer {
  return cutByAgent(Buffer.concat([bytes, Buffer.from(addition)]), fault?.kind === 'truncated-output' ? fault.bytes : undefined);
}

/** The agent's own upload: only what has a size, and without telling anybody when it fails. */
function storeOutput({ world, territory, node, commandId }: Errand, step: Step, end: StepEnd, place: OutputPlace | undefined): void {
  if (place === undefined || node.fault?.kind === 'output-not-stored') return;
  const { account, region } = territory;
  for (const [stream, body] of [
    ['stdout', end.stdout],
    ['stderr', end.stderr],
  ] as const) {
    const key = outputKey(place, commandId, node.instance, step, stream);
    if (body.length === 0 || !world.store.hasBucket(place.bucket)) continue;
    const call = world.record.add({
      service: 's3',
      operation: 'PutObject',
      account,
      region,
      instance: node.instance,
      input: { Bucket: place.bucket, Key: key },
    });
    try {
      world.faults.strike({ operation: 'PutObject', account, region, key });
      world.store.put(place.bucket, key, body);
    } catch (error) {
      call.error = error instanceof Error ? error.message : String(error);
    }
  }
}

function conclude(results: readonly StepResult[]): InvocationDetails {
  const has = (status: StepResult['status']): boolean => results.some((result) => result.status === status);
  if (has('Failed')) return 'Failed';
  if (has('TimedOut')) return 'ExecutionTimedOut';
  return has('Cancelled') ? 'Cancelled' : 'Success';
}

/** The folder of a command on a node, as under /var/lib/amazon/ssm. */
export function orchestrationFolder(root: string, instance: string, commandId: string): string {
  return join(root, instance, 'document', 'orchestration', commandId);
}
