/** What a source says of hundreds of DCs, for tests of sizes: what a few of them answered, told as if each had given its own answers. */
import { createHash } from 'node:crypto';
import { contractVersion, type Job, type JobHost } from '../../agent/contract/job.ts';
import type { Settled } from '../../agent/contract/message.ts';
import type { Outcome } from '../../agent/contract/outcome.ts';

/** The answers of some destinations to one source, `results[i]` to its check number i; each destination has as many as the others. */
export interface Told {
  readonly job: Job;
  readonly source: string;
  readonly results: readonly Settled[];
}

/**
 * So many checks of DCs that answer as those that are given do, in turn. Name, address, local ports, times, clocks and certificate of each differ, as they do
 * in a real forest; and one in `failEvery` checks stays without an answer.
 */
export function retell({ job, source, results }: Told, checks: number, failEvery: number): Told {
  const models = job.pairs.length;
  const each = results.length / models;
  const from = job.hosts.find(({ name }) => name === source);
  const originals = job.pairs.map(([, destination]) => job.hosts[destination]);
  if (from === undefined || !Number.isInteger(each)) throw new Error('the destinations do not have as many answers each');
  const hosts = Array.from({ length: Math.ceil(checks / each) }, (_, index) => hostOf(index, originals[0]?.domain ?? ''));
  const set = job.pairs[0]?.[2] ?? 0;
  const large: Job = { ...job, contract: contractVersion, hosts: [from, ...hosts], pairs: hosts.map((_, index) => [0, index + 1, set] as const) };
  const told = Array.from({ length: checks }, (_, index): Settled => {
    const dc = Math.floor(index / each);
    const model = results[(dc % models) * each + (index % each)];
    const host = hosts[dc];
    const original = originals[dc % models];
    if (model === undefined || host === undefined || original === undefined) throw new Error('there are too few answers');
    return toldBy(host, original, model, index, index % failEvery === 0);
  });
  return { job: large, source, results: told };
}

function hostOf(index: number, domain: string): JobHost {
  const name = `dc${String(index + 1).padStart(3, '0')}`;
  return { name, address: `10.${20 + (index >> 6)}.${(index * 7) & 255}.${10 + (index & 63)}`, domain, dnsName: `${name}.${domain}` };
}

/** A result of one DC as another would have given it. */
function toldBy(host: JobHost, original: JobHost, model: Settled, index: number, fails: boolean): Settled {
  const random = createHash('sha256').update(`${index}`).digest();
  const at = new Date(Date.UTC(2026, 0, 1) + index * 3 + ((random[0] ?? 0) % 8)).toISOString();
  const local = { address: '10.99.3.21', port: 32_768 + (random.readUInt16BE(1) % 28_232) };
  if (model.outcome.kind === 'failed') return { ...model, index };
  const target = { address: host.address, port: model.outcome.target.port };
  if (fails) {
    const state = model.outcome.reason === 'udp-response' ? 'open|filtered' : 'filtered';
    const outcome: Outcome = { kind: 'observed', state, reason: 'no-response', target, local, at };
    return { kind: 'result', index, outcome, attempts: 2, elapsedMs: 5_000 + ((random[3] ?? 0) % 4) };
  }
  const { service } = model.outcome;
  const facts = service === undefined ? undefined : reword(JSON.stringify(service.facts), original, host);
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
  const elapsedMs = model.outcome.state === 'open' ? 1 + ((random[6] ?? 0) % 24) : model.elapsedMs;
  return { kind: 'result', index, outcome, attempts: model.attempts, elapsedMs };
}

/** Facts with every name of one DC replaced by another's. The list of the forest's DCs stays, as it is the same from each. */
function reword(facts: string, from: JobHost, to: JobHost): Record<string, unknown> {
  const [one = '', other = ''] = [from.dnsName.split('.')[0], to.dnsName.split('.')[0]];
  const text = facts
    .replaceAll(/"srvTargets":\[[^\]]*\]/g, `"srvTargets":["dc001.${to.domain}","dc002.${to.domain}"]`)
    .replaceAll(from.dnsName, to.dnsName)
    .replaceAll(new RegExp(`"${one.toUpperCase()}(["$<])`, 'g'), `"${other.toUpperCase()}$1`);
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
