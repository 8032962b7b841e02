/**
 * Reaches a host by running a command and piping the agent into it: `node -` on this machine, or behind any command prefix (ssh, ip netns exec, docker exec).
 * The host needs nothing but Node.js, and nothing stays on it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { decodeMessage } from '../../agent/contract/message.ts';
import { agentScript, scriptFor } from '../bundle.ts';
import type { Host } from '../inventory.ts';
import type { Connection, Delivery, Ticket } from './connector.ts';

/** An agent tells every second that it is alive; one that is silent for this long is lost. */
const silenceMs = 30_000;
/** How long an agent may take to stop by itself. */
const stopMs = 3_000;
/** Longest line that an agent may print. */
const longestLine = 8 * 1024 * 1024;
/** How much of what a host complains about is kept. */
const keptComplaint = 2_000;

/** A connection to this machine and to hosts behind command prefixes. */
export function connectByCommand(): Connection {
  const processes = new Map<string, Process>();
  return {
    send: async (sources, job, signal) => {
      const agent = await agentScript();
      return sources.map((host): Ticket => {
        const id = randomUUID();
        processes.set(id, runAgent(host, scriptFor(agent, job, host.name), signal));
        return { source: host.name, id };
      });
    },
    collect: async function* collect(tickets, signal) {
      for (const { id } of tickets) {
        const process = processes.get(id);
        if (process === undefined) throw new Error(`exec: no process has the ticket ${id}`);
        signal.addEventListener('abort', process.kill, { once: true });
        if (signal.aborted) process.kill();
        yield* process.deliveries;
        signal.removeEventListener('abort', process.kill);
        processes.delete(id);
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
      return [process.execPath, '-'];
    case 'exec': {
      const [command, ...prefix] = connector.prefix;
      if (command === undefined) throw new Error('exec: a prefix without a command');
      return [command, ...prefix, node, '-'];
    }
    case 'none':
      throw new Error('exec: a host without a vantage was sent a job');
    default:
      return connector satisfies never;
  }
}

/** Starts the agent at once; the deliveries wait until they are collected. */
function runAgent(host: Host, script: string, signal: AbortSignal): Process {
  const source = host.name;
  const [command, ...words] = commandOf(host);
  const waiting: Delivery[] = [];
  let wake = (): void => undefined;
  let over = false;
  const deliver = (delivery: Delivery): void => {
    waiting.push(delivery);
    wake();
  };
  const lose = (why: string): void => {
    if (over) return;
    over = true;
    deliver({ source, lost: why });
  };

  // A process group of its own: Ctrl-C reaches only us, and we tell the agents to stop in good order.
  const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  const watch = setTimeout(() => {
    lose(`said nothing for ${silenceMs / 1_000} s`);
    kill(child, 'SIGKILL');
  }, silenceMs);
  let finished = false;
  let complaint = '';
  let rest = '';
  const read = (text: string): void => {
    watch.refresh();
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) {
      const message = decodeMessage(line);
      if (message === undefined || over) continue;
      finished ||= message.kind === 'bye';
      deliver({ source, message });
    }
  };
  let last: NodeJS.Timeout | undefined;
  const stop = (): void => {
    kill(child, 'SIGTERM');
    last = setTimeout(() => kill(child, 'SIGKILL'), stopMs);
  };

  child.stdout.setEncoding('utf8').on('data', read);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-keptComplaint);
  });
  // A command that ends before it has read its input breaks this pipe; its exit tells why.
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => lose(`${command} could not be started: ${error.message}`));
  child.on('close', (status, killer) => {
    clearTimeout(watch);
    clearTimeout(last);
    signal.removeEventListener('abort', stop);
    if (finished) over = true;
    else lose(`${[command, ...words].join(' ')} ended with ${killer ?? `exit code ${status}`}${lastLine(complaint)}`);
    wake();
  });
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  child.stdin.end(script);

  const deliveries = (async function* deliveries() {
    for (;;) {
      const delivery = waiting.shift();
      if (delivery !== undefined) yield delivery;
      else if (over) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  })();
  return { deliveries, kill: () => kill(child, 'SIGKILL') };
}

/** Signals the whole group, since a prefix may have started more than one process. */
function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((candidate) => /error|not found|denied|refused|no such|cannot|unknown|needs/i.test(candidate)) ?? lines.at(-1);
  return line === undefined ? '' : `: ${line.trim()}`;
}
