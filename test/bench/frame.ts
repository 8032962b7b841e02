import { packFrame } from '../../agent/contract/frame.ts';
import { contractVersion, type Job, type JobHost } from '../../agent/contract/job.ts';
import type { Settled } from '../../agent/contract/message.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';
import { createHash } from 'node:crypto';
import { runAgent } from './agent-process.ts';
import { borrowLab } from './lab.ts';
import type { Row } from './row.ts';

const checks = 5_000;
const failingShare = 0.05;

/**
 * Row 7: what a source says of some 240 DCs at once. The answers are those of the lab's two DCs, in turn, told as if each DC had given its own: name,
 * address, ports, times, clock and certificate differ, as they do in a real forest. Every twentieth check stays without an answer.
 */
export async function frame(): Promise<readonly Row[]> {
  const { forest, scene, release } = await borrowLab();
  try {
    const { job } = scene.plan('normal');
    const { results } = await runAgent(job, 'client', forest.prefix('client'));
    const perDc = results.length / 2;
    const seen = results.toSorted((one, other) => one.index - other.index);
    const large = enlarge(job, Math.ceil(checks / perDc));
    const told = Array.from({ length: checks }, (_, index): Settled => {
      const dc = Math.floor(index / perDc);
      const model = seen[(dc % 2) * perDc + (index % perDc)];
      const host = large.hosts[1 + dc];
      if (model === undefined || host === undefined) throw new Error('frame: the lab gave too few answers');
      return retold(model, index, host, job.hosts[1 + (dc % 2)], forest.domain);
    });
    const text = packFrame(large, 'client', told);
    return [{ what: `7. frame of ${checks} checks, ${failingShare * 100} % failing`, unit: 'bytes', budget: 23_000, measured: text.length }];
  } finally {
    await release();
  }
}

/** The lab's job with more DCs. */
function enlarge(job: Job, dcs: number): Job {
  const [client] = job.hosts;
  const set = job.pairs[0]?.[2] ?? 0;
  if (client === undefined) throw new Error('frame: a job without hosts');
  const hosts = Array.from({ length: dcs }, (_, index): JobHost => {
    const name = `dc${String(index + 1).padStart(3, '0')}`;
    const domain = job.hosts[1]?.domain ?? '';
    return { name, address: `10.${20 + (index >> 6)}.${(index * 7) & 255}.${10 + (index & 63)}`, domain, dnsName: `${name}.${domain}` };
  });
  return { ...job, contract: contractVersion, hosts: [client, ...hosts], pairs: hosts.map((_, index) => [0, index + 1, set] as const) };
}

/** A result of a lab DC as another DC would have given it. */
function retold(model: Settled, index: number, host: JobHost, original: JobHost | undefined, domain: string): Settled {
  const random = createHash('sha256').update(`${index}`).digest();
  const at = new Date(Date.UTC(2026, 0, 1) + index * 3 + ((random[0] ?? 0) % 8)).toISOString();
  const local = { address: '10.99.3.21', port: 32_768 + (random.readUInt16BE(1) % 28_232) };
  if (model.outcome.kind === 'failed' || original === undefined) return { ...model, index };
  const target = { address: host.address, port: model.outcome.target.port };
  if (index % (1 / failingShare) === 0) {
    const state = model.outcome.reason === 'udp-response' ? 'open|filtered' : 'filtered';
    const outcome: Outcome = { kind: 'observed', state, reason: 'no-response', target, local, at };
    return { kind: 'result', index, outcome, attempts: 2, elapsedMs: 5_000 + ((random[3] ?? 0) % 4) };
  }
  const { service } = model.outcome;
  const facts = service === undefined ? undefined : reword(JSON.stringify(service.facts), original, host, domain);
  const clock =
    facts?.['clockOffsetMs'] === undefined ? {} : { clockOffsetMs: (random.readInt8(4) >> 2) - 1, clockUncertaintyMs: 3 + ((random[5] ?? 0) % 20) };
  const certificate =
    facts?.['certificateFingerprint'] === undefined ? {} : { certificateFingerprint: createHash('sha256').update(host.name).digest('hex') };
  const outcome: Outcome = {
    ...model.outcome,
    target,
    local,
    at,
    ...(service !== undefined && { service: { status: service.status, facts: { ...facts, ...clock, ...certificate } } }),
  };
  return {
    kind: 'result',
    index,
    outcome,
    attempts: model.attempts,
    elapsedMs: model.outcome.state === 'open' ? 1 + ((random[6] ?? 0) % 24) : model.elapsedMs,
  };
}

/** Facts with every name of one DC replaced by another's. The list of the forest's DCs stays, as it is the same from each. */
function reword(facts: string, from: JobHost, to: JobHost, domain: string): Record<string, unknown> {
  const [one = '', other = ''] = [from.dnsName.split('.')[0], to.dnsName.split('.')[0]];
  const text = facts
    .replaceAll(/"srvTargets":\[[^\]]*\]/g, `"srvTargets":["dc001.${domain}","dc002.${domain}"]`)
    .replaceAll(from.dnsName, to.dnsName)
    .replaceAll(new RegExp(`"${one.toUpperCase()}(["$<])`, 'g'), `"${other.toUpperCase()}$1`);
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
