/** Processes of the nodes: each in a group of its own, and none left over. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import type { ScriptEnd } from './managed-node.ts';

/** A process to run. */
interface Order {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Told how many bytes it has written to stdout. */
  readonly wrote: (bytes: number) => void;
}

/** The exit code that the agent sees of a process that it killed itself (its Linux side). */
export const killedCode = 137;
/** How long a killed process is waited for whose output is held open. */
const graceMs = 1_000;
/** What Go says of a process that a signal ended. */
const signalledCode = -1;

/**
 * Runs a process without standard input in a process group of its own. It has ended when it is gone and nobody holds its output open any more, as
 * the agent sees it; an aborted one gets SIGKILL, its whole group, and its output is not waited for.
 */
export function runProcess({ command: [file = '', ...words], environment, folder, signal, wrote }: Order): Promise<ScriptEnd> {
  return new Promise((resolve) => {
    const child = spawn(file, words, { cwd: folder, env: { ...environment }, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout = gather(child.stdout, wrote);
    const stderr = gather(child.stderr, () => undefined);
    let grace: NodeJS.Timeout | undefined;
    const letGo = (): void => {
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const kill = (): void => {
      killGroup(child);
      // What it wrote is read to its end, unless somebody outside the group keeps the pipe open.
      grace = setTimeout(letGo, graceMs);
    };
    const settle = (code: number): void => {
      clearTimeout(grace);
      signal.removeEventListener('abort', kill);
      resolve({ code, stdout: stdout(), stderr: stderr() });
    };
    child.on('error', (error) => {
      signal.removeEventListener('abort', kill);
      resolve({ code: 1, stdout: stdout(), stderr: Buffer.from(`failed to run commands: ${error.message}`) });
    });
    child.on('close', (code) => settle(signal.aborted ? killedCode : (code ?? signalledCode)));
    signal.addEventListener('abort', kill);
    if (signal.aborted) kill();
  });
}

/** Ends every process that was started with one of these command ids, also those that left their group. */
export function killSurvivors(commandIds: ReadonlySet<string>): void {
  // A survivor may fork while it is looked for: look until there is none.
  for (let found = survivors(commandIds); found.length > 0; found = survivors(commandIds)) {
    for (const pid of found) killProcess(pid);
  }
}

/** The processes that carry one of these command ids in their environment; none where the system does not tell. */
export function survivors(commandIds: ReadonlySet<string>): number[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const id = /(?:^|\0)SSM_COMMAND_ID=([^\0]*)/.exec(read(`/proc/${pid}/environ`))?.[1];
      return id !== undefined && commandIds.has(id) && !isZombie(pid);
    });
}

function isZombie(pid: number): boolean {
  return /\) [ZX] /.test(read(`/proc/${pid}/stat`));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // Gone in the meantime, or somebody else's.
    return '';
  }
}

function killGroup({ pid }: ChildProcessByStdio<null, Readable, Readable>): void {
  if (pid !== undefined) killProcess(-pid);
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function gather(stream: Readable, wrote: (bytes: number) => void): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    wrote(bytes);
  });
  return () => Buffer.concat(chunks);
}
