/** Sends a plan's job to its sources and gathers what their agents saw. Every asked check gets exactly one record, whatever happens to its agent. */
import pLimit from 'p-limit';
import { expand, fingerprint } from '../agent/contract/expand.ts';
import { type Frame, unpackFrame } from '../agent/contract/frame.ts';
import { contractVersion, type Job } from '../agent/contract/job.ts';
import type { Hello, Message, Part, Settled } from '../agent/contract/message.ts';
import type { FailureCode, Outcome } from '../agent/contract/outcome.ts';
import type { Connection, Loss, Ticket } from './connectors/connector.ts';
import type { Host } from './inventory.ts';

/** What is known of one check after dispatch. */
export interface Seen {
  readonly outcome: Outcome;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** What came from one source. `seen[i]` is the source's check number i. */
export interface SourceReturn {
  readonly name: string;
  readonly seen: readonly Seen[];
  readonly hello?: Hello;
  /** Why the source did not finish, in words. */
  readonly lost?: string;
  /** What it says can still be collected, by another controller. */
  readonly isResumable?: true;
  /** The agent left out evidence that did not fit its channel. */
  readonly facts?: 'partial';
}

/** How a run is stopped: `soft` lets agents finish in good order, `hard` ends them at once. */
export interface Stop {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}

/** Told of each settled check as it comes: for progress. */
export type Watcher = (source: string, settled: Settled) => void;

/** The ways to the sources: one that starts each by itself, and, where there are managed nodes, one that is told of all of them at once. */
export interface Ways {
  readonly byCommand: Connection;
  readonly managed?: Connection;
}

/** True for a host that is reached together with others of its kind. */
export function isManaged({ connector }: Pick<Host, 'connector'>): boolean {
  return connector.kind === 'ssm';
}

/** How many of the sources may work at the same time, of those that are started one by one and of those that are managed; both together at most `atOnce`. */
export function sharesOf(sources: readonly Host[], atOnce: number): { readonly one: number; readonly managed: number } {
  const managed = sources.filter(isManaged).length;
  if (managed === 0 || managed === sources.length) return { one: atOnce, managed: atOnce };
  const share = Math.min(atOnce - 1, Math.max(1, Math.round((atOnce * managed) / sources.length)));
  return { one: Math.max(1, atOnce - share), managed: Math.max(1, share) };
}

/**
 * Runs the job on all sources, at most `atOnce` at a time, and resolves when each has finished or is lost. `sent`: the tickets of a run whose controller was
 * killed. Nothing is sent then; what came of them is collected, and the sources without one were not asked.
 */
export async function dispatch(
  job: Job,
  sources: readonly Host[],
  { byCommand, managed }: Ways,
  atOnce: number,
  stop: Stop,
  watch: Watcher,
  sent?: readonly Ticket[],
): Promise<readonly SourceReturn[]> {
  const limit = pLimit(sharesOf(sources, atOnce).one);
  const gather = async (hosts: readonly Host[], connection: Connection): Promise<readonly SourceReturn[]> => {
    const gatherings = new Map(hosts.map(({ name }) => [name, new Gathering(job, name, watch)]));
    const known = sent?.filter(({ source }) => gatherings.has(source));
    if (known === undefined ? !stop.soft.aborted : known.length > 0) {
      const tickets = known ?? (await connection.send(hosts, job, stop.soft));
      for await (const delivery of connection.collect(tickets, job, stop.hard)) {
        const gathering = gatherings.get(delivery.source);
        if (gathering === undefined) throw new Error(`dispatch: ${delivery.source} was not asked`);
        if ('lost' in delivery) gathering.lose(delivery);
        else gathering.take(delivery.message);
      }
    }
    const isUnasked = (name: string): boolean => known !== undefined && !known.some(({ source }) => source === name);
    return [...gatherings].map(([name, gathering]) => gathering.close(stop.soft.aborted || isUnasked(name)));
  };
  const together = sources.filter(isManaged);
  if (together.length > 0 && managed === undefined) throw new Error('dispatch: there is no way to managed nodes');
  const [one, all] = await Promise.all([
    limit.map(
      sources.filter((host) => !isManaged(host)),
      (host) => gather([host], byCommand),
    ),
    managed === undefined || together.length === 0 ? [] : gather(together, managed),
  ]);
  const returns = new Map([...one.flat(), ...all].map((entry) => [entry.name, entry]));
  return sources.flatMap(({ name }) => returns.get(name) ?? []);
}

/** What has come from one source so far. */
class Gathering {
  readonly #job: Job;
  readonly #source: string;
  readonly #watch: Watcher;
  readonly #expected: { readonly count: number; readonly hash: string };
  readonly #results = new Map<number, Settled>();
  readonly #parts: string[] = [];
  #of = 0;
  #frame: Frame | undefined;
  #hello: Hello | undefined;
  #lost: string | undefined;
  #code: FailureCode | undefined;
  #isResumable = false;
  /** Why nothing of what came is believed. */
  #spoilt: string | undefined;
  #complete = false;

