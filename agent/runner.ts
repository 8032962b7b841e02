/**
 * Runs the checks of one source: order, concurrency, pacing, deadlines, attempts, prerequisites. The only file with a timer.
 *
 * A check is asked within one deadline. TCP dials once, since the kernel repeats the SYN; UDP asks again, on a new socket, while the first question
 * still waits.
 *
 * What stays silent is looked at once more (`second-look.ts`) where rejections may have been held back.
 */
import { createSocket } from 'node:dgram';
import type { Check } from './contract/check.ts';
import { type Job, type JobHost, siteToAsk } from './contract/job.ts';
import type { LocateJob } from './contract/locate.ts';
import type { Alive, Bye, Settled } from './contract/message.ts';
import type { Outcome } from './contract/outcome.ts';
import { mostTickets, ordersTicket, traitsOf } from './contract/probe.ts';
import { socketsOf } from './inquiry.ts';
import { type Item, type Lane, lanesOf, withoutAnswer, withoutPort, withoutTicket } from './lane.ts';
import { localPorts, ownPorts } from './local-port.ts';
import type { Converse } from './locate.ts';
import { type NameTerms, pursue } from './name-inquiry.ts';
import { Conversation } from './net/conversation.ts';
import { dial, type Target } from './net/dial.ts';
import type { Dialogue } from './net/dialogue.ts';
import type { Dial } from './net/guard.ts';
import type { Resolution } from './net/resolve.ts';
import { speakers } from './probes/registry.ts';
import { type Environment, wayTo } from './proxy.ts';
import type { Tickets } from './ticket.ts';
import { isSilence, lookAgain, mayBeHeldBack, type Pass, refilled, type Result } from './second-look.ts';

/** What the runner gets from the process around it: the clock (UTC, milliseconds), randomness, and how many sockets it may hold. */
export interface Surroundings {
  readonly now: () => number;
  readonly random: (length: number) => Buffer;
  readonly sockets: number;
  /** How many ICMP errors this host has ever received; undefined where it does not tell. */
  readonly icmpErrors: () => number | undefined;
  /** The host's own resolver. */
  readonly resolve: (name: string) => Promise<Resolution>;
  readonly environment: Environment;
  /** Whether this host lets us have the local UDP port, and nobody else holds it. */
  readonly canHaveUdpPort: (port: number) => Promise<boolean>;
  /** How this source dials: all that its job makes it dial goes this way. */
  readonly dial: Dial;
  /** Absent where the job does not use Kerberos credentials. */
  readonly tickets?: Tickets;
}

const aliveMs = 1_000;
const beatMs = 50;
/** The part of a deadline that a check waits for one whose answer would only help it to ask well. */
const hintShare = 50;
/** Dials in one turn of the event loop: answers to them are heard before more are made, and no answer waits for long. */
const dialsInTurn = 256;
const selfTestMs = 300;
/** By then a peer has repeated its answer as often as it will ([MS-RDPEUDP] 3.1.6.1: five times, every 500 ms). */
const repeatsMs = 3_000;
/** How often a check that met an exhausted host is tried again. */
const mostReturns = 3;

/** Runs the source's checks and tells each result exactly once; checks without a result were not made. Resolves to how it ended. */
export async function run(
  job: Job,
  source: string,
  tell: (message: Settled | Alive) => void,
  signal: AbortSignal,
  surroundings: Surroundings,
): Promise<Bye['reason']> {
  const end = new AbortController();
  const deadline = setTimeout(() => end.abort(), job.endsAfterMs);
  let settled = 0;
  const heartbeat = setInterval(() => tell({ kind: 'alive', settled }), aliveMs);
  const stop = AbortSignal.any([signal, end.signal]);
  const aftermath = new Aftermath();
  const runPass = passes(job, source, stop, surroundings, { own: await ownPorts(job, surroundings.canHaveUdpPort), aftermath });
  const report = ({ item, outcome, attempts, elapsedMs }: Result): void =>
    tell({ kind: 'result', index: item.index, outcome, attempts, elapsedMs: Math.round(elapsedMs) });

  const before = surroundings.icmpErrors();
  const shut: Result[] = [];
  const unmet: Result[] = [];
  await runPass({
    lanes: lanesOf(job, source),
    timeoutMs: job.timeoutMs,
    attempts: job.attempts,
    settled: (result) => {
      settled += 1;
      if (result.outcome.kind === 'observed' && result.outcome.state !== 'open') shut.push(result);
      if (isUnmet(result.outcome)) unmet.push(result);
      else if (!isSilence(result.outcome)) report(result);
    },
  });
  const after = surroundings.icmpErrors();
  const received = before === undefined || after === undefined ? undefined : after - before;
  const silent = shut.filter(({ outcome }) => isSilence(outcome));
  const means = {
    runPass,
    stop,
    icmpErrors: surroundings.icmpErrors,
    pause: (since: number, milliseconds: number) => pause(since + milliseconds - performance.now(), stop),
  };
  const looked = job.attempts > 1 && mayBeHeldBack(shut, received) ? await lookAgain(silent, means) : silent;
  for (const result of looked) report(result);
  // A prerequisite that answers after all sets free what could not be asked without it.
  const isFreed = looked.some(({ item, lane, outcome }) => lane.isAwaited(item.check) && !isSilence(outcome));
  if (isFreed && !stop.aborted) await runPass({ lanes: refilled(unmet), timeoutMs: job.timeoutMs, attempts: job.attempts, settled: report });
  else for (const result of unmet) report(result);

  aftermath.end();
  clearInterval(heartbeat);
  clearTimeout(deadline);
  if (signal.aborted) return 'interrupted';
  return end.signal.aborted ? 'deadline' : 'finished';
}

