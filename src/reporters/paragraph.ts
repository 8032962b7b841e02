/** One group of results as a paragraph: what, where, since when, and what to do. */
import type { RuleRecord } from '../report.ts';
import { advice, type Flow } from './advice-wording.ts';
import { bracketed, flowOf, isEndpoint, heardText, notesBeside, originOf, type Sighting, sightingOf, symptomPhrases, wayText } from './evidence.ts';
import { findingSentence } from './finding-wording.ts';
import type { Glyphs } from './glyphs.ts';
import { type Group, type RuleTargets } from './groups.ts';
import { count, list, wrap } from './text.ts';
import { noteSentence, verdictWords } from './wording.ts';

/** The paragraph, line by line. `rules` finds what the report knows of a rule, by matrix and id. */
export function* paragraph(
  group: Group,
  rules: (matrix: string, rule: string) => RuleRecord | undefined,
  glyphs: Glyphs,
  width: number,
): Generator<string, void> {
  const code = group.finding?.code ?? 'no finding';
  const mark = glyphs.paint(group.status, `${glyphs.marks[group.status]} ${verdictWords[group.status]} ${code}`);
  const [sample] = group.samples;
  const single = group.count === 1 && sample !== undefined;
  yield `${mark}  ${glyphs.strong(single ? glyphs.show(sample.check.id, 200) : subject(group, glyphs))}`;
  if (!single) {
    const [only, ...others] = group.rules.values();
    if (only !== undefined && others.length > 0) yield* labelled('ports', glyphs.show(rulesText(group), 600), glyphs, width);
    yield* labelled('where', glyphs.show(pairsText(group), 600), glyphs, width);
  }
  for (const line of wrap(glyphs.show(group.sentence ?? 'Each check has its own words:', 900), width - 4)) yield `    ${line}`;
  for (const sentence of group.also) yield* labelled('also', glyphs.show(sentence, 600), glyphs, width);
  for (const note of notesBeside(group.finding, group.notes)) yield* labelled('note', glyphs.show(noteSentence(note), 600), glyphs, width);
  yield* evidence(group, glyphs, width);
  const broken = symptoms(group, rules);
  if (broken.length > 0) yield* labelled(group.status === 'fail' ? 'breaks' : 'at risk', glyphs.show(broken.join(', ')), glyphs, width);
  if (group.finding !== undefined) yield* labelled('do', glyphs.show(advice(group.finding, groupFlow(group)), 900), glyphs, width);
}

/** Lines that stand beside a label. */
export function* labelled(label: string, text: string, glyphs: Glyphs, width: number): Generator<string, void> {
  const [first = '', ...rest] = wrap(text, width - 12);
  yield `    ${glyphs.faint(label.padEnd(7))} ${first}`.trimEnd();
  for (const line of rest) yield `${' '.repeat(12)}${line}`;
}

/** The first few results, packet by packet, under the day on which they were seen. */
function* evidence(group: Group, glyphs: Glyphs, width: number): Generator<string, void> {
  const sightings = group.samples.map((result) => ({ result, sighting: sightingOf(result) }));
  const locals = widest(sightings.map(({ sighting }) => sighting?.local));
  const targets = widest(sightings.map(({ sighting }) => sighting?.target));
  let day: string | undefined;
  for (const { result, sighting } of sightings) {
    if (sighting !== undefined && sighting.date !== day) yield* labelled('seen', glyphs.show(`${sighting.date} UTC`, 40), glyphs, width);
    day = sighting?.date ?? day;
    if (sighting !== undefined) yield* sightingLines(sighting, locals, targets, glyphs, width);
    const way = wayText(result);
    if (way !== '') yield* labelled('way', glyphs.show(way, 500), glyphs, width);
    const heard = heardText(result);
    if (heard !== '') yield* labelled('heard', glyphs.show(heard, 500), glyphs, width);
    const { check, verdict } = result;
    if (group.sentence !== undefined || verdict.finding === undefined) continue;
    yield* labelled(
      '',
      glyphs.show(`${check.source} → ${check.destination}: ${findingSentence(verdict.finding, check.transport)}`, 600),
      glyphs,
      width,
    );
  }
  if (day !== undefined && group.count > group.samples.length)
    yield* labelled('', `and ${group.count - group.samples.length} more, each in report.json`, glyphs, width);
}

