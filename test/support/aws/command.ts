/** A command on its way: to one node, then two, then four, until too many of them failed. */
import { realMs } from './clock.ts';
import { platformsOf } from './document-content.ts';
import { pendingSteps, type Invocation, type InvocationDetails, orchestrationFolder, type OutputPlace, runSteps } from './invocation.ts';
import { substitute, type Values } from './parameters.ts';
import type { StepResult } from './step-plan.ts';
import { timeoutSecondsOf } from './step-run.ts';
import type { Territory, Version } from './territory.ts';
import type { World } from './world.ts';

/** What SendCommand was asked for, checked. */
export interface Order {
  readonly id: string;
  readonly documentName: string;
  readonly version: Version;
  readonly values: Values;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly instances: readonly string[];
  /** As in the request: 50, 10 %. */
  readonly maxConcurrency: string;
  readonly maxErrors: string;
  readonly timeoutSeconds: number;
  readonly output?: OutputPlace;
}

/** A command that was sent. */
export interface Command {
  readonly order: Order;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly invocations: ReadonlyMap<string, Invocation>;
  /** Lists that are still empty. */
  hiddenLists: number;
  isCancelled: boolean;
  /** CancelCommand for these nodes: what has ended stays as it is. */
  readonly cancel: (instances: readonly string[]) => void;
  /** Ends what has not ended, as when all its time is over: Delivery Timed Out. */
  readonly expire: () => void;
  /** Settles when nothing of it runs any more, after its nodes were stopped or have ended. */
  readonly settled: () => Promise<void>;
  /** Resolves when nothing more happens to any of its invocations. */
  readonly ended: Promise<void>;
}

const finals: ReadonlySet<InvocationDetails> = new Set([
  'Success',
  'DeliveryTimedOut',
  'ExecutionTimedOut',
  'Failed',
  'Cancelled',
  'Undeliverable',
  'Terminated',
  'InvalidPlatform',
  'AccessDenied',
] as const);

/** Whether nothing more happens to an invocation. */
export function isFinal({ details }: Invocation): boolean {
  return finals.has(details);
}

/** A number or a percentage of the targets, as MaxConcurrency and MaxErrors have it. */
export function share(text: string, targets: number): number {
  return text.endsWith('%') ? Math.floor((Number(text.slice(0, -1)) * targets) / 100) : Number(text);
}

