/** Sends a plan's job to its sources and gathers what their agents saw. Every asked check gets exactly one record, whatever happens to its agent. */
import pLimit from 'p-limit';
import { expand, fingerprint } from '../agent/contract/expand.ts';
import { type Frame, unpackFrame } from '../agent/contract/frame.ts';
import { contractVersion, type Job } from '../agent/contract/job.ts';
import type { Hello, Message, Part, Settled } from '../agent/contract/message.ts';
import type { Outcome } from '../agent/contract/outcome.ts';
import type { Connection } from './connectors/connector.ts';
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
  /** The agent left out evidence that did not fit its channel. */
  readonly facts?: 'partial';
}

/** How a run is stopped: `soft` lets agents finish in good order, `hard` ends them at once. */
export interface Stop {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
}

/** Told of each message as it comes: for progress. */
export type Watcher = (source: string, message: Message) => void;

/** Runs the job on all sources, at most `atOnce` at a time. Resolves when each has finished or is lost. */
export async function dispatch(
  job: Job,
  sources: readonly Host[],
  connection: Connection,
  atOnce: number,
  stop: Stop,
  watch: Watcher,
): Promise<readonly SourceReturn[]> {
  const limit = pLimit(Math.max(1, atOnce));
  return limit.map([...sources], async (host) => {
    const gathering = new Gathering(job, host.name);
    if (!stop.soft.aborted) {
      const tickets = await connection.send([host], job, stop.soft);
      for await (const delivery of connection.collect(tickets, stop.hard)) {
        if ('lost' in delivery) {
          gathering.lose(delivery.lost);
        } else {
          gathering.take(delivery.message);
          watch(host.name, delivery.message);
        }
      }
    }
    return gathering.close(stop.soft.aborted);
  });
}

/** What has come from one source so far. */
class Gathering {
  readonly #job: Job;
  readonly #source: string;
  readonly #expected: { readonly count: number; readonly hash: string };
  readonly #results = new Map<number, Settled>();
  readonly #parts: string[] = [];
  #of = 0;
  #frame: Frame | undefined;
  #hello: Hello | undefined;
  #lost: string | undefined;
  /** Why nothing of what came is believed. */
  #spoilt: string | undefined;
  #complete = false;

  constructor(job: Job, source: string) {
    this.#job = job;
    this.#source = source;
    this.#expected = fingerprint(expand(job, source));
  }

  take(message: Message): void {
    switch (message.kind) {
      case 'hello':
        this.#greet(message);
        return;
      case 'result':
        // Without an agreed greeting a position means nothing. A second result for one check is not believed.
        if (this.#hello !== undefined && message.index < this.#expected.count && !this.#results.has(message.index))
          this.#results.set(message.index, message);
        return;
      case 'frame':
        this.#open(message.text);
        return;
      case 'part':
        this.#join(message);
        return;
      case 'bye':
        this.#complete = message.reason === 'finished';
        if (message.reason === 'deadline') this.lose('the agent ran out of time');
        return;
      case 'alive':
      case 'located':
        return;
      default:
        message satisfies never;
    }
  }

  lose(why: string): void {
    this.#lost ??= why;
  }

  /** The whole return, with a failure for each check that no result came for. */
  close(interrupted: boolean): SourceReturn {
    const hello = this.#hello;
    if (this.#parts.length > 0 && this.#frame === undefined) this.#spoil('some parts of its results are missing');
    const why = this.#spoilt ?? this.#lost ?? (this.#complete ? 'the agent finished without this result' : 'the agent stopped before this result');
    const missing: Outcome = interrupted
      ? { kind: 'failed', code: 'interrupted', message: 'the run was stopped before this check was settled' }
      : { kind: 'failed', code: hello === undefined && this.#spoilt === undefined ? 'source-unreachable' : 'output-lost', message: why };
    const seen = Array.from({ length: this.#expected.count }, (_, index): Seen => {
      const result = this.#spoilt === undefined ? this.#results.get(index) : undefined;
      return result ?? { outcome: missing, attempts: 0, elapsedMs: 0 };
    });
    return {
      name: this.#source,
      seen,
      ...(hello !== undefined && { hello }),
      ...((this.#spoilt !== undefined || this.#results.size < this.#expected.count) && { lost: interrupted ? 'interrupted' : why }),
      ...(this.#spoilt === undefined && this.#frame?.facts !== undefined && { facts: this.#frame.facts }),
    };
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