/** Makes the function that runs passes: it pulls checks from the lanes in turn, within the pace of the source, until the lanes are empty or it is told to stop. */
function passes(
  job: Job,
  source: string,
  stop: AbortSignal,
  surroundings: Surroundings,
  { own, aftermath }: { readonly own: ReadonlySet<number>; readonly aftermath: Aftermath },
): (pass: Pass) => Promise<void> {
  const pace = job.pace[source] ?? { inFlight: 64, perDestination: 32 };
  const self = job.hosts.find(({ name }) => name === source);
  const localPort = localPorts(job);
  const returns = new Map<Item, number>();
  let most = Math.max(1, Math.min(pace.inFlight, surroundings.sockets));

  /** Counts every dial, so that attempts and follow-ups slow down what comes after them. */
  const count = (lane: Lane): void => {
    if (pace.flowsPerSecond !== undefined) lane.nextFlowAt = Math.max(lane.nextFlowAt, performance.now()) + 1_000 / pace.flowsPerSecond;
  };

  const { tickets } = surroundings;

  const termsOf = (lane: Lane, attempts: number, ticket: Buffer | undefined): NameTerms => {
    const { dnsName, domain } = lane.host;
    const account = accountOf(self, lane.host);
    const site = siteToAsk(lane.host, self);
    return {
      attempts,
      localPort,
      ownPorts: own,
      linger: (release) => aftermath.add(release),
      dial: surroundings.dial,
      dialled: () => count(lane),
      resolve: surroundings.resolve,
      wayTo: (name) => wayTo(name, surroundings.environment),
      ...(tickets !== undefined && 'order' in tickets && { orderTicket: tickets.order }),
      question: () => ({
        dnsName,
        known: lane.known,
        random: surroundings.random,
        now: surroundings.now,
        ...(domain !== undefined && { domain }),
        ...(account !== undefined && { account }),
        ...(site !== undefined && { site }),
        ...(ticket !== undefined && { ticket }),
        ...(job.authorities !== undefined && { authorities: job.authorities }),
      }),
    };
  };

  return ({ lanes, timeoutMs, attempts, settled }) =>
    new Promise((resolve) => {
      let inFlight = 0;
      let ordered = 0;
      let turn = 0;
      let rests = false;
      let wake: NodeJS.Timeout | undefined;
      const running = new Set<() => void>();
      const standstill = new Standstill();

      const rest = (): void => {
        rests = true;
        setImmediate(() => {
          rests = false;
          pump();
        });
      };

      const finish = (): void => {
        clearTimeout(wake);
        standstill.stop();
        stop.removeEventListener('abort', cancel);
        resolve();
      };
      const cancel = (): void => {
        for (const abandon of running) abandon();
        finish();
      };

      /** The next check that may be asked now, from the lanes in turn. */
      const pull = (): { readonly item: Item; readonly lane: Lane } | undefined => {
        const now = performance.now();
        let soonest = Infinity;
        for (let step = 0; step < lanes.length; step += 1) {
          const lane = lanes[(turn + step) % lanes.length];
          if (lane === undefined || lane.inFlight >= pace.perDestination) continue;
          if (lane.nextFlowAt > now) {
            if (!lane.empty) soonest = Math.min(soonest, lane.nextFlowAt);
            continue;
          }
          const item = lane.next();
          if (item === undefined) continue;
          if (ordersTicket(item.check.probe) && ordered >= mostTickets) {
            lane.putBack(item);
            continue;
          }
          if (lane.inFlight > 0 && lane.inFlight + socketsOf(item.check, attempts) > pace.perDestination) {
            lane.putBack(item);
            continue;
          }
          turn = (turn + step + 1) % lanes.length;
          return { item, lane };
        }
        if (soonest < Infinity) {
          clearTimeout(wake);
          wake = setTimeout(pump, soonest - now);
        }
        return undefined;
      };

      const pump = (): void => {
        if (rests) return;
        for (let dials = 0; inFlight < most && !stop.aborted; dials += 1) {
          if (dials === dialsInTurn) {
            rest();
            break;
          }
          const next = pull();
          if (next === undefined) break;
          start(next.item, next.lane);
        }
        if (inFlight === 0 && lanes.every(({ empty }) => empty)) finish();
      };

      const start = (item: Item, lane: Lane): void => {
        const { check } = item;
        const known = typeof check.port === 'number' ? check.port : lane.rpcPort(check);
        const needsTicket = traitsOf(check.probe).needs === 'ticket';
        const given = needsTicket ? lane.takeTicket(check) : undefined;
        const unmet = needsTicket && given === undefined ? withoutTicket(check, lane) : lackOfTickets(check, tickets);
        const port = unmet ?? (known === undefined ? withoutPort(check, lane) : (withoutAnswer(check, lane) ?? known));
        if (typeof port !== 'number') {
          lane.settle(check, port);
          settled({ item, lane, outcome: port, attempts: 0, elapsedMs: 0 });
          return;
        }
        inFlight += 1;
        if (ordersTicket(check.probe)) ordered += 1;
        const sockets = Math.min(socketsOf(check, attempts), pace.perDestination);
        lane.inFlight += sockets;
        const startedAt = performance.now();
        let stoodStill = standstill.total();
        const timers = [setTimeout(() => expire(), timeoutMs)];
        const release = (): void => {
          for (const timer of timers) clearTimeout(timer);
          running.delete(abandon);
          inFlight -= 1;
          if (ordersTicket(check.probe)) ordered -= 1;
          lane.inFlight -= sockets;
        };
        const inquiry = pursue(check, port, termsOf(lane, attempts, given), (seen, ticket) => {
          release();
          if (given !== undefined && !(seen.kind === 'observed' && seen.state === 'open')) lane.returnTicket(check, given);
          const outcome = typeof check.port === 'string' && seen.kind === 'observed' ? { ...seen, port } : seen;
          if (outcome.kind === 'failed' && outcome.code === 'source-exhausted' && mayReturn(item)) {
            lane.putBack(item);
            // What a ticket ran out of is processes, which have a limit of their own.
            if (!ordersTicket(check.probe)) most = Math.max(1, Math.min(most - 1, inFlight));
          } else {
            lane.settle(check, outcome, ticket);
            settled({ item, lane, outcome, attempts: inquiry.attempts, elapsedMs: performance.now() - startedAt });
          }
          pump();
        });
        const abandon = (): void => {
          inquiry.abandon();
          release();
        };
        running.add(abandon);
        const expire = (): void => {
          // A connection that came late still gets half a deadline to answer in.
          const owed = (inquiry.connectedAt ?? 0) + timeoutMs / 2 - performance.now();
          // Time in which this process did not run is no time in which a peer was silent: answers may be waiting to be read.
          const stolen = standstill.since(stoodStill);
          stoodStill += stolen;
          if (Math.max(owed, stolen) > 1) timers.push(setTimeout(expire, Math.max(owed, Math.min(stolen, timeoutMs))));
          else inquiry.expire();
        };
        if (lane.isAwaited(check)) {
          const giveUp = (): void => {
            lane.goOnWithout(check);
            pump();
          };
          timers.push(setTimeout(giveUp, timeoutMs / hintShare));
        }
        // Most checks of a large run have no use for these timers, and there can be 16,384 of them at a time.
        if (check.transport === 'tcp' && sockets === 1) return;
        const askAgain = (): void => {
          const wait = lane.nextFlowAt - performance.now();
          if (wait > 1) timers.push(setTimeout(askAgain, wait));
          else inquiry.askAgain();
        };
        for (let attempt = 1; attempt < attempts; attempt += 1) timers.push(setTimeout(askAgain, (attempt * timeoutMs) / attempts));
      };

      const mayReturn = (item: Item): boolean => {
        const times = returns.get(item) ?? 0;
        returns.set(item, times + 1);
        return times < mostReturns;
      };

      stop.addEventListener('abort', cancel, { once: true });
      if (stop.aborted) cancel();
      else pump();
    });
}

