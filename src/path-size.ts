/** What the path between two hosts does to large packets, read off all checks with a size together. Pure. */
import type { Size, Transport } from '../agent/contract/probe.ts';
import type { Load, PathDiagnosis, Result, Way } from './report.ts';

/** What an Ethernet carries in one packet, and what IP and UDP take of it. */
const ethernet = 1_500;
const headers = { ipv4: 28, ipv6: 48 } as const;

/** One check with a size. `whole`: it travels as one datagram, which Linux forbids routers to cut up. `learned`: the path said that it is too big. */
interface Sent {
  readonly of: Size['of'];
  readonly transport: Transport;
  readonly bytes: number;
  readonly whole: boolean;
  readonly passed: boolean;
  readonly learned: boolean;
  readonly unproven: boolean;
}

/** Of packets of one kind the largest that passed, and the smallest that did not. */
interface Limit {
  readonly passed?: number;
  readonly lost?: number;
}

/** What is wrong one way, or undefined where nothing is, or nothing can be told. */
type Cause = Exclude<PathDiagnosis, { readonly code: 'mtu-learned' }>;

/**
 * Names what the path from one source to one destination does to large packets (`results`: all of that pair), each cause once:
 *
 * - One datagram is lost, and one that was cut up at the source passes: a link carries less, and nothing says so. Only the first may not be cut up again.
 * - The other way round: fragments are dropped.
 * - A long TCP exchange stalls: the same link, for TCP. If it passes where datagrams are lost, TCP's segments are kept small, as by a clamped MSS.
 *
 * A size at which one service was answered and another was not is no matter of the path.
 */
export function diagnosePath(results: readonly Result[]): readonly PathDiagnosis[] {
  const [first] = results;
  if (first === undefined) return [];
  const pair = { source: first.check.source, destination: first.check.destination };
  const told = results.flatMap((result) => sentOf(result));
  // Once the path has told one datagram, the system cuts up all that are as large, without a word.
  const known = Math.min(...told.filter(({ learned }) => learned).map(({ bytes }) => bytes));
  const sent = told.map((one): Sent => ({ ...one, whole: one.whole && one.bytes < known }));
  const there = causeOf(
    pair,
    'there',
    sent.filter(({ of }) => of === 'request'),
  );
  const back = causeOf(
    pair,
    'back',
    sent.filter(({ of }) => of === 'reply'),
  );
  if (there !== undefined && back !== undefined && 'way' in there && there.code === back.code) return [{ ...there, way: 'both' }];
  return [there ?? (known < Infinity ? learnedOf(pair, sent) : undefined), back].filter((cause) => cause !== undefined);
}

function sentOf({ check, outcome, verdict }: Result): readonly Sent[] {
  const { size, transport, address } = check;
  if (size === undefined || outcome?.kind !== 'observed') return [];
  const { answerBytes, fragmentationNeeded } = outcome.service?.facts ?? {};
  const passed = outcome.service?.status === 'identified';
  const bytes = passed && size.of === 'reply' ? (answerBytes ?? 0) : size.bytes;
  const lost = verdict.finding?.code === 'size-lost' ? verdict.finding : undefined;
  // What came back short, or was refused, says nothing of sizes.
  if (passed ? bytes < size.bytes : lost === undefined) return [];
  const room = ethernet - (address.includes(':') ? headers.ipv6 : headers.ipv4);
  const learned = fragmentationNeeded !== undefined;
  // How long an answer would have been is not known; those that are asked for have more than one packet.
  const whole = transport === 'udp' && size.of === 'request' && bytes <= room && !learned;
  return [{ of: size.of, transport, bytes, whole, passed, learned, unproven: lost?.unproven === true }];
}

function causeOf(pair: Pick<Cause, 'source' | 'destination'>, way: Exclude<Way, 'both'>, sent: readonly Sent[]): Cause | undefined {
  const udp = sent.filter(({ transport }) => transport === 'udp');
  const datagrams = limitOf(udp.filter(({ whole }) => whole));
  const fragments = limitOf(udp.filter(({ whole }) => !whole));
  const stream = limitOf(sent.filter(({ transport, passed, bytes }) => transport === 'tcp' && (!passed || bytes > ethernet)));
  const lost = sent.filter(({ passed }) => !passed);
  const about = { ...pair, ...(lost.every(({ unproven }) => unproven) && { unproven: true as const }) };
  const whole = datagrams.passed === undefined ? {} : { passed: load('udp', datagrams.passed) };

  if (datagrams.lost !== undefined) {
    const first = { ...about, lost: load('udp', datagrams.lost), ...whole };
    if (stream.lost !== undefined) return { code: 'black-hole', ...first, way };
    if (stream.passed !== undefined)
      return { code: fragments.passed === undefined ? 'datagrams-limited' : 'mss-clamped', ...first, tcp: stream.passed };
    return fragments.passed === undefined ? undefined : { code: 'black-hole', ...first, way };
  }
  if (stream.lost !== undefined) return { code: 'black-hole', ...about, lost: load('tcp', stream.lost), ...whole, way };
  if (fragments.lost === undefined || (datagrams.passed === undefined && stream.passed === undefined)) return undefined;
  return { code: 'fragments-dropped', ...about, lost: load('udp', fragments.lost), ...whole, way };
}

/** The path said how much it carries: what was cut up to that passed. */
function learnedOf(pair: Pick<Cause, 'source' | 'destination'>, sent: readonly Sent[]): PathDiagnosis | undefined {
  const passed = sent.filter((one) => one.transport === 'udp' && one.of === 'request' && one.passed && !one.whole).map(({ bytes }) => bytes);
  return passed.length === 0 ? undefined : { code: 'mtu-learned', ...pair, passed: load('udp', Math.max(...passed)) };
}

function limitOf(sent: readonly Sent[]): Limit {
  const passed = Math.max(...sent.filter((one) => one.passed).map(({ bytes }) => bytes));
  const lost = Math.min(...sent.filter((one) => !one.passed).map(({ bytes }) => bytes));
  return { ...(passed > -Infinity && { passed }), ...(lost < Infinity && lost > passed && { lost }) };
}

function load(transport: Transport, bytes: number): Load {
  return { transport, bytes };
}
