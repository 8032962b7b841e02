/**
 * A frame for a channel with little room. One step's output is what the controller fetches with one call for a node, and every further step costs it one more,
 * so a frame that fits one step is worth the evidence that nobody judges:
 *
 * 1. Everything, where it fits one step.
 * 2. Without the source's own end of flows that were answered (5,000 random ports are 9 KB, whatever packs them); then without what is random to each host and
 *    read by no rule (certificate fingerprints, SMB server GUIDs).
 * 3. The first of these that fits all steps.
 * 4. As many answers as fit; of the others, from the tail, only that the port is open. That is judged as unproven, never as a pass.
 * 5. As many results as fit, those of closed and silent ports first. Those that are missing are output that was lost.
 *
 * States, reasons and the evidence of everything that is not well stay as they are. From 2 on the frame says that its facts are partial.
 */
import { type Frame, packFrame } from './contract/frame.ts';
import type { Job } from './contract/job.ts';
import type { Settled } from './contract/message.ts';
import type { Outcome } from './contract/outcome.ts';

/** Characters that one step can carry of a frame, and all of them together. */
export interface Room {
  readonly step: number;
  readonly all: number;
}

/** Facts that differ from host to host without a pattern, and that no judgement reads. */
const unjudged: ReadonlySet<string> = new Set(['certificateFingerprint', 'serverGuid']);
/** How much of what should fit is tried, since no two rows are packed alike. */
const caution = 0.9;

/** Packs the results into at most `room.all` characters, and into `room.step` where only evidence that nobody judges has to go for it. */
export function fitFrame(job: Job, source: string, results: readonly Settled[], room: Room): string {
  const pack = (frame: Frame): string => packFrame(job, source, frame);
  const packed: string[] = [];
  for (const lessen of [whole, withoutLocal, withoutUnjudged]) {
    // Where nothing answered, there is nothing to leave out.
    if (lessen !== whole && !results.some(({ outcome }) => isAnswer(outcome))) break;
    const text = pack(lessen === whole ? { results } : { results: results.map(lessen), facts: 'partial' });
    if (text.length <= room.step) return text;
    packed.push(text);
  }
  const { length } = packed.at(-1) ?? '';
  const fitting = packed.find((text) => text.length <= room.all);
  if (fitting !== undefined) return fitting;
  const fit = results.some(({ outcome }) => isAnswer(outcome)) ? fitAnswers : fitResults;
  return fit(pack, results.map(withoutUnjudged), length, room.all);
}

/** Leaves answers out from the tail, and then results. */
function fitAnswers(pack: (frame: Frame) => string, results: readonly Settled[], length: number, most: number): string {
  const withAnswers = (count: number): string =>
    pack({ results: results.map((result, place) => (place < count ? result : withoutAnswer(result))), facts: 'partial' });
  const bare = withAnswers(0);
  if (bare.length > most) return fitResults(pack, results.map(withoutAnswer), bare.length, most);
  for (let share = ((most - bare.length) / (length - bare.length)) * caution; share > 0.02; share /= 2) {
    const text = withAnswers(Math.floor(results.length * share));
    if (text.length <= most) return text;
  }
  return bare;
}

function fitResults(pack: (frame: Frame) => string, results: readonly Settled[], length: number, most: number): string {
  const byWeight = [...results.filter((result) => !isAnswer(result.outcome)), ...results.filter((result) => isAnswer(result.outcome))];
  for (let count = Math.floor(((results.length * most) / length) * caution); ; count = Math.floor(count / 2)) {
    const text = pack({ results: byWeight.slice(0, count), facts: 'partial' });
    if (text.length <= most || count === 0) return text;
  }
}

/** Whether a service answered as it should, or a port that was asked for nothing more opened. */
function isAnswer(outcome: Outcome): boolean {
  return outcome.kind === 'observed' && outcome.state === 'open' && (outcome.service === undefined || outcome.service.status === 'identified');
}

function whole(result: Settled): Settled {
  return result;
}

function withoutLocal(result: Settled): Settled {
  const { outcome } = result;
  if (outcome.kind === 'failed' || !isAnswer(outcome)) return result;
  const { local: _, ...rest } = outcome;
  return { ...result, outcome: rest };
}

function withoutUnjudged(result: Settled): Settled {
  const less = withoutLocal(result);
  const { outcome } = less;
  if (outcome.kind === 'failed' || outcome.service === undefined || !isAnswer(outcome)) return less;
  const facts = Object.fromEntries(Object.entries(outcome.service.facts).filter(([name]) => !unjudged.has(name)));
  return { ...less, outcome: { ...outcome, service: { ...outcome.service, facts } } };
}

function withoutAnswer(result: Settled): Settled {
  const less = withoutLocal(result);
  if (less.outcome.kind === 'failed' || !isAnswer(less.outcome)) return less;
  const { service: _, ...rest } = less.outcome;
  return { ...less, outcome: rest };
}
