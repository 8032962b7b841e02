/** What time it is there, and where the time comes from. */
import { type Answer, type Assessed, fail, type Rule, warn } from './answer.ts';

/** Rules for the answer of a time server. */
export const timeRules: readonly Rule[] = [timeRefused, timeSource, localClock];

/** Only skew that is certain counts. A refusal to tell the time tells none. */
export function clock({ facts: { clockOffsetMs: offsetMs, clockUncertaintyMs = 0, kissCode }, limits }: Answer): Assessed | undefined {
  if (offsetMs === undefined || kissCode !== undefined) return undefined;
  const certainMs = Math.abs(offsetMs) - clockUncertaintyMs;
  if (certainMs > limits.clockSkewMs) return fail({ code: 'clock-skew', offsetMs, limitMs: limits.clockSkewMs });
  return certainMs > limits.clockSkewWarnMs ? warn({ code: 'clock-skew', offsetMs, limitMs: limits.clockSkewWarnMs }) : undefined;
}

function timeRefused({ facts: { kissCode } }: Answer): Assessed | undefined {
  return kissCode === undefined ? undefined : warn({ code: 'time-refused', kissCode });
}

/** Clients turn such a server down, but it answers, it is so for minutes after every boot, and skew that hurts is found by itself: a warning. */
function timeSource({ facts: { leap, stratum, kissCode } }: Answer): Assessed | undefined {
  if (kissCode !== undefined) return undefined;
  return leap === 3 || stratum === 0 || (stratum !== undefined && stratum >= 16) ? warn({ code: 'clock-not-synchronized' }) : undefined;
}

/** Beyond it nobody synchronizes on purpose, and Windows' own clock is stratum 1 under this name. A local clock between (chrony's) is there by design. */
const deepestStratum = 10;
const ownClock = 'LOCL';

function localClock({ facts: { leap, stratum, referenceId, kissCode } }: Answer): Assessed | undefined {
  if (kissCode !== undefined || leap === 3 || stratum === undefined || stratum >= 16) return undefined;
  const isOwn = stratum === 1 && referenceId === ownClock;
  return isOwn || stratum > deepestStratum ? warn({ code: 'clock-local', stratum }) : undefined;
}
