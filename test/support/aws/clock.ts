/** Time of the endpoint: so many seconds of the service, or of a node, pass in one real second. */

/** Real milliseconds in which `seconds` pass at a factor. */
export function realMs(seconds: number, factor: number): number {
  return Math.min(2 ** 31 - 1, Math.ceil((seconds * 1_000) / factor));
}

/** Timers that end together. */
export interface Timers {
  /** Calls back once after so many real milliseconds, unless what it returns was called, or the timers were closed. */
  readonly after: (delayMs: number, due: () => void) => () => void;
  readonly close: () => void;
}

/** Starts without a timer. */
export function startTimers(): Timers {
  const running = new Set<NodeJS.Timeout>();
  let isOpen = true;
  return {
    after: (delayMs, due) => {
      if (!isOpen) return () => undefined;
      const timer = setTimeout(() => {
        running.delete(timer);
        due();
      }, delayMs);
      running.add(timer);
      return () => {
        clearTimeout(timer);
        running.delete(timer);
      };
    },
    close: () => {
      isOpen = false;
      for (const timer of running) clearTimeout(timer);
      running.clear();
    },
  };
}
