/**
 * Reaches a host by running a command and piping the agent into it: `node -` on this machine, or behind any command prefix (ssh, ip netns exec, docker exec).
 * The host needs nothing but Node.js, and nothing stays on it.
 */
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { decodeMessage } from '../../agent/contract/message.ts';
import { agentScript, nodeArguments, scriptFor } from '../bundle.ts';
import type { Host } from '../inventory.ts';
import type { Connection, Delivery, Ticket } from './connector.ts';

/** How long agents are waited for. */
export interface Patience {
  /** An agent tells every second that it is alive; one that is silent for this long is lost. */
  readonly silenceMs: number;
  /** How long an agent may take to stop by itself. */
  readonly stopMs: number;
}

const usualPatience: Patience = { silenceMs: 30_000, stopMs: 3_000 };
/** How long an agent may live after its last word. */
const lingerMs = 500;
/** A timer that is set for longer goes off at once. */
const longestTimerMs = 2 ** 31 - 1;
/** Longest line that an agent may print. */
const longestLine = 8 * 1024 * 1024;
/** How much of what a host complains about is kept. */
const keptComplaint = 2_000;

/** A connection to this machine and to hosts behind command prefixes. */
export function connectByCommand(patience: Patience = usualPatience): Connection {
  const processes = new Map<string, Process>();
  const scripts = new Map<string, Promise<string>>();
  return {
    send: async (sources, job, signal) => {
      const kind = 'kerberos' in job && job.kerberos !== undefined ? 'kerberos' : 'usual';
      const script = scripts.get(kind) ?? agentScript(kind);
      scripts.set(kind, script);
      const agent = await script;
      return sources.map((host): Ticket => {
        const id = randomUUID();
        processes.set(id, runAgent(host, scriptFor(agent, job, host.name), job.endsAfterMs, signal, patience));
        return { source: host.name, id };
      });
    },
    collect: async function* collect(tickets, _job, signal) {
      for (const { id } of tickets) {
        const process = processes.get(id);
        if (process === undefined) throw new Error(`exec: no process has the ticket ${id}`);
        processes.delete(id);
        signal.addEventListener('abort', process.kill, { once: true });
        if (signal.aborted) process.kill();
        try {
          yield* process.deliveries;
        } finally {
          signal.removeEventListener('abort', process.kill);
        }
      }
    },
  };
}

/** A running agent: what it says, and its end at once. */
interface Process {
  readonly deliveries: AsyncIterable<Delivery>;
  readonly kill: () => void;
}

function commandOf({ connector, node }: Host): readonly [string, ...string[]] {
  switch (connector.kind) {
    case 'local':
      return [process.execPath, ...nodeArguments];
    case 'exec': {
      const [command, ...prefix] = connector.prefix;
      if (command === undefined) throw new Error('exec: a prefix without a command');
      return [command, ...prefix, node, ...nodeArguments];
    }
    case 'ssm':
    case 'none':
      throw new Error('exec: a host that no command reaches was sent a job');
    default:
      return connector satisfies never;
  }
}

/** Starts the agent at once; the deliveries wait until they are collected. */
function runAgent(host: Host, script: string, endsAfterMs: number, signal: AbortSignal, { silenceMs, stopMs }: Patience): Process {
  const source = host.name;
  const [command, ...words] = commandOf(host);
  const waiting: Delivery[] = [];
  let wake = (): void => undefined;
  let over = false;
  const end = (last?: Delivery): void => {
    if (over) return;
    over = true;
    if (last !== undefined) waiting.push(last);
    wake();
  };
  const lose = (why: string): void => end({ source, lost: why });
  const deliveries = (async function* deliveries() {
    for (;;) {
      const delivery = waiting.shift();
      if (delivery !== undefined) yield delivery;
      else if (over) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  })();

  const child = start(command, words);
  if ('problem' in child) {
    lose(`${command} could not be started: ${child.problem}`);
    return { deliveries, kill: () => undefined };
  }
  const timers: NodeJS.Timeout[] = [];
  const release = (): void => {
    for (const timer of timers) clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  };
  /** The end of all that we do for it, whoever still holds its pipes. */
  const abandon = (): void => {
    release();
    kill(child, 'SIGKILL');
    lose('was stopped');
    for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
    child.unref();
  };
  const stop = (): void => {
    kill(child, 'SIGTERM');
    timers.push(setTimeout(abandon, stopMs));
  };
  const giveUp = (why: string): void => {
    lose(why);
    abandon();
  };
  const watch = setTimeout(() => giveUp(`said nothing for ${silenceMs / 1_000} s${lastLine(complaint)}`), silenceMs);
  timers.push(
    watch,
    setTimeout(() => giveUp('did not end in its time'), Math.min(endsAfterMs + silenceMs, longestTimerMs)),
  );

  let complaint = '';
  const read = linesOf((line) => {
    const message = decodeMessage(line);
    if (message === undefined || over) return;
    // Only what an agent says counts: a host that babbles is as good as silent.
    watch.refresh();
    waiting.push({ source, message });
    wake();
    if (message.kind !== 'bye') return;
    // Nothing more is to come, though something may still hold the pipe, or a resolver that hangs the process.
    end();
    timers.push(setTimeout(abandon, Math.min(stopMs, lingerMs)));
  });
  child.stdout.setEncoding('utf8').on('data', read);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-keptComplaint);
  });
  // A command that ends before it has read its input breaks this pipe; its exit tells why.
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => {
    release();
    lose(`${command} could not be started: ${error.message}`);
  });
  child.on('close', (status, killer) => {
    release();
    lose(`${[command, ...words].join(' ')} ended with ${killer ?? `exit code ${status}`}${lastLine(complaint)}`);
  });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  child.stdin.end(script);
  return { deliveries, kill: abandon };
}

/** Starts a command in a process group of its own: Ctrl-C reaches only us, and we tell the agents to stop in good order. */
function start(command: string, words: readonly string[]): ChildProcessWithoutNullStreams | { readonly problem: string } {
  try {
    const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    // Without descriptors for its pipes Node.js leaves them out.
    const pipes: readonly unknown[] = [child.stdin, child.stdout, child.stderr];
    if (!pipes.includes(undefined)) return child;
    child.on('error', () => undefined);
    return { problem: 'too many open files' };
  } catch (error) {
    // Some errors of the system come as exceptions (ENOTDIR, ENOEXEC, E2BIG).
    if (error instanceof Error && 'code' in error) return { problem: error.message };
    throw error;
  }
}

/** Cuts text into lines; what is longer than any line of an agent is dropped as it comes. */
function linesOf(take: (line: string) => void): (text: string) => void {
  let parts: string[] = [];
  let length = 0;
  return (text) => {
    const [first = '', ...others] = text.split('\n');
    for (const [index, piece] of [first, ...others].entries()) {
      if (index > 0) {
        if (length <= longestLine) take(parts.join(''));
        parts = [];
        length = 0;
      }
      length += piece.length;
      if (length <= longestLine) parts.push(piece);
      else parts = [];
    }
  };
}

/** Signals the whole group, since a prefix may have started more than one process. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // It ended between the look and the signal; or it is not ours to signal (sudo), and ends when its pipes break.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((candidate) => /error|not found|denied|refused|no such|cannot|unknown|needs/i.test(candidate)) ?? lines.at(-1);
  return line === undefined ? '' : `: ${line.trim()}`;
}
