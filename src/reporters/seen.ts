/** On what each probe was seen answered, in words: data for people beside `seenOn`, by which verdicts go. */
import { type Platform, type ProbeName, traitsOf } from '../../agent/contract/probe.ts';

const platformNames = { samba: 'Samba', windows: 'Windows' } as const satisfies Readonly<Record<Platform, string>>;

/** Servers that are no DC and no part of one. A Samba DC leaves its time to chrony. */
const servers: Readonly<Partial<Record<ProbeName, readonly string[]>>> = {
  ntp: ['chrony'],
  rdp: ['xrdp (TCP)'],
  quic: ['Caddy'],
  https: ['nginx', 'Caddy'],
};

/** Names of all that this project has seen answer a probe; none for one that asks only for the port. */
export function seenAnswering(probe: ProbeName): readonly string[] {
  const { identifies, seenOn } = traitsOf(probe);
  return identifies ? (servers[probe] ?? seenOn.map((platform) => platformNames[platform])) : [];
}
