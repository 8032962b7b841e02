/** What an agent tells the controller while it works: one line of text each, so that any byte pipe can carry it and a login banner cannot spoil it. */
import type { Located } from './locate.ts';
import { isFacts } from './fact.ts';
import { failureCodes, type Outcome, reasons, serviceStatuses, states } from './outcome.ts';

/** First words of every line that is ours. */
const mark = 'portmatrix-agent:1 ';

/** Longest line that is looked at; no honest message is longer. */
const longestLine = 64 * 1024;

/** The agent understood its job: it counted the same checks, or the controller must not believe what follows. */
export interface Hello {
  readonly kind: 'hello';
  readonly contract: number;
  readonly source: string;
  /** Of the source's own checks: see `fingerprint`. */
  readonly count: number;
  readonly hash: string;
  readonly platform: { readonly os: string; readonly node: string };
  /** `udpRefused`: this host can tell a refused UDP port from a silent one (Windows cannot). */
  readonly capabilities: { readonly udpRefused: boolean };
}

/** One check is settled. `index` counts the source's own checks, from 0, in the order of `expand`. */
export interface Settled {
  readonly kind: 'result';
  readonly index: number;
  readonly outcome: Outcome;
  readonly attempts: number;
  readonly elapsedMs: number;
}

/** Still at work; `settled` counts checks whose outcome is certain or only waits for a second look. */
export interface Alive {
  readonly kind: 'alive';
  readonly settled: number;
}

/** The last message. After anything but `finished` the checks without a result were not made. */
export interface Bye {
  readonly kind: 'bye';
  readonly reason: 'finished' | 'interrupted' | 'deadline';
}

/** All results at once, as `frame.ts` packs them. */
export interface Framed {
  readonly kind: 'frame';
  readonly text: string;
}

/** A slice of a frame that is too long for one output: `part` counts from 1 to `of`. The texts of all, in that order, are the text of the frame. */
export interface Part {
  readonly kind: 'part';
  readonly part: number;
  readonly of: number;
  readonly text: string;
}

/** Most parts of a frame. */
export const mostParts = 6;

export type Message = Hello | Settled | Alive | Bye | Framed | Part | Located;

/** One line, without its line end. */
export function encodeMessage(message: Message): string {
  return mark + JSON.stringify(message);
}

/** The message that a line carries, or undefined for a line that is not ours or not whole. */
export function decodeMessage(line: string): Message | undefined {
  if (!line.startsWith(mark) || (line.length > longestLine && !/^\{"kind":"(frame|part|located)"/.test(line.slice(mark.length, mark.length + 20))))
    return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line.slice(mark.length));
  } catch {
    return undefined;
  }
  return isMessage(value) ? value : undefined;
}

function isMessage(value: unknown): value is Message {
  if (!isObject(value)) return false;
  switch (value['kind']) {
    case 'hello': {
      const { platform, capabilities } = value;
      return (
        isCount(value['contract']) &&
        isCount(value['count']) &&
        typeof value['source'] === 'string' &&
        typeof value['hash'] === 'string' &&
        isObject(platform) &&
        typeof platform['os'] === 'string' &&
        typeof platform['node'] === 'string' &&
        isObject(capabilities) &&
        typeof capabilities['udpRefused'] === 'boolean'
      );
    }
    case 'result':
      return isCount(value['index']) && isCount(value['attempts']) && isCount(value['elapsedMs']) && isOutcome(value['outcome']);
    case 'alive':
      return isCount(value['settled']);
    case 'bye':
      return value['reason'] === 'finished' || value['reason'] === 'interrupted' || value['reason'] === 'deadline';
    case 'frame':
      return typeof value['text'] === 'string';
    case 'part': {
      const { part, of, text } = value;
      return isCount(part) && isCount(of) && 1 <= part && part <= of && of <= mostParts && typeof text === 'string';
    }
    case 'located':
      return isLocated(value);
    default:
      return false;
  }
}

function isLocated({ resolvers, candidates, clientSite, leftOut }: Readonly<Record<string, unknown>>): boolean {
  const isText = (word: unknown): boolean => typeof word === 'string';
  const isLookup = (lookup: unknown): boolean =>
    isObject(lookup) &&
    isText(lookup['name']) &&
    isOutcome(lookup['outcome']) &&
    (lookup['rcode'] === undefined || isText(lookup['rcode'])) &&
    isListOf(lookup['found'], isText);
  const isView = (view: unknown): boolean =>
    isObject(view) &&
    isText(view['address']) &&
    isLookup(view['dcs']) &&
    isLookup(view['pdc']) &&
    (view['siteDcs'] === undefined || isLookup(view['siteDcs']));
  const isCandidate = (candidate: unknown): boolean =>
    isObject(candidate) &&
    isText(candidate['dnsName']) &&
    isText(candidate['address']) &&
    isListOf(candidate['resolvers'], isText) &&
    isOutcome(candidate['ping']);
  const isSite = clientSite === undefined || isText(clientSite);
  return isListOf(resolvers, isView) && isListOf(candidates, isCandidate) && isSite && isCount(leftOut);
}

function isListOf(value: unknown, isMember: (member: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isMember);
}

/** True for what may stand as an outcome; an agent that says anything else is not believed. */
export function isOutcome(value: unknown): value is Outcome {
  if (!isObject(value)) return false;
  const { because, port } = value;
  if (value['kind'] === 'failed')
    return isOneOf(failureCodes, value['code']) && typeof value['message'] === 'string' && (because === undefined || typeof because === 'string');
  if (value['kind'] !== 'observed' || !isOneOf(states, value['state']) || !isOneOf(reasons, value['reason'])) return false;
  const { service, target, local, at } = value;
  const served = service === undefined || (isObject(service) && isOneOf(serviceStatuses, service['status']) && isFacts(service['facts']));
  if (port !== undefined && !isCount(port)) return false;
  return served && typeof at === 'string' && !Number.isNaN(Date.parse(at)) && isEndpoint(target) && (local === undefined || isEndpoint(local));
}

function isEndpoint(value: unknown): boolean {
  return isObject(value) && typeof value['address'] === 'string' && isCount(value['port']);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isOneOf<T extends string>(words: readonly T[], value: unknown): value is T {
  return words.some((word) => word === value);
}
