/** This host, as far as an agent has to do with it: what it gives to a run, and how it introduces itself. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import { expand, fingerprint } from './contract/expand.ts';
import { contractVersion, type Job } from './contract/job.ts';
import type { Hello } from './contract/message.ts';
import { canHaveUdpPort, dial } from './net/dial.ts';
import { resolveName } from './net/resolve.ts';
import { seesRefusedUdp, type Surroundings } from './runner.ts';

/** Descriptors that the process needs for itself. */
const ownDescriptors = 64;

/** What this process has to give to a run, without tickets. */
export function ownSurroundings(): Surroundings {
  return {
    now: Date.now,
    random: randomBytes,
    sockets: descriptorLimit() - ownDescriptors,
    icmpErrors,
    canHaveUdpPort,
    resolve: resolveName,
    environment: process.env,
    dial,
  };
}

/** The greeting of the agent that runs the part of the job that belongs to `source`; without a job it has no checks. */
export async function greeting(job: Job | undefined, source: string, surroundings: Surroundings): Promise<Hello> {
  return {
    kind: 'hello',
    contract: contractVersion,
    source,
    ...fingerprint(job === undefined ? [] : expand(job, source)),
    platform: { os: `${platform()} ${release()} ${arch()}`, node: process.version },
    capabilities: { udpRefused: await seesRefusedUdp(surroundings) },
  };
}

/** Most files this process may have open; a careful guess where the system does not tell. */
function descriptorLimit(): number {
  const guess = 1_024;
  if (process.report === undefined) return guess;
  // Without this a report would ask the network for the names of all open sockets' peers.
  Object.assign(process.report, { excludeNetwork: true });
  const report: unknown = process.report.getReport();
  const limits = property(property(report, 'userLimits'), 'open_files');
  const soft = property(limits, 'soft');
  return typeof soft === 'number' ? soft : soft === 'unlimited' ? 1_000_000 : guess;
}

/** Destination-unreachable messages that this host has received, IPv4 and IPv6 (Linux only). */
function icmpErrors(): number | undefined {
  try {
    const [names = [], values = []] = readFileSync('/proc/self/net/snmp', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('Icmp: '))
      .map((line) => line.split(' '));
    const four = Number(values[names.indexOf('InDestUnreachs')]);
    const six = Number(/Icmp6InDestUnreachs\s+(\d+)/.exec(readFileSync('/proc/self/net/snmp6', 'utf8'))?.[1] ?? 0);
    return Number.isInteger(four + six) ? four + six : undefined;
  } catch {
    // Another system keeps no such file: then nobody can tell.
    return undefined;
  }
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}
