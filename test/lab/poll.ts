import { setTimeout as pause } from 'node:timers/promises';

/** Asks until the answer is that nothing is missing, and throws with the last thing missing once the bound has passed. */
export async function pollUntil(what: string, boundMs: number, missing: () => Promise<string | undefined>): Promise<void> {
  const deadline = performance.now() + boundMs;
  for (;;) {
    const last = await missing();
    if (last === undefined) return;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${boundMs} ms; last: ${last}`);
    await pause(50);
  }
}