/** Sockets that take in what their peers repeat, which would be told otherwise, by ICMP, that nobody is there. */
class Aftermath {
  readonly #open = new Map<() => void, NodeJS.Timeout>();

  add(release: () => void): void {
    const close = (): void => {
      this.#open.delete(release);
      release();
    };
    this.#open.set(release, setTimeout(close, repeatsMs));
  }

  /** Nobody waits for the repeats any longer. */
  end(): void {
    for (const [release, timer] of this.#open) {
      clearTimeout(timer);
      release();
    }
    this.#open.clear();
  }
}

/** Measures for how long this process has not run (stopped, starved, or its machine paused), in milliseconds, by a beat that comes late. */
class Standstill {
  readonly #beat = setInterval(() => this.#count(), beatMs);
  #lost = 0;
  #at = performance.now();

  total(): number {
    this.#count();
    return this.#lost;
  }

  /** What was lost beyond `before`, an earlier total. */
  since(before: number): number {
    return this.total() - before;
  }

  stop(): void {
    clearInterval(this.#beat);
  }

  #count(): void {
    const now = performance.now();
    this.#lost += Math.max(0, now - this.#at - 3 * beatMs);
    this.#at = now;
  }
}

/** The machine account of the source, where the destination's domain is known to hold one. */
function accountOf(source: JobHost | undefined, destination: JobHost): string | undefined {
  const isMember = source?.joined === true && source.domain !== undefined && source.domain === destination.domain;
  return isMember ? `${(source.dnsName.split('.')[0] ?? source.name).slice(0, 15).toUpperCase()}$` : undefined;
}

