/**
 * A second look at silence, where rejections may have been held back.
 *
 * Hosts and routers limit how many rejections they send (Linux: six at once, then one a second), so a rejected port can look silent when others were
 * rejected at the same time. Asked at a time when nothing else is, each gets its rejection:
 *
 * 1. TCP, all that is silent at once, every 1.1 s: at least one rejection comes back in each round, for as long as one is held back.
 * 2. UDP, one check every 1.1 s: some rejections (host and network unreachable) reach no UDP socket and yet use up the limit, so company would hide more.
 */
import type { Outcome } from './contract/outcome.ts';
import type { Item, Lane } from './lane.ts';

/** What became of one check in one pass. */
export interface Result {
  readonly item: Item;
  readonly lane: Lane;
  readonly outcome: Outcome;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** One pass over checks: how long each may take and how often it may ask. */
export interface Pass {
  readonly lanes: readonly Lane[];
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly settled: (result: Result) => void;
}

/** What a second look gets from the runner. `pause` waits until so many milliseconds after `since`, a time of `performance.now()`. */
export interface Means {
  readonly runPass: (pass: Pass) => Promise<void>;
  readonly pause: (since: number, milliseconds: number) => Promise<void>;
  readonly stop: AbortSignal;
  /** How many ICMP errors this host has ever received; undefined where it does not tell. */
  readonly icmpErrors: () => number | undefined;
}

/** A limit of one rejection a second has recovered by then. */
const roundMs = 1_100;
/** Before the kernel repeats a SYN, so that one round sends one packet. */
const answerMs = 950;
/** Rounds without anything new that end the first part; a stray rejection of other traffic may have used up one. */
const dryRounds = 2;
/** Times that one UDP check is asked when other traffic may have been in the way. */
const mostAsks = 2;
/** Nobody waits for more than this many rounds in all. */
const mostRounds = 60;

/** An answer this late did not answer the first packet. */
const lateMs = 900;
/** Rejections that come at once from a host that limits them as Linux does. */
const burst = 6;

/**
 * Whether rejections may have been held back in a pass: one came late, or the host received as many as a limit lets through at once. `received` is how
 * many ICMP errors it counted meanwhile, undefined where it cannot tell; some of them reach no socket, so that the checks alone do not show it.
 */
export function mayBeHeldBack(results: readonly Result[], received: number | undefined): boolean {
  const rejected = results.filter(({ outcome }) => isRejection(outcome));
  if (rejected.some(({ elapsedMs }) => elapsedMs > lateMs)) return true;
  return received !== undefined && received >= burst;
}

/** True for silence, which is all that a second look can better. */
export function isSilence(outcome: Outcome): boolean {
  return outcome.kind === 'observed' && outcome.reason === 'no-response';
}

/** Asks the silent checks again and resolves to all of them, with what is known now. What was not reached in time says so. */
export async function lookAgain(results: readonly Result[], means: Means): Promise<readonly Result[]> {
  const known = new Map(results.map((result) => [result.item, result]));
  let rounds = 0;
  const round = async (asked: readonly Result[]): Promise<number> => {
    const startedAt = performance.now();
    rounds += 1;
    let found = 0;
    await means.runPass({
      lanes: refilled(asked),
      timeoutMs: answerMs,
      attempts: 1,
      settled: (result) => {
        const before = known.get(result.item);
        if (before === undefined) return;
        // Trouble of our own in a second look says nothing against the first.
        const outcome = isSilence(result.outcome) || result.outcome.kind === 'failed' ? before.outcome : result.outcome;
        if (!isSilence(outcome)) found += 1;
        known.set(result.item, { ...result, outcome, attempts: before.attempts + result.attempts, elapsedMs: before.elapsedMs + result.elapsedMs });
      },
    });
    await means.pause(startedAt, roundMs);
    return found;
  };
  const silent = (transport: string): readonly Result[] =>
    [...known.values()].filter(({ item, outcome }) => item.check.transport === transport && isSilence(outcome));
  const mayGoOn = (): boolean => rounds < mostRounds && !means.stop.aborted;

  let dry = 0;
  while (silent('tcp').length > 0 && dry < dryRounds && mayGoOn()) dry = (await round(silent('tcp'))) > 0 ? 0 : dry + 1;
  const unsure = new Set(dry < dryRounds ? silent('tcp').map(({ item }) => item) : []);
  for (const result of silent('udp')) {
    // A rejection that this host received and the check was not told of may have been for other traffic, which then used up the limit.
    for (let ask = 0, stray = true; stray && ask < mostAsks; ask += 1) {
      const before = means.icmpErrors();
      if (!mayGoOn()) unsure.add(result.item);
      else if ((await round([result])) > 0) break;
      stray = (means.icmpErrors() ?? 0) > (before ?? 0);
    }
  }
  return [...known.values()].map((result) => (unsure.has(result.item) ? { ...result, outcome: heldBack(result.outcome) } : result));
}

/** The lanes of these results, holding the checks of these results again. */
export function refilled(results: readonly Result[]): Lane[] {
  const lanes = [...new Set(results.map(({ lane }) => lane))];
  for (const lane of lanes) lane.refill(results.flatMap((result) => (result.lane === lane ? [result.item] : [])).values());
  return lanes;
}

/** Something refused or rejected, in a way that a rate limit can hold back. */
function isRejection(outcome: Outcome): boolean {
  return outcome.kind === 'observed' && outcome.state !== 'open' && outcome.reason !== 'no-response';
}

function heldBack(outcome: Outcome): Outcome {
  return outcome.kind === 'observed'
    ? { ...outcome, service: { status: 'silent', facts: { ...outcome.service?.facts, rejectionsLimited: true } } }
    : outcome;
}
