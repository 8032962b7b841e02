/**
 * An agent in a process of its own, for tests that must take something from its host. Reads a job as JSON from the file that is named and writes messages
 * as the agent does; with a number as second word it runs the checks as if the host had so many sockets to give.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Job } from '../../agent/contract/job.ts';
import { encodeMessage } from '../../agent/contract/message.ts';
import { main } from '../../agent/main.ts';
import { dial } from '../../agent/net/dial.ts';
import { resolveName } from '../../agent/net/resolve.ts';
import { run } from '../../agent/runner.ts';

const [, , file = '', sockets] = process.argv;
const job: Job = JSON.parse(readFileSync(file, 'utf8'));
if (sockets === undefined) {
  await main(job, 'client');
} else {
  const surroundings = {
    now: Date.now,
    random: randomBytes,
    sockets: Number(sockets),
    icmpErrors: () => undefined,
    resolve: resolveName,
    environment: {},
    canHaveUdpPort: async () => false,
    dial,
  };
  const tell = (message: Parameters<typeof encodeMessage>[0]): void => void process.stdout.write(`${encodeMessage(message)}\n`);
  tell({ kind: 'bye', reason: await run(job, 'client', tell, new AbortController().signal, surroundings) });
}