/** The outcome of a check that would ask for a ticket, on a host that has no way to any. */
function lackOfTickets(check: Check, tickets: Tickets | undefined): Outcome | undefined {
  if (!ordersTicket(check.probe)) return undefined;
  if (tickets === undefined) return { kind: 'failed', code: 'no-credentials', message: 'this run may not use any' };
  return 'code' in tickets ? { kind: 'failed', ...tickets } : undefined;
}

function isUnmet(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.code === 'prerequisite';
}

function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      stop.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, milliseconds));
    stop.addEventListener('abort', done, { once: true });
    if (stop.aborted) done();
  });
}

/** Does some work with the heartbeat and the deadline of a run. Resolves to what it came to and to how it ended. */
export async function attend<T>(
  endsAfterMs: number,
  tell: (message: Alive) => void,
  signal: AbortSignal,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<{ readonly result: T; readonly reason: Bye['reason'] }> {
  const end = new AbortController();
  const deadline = setTimeout(() => end.abort(), endsAfterMs);
  const heartbeat = setInterval(() => tell({ kind: 'alive', settled: 0 }), aliveMs);
  const result = await work(AbortSignal.any([signal, end.signal]));
  clearInterval(heartbeat);
  clearTimeout(deadline);
  return { result, reason: signal.aborted ? 'interrupted' : end.signal.aborted ? 'deadline' : 'finished' };
}

/** Makes the function that holds one conversation to its end: over UDP asked again on a new socket for as long as its deadline lasts. */
export function converser(
  { timeoutMs, attempts }: Pick<LocateJob, 'timeoutMs' | 'attempts'>,
  { now, dial: dialOf }: Pick<Surroundings, 'now' | 'dial'>,
  stop: AbortSignal,
): Converse {
  const hold = (target: Target, dialogue: Dialogue, milliseconds: number): Promise<Outcome> =>
    new Promise((resolve) => {
      const conversation = new Conversation(target, dialogue, { identifies: true, now, dial: dialOf }, ({ outcome }) => {
        clearTimeout(timer);
        stop.removeEventListener('abort', expire);
        resolve(outcome);
      });
      const expire = (): void => conversation.expire();
      const timer = setTimeout(expire, milliseconds);
      stop.addEventListener('abort', expire, { once: true });
    });
  return async (target, speak) => {
    const asks = target.transport === 'udp' ? attempts : 1;
    let outcome = await hold(target, speak(), timeoutMs / asks);
    for (let attempt = 1; attempt < asks && isSilence(outcome) && !stop.aborted; attempt += 1)
      outcome = await hold(target, speak(), timeoutMs / asks);
    return outcome;
  };
}

/** Whether this host is told when a UDP port refuses: it asks a port of its own that nobody listens on. */
export function seesRefusedUdp({ now, random }: Pick<Surroundings, 'now' | 'random'>): Promise<boolean> {
  return new Promise((resolve) => {
    const address = '127.0.0.1';
    const unused = createSocket('udp4').bind(0, address, () => {
      const { port } = unused.address();
      unused.close(() => {
        const dialogue = speakers.udp({ transport: 'udp', port, dnsName: '', known: {}, form: 0, random, now });
        const conversation = new Conversation({ transport: 'udp', address, port }, dialogue, { identifies: false, now, dial }, ({ outcome }) => {
          clearTimeout(timer);
          resolve(outcome.kind === 'observed' && outcome.reason === 'port-unreach');
        });
        const timer = setTimeout(() => conversation.expire(), selfTestMs);
      });
    });
    unused.once('error', () => resolve(false));
  });
}
