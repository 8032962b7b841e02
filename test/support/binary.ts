/** The real binary, started as a user starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Scope, serveTcp } from './loopback.ts';
import { folderWith } from './temporary-folder.ts';

/** The checkout that is tested. */
export const checkout = join(import.meta.dirname, '..', '..');
export const bin = join(checkout, 'src', 'bin.cjs');

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended and all that it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process that is ended with its test, if it has not ended itself. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when stderr or stdout holds these words. */
  readonly says: (words: string) => Promise<void>;
}

/** Starts any command with a small, fixed environment. */
export function start(t: Scope, [command = '', ...words]: readonly string[], { cwd = checkout, env = {} }: Surroundings = {}): Started {
  const surroundings = { PATH: process.env['PATH'], HOME: process.env['HOME'], LANG: 'C.UTF-8', TERM: 'xterm', ...env };
  const child = spawn(command, words, { cwd, env: surroundings, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  const says = async (wanted: string): Promise<void> => {
    while (!stdout.includes(wanted) && !stderr.includes(wanted)) await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data')]);
  };
  return { child, ended, says };
}

/** Runs any command to its end. */
export function runCommand(t: Scope, command: readonly string[], surroundings?: Surroundings): Promise<Ended> {
  return start(t, command, surroundings).ended;
}

/** Runs `portmatrix` to its end. */
export function portmatrix(t: Scope, words: readonly string[], surroundings?: Surroundings): Promise<Ended> {
  return runCommand(t, [process.execPath, bin, ...words], surroundings);
}

/** A rule of a test's matrix: one port, `id` named by the test. */
export interface WrittenRule {
  readonly id: string;
  readonly ports: readonly string[];
  readonly probe: string;
  readonly [field: string]: unknown;
}

/** A host of a test's inventory. */
export interface WrittenHost {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly string[];
  readonly [field: string]: unknown;
}

export const near: WrittenHost = { name: 'near1', address: '127.0.0.9', roles: ['near'], connector: 'local' };
export const far: WrittenHost = { name: 'far1', address: '127.0.0.1', roles: ['far'], features: [] };

/** A folder with `inventory.yaml` and `mine.yaml`, in which hosts of the role `near` ask those of the role `far`. */
export function sceneOf(
  t: Scope,
  rules: readonly WrittenRule[],
  hosts: readonly WrittenHost[] = [near, far],
  inventory: Readonly<Record<string, unknown>> = {},
): string {
  const folder = folderWith(t, {});
  writeFileSync(join(folder, 'inventory.yaml'), JSON.stringify({ hosts, ...inventory }));
  writeFileSync(join(folder, 'mine.yaml'), JSON.stringify({ matrix: 'mine', from: 'near', to: 'far', rules }));
  return folder;
}

/** What the tests of a scene begin with. Without the control, so that a scene asks what its test writes and nothing else. */
export const onScene = ['-i', 'inventory.yaml', '-m', 'mine.yaml', '--without-control'] as const;

/** An agent that tells of its birth and of its end without being asked. */
export interface Watched {
  /** Command prefix for an inventory. */
  readonly prefix: readonly string[];
  /** The agent's process id, when it starts. */
  readonly born: Promise<number>;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
}

/** One agent that holds a connection to the test for as long as it lives. */
export async function watchAgent(t: Scope): Promise<Watched> {
  const born = Promise.withResolvers<number>();
  const gone = Promise.withResolvers<void>();
  const port = await serveTcp(t, (socket) => {
    socket.on('data', (bytes) => born.resolve(Number(String(bytes))));
    for (const event of ['end', 'close']) socket.on(event, () => gone.resolve());
  });
  const prefix = ['bash', '-c', `exec 9<>/dev/tcp/127.0.0.1/${port}; echo $$ >&9; exec "$@"`, 'bash'];
  return { prefix, born: born.promise, gone: gone.promise };
}
