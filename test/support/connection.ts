/** A connection whose agents say what a test wants. */
import { expand, fingerprint } from '../../agent/contract/expand.ts';
import { contractVersion } from '../../agent/contract/job.ts';
import type { Hello, Message, Settled } from '../../agent/contract/message.ts';
import type { Connection } from '../../src/connectors/connector.ts';
import type { Plan } from '../../src/plan.ts';

/** What an agent says, in order; a text is why nothing more comes. */
export type Script = readonly (Message | string)[];

/** Told when a job is handed over, and when all of a source is collected. */
interface Witness {
  readonly sent: (source: string) => void;
  readonly collected: (source: string) => void;
}

/** Agents that follow scripts, by source; a source without one says nothing. */
export function connectionOf(
  scripts: Readonly<Record<string, Script>>,
  { sent, collected }: Witness = { sent: () => undefined, collected: () => undefined },
): Connection {
  return {
    send: (sources) => {
      for (const { name } of sources) sent(name);
      return Promise.resolve(sources.map(({ name }) => ({ source: name, id: name })));
    },
    collect: async function* collect(tickets) {
      for (const { source } of tickets) {
        for (const said of scripts[source] ?? []) {
          await Promise.resolve();
          yield typeof said === 'string' ? { source, lost: said } : { source, message: said };
        }
        collected(source);
      }
    },
  };
}

/** The greeting of an agent that understood its job. */
export function helloFor({ job }: Plan, source: string): Hello {
  return {
    kind: 'hello',
    contract: contractVersion,
    source,
    ...fingerprint(expand(job, source)),
    platform: { os: 'linux', node: 'v24.0.0' },
    capabilities: { udpRefused: true },
  };
}

/** The source's check number `index` found open. */
export function settledOpen(index: number): Settled {
  return {
    kind: 'result',
    index,
    attempts: 1,
    elapsedMs: 1,
    outcome: { kind: 'observed', state: 'open', reason: 'syn-ack', target: { address: '127.0.0.1', port: 1 }, at: '2026-01-01T00:00:00.000Z' },
  };
}
