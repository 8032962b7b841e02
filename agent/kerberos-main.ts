/** The agent of a run with Kerberos credentials: the agent, and its way to tickets. A script of its own, so that the others need not carry that. */
import type { Job } from './contract/job.ts';
import type { LocateJob } from './contract/locate.ts';
import { main as mainWithout } from './main.ts';
import { findTickets } from './ticket.ts';

/** As `main` of the agent; its checks may ask for tickets. */
export function main(job: Job | LocateJob, source: string): Promise<void> {
  return mainWithout(job, source, findTickets);
}
