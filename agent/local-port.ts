/** Ports of this source that its checks come from. */
import type { Job } from './contract/job.ts';
import { traitsOf } from './contract/probe.ts';

/** Hands out local ports of the job's range in turn, or none where the system chooses. */
export function localPorts(job: Job): () => number | undefined {
  if (job.sourcePorts === undefined) return () => undefined;
  const [first, last] = job.sourcePorts;
  let next = first;
  return () => {
    const port = next;
    next = next === last ? first : next + 1;
    return port;
  };
}

/** Local ports that probes of the job would like to ask from, as far as they are to be had; all that want one share it. */
export async function ownPorts({ rules }: Job, canHaveUdpPort: (port: number) => Promise<boolean>): Promise<ReadonlySet<number>> {
  const wanted = [...new Set(rules.flatMap(({ probe }) => traitsOf(probe).localPort ?? []))];
  const answers = await Promise.all(wanted.map((port) => canHaveUdpPort(port)));
  return new Set(wanted.filter((_, index) => answers[index]));
}
