/** One result's evidence in one line each: what a firewall team needs to find the packet in its own logs. */
import type { Check } from '../../agent/contract/check.ts';
import type { Endpoint } from '../../agent/contract/outcome.ts';
import type { Result, RuleRecord } from '../report.ts';
import type { Finding, Note } from '../verdict.ts';
import type { Flow } from './advice-wording.ts';
import { count } from './text.ts';
import { symptomPhrase } from './wording.ts';

/** What was seen of one packet's way: UTC date and time, the flow, and what came of it. The texts are not yet made harmless. */
export interface Sighting {
  readonly date: string;
  readonly time: string;
  /** `10.99.3.21:49811`, or the source's name where the local end is not known. */
  readonly local: string;
  readonly target: string;
  /** `filtered, no-response`, and the service's status where a service was asked. */
  readonly seen: string;
  /** `2 attempts, 5003 ms`. */
  readonly effort: string;
}

/** The sighting of one result; undefined where nothing was observed. */
export function sightingOf({ check, outcome, attempts, elapsedMs }: Result): Sighting | undefined {
  if (outcome?.kind !== 'observed') return undefined;
  const [date = '', time = ''] = outcome.at.replace(/Z$/, '').split('T');
  // An RPC check that never learned its port has dialled none.
  const target = outcome.target.port === 0 ? `${bracketed(outcome.target.address)}:${check.port}` : endpointText(outcome.target);
  return {
    date,
    time,
    local: outcome.local === undefined ? `${check.source}:*` : endpointText(outcome.local),
    target: `${target}/${check.transport}`,
    seen: `${outcome.state}, ${outcome.reason}${outcome.service === undefined ? '' : `, ${outcome.service.status}`}`,
    effort: `${count(attempts, 'attempt')}, ${Math.round(elapsedMs)} ms`,
  };
}

/** A sighting in one line. */
export function sightingText({ date, time, local, target, seen, effort }: Sighting): string {
  return `${date} ${time} UTC  ${local} → ${target}  ${seen}  ${effort}`;
}

/** What an answer that was not understood showed of itself; empty where there was none, or it was understood. The text is not yet made harmless. */
export function heardText({ outcome }: Result): string {
  const service = outcome?.kind === 'observed' ? outcome.service : undefined;
  if (service === undefined || service.status === 'identified') return '';
  const { complaint, tlsError, followUp, looksLike, firstBytes } = service.facts;
  const parts = [
    complaint,
    tlsError,
    followUp,
    looksLike === undefined ? undefined : `looks like ${looksLike}`,
    firstBytes === undefined ? undefined : `first bytes ${firstBytes}`,
  ];
  return parts.filter((part) => part !== undefined).join('; ');
}

/** The way to an endpoint, where that is worth telling: the proxy, or all addresses of the name with their states. The text is not yet made harmless. */
export function wayText({ outcome }: Result): string {
  const { proxy, addresses = [], addressTotal = addresses.length } = (outcome?.kind === 'observed' ? outcome.service?.facts : undefined) ?? {};
  if (proxy !== undefined) return `through the proxy ${proxy}`;
  if (addresses.length < 2) return '';
  return `${addresses.join(', ')}${addressTotal > addresses.length ? ` (of ${addressTotal} addresses)` : ''}`;
}

/** What breaks while these rules fail, in short phrases, each once. */
export function symptomPhrases(rules: Iterable<RuleRecord | undefined>): string[] {
  return [...new Set([...rules].flatMap((rule) => rule?.symptoms ?? []))].map((code) => symptomPhrase(code));
}

/** The flow of one result, as an advice names it. */
export function flowOf({ check, outcome, expected }: Result): Flow {
  const observed = outcome?.kind === 'observed' ? outcome : undefined;
  const port = observed === undefined || observed.target.port === 0 ? check.port : observed.target.port;
  return {
    source: observed?.local?.address ?? check.source,
    origin: originOf(observed?.local?.address ?? check.source),
    destination: check.destination,
    // Addresses of an endpoint come and go: what has to be allowed is its name.
    target: isEndpoint(check)
      ? `${check.destination}:${check.port}/${check.transport}`
      : `${bracketed(observed?.target.address ?? check.address)}:${port}/${check.transport}`,
    forbidden: isForbidden(expected),
    endpoint: isEndpoint(check),
  };
}

/** True for a destination that is known by its name alone: then its address is the name, and no literal. */
export function isEndpoint({ address, destination }: Check): boolean {
  return address === destination && !/^[\d.]+$|:/.test(address);
}

/** A source's end of a flow: any port of it. */
export function originOf(source: string): string {
  return `${bracketed(source)}:*`;
}

/** The notes that a verdict's own sentence does not say already. */
export function notesBeside(finding: Finding | undefined, notes: Iterable<Note>): Note[] {
  const said = finding?.code === 'refused' || finding?.code === 'reached-host';
  return [...notes].filter((note) => !(said && note === 'firewall-may-refuse'));
}

/** True when a rule wants its traffic not to get through. */
export function isForbidden(expected: Result['expected']): boolean {
  return !expected.states.includes('open');
}

/** `10.0.0.1:389`, `[fd00::1]:389`. */
function endpointText({ address, port }: Endpoint): string {
  return `${bracketed(address)}:${port}`;
}

/** An address as it stands before a port. */
export function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
