/**
 * The control of a block towards a name. No source can see alive what it cannot reach at all, and a name may lead one source elsewhere than another. So the
 * block counts where another source of the same run was let through to every address that this one tried, at the same port, while this one was heard elsewhere:
 * then server and source are alive, and what is between them is shut.
 */
import type { Check } from '../agent/contract/check.ts';
import type { Observed, Outcome } from '../agent/contract/outcome.ts';
import { traitsOf } from '../agent/contract/probe.ts';
import { pairOf, type View } from './vantage.ts';

/** One check, and what it saw. */
interface Seen {
  readonly check: Check;
  readonly outcome: Outcome | undefined;
}

/** True where others of this run prove that what a check of a name saw is a block. */
export type Witnesses = (seen: Seen) => boolean;

/** The witnesses among all that was seen; `views` tell which pairs' handshakes prove nothing. */
export function witnessesOf(all: Iterable<Seen>, views: ReadonlyMap<string, View>): Witnesses {
  const letThrough = new Map<string, Set<string>>();
  const heard = new Set<string>();
  for (const { check, outcome } of all) {
    if (outcome?.kind !== 'observed') continue;
    const isAnswer = traitsOf(check.probe).identifies;
    if (isAnswer && outcome.service?.status === 'identified') heard.add(check.source);
    if (!isAnswer && views.get(pairOf(check))?.acceptsAll === true) continue;
    for (const [address, state] of addressesOf(outcome)) {
      if (state !== 'open') continue;
      const key = keyOf(check, address);
      const sources = letThrough.get(key) ?? new Set();
      letThrough.set(key, sources);
      sources.add(check.source);
    }
  }
  return ({ check, outcome }) => {
    if (outcome?.kind !== 'observed' || !heard.has(check.source) || outcome.service?.facts.addressTotal !== undefined) return false;
    // An address of a family that the source does not have is no way out.
    const tried = addressesOf(outcome).filter(([, state]) => state !== 'unsupported');
    const isSeenByOthers = (address: string): boolean => [...(letThrough.get(keyOf(check, address)) ?? [])].some((source) => source !== check.source);
    return tried.length > 0 && tried.every(([address]) => isSeenByOthers(address));
  };
}

function keyOf({ destination, port, transport }: Check, address: string): string {
  return `${destination} ${address} ${port}/${transport}`;
}

/** The addresses of a name with their states, as the agent lists them: `192.0.2.1 filtered no-response`; those of a proxy are not among them. */
function addressesOf({ service }: Observed): readonly (readonly [address: string, state: string])[] {
  return (service?.facts.addresses ?? []).map((entry) => {
    const [address = '', ...state] = entry.split(' ');
    return [address, state.join(' ')] as const;
  });
}
