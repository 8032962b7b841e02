/** Ends a process that hangs, where nothing else can: a loop without an end leaves its own thread no chance to look at a clock. */
import { Worker } from 'node:worker_threads';

/** What the worker does. The count is odd while a step runs; where it has been the same odd number for so long, the whole process ends. */
const watch = `
  const { workerData: { shared, limitMs } } = require('node:worker_threads');
  const count = new Int32Array(shared);
  for (let last = 0; ; last = Atomics.load(count, 0)) {
    Atomics.wait(count, 1, 0, limitMs);
    if (last % 2 === 0 || Atomics.load(count, 0) !== last) continue;
    require('node:fs').writeSync(2, 'step ' + (last + 1) / 2 + ' hung for ' + limitMs + ' ms\\n');
    process.kill(process.pid, 'SIGKILL');
  }
`;

/** Returns what runs steps: one that takes more than twice `limitMs` ends the process, and says so. It keeps no process alive. */
export function watchdog(limitMs: number): <T>(step: () => T) => T {
  const count = new Int32Array(new SharedArrayBuffer(8));
  new Worker(watch, { eval: true, execArgv: [], workerData: { shared: count.buffer, limitMs } }).unref();
  return (step) => {
    Atomics.add(count, 0, 1);
    try {
      return step();
    } finally {
      Atomics.add(count, 0, 1);
    }
  };
}
