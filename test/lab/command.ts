import { spawn } from 'node:child_process';

/** What a finished command left: its exit code (-1 if a signal ended it) and its output as text. */
export type Finished = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

/** What a command may be given: text for its stdin, a bound in ms (default 60,000), more environment. */
export type CommandOptions = {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** Runs a command to its end and returns what it left, whatever its exit code; one that passes its bound is killed. */
export function attempt(argv: readonly string[], options: CommandOptions = {}): Promise<Finished> {
  const [file, ...args] = argv;
  if (file === undefined) return Promise.reject(new Error('an empty command cannot be run'));
  const timeoutMs = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env: { ...process.env, LC_ALL: 'C', ...options.env }, stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    const bound = setTimeout(() => {
      stderr += `\nkilled after ${timeoutMs} ms`;
      child.kill('SIGKILL');
      // A grandchild may hold the pipes open; without this 'close' would wait for it.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => {
      clearTimeout(bound);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(bound);
      resolve({ code: code ?? -1, stdout, stderr });
    });
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      // A command may end without reading its input; its exit code tells how it went.
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a command to its end and returns its stdout, or throws an error that names the command and shows its last output. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const finished = await attempt(argv, options);
  if (finished.code === 0) return finished.stdout;
  const output = `${finished.stdout}\n${finished.stderr}`.trim().slice(-2000);
  throw new Error(`${argv.join(' ')} ended with code ${finished.code}\n${output}`);
}