  constructor(job: Job, source: string, watch: Watcher) {
    this.#job = job;
    this.#source = source;
    this.#watch = watch;
    this.#expected = fingerprint(expand(job, source));
  }

  take(message: Message): void {
    switch (message.kind) {
      case 'hello':
        this.#greet(message);
        return;
      case 'result':
        // Without an agreed greeting a position means nothing. A second result for one check is not believed.
        if (this.#hello === undefined || message.index >= this.#expected.count || this.#results.has(message.index)) return;
        this.#results.set(message.index, message);
        this.#watch(this.#source, message);
        return;
      case 'frame':
        this.#open(message.text);
        return;
      case 'part':
        this.#join(message);
        return;
      case 'bye':
        this.#complete = message.reason === 'finished';
        if (message.reason === 'deadline') this.lose({ lost: 'the agent ran out of time' });
        return;
      case 'alive':
      case 'located':
        return;
      default:
        message satisfies never;
    }
  }

  lose({ lost, code, isResumable }: Omit<Loss, 'source'>): void {
    this.#lost ??= lost;
    this.#code ??= code;
    this.#isResumable ||= isResumable === true;
  }

  /** The whole return, with a failure for each check that no result came for. */
  close(interrupted: boolean): SourceReturn {
    const hello = this.#hello;
    if (this.#parts.length > 0 && this.#frame === undefined) this.#spoil('some parts of its results are missing');
    const why = this.#spoilt ?? this.#lost ?? (this.#complete ? 'the agent finished without this result' : 'the agent stopped before this result');
    const missing: Outcome = interrupted
      ? { kind: 'failed', code: 'interrupted', message: 'the run was stopped before this check was settled' }
      : { kind: 'failed', code: this.#codeOfMissing(), message: why };
    const seen = Array.from({ length: this.#expected.count }, (_, index): Seen => {
      const result = this.#spoilt === undefined ? this.#results.get(index) : undefined;
      return result ?? { outcome: missing, attempts: 0, elapsedMs: 0 };
    });
    return {
      name: this.#source,
      seen,
      ...(hello !== undefined && { hello }),
      ...((this.#spoilt !== undefined || this.#results.size < this.#expected.count) && { lost: interrupted ? 'interrupted' : why }),
      ...(this.#isResumable && { isResumable: true as const }),
      ...(this.#spoilt === undefined && this.#frame?.facts !== undefined && { facts: this.#frame.facts }),
    };
  }

  #codeOfMissing(): FailureCode {
    if (this.#spoilt !== undefined) return 'output-lost';
    return this.#code ?? (this.#hello === undefined ? 'source-unreachable' : 'output-lost');
  }

  #greet(hello: Hello): void {
    if (this.#hello !== undefined) return;
    const agreed = hello.contract === contractVersion && hello.count === this.#expected.count && hello.hash === this.#expected.hash;
    if (agreed && hello.source === this.#source) this.#hello = hello;
    else this.#spoil('the agent understood another job than it was sent');
  }

  /** Parts come in order, each once, or they are not those of one frame. */
  #join({ part, of, text }: Part): void {
    if (part !== this.#parts.length + 1 || (part > 1 && of !== this.#of)) {
      this.#spoil('the parts of its results do not belong together');
      return;
    }
    this.#of = of;
    this.#parts.push(text);
    if (part === of) this.#open(this.#parts.join(''));
  }

  /** There is one frame, in one piece or in parts, and either all of it is believed or nothing. */
  #open(text: string): void {
    const frame = this.#hello === undefined || this.#frame !== undefined ? undefined : unpackFrame(this.#job, this.#source, text);
    if (frame === undefined) {
      this.#spoil('its results came cut, changed or twice');
      return;
    }
    this.#frame = frame;
    for (const result of frame.results) this.take(result);
  }

  #spoil(why: string): void {
    this.#spoilt ??= why;
  }
}
