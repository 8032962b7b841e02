/** Causes that no single check can see: read off all results of a source and destination together. Pure. */
import { diagnosePath } from './path-size.ts';
import type { Diagnosis, Result } from './report.ts';

/** Fewer silent checks than this are no pattern. */
const pattern = 3;

/** Names the causes that the results show together, in the order of the results. */
export function diagnose(results: Iterable<Result>): readonly Diagnosis[] {
  const pairs = new Map<string, Result[]>();
  for (const result of results) {
    const key = `${result.check.source}>${result.check.destination}`;
    const members = pairs.get(key) ?? [];
    pairs.set(key, members);
    if (result.outcome?.kind === 'observed' && result.expected.states.includes('open')) members.push(result);
  }
  const perPair = [...pairs.values()].flatMap((members) => diagnosePair(members));
  return [...silentDestinations([...pairs.values()]), ...perPair];
}

function diagnosePair(results: readonly Result[]): readonly Diagnosis[] {
  const [first] = results;
  if (first === undefined) return [];
  const { source, destination } = first.check;
  if (results.length >= pattern && results.every(isUnanswered)) return [{ code: 'nothing-answers', source, destination, checks: results.length }];
  const diagnoses: Diagnosis[] = [];
  const mapper = results.some((result) => result.check.probe === 'epm' && isIdentified(result));
  const dynamic = results.filter(({ check }) => check.probe === 'rpc' && typeof check.port === 'string');
  if (mapper && dynamic.length > 1 && dynamic.every(isUnanswered)) diagnoses.push({ code: 'dynamic-range-shut', source, destination });
  const udp = results.filter(({ check }) => check.transport === 'udp' && check.probe !== 'udp');
  const tcpPasses = results.some((result) => result.check.transport === 'tcp' && isIdentified(result));
  if (tcpPasses && udp.length >= pattern && udp.every(isUnanswered)) diagnoses.push({ code: 'udp-shut', source, destination });
  return [...diagnoses, ...diagnosePath(results)];
}

/** Destinations from which no source, of two or more, had anything. */
function silentDestinations(pairs: readonly (readonly Result[])[]): readonly Diagnosis[] {
  const destinations = new Map<string, (readonly Result[])[]>();
  for (const results of pairs) {
    const [first] = results;
    if (first === undefined) continue;
    destinations.set(first.check.destination, [...(destinations.get(first.check.destination) ?? []), results]);
  }
  return [...destinations]
    .filter(([, views]) => views.length > 1 && views.every((results) => results.length >= pattern && results.every(isUnanswered)))
    .map(([destination, views]) => ({ code: 'destination-silent', destination, sources: views.length }));
}

function isUnanswered({ outcome }: Result): boolean {
  return outcome?.kind === 'observed' && outcome.reason === 'no-response';
}

function isIdentified({ outcome }: Result): boolean {
  return outcome?.kind === 'observed' && outcome.service?.status === 'identified';
}
