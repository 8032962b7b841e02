/** A token bucket: lets calls through at a steady rate, and a few at once after a rest. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until one more call may be made; rejects when the signal is aborted. */
export type Spend = (signal?: AbortSignal) => Promise<void>;

/** Makes a bucket that holds `burst` calls and gains `perSecond`. Callers are served in their order. */
export function bucket(perSecond: number, burst: number, now: () => number = performance.now.bind(performance)): Spend {
  let free = burst;
  let at = now();
  return async (signal) => {
    const time = now();
    free = Math.min(burst, free + ((time - at) * perSecond) / 1_000) - 1;
    at = time;
    // Below zero the call is already counted, and those behind it wait longer.
    if (free < 0) await sleep((-free * 1_000) / perSecond, undefined, signal === undefined ? {} : { signal });
  };
}
