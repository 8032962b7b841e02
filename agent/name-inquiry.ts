/**
 * An inquiry of a name instead of an address: everything that is done to settle one check whose destination is known by name only.
 *
 * 1. For `https` the environment says which way to take. Through a proxy, the proxy's name is resolved and the destination's is not: that is the proxy's
 *    own matter.
 * 2. The host's resolver gives the addresses. Without any, that is the outcome: `name-unresolved`, and whether there is no such name or no answer.
 * 3. Every address is asked at once, each by an inquiry of its own, and the worst outcome stands for all, with the list of them in its facts.
 */
import { isIP } from 'node:net';
import type { Check } from './contract/check.ts';
import type { Facts } from './contract/fact.ts';
import type { Outcome } from './contract/outcome.ts';
import { type Answered, describeAnswer, fold, withFacts } from './fold.ts';
import { Inquiry, type Terms } from './inquiry.ts';
import type { LookupFailure } from './net/classify.ts';
import type { Resolution } from './net/resolve.ts';
import type { Proxy, Way } from './proxy.ts';

/** What a host's own settings decide about names. */
export interface NameTerms extends Terms {
  readonly resolve: (name: string) => Promise<Resolution>;
  /** Which way leads to the HTTPS endpoint of that name. */
  readonly wayTo: (name: string) => Way;
}

/** What the runner needs of an inquiry while it lasts. */
export type Pursuit = Pick<Inquiry, 'attempts' | 'connectedAt' | 'askAgain' | 'expire' | 'abandon'>;

/** Most addresses of a name that are asked. */
const mostAddresses = 16;

/** Begins what settles the check: of an address, or of a name where the check has no address. */
export function pursue(check: Check, port: number, terms: NameTerms, finished: (outcome: Outcome, ticket?: Buffer) => void): Pursuit {
  return isIP(check.address) === 0 ? new NameInquiry(check, port, terms, finished) : new Inquiry(check, port, terms, finished);
}

/** Lives from the question to the resolver to the outcome of the check. */
class NameInquiry implements Pursuit {
  readonly #check: Check;
  readonly #port: number;
  readonly #terms: NameTerms;
  readonly #finished: (outcome: Outcome) => void;
  /** Facts of the way that is taken. */
  #way: Facts = {};
  #inquiries: readonly Inquiry[] = [];
  readonly #answers: Answered[] = [];
  #over = false;

  constructor(check: Check, port: number, terms: NameTerms, finished: (outcome: Outcome) => void) {
    this.#check = check;
    this.#port = port;
    this.#terms = terms;
    this.#finished = finished;
    const way: Way = check.probe === 'https' ? terms.wayTo(check.address) : { kind: 'direct' };
    // Nothing ends before whoever began it has hold of it.
    queueMicrotask(() => void this.#set(way));
  }

  /** How many times an address was asked, at most. */
  get attempts(): number {
    return Math.max(0, ...this.#inquiries.map(({ attempts }) => attempts));
  }

  get connectedAt(): number | undefined {
    const times = this.#inquiries.flatMap(({ connectedAt }) => connectedAt ?? []);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  askAgain(): void {
    for (const inquiry of this.#inquiries) inquiry.askAgain();
  }

  expire(): void {
    if (this.#inquiries.length === 0) this.#unresolved({ resolution: 'no-answer', message: 'no answer before the deadline' });
    for (const inquiry of this.#inquiries) inquiry.expire();
  }

  abandon(): void {
    this.#over = true;
    for (const inquiry of this.#inquiries) inquiry.abandon();
  }

  async #set(way: Way): Promise<void> {
    if (way.kind === 'unusable') {
      this.#end({ kind: 'failed', code: 'unsupported', message: way.why });
      return;
    }
    if (way.kind === 'proxy') this.#way = factsOf(way);
    const name = way.kind === 'proxy' ? way.host : this.#check.address;
    const resolution = isIP(name) === 0 ? await this.#terms.resolve(name) : { addresses: [name] };
    if (this.#over) return;
    if ('resolution' in resolution) this.#unresolved(resolution);
    else if (resolution.addresses.length === 0) this.#unresolved({ resolution: 'no-such-name', message: 'the name has no address' });
    else this.#askAll(resolution.addresses, way.kind === 'proxy' ? way : undefined);
  }

  #askAll(addresses: readonly string[], proxy: Proxy | undefined): void {
    const asked = addresses.slice(0, mostAddresses);
    const tunnel = proxy === undefined ? undefined : { port: this.#port, facts: this.#way };
    const terms: Terms = { ...this.#terms, question: () => ({ ...this.#terms.question(), ...(tunnel !== undefined && { tunnel }) }) };
    this.#inquiries = asked.map(
      (address) =>
        new Inquiry({ ...this.#check, address }, proxy?.port ?? this.#port, terms, (outcome) => {
          this.#answers.push({ address, outcome });
          if (this.#answers.length === asked.length) this.#foldAll(addresses.length, proxy !== undefined);
        }),
    );
  }

  #foldAll(total: number, isTunnelled: boolean): void {
    const { address, outcome } = fold(this.#answers, this.#check.address);
    // Addresses of the proxy are none of the destination's.
    const list: Facts = isTunnelled
      ? this.#way
      : { addresses: this.#answers.map(describeAnswer).toSorted(), ...(total > this.#answers.length && { addressTotal: total }) };
    this.#end(outcome.kind === 'failed' ? { ...outcome, message: `${address}: ${outcome.message}` } : withFacts(outcome, list));
  }

  #unresolved({ resolution, message }: LookupFailure): void {
    const target = { address: this.#check.address, port: this.#port };
    const at = new Date(this.#terms.question().now()).toISOString();
    const outcome: Outcome = { kind: 'observed', state: 'filtered', reason: 'name-unresolved', target, at };
    this.#end(withFacts(outcome, { ...this.#way, resolution, complaint: message }));
  }

  #end(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#finished(outcome);
  }
}

/** Never with what the proxy's URL may hold beside its place. */
function factsOf({ host, port, withheld }: Proxy): Facts {
  return { proxy: `${host.includes(':') ? `[${host}]` : host}:${port}`, ...(withheld && { proxyCredentialsWithheld: true }) };
}