function* sightingLines(
  { time, local, target, seen, effort }: Sighting,
  locals: number,
  targets: number,
  glyphs: Glyphs,
  width: number,
): Generator<string, void> {
  const flow = glyphs.show(`${time}  ${local.padEnd(locals)} → ${target.padEnd(targets)}`, 300);
  const end = glyphs.show(`${seen}  ${effort}`, 120);
  const indent = ' '.repeat(12);
  if (indent.length + flow.length + 2 + end.length <= width) yield `${indent}${flow}  ${end}`;
  else yield* [`${indent}${flow}`.trimEnd(), `${indent}${' '.repeat(time.length + 2)}${end}`];
}

function widest(texts: readonly (string | undefined)[]): number {
  return Math.min(
    60,
    texts.reduce((most, text) => Math.max(most, text?.length ?? 0), 0),
  );
}

function subject(group: Group, glyphs: Glyphs): string {
  const [only, ...others] = group.rules.values();
  const checks = count(group.count, 'check');
  if (only === undefined || others.length > 0) return checks;
  return glyphs.show(`${only.matrix}/${only.rule} ${portsText(only)}  (${checks})`, 200);
}

function rulesText(group: Group): string {
  const matrices = Map.groupBy(group.rules.values(), ({ matrix }) => matrix);
  return [...matrices]
    .map(([matrix, targets]) => {
      const rules = targets.map((target) => `${target.rule} ${portsText(target)}`);
      return `${matrix}: ${list(rules, 24)}`;
    })
    .join('; ');
}

function portsText(targets: RuleTargets): string {
  const checks = [...targets.ports.values()];
  const ports = Map.groupBy(checks, ({ port, transport }) => `${port}/${transport}`);
  const numbers = checks.map(({ port }) => port).filter((port) => typeof port === 'number');
  const [first] = checks;
  // A range that was asked port by port reads as a range again.
  if (first !== undefined && numbers.length === ports.size && numbers.length > 3) return `${list(ranges(numbers), 6)}/${first.transport}`;
  const labels = [...ports].map(([port, members]) => {
    const interfaces = members.map((member) => member.interface).filter((name) => name !== undefined);
    return interfaces.length === 0 ? port : `${port} (${interfaces.join(', ')})`;
  });
  return list(labels, 6);
}

function ranges(numbers: readonly number[]): string[] {
  const runs: [number, number][] = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] + 1 === number) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`));
}

function pairsText(group: Group): string {
  const sets = Map.groupBy(group.pairs, ([, destinations]) => JSON.stringify([...destinations].toSorted()));
  const lines = [...sets.values()].map((members) => {
    const [, destinations = new Set<string>()] = members[0] ?? [];
    return `${names(members.map(([source]) => source))} → ${names([...destinations])}`;
  });
  return list(lines, 4);
}

function names(hosts: readonly string[]): string {
  const text = list(hosts, 6);
  return hosts.length > 7 ? `${text} (${hosts.length})` : text;
}

function symptoms(group: Group, rules: (matrix: string, rule: string) => RuleRecord | undefined): string[] {
  return group.forbidden || group.status === 'error' ? [] : symptomPhrases([...group.rules.values()].map(({ matrix, rule }) => rules(matrix, rule)));
}

function groupFlow(group: Group): Flow {
  const [sample] = group.samples;
  if (group.count === 1 && sample !== undefined) return flowOf(sample);
  const addressOf = (host: string): string => group.addresses.get(host) ?? host;
  const destinations = [...new Set([...group.pairs.values()].flatMap((some) => Array.from(some)))];
  const sources = [...group.pairs.keys()].map(addressOf);
  const addresses = destinations.map(addressOf);
  const ports = [...new Set([...group.rules.values()].map((targets) => portsText(targets).replace(/ \([^)]*\)/g, '')))];
  const [only = ''] = addresses;
  return {
    source: among(sources, 'sources'),
    origin: among(sources.map(originOf), 'sources'),
    destination: among(destinations, 'destinations'),
    target:
      addresses.length === 1 && ports.length === 1
        ? `${bracketed(only)}:${ports[0]}`
        : `${among(addresses, 'destinations')} on ${ports.length > 6 ? 'these ports' : ports.join(', ')}`,
    forbidden: group.forbidden,
    endpoint: sample !== undefined && isEndpoint(sample.check),
  };
}

function among(hosts: readonly string[], noun: string): string {
  return hosts.length > 4 ? `these ${hosts.length} ${noun}` : hosts.join(', ');
}
