import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { STATE_DIR, makeStateDir } from './state.ts';

/** A lock that is held until it is released or the process that holds it ends, however it ends. */
export type Lock = { readonly release: () => Promise<void> };

/** Takes one of the lab's machine-wide locks, and waits as long as another process (or this one) holds it. */
export async function takeLock(name: 'raise' | 'use'): Promise<Lock> {
  makeStateDir();
  // Node has no flock(2). The child holds it, and ends when the pipe from us closes: by release, exit or kill -9.
  const child = spawn('flock', [join(STATE_DIR, `${name}.lock`), 'sh', '-c', 'echo held; exec cat'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = once(child, 'close');
  const [first] = await Promise.race([once(child.stdout, 'data'), ended]);
  if (String(first) !== 'held\n') throw new Error(`the lab's lock ${name} could not be taken (flock said ${String(first)})`);
  // The lock must not keep a process alive that has nothing else to do. (The pipe's handles hold the loop, too.)
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
  return {
    release: async () => {
      child.ref();
      child.stdin.end();
      child.stdout.resume();
      await ended;
    },
  };
}
