/** What one source saw of one destination in all its checks together: what a single verdict cannot know, and may rest on. */
import type { Check } from '../agent/contract/check.ts';
import type { Observed, Outcome } from '../agent/contract/outcome.ts';
import { traitsOf, type Transport } from '../agent/contract/probe.ts';
import { isControl } from './control.ts';

export interface View {
  /** It is alive: something came back that only a live host sends. */
  readonly alive: boolean;
  /** Something completes every handshake: there, only an answer is a sign of life. */
  readonly acceptsAll: boolean;
  /** It was looked at, and nothing came back to anything but word that it cannot be reached. */
  readonly unreachable: boolean;
  /** Its TCP 389 was asked, and did not open: whatever that port does on another address of the host says nothing of the address. */
  readonly directoryShut: boolean;
  /** The DCs that it lists as a DNS server, over each transport; absent where it did not answer, or its list was cut. */
  readonly listed: Readonly<Partial<Record<Transport, readonly string[]>>>;
}

/** The views of every source and destination, under `pairOf` of their checks. Of a check nothing is kept. */
export function viewsOf(seen: Iterable<{ readonly check: Check; readonly outcome: Outcome | undefined }>): ReadonlyMap<string, View> {
  const tallies = new Map<string, Tally>();
  for (const { check, outcome } of seen) {
    if (outcome?.kind !== 'observed') continue;
    const pair = pairOf(check);
    const tally = tallies.get(pair) ?? { opened: false, answered: false, acceptsAll: false, unreachable: true, directoryShut: false, listed: {} };
    tallies.set(pair, tally);
    count(tally, check, outcome);
  }
  return new Map(
    [...tallies].map(([pair, { opened, answered, ...tally }]) => {
      return [pair, { alive: tally.acceptsAll ? answered : opened, ...tally }];
    }),
  );
}

/** The name of a check's source and destination together. */
export function pairOf({ source, destination }: Pick<Check, 'source' | 'destination'>): string {
  return `${source}>${destination}`;
}

/** The port whose handshake the agent makes with each further address of a DC. */
const directoryPort = 389;

interface Tally {
  opened: boolean;
  answered: boolean;
  acceptsAll: boolean;
  unreachable: boolean;
  directoryShut: boolean;
  readonly listed: Partial<Record<Transport, readonly string[]>>;
}

function count(tally: Tally, check: Check, { state, reason, service, target }: Observed): void {
  tally.directoryShut ||= check.transport === 'tcp' && target.port === directoryPort && state !== 'open';
  tally.unreachable &&= reason === 'no-response' || reason === 'host-unreach' || reason === 'net-unreach';
  if (state !== 'open') return;
  tally.opened = true;
  tally.answered ||= check.transport === 'udp' || (traitsOf(check.probe).identifies && service?.status === 'identified');
  tally.acceptsAll ||= isControl(check);
  const { rcode, srvTargets, srvTotal, truncated } = service?.facts ?? {};
  const isWhole = check.probe === 'dns' && rcode === 'NOERROR' && srvTotal === undefined && truncated !== true;
  if (isWhole && srvTargets !== undefined) tally.listed[check.transport] ??= srvTargets;
}
