/** The agent: one job in, messages or one frame out. It decides nothing. */
import { randomBytes } from 'node:crypto';
import { getServers } from 'node:dns';
import { platform } from 'node:os';
import { packFrame } from './contract/frame.ts';
import type { Job } from './contract/job.ts';
import type { LocateJob } from './contract/locate.ts';
import { encodeMessage, type Message, type Settled } from './contract/message.ts';
import { greeting, ownSurroundings } from './host.ts';
import { locate } from './locate.ts';
import { attend, converser, run } from './runner.ts';
import type { FindTickets, Place } from './ticket.ts';

/**
 * Runs the part of the job that belongs to `source` and writes messages to stdout, a line each.
 * `findTickets` is this agent's way to tickets, where it has one.
 * Ends when the checks are settled, at the job's end, on SIGTERM, when nobody reads any more, and when the process that started it is gone.
 */
export async function main(job: Job | LocateJob, source: string, findTickets?: FindTickets): Promise<void> {
  // Each refused connection is an Error, and nobody reads its stack; in this script, which is a few long lines, a stack shows no place anyway.
  Error.stackTraceLimit = 0;
  const stop = new AbortController();
  const parent = process.ppid;
  process.stdout.on('error', () => stop.abort());
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => stop.abort());
  // One write for all that a turn of the event loop brings: a host that refuses settles hundreds of checks in one.
  let unsaid = '';
  const flush = (): void => {
    if (process.ppid !== parent) stop.abort();
    process.stdout.write(unsaid);
    unsaid = '';
  };
  const say = (message: Message): void => {
    if (unsaid === '') setImmediate(flush);
    unsaid += `${encodeMessage(message)}\n`;
  };

  const kerberos = 'kind' in job ? undefined : job.kerberos;
  const surroundings = {
    ...ownSurroundings(),
    ...(kerberos !== undefined && findTickets !== undefined && { tickets: findTickets(kerberos, place()) }),
  };
  say(await greeting('kind' in job ? undefined : job, source, surroundings));
  if ('kind' in job) {
    const { result, reason } = await attend(job.endsAfterMs, say, stop.signal, (end) =>
      locate(job, { converse: converser(job, surroundings, end), resolvers: resolvers(), random: randomBytes, now: Date.now }),
    );
    say(result);
    say({ kind: 'bye', reason });
    return;
  }
  const results: Settled[] = [];
  const tell = (message: Message): void => {
    if (job.reply === 'frame' && message.kind === 'result') results.push(message);
    else say(message);
  };
  const reason = await run(job, source, tell, stop.signal, surroundings);
  if (job.reply === 'frame') say({ kind: 'frame', text: packFrame(job, source, { results }) });
  say({ kind: 'bye', reason });
}

/** This host, as far as tickets are concerned. */
function place(): Place {
  return { platform: platform(), folder: process.cwd(), environment: process.env, user: process.getuid?.() ?? 0 };
}

/** Addresses of the resolvers that this host is configured with. A port other than 53 is not what clients of a domain use. */
function resolvers(): readonly string[] {
  return getServers().map((server) => server.replace(/^\[(.*)\]:\d+$/, '$1').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1'));
}
