/** What the addresses of one name showed, folded to the worst: a client may be handed any of them. */
import type { Facts } from './contract/fact.ts';
import type { Outcome } from './contract/outcome.ts';

/** What one address of a name showed. */
export interface Answered {
  readonly address: string;
  readonly outcome: Outcome;
}

/**
 * The outcome of the address that shows worst. An address that this host cannot dial at all (a family without a route) counts only where all are like
 * that. Where all are well, the certificate that a client of `name` would like least decides.
 */
export function fold(answers: readonly Answered[], name: string): Answered {
  const able = answers.filter(({ outcome }) => !(outcome.kind === 'failed' && outcome.code === 'unsupported'));
  const [worst] = (able.length > 0 ? able : answers).toSorted(
    (one, other) => harm(other.outcome) - harm(one.outcome) || compareFacts(one, other, name),
  );
  if (worst === undefined) throw new Error(`${name}: nothing to fold`);
  return worst;
}

/** An address with its state in a few words, for a list: `192.0.2.1 open`, `192.0.2.2 filtered no-response`, `2001:db8::1 unsupported`. */
export function describeAnswer({ address, outcome }: Answered): string {
  if (outcome.kind === 'failed') return `${address} ${outcome.code}`;
  const { state, reason, service } = outcome;
  if (state !== 'open') return `${address} ${state} ${reason}`;
  return service === undefined || service.status === 'identified' ? `${address} open` : `${address} open ${service.status}`;
}

/** The observed outcome with more facts. Of a port that did not open, and so showed no service, they stand beside silence. */
export function withFacts(outcome: Outcome, facts: Facts): Outcome {
  if (outcome.kind === 'failed') return outcome;
  const { status = outcome.state === 'open' ? 'identified' : 'silent', facts: known = {} } = outcome.service ?? {};
  return { ...outcome, service: { status, facts: { ...known, ...facts } } };
}

/** Trouble of our own says less than trouble that was seen, and more than none. */
function harm(outcome: Outcome): number {
  if (outcome.kind === 'failed') return 1;
  if (outcome.state === 'filtered') return outcome.reason === 'no-response' ? 8 : 7;
  if (outcome.state === 'open|filtered') return 6;
  if (outcome.state === 'closed') return 5;
  const status = outcome.service?.status ?? 'identified';
  return status === 'identified' ? 0 : status === 'malformed' ? 4 : status === 'absent' ? 3 : 2;
}

function compareFacts(one: Answered, other: Answered, name: string): number {
  const [first, second] = [factsOf(one), factsOf(other)];
  return (
    Number(isTrusted(first)) - Number(isTrusted(second)) ||
    Number(isFor(name, first)) - Number(isFor(name, second)) ||
    (first.certificateNotAfter ?? '').localeCompare(second.certificateNotAfter ?? '')
  );
}

function factsOf({ outcome }: Answered): Facts {
  return outcome.kind === 'observed' ? (outcome.service?.facts ?? {}) : {};
}

function isTrusted({ certificateChain = 'trusted' }: Facts): boolean {
  return certificateChain === 'trusted' || certificateChain === 'not-checked';
}

/** Only to choose among several: what a certificate is for is judged elsewhere. */
function isFor(name: string, { certificateNames }: Facts): boolean {
  const parent = name.slice(name.indexOf('.'));
  return certificateNames?.some((pattern) => pattern === name || pattern === `*${parent}`) ?? true;
}
