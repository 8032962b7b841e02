/** A lane: what one destination still has to be asked, in order, and what its answers have taught. */
import type { Check } from './contract/check.ts';
import type { Facts } from './contract/fact.ts';
import { countPair, expandPair } from './contract/expand.ts';
import type { Job, JobHost } from './contract/job.ts';
import type { Outcome } from './contract/outcome.ts';
import { traitsOf } from './contract/probe.ts';
import type { Known } from './net/dialogue.ts';

/** A check and its position among the source's own. */
export interface Item {
  readonly check: Check;
  readonly index: number;
}

/** A check that others waited for, and what came of it. */
interface Prerequisite {
  readonly id: string;
  readonly probe: Check['probe'];
  readonly outcome: Outcome;
}

/** Lives as long as a run. Hands out one check at a time, and holds back those whose prerequisites are not settled. */
export class Lane {
  readonly host: JobHost;
  /** Sockets that the checks being asked now hold, or may come to hold. */
  inFlight = 0;
  /** No new flow before this time, in milliseconds on the runner's clock. */
  nextFlowAt = 0;
  known: Known = {};
  #items: Iterator<Item, void>;
  /** Tells which checks others wait for. */
  readonly isAwaited: (check: Check) => boolean;
  readonly #settled = new Map<string, Prerequisite>();
  readonly #overdue = new Set<string>();
  /** Tickets that were issued and not used yet, by the check that brought them. */
  readonly #tickets = new Map<string, Buffer>();
  #ready: Item[] = [];
  #parked: Item[] = [];
  #drained = false;

  /** Only the outcomes of checks that others wait for are remembered. */
  constructor(host: JobHost, items: Iterator<Item, void>, isAwaited: (check: Check) => boolean) {
    this.host = host;
    this.#items = items;
    this.isAwaited = isAwaited;
  }

  /** True when every check was handed out. */
  get empty(): boolean {
    return this.#drained && this.#ready.length === 0 && this.#parked.length === 0;
  }

  /** The next check that can be asked now, or undefined when there is none, or none yet. */
  next(): Item | undefined {
    const ready = this.#ready.shift();
    if (ready !== undefined) return ready;
    while (!this.#drained) {
      const turn = this.#items.next();
      if (turn.done === true) this.#drained = true;
      else if (this.#waits(turn.value.check)) this.#parked.push(turn.value);
      else return turn.value;
    }
    return undefined;
  }

  /** Takes a check back to be handed out again. */
  putBack(item: Item): void {
    this.#ready.unshift(item);
  }

  /** Gives an empty lane more to hand out; what it knows stays. */
  refill(items: Iterator<Item, void>): void {
    this.#items = items;
    this.#drained = false;
  }

  /** Learns from a settled check, and frees those that waited for it. */
  settle(check: Check, outcome: Outcome, ticket?: Buffer): void {
    if (ticket !== undefined) this.#tickets.set(check.id, ticket);
    if (outcome.kind === 'observed' && outcome.service?.status === 'identified') this.known = learn(this.known, outcome.service.facts);
    if (!this.isAwaited(check)) return;
    this.#settled.set(check.id, { id: check.id, probe: check.probe, outcome });
    this.#free();
  }

  /** An awaited check is slow: frees those that can be asked without its answer, only not as well. */
  goOnWithout(check: Check): void {
    this.#overdue.add(check.id);
    this.#free();
  }

  #free(): void {
    this.#ready.push(...this.#parked.filter((item) => !this.#waits(item.check)));
    this.#parked = this.#parked.filter((item) => this.#waits(item.check));
  }