/** Sends a command. Nothing has happened yet when it returns. */
export function startCommand(world: World, territory: Territory, order: Order): Command {
  const { timers, clock, nodeClock } = world;
  const requestedAt = new Date();
  const executionSeconds = executionSecondsOf(order);
  const invocations = new Map(order.instances.map((instance) => [instance, invocationOf(world, territory, order, instance)]));
  const running = new Set<Promise<void>>();
  const queue = [...invocations.values()];
  const platforms: readonly string[] = platformsOf(order.version.content);
  const limit = Math.max(1, share(order.maxConcurrency, queue.length));
  const mostErrors = share(order.maxErrors, queue.length);
  let window = 1;
  let sent = 0;
  const unacknowledged = new Set<Invocation>();
  let errors = 0;

  const done = Promise.withResolvers<void>();

  const finish = (invocation: Invocation, details: InvocationDetails): void => {
    invocation.details = details;
    if ([...invocations.values()].every(isFinal)) done.resolve();
  };
  const end = (invocation: Invocation, details: InvocationDetails): void => {
    if (isFinal(invocation)) return;
    finish(invocation, details);
    sent -= 1;
    if (details === 'Failed' || details === 'ExecutionTimedOut') errors += 1;
    if (errors > mostErrors) for (const unsent of queue.splice(0)) finish(unsent, 'Terminated');
    acknowledge(invocation);
    pump();
  };
  const acknowledge = (invocation: Invocation): void => {
    if (!unacknowledged.delete(invocation)) return;
    if (unacknowledged.size === 0) window = Math.min(limit, window * 2);
    pump();
  };
  const run = async (invocation: Invocation): Promise<void> => {
    const node = territory.nodes.get(invocation.instance);
    if (node === undefined) return;
    invocation.details = 'InProgress';
    const folder = orchestrationFolder(world.folder, node.instance, order.id);
    const { content } = order.version;
    const errand = { world, territory, node, commandId: order.id, content, values: order.values, folder, stop: invocation.stop };
    const report = (steps: readonly StepResult[]): void => {
      if (!isFinal(invocation)) invocation.steps = steps;
    };
    const details = await territory.workers.work(node.instance, () => runSteps(errand, report, order.output));
    if (details !== undefined) end(invocation, details);
  };
  const deliver = (invocation: Invocation): void => {
    acknowledge(invocation);
    if (isFinal(invocation)) return;
    const work = run(invocation).finally(() => running.delete(work));
    running.add(work);
  };
  const dispatch = (invocation: Invocation): void => {
    sent += 1;
    unacknowledged.add(invocation);
    const node = territory.nodes.get(invocation.instance);
    const fault = node?.fault;
    const isMisfit = node !== undefined && !platforms.includes(node.platform);
    const early = isMisfit ? 'InvalidPlatform' : earlyEnd(fault?.kind ?? '');
    if (fault?.kind === 'offline') {
      // It is the service that acknowledges: a node that is away holds up nobody.
      timers.after(realMs(order.timeoutSeconds, clock), () => end(invocation, 'DeliveryTimedOut'));
      acknowledge(invocation);
    } else if (early !== undefined) {
      timers.after(world.deliveryDelayMs, () => end(invocation, early));
    } else {
      if (fault?.kind === 'delayed') invocation.details = 'Delayed';
      timers.after(world.deliveryDelayMs + (fault?.kind === 'delayed' ? fault.delayMs : 0), () => deliver(invocation));
    }
  };
  const pump = (): void => {
    while (sent < window && queue.length > 0) {
      const next = queue.shift();
      if (next !== undefined) dispatch(next);
    }
  };
  const expire = (): void => {
    for (const unsent of queue.splice(0)) finish(unsent, 'DeliveryTimedOut');
    for (const invocation of invocations.values()) end(invocation, 'DeliveryTimedOut');
  };
  const cancel = (instances: readonly string[]): void => {
    const open = [...invocations.values()].filter((invocation) => instances.includes(invocation.instance) && !isFinal(invocation));
    for (const invocation of open) {
      const isWaiting = queue.includes(invocation);
      if (isWaiting) queue.splice(queue.indexOf(invocation), 1);
      if (invocation.details === 'InProgress') {
        invocation.details = 'Cancelling';
        invocation.stop.abort('cancel');
      } else if (isWaiting) finish(invocation, 'Cancelled');
      else end(invocation, 'Cancelled');
    }
  };
  const forget = timers.after(realMs(order.timeoutSeconds, clock) + realMs(executionSeconds, nodeClock), expire);
  void done.promise.then(forget);
  if (queue.length === 0) done.resolve();
  timers.after(0, pump);
  return {
    order,
    requestedAt,
    expiresAt: new Date(requestedAt.getTime() + (order.timeoutSeconds + executionSeconds) * 1_000),
    invocations,
    hiddenLists: world.lag.reads,
    isCancelled: false,
    cancel,
    expire,
    settled: async () => {
      await Promise.all(running);
    },
    ended: done.promise,
  };
}

/** The longest time that a script of the document may take: it counts towards the end of the whole command. */
function executionSecondsOf({ version, values }: Order): number {
  const scripts = version.content.steps.filter(({ action }) => action !== 'aws:downloadContent');
  return Math.max(0, ...scripts.map(({ inputs }) => timeoutSecondsOf(substitute(inputs['timeoutSeconds'], values))));
}

function invocationOf(world: World, territory: Territory, { version }: Order, instance: string): Invocation {
  const node = territory.nodes.get(instance);
  return {
    instance,
    computerName: node?.computerName ?? '',
    details: 'Pending',
    steps: pendingSteps(version.content.steps),
    stop: new AbortController(),
    hiddenLooks: world.lag.reads,
    emptyReads: node?.fault?.kind === 'empty-output' ? node.fault.reads : 0,
  };
}

function earlyEnd(kind: string): InvocationDetails | undefined {
  const ends: Readonly<Record<string, InvocationDetails>> = {
    undeliverable: 'Undeliverable',
    'access-denied': 'AccessDenied',
    'invalid-platform': 'InvalidPlatform',
  };
  return ends[kind];
}