  /** What came of the prerequisite that names the check's port, or, where none of them is an endpoint mapper, of the first one. */
  prerequisite(check: Check): Prerequisite | undefined {
    const settled = check.after?.flatMap((id) => this.#settled.get(id) ?? []) ?? [];
    return settled.find(({ probe }) => probe === 'epm') ?? settled[0];
  }

  /** A prerequisite of a check with a size that was not answered: what is lost when it is large tells nothing where the small one is lost too. */
  unanswered(check: Check): Prerequisite | undefined {
    if (check.size === undefined) return undefined;
    return check.after?.flatMap((id) => this.#settled.get(id) ?? []).find(({ outcome }) => !isAnswered(outcome));
  }

  /** The port that a check of an RPC interface dials: fixed by the site, or named by the endpoint mapper. */
  rpcPort(check: Check): number | undefined {
    if (check.interface === undefined) return undefined;
    return this.host.rpc?.[check.interface] ?? this.known.rpcPorts?.[check.interface];
  }

  /** Takes out the ticket that a check waited for: each is good for one bind. Undefined where none was issued, or another check has it. */
  takeTicket(check: Check): Buffer | undefined {
    const id = check.after?.find((prerequisite) => this.#tickets.has(prerequisite));
    if (id === undefined) return undefined;
    const ticket = this.#tickets.get(id);
    this.#tickets.delete(id);
    return ticket;
  }

  /** Puts back a ticket that was taken for a check and has not left this host. */
  returnTicket(check: Check, ticket: Buffer): void {
    const id = check.after?.find((prerequisite) => this.#settled.has(prerequisite));
    if (id !== undefined) this.#tickets.set(id, ticket);
  }

  #waits(check: Check): boolean {
    if (check.interface !== undefined && this.host.rpc?.[check.interface] !== undefined) return false;
    const canDoWithout = traitsOf(check.probe).needs === undefined && check.size === undefined;
    return check.after?.some((id) => !this.#settled.has(id) && !(canDoWithout && this.#overdue.has(id))) ?? false;
  }
}

/** One lane a destination, beginning at another one for each source, so that many sources do not start on the same destination. */
export function lanesOf(job: Job, source: string): Lane[] {
  const awaited = new Set(job.rules.flatMap(({ after }) => after ?? []).map((index) => ruleKey(job.rules[index])));
  const lanes: Lane[] = [];
  let offset = 0;
  for (const pair of job.pairs) {
    const destination = job.hosts[pair[1]];
    if (job.hosts[pair[0]]?.name !== source || destination === undefined) continue;
    lanes.push(new Lane(destination, itemsOf(job, pair, offset), (check) => awaited.has(ruleKey(check))));
    offset += countPair(job, pair);
  }
  const first = job.hosts.findIndex(({ name }) => name === source) % Math.max(1, lanes.length);
  return [...lanes.slice(first), ...lanes.slice(0, first)];
}

function* itemsOf(job: Job, pair: Job['pairs'][number], offset: number): Generator<Item, void> {
  let index = offset;
  for (const check of expandPair(job, pair)) {
    yield { check, index };
    index += 1;
  }
}

function ruleKey(rule: { readonly matrix: string; readonly rule: string } | undefined): string {
  return rule === undefined ? '' : `${rule.matrix}/${rule.rule}`;
}

/** The outcome of a check that needs a port which nobody could name. */
export function withoutPort(check: Check, lane: Lane): Outcome {
  const before = lane.prerequisite(check);
  if (traitsOf(check.probe).needs === undefined) return { kind: 'failed', code: 'unsupported', message: `port ${check.port} is no port` };
  // The mapper's own evidence: it answered, and it has no such interface.
  if (before?.outcome.kind === 'observed' && check.interface !== undefined && lane.known.rpcAbsent?.includes(check.interface) === true) {
    return { ...before.outcome, port: before.outcome.target.port, service: { status: 'absent', facts: { rpcInterface: check.interface } } };
  }
  const message = 'the endpoint mapper did not name the port';
  return { kind: 'failed', code: 'prerequisite', message, ...(before !== undefined && { because: before.id }) };
}

/** The outcome of a check with a size whose small question was not answered; undefined where it was, and for any other check. */
export function withoutAnswer(check: Check, lane: Lane): Outcome | undefined {
  const before = lane.unanswered(check);
  return before && { kind: 'failed', code: 'prerequisite', message: 'the same question in a small packet was not answered', because: before.id };
}

function isAnswered(outcome: Outcome): boolean {
  return outcome.kind === 'observed' && outcome.service?.status === 'identified';
}

/** The outcome of a check that needs a ticket which nobody issued. */
export function withoutTicket(check: Check, lane: Lane): Outcome {
  const before = lane.prerequisite(check);
  return { kind: 'failed', code: 'prerequisite', message: 'no ticket was issued', ...(before !== undefined && { because: before.id }) };
}

function learn(known: Known, facts: Facts): Known {
  const { netbiosName, netbiosDomain, dnsName, domain, rpcPorts, rpcAbsent } = facts;
  return {
    ...(netbiosName !== undefined && { netbiosName }),
    ...(netbiosDomain !== undefined && { netbiosDomain }),
    ...(dnsName !== undefined && { dnsName }),
    ...(domain !== undefined && { domain }),
    ...(rpcPorts !== undefined && { rpcPorts }),
    ...(rpcAbsent !== undefined && { rpcAbsent }),
    ...known,
  };
}
