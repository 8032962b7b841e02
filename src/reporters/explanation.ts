/** A rule explained to people: what is asked and why, what each answer would come to, and what to tell whoever keeps the firewall. */
import type { Observed, Reason, ServiceStatus, State } from '../../agent/contract/outcome.ts';
import { traitsOf, type Transport } from '../../agent/contract/probe.ts';
import { judge, type Question } from '../judge.ts';
import { type PortRange, portText } from '../port-range.ts';
import type { Subject } from '../subject.ts';
import type { Verdict } from '../verdict.ts';
import {
  askedSentence,
  byHand,
  circumstanceWords,
  correctionPhrases,
  firewallSentence,
  heldAgainst,
  type Place,
  purposeSentence,
  sightingWords,
  silenceSentence,
  wantedSentence,
} from './explanation-wording.ts';
import { findingSentence } from './finding-wording.ts';
import { type Glyphs, glyphs } from './glyphs.ts';
import { openings } from './openings/openings.ts';
import { type Passage, placeholders } from './openings/passage.ts';
import { ownersInShort } from './owner.ts';
import { labelled } from './paragraph.ts';
import type { Presentation } from './reporter.ts';
import { count } from './text.ts';
import { traceOf } from './trace.ts';
import { symptomPhrase, verdictWords } from './wording.ts';

/** Explains every subject, one paragraph each. */
export function* explanation(subjects: readonly Subject[], presentation: Presentation = {}): Generator<string, void> {
  const marks = glyphs(presentation);
  const width = Math.max(60, presentation.width ?? 120);
  for (const [index, subject] of subjects.entries()) {
    if (index > 0) yield '\n';
    for (const line of paragraph(subject, marks, width)) yield `${line}\n`;
  }
}

/** A label, and what stands beside it. */
export type Row = readonly [label: string, text: string];

function* paragraph(subject: Subject, marks: Glyphs, width: number): Generator<string, void> {
  const { matrix, rule, between } = subject;
  const name = `${matrix.name}/${rule.id} ${portsText(subject.ports)}${subject.interface === undefined ? '' : ` ${subject.interface}`}`;
  yield `${marks.strong(marks.show(name, 200))}  ${marks.show(rule.traffic, 200)}`;
  const who =
    between === undefined
      ? `a ${matrix.from.join(' or ')} asks ${rule.to?.name ?? `a ${matrix.to}`}`
      : `${between.source} asks ${between.destination}`;
  const rows: readonly Row[] = [
    ['who', `${who}${rule.direction === 'both' ? ', and the other way round' : ''} (${matrix.title})`],
    ['asked', askedSentence(rule.probe)],
    ['leaves', `${traceOf(rule.probe)} (in logs, where it is asked)`],
    ...(rule.after.length === 0 ? [] : [['after', rule.after.join(', ')] as const]),
    ['why', purposeSentence(rule)],
    ['breaks', rule.symptoms.map((code) => symptomPhrase(code)).join(', ')],
    ['wanted', wantedSentence(rule)],
    ['judged', heldAgainst(rule.probe)],
    ...answerRows(subject),
    ['silence', traitsOf(rule.probe).identifies || rule.probe === 'udp' ? silenceSentence(rule.probe) : ''],
    ...sourceRows(subject),
    ['ask for', firewallText(subject)],
  ];
  yield* rowLines(rows, marks, width);
  yield* openingLines(subject, { name: `${matrix.name}/${rule.id}`, ...placeholders, ports: subject.ports }, marks, width);
  yield* handLines(subject, { host: between?.destination ?? rule.to?.name ?? 'HOST', domain: 'corp.example.com' }, marks);
}

/** The rows that say something. */
export function* rowLines(rows: readonly Row[], marks: Glyphs, width: number): Generator<string, void> {
  for (const [label, text] of rows) if (text !== '') yield* labelled(label, marks.show(text, 900), marks, width);
}

/** The rules that open the passage, each command on one line, since it is there to be copied; nothing where the rule opens nothing. */
export function* openingLines({ rule }: Pick<Subject, 'rule'>, passage: Passage, marks: Glyphs, width: number): Generator<string, void> {
  if (!rule.expect.includes('open')) return;
  if (rule.to !== undefined) {
    yield* labelled('opens', 'Addresses of a name come and go: allow it by its name, on the proxy or in a firewall that knows names.', marks, width);
    return;
  }
  for (const [index, { where, commands }] of openings(passage).entries()) {
    yield* labelled(index === 0 ? 'opens' : '', marks.show(where, 900), marks, width);
    for (const command of commands) yield* labelled('', marks.show(command, 2_000), marks, Infinity);
  }
  if (rule.direction === 'both') yield* labelled('', 'And the same with source and destination exchanged.', marks, width);
}

/** How to ask by hand, each command on one line. */
export function* handLines(subject: Subject, where: Pick<Place, 'host' | 'domain'>, marks: Glyphs): Generator<string, void> {
  for (const [label, text] of handRows(subject, where)) yield* labelled(label, marks.show(text, 900), marks, Infinity);
}

/** The ranges as rules write them. */
export function portsText(ports: readonly PortRange[]): string {
  return ports.map(portText).join(', ');
}

/** What could come back over a transport: evidence as an agent reports it. */
function* sightings({ rule }: Subject, transport: Transport): Generator<Observed, void> {
  const { identifies } = traitsOf(rule.probe);
  const seen = (state: State, reason: Reason, status?: ServiceStatus): Observed => ({
    kind: 'observed',
    state,
    reason,
    ...(status !== undefined && { service: { status, facts: {} } }),
    target: { address: '', port: 0 },
    at: '',
  });
  const [answered, refused] = transport === 'tcp' ? (['syn-ack', 'conn-refused'] as const) : (['udp-response', 'port-unreach'] as const);
  yield seen('open', answered, identifies ? 'identified' : undefined);
  if (identifies) yield seen('open', answered, 'malformed');
  if (rule.probe === 'rpc') yield seen('open', answered, 'absent');
  if (identifies && transport === 'tcp') yield seen('open', answered, 'silent');
  if (rule.probe === 'ldaps') yield seen('open', answered, 'tls-failed');
  yield seen('closed', refused);
  yield transport === 'tcp' ? seen('filtered', 'no-response') : seen('open|filtered', 'no-response');
  yield seen('filtered', 'admin-prohibited');
  yield seen('filtered', 'host-unreach');
}

/** The verdict on everything that could come back, from the table that judges runs. */
function answerRows(subject: Subject): readonly Row[] {
  const transports = [...new Set(subject.ports.map(({ transport }) => transport))];
  return transports.flatMap((transport, index) => [
    ...(transports.length > 1 ? [[index === 0 ? 'answers' : '', `over ${transport.toUpperCase()}:`] as const] : []),
    ...[...sightings(subject, transport)].map((outcome, row): Row => {
      const label = row === 0 && transports.length === 1 ? 'answers' : '';
      return [label, `${sightingWords(outcome, traitsOf(subject.rule.probe).identifies)}: ${verdictText(subject, transport, outcome)}`];
    }),
  ]);
}

/** What one sighting comes to; where platform or control decide, for each. */
function verdictText({ rule }: Subject, transport: Transport, outcome: Observed): string {
  const platform = traitsOf(rule.probe).seenOn[0];
  const usual: Question = {
    expect: rule.expect,
    requirement: rule.requirement,
    probe: rule.probe,
    transport,
    interface: rule.interfaces[0],
    platform,
    outcome,
    assessed: [],
    control: true,
    attempts: 1,
    byName: rule.to !== undefined,
  };
  const verdicts = [
    ['usual', judge(usual)],
    ['unseen', judge({ ...usual, platform: undefined })],
    [usual.byName === true ? 'unwitnessed' : 'alone', judge({ ...usual, control: false })],
  ] as const;
  const [[, first]] = verdicts;
  const others = verdicts.filter(([, verdict]) => textOf(verdict, transport) !== textOf(first, transport));
  return [
    textOf(first, transport),
    ...others.map(([circumstance, verdict]) => `${circumstanceWords[circumstance]}: ${textOf(verdict, transport)}`),
  ].join(' But ');
}

function textOf({ status, finding }: Verdict, transport: Transport): string {
  const word = verdictWords[status];
  return finding === undefined ? `${word}.` : `${word} ${finding.code}. ${findingSentence(finding, transport)} (Ask: ${ownersInShort(finding)}.)`;
}

/** Where the rule is published, and in what it differs. */
export function sourceRows({ matrix, rule, published }: Subject): readonly Row[] {
  const differences = matrix.asPublished ? [] : correctionPhrases(rule, published, ({ ports }) => portsText(ports));
  const where = rule.row === undefined ? rule.source : `row ${rule.row} of ${rule.source}`;
  return [
    ['source', where],
    ...(differences.length === 0 ? [] : [['row', `published with ${differences.join('; ')}`] as const]),
    ['note', rule.note ?? ''],
  ];
}

function firewallText({ matrix, rule, ports, between }: Subject): string {
  const { source, destination } = between ?? { source: matrix.from.join(' or '), destination: rule.to?.name ?? matrix.to ?? 'names' };
  return firewallSentence(rule, portsText(ports), source, destination);
}

/** The commands of each transport; of many ports the first one stands for all. */
function handRows({ rule, ports }: Subject, where: Pick<Place, 'host' | 'domain'>): readonly Row[] {
  const transports = Map.groupBy(ports, ({ transport }) => transport);
  const lines = [...transports].flatMap(([transport, [range]]) =>
    range === undefined ? [] : byHand(rule.probe, { ...where, port: `${range.first}`, transport }),
  );
  const seen = new Set<string>();
  const distinct = lines.filter(([, command]) => !seen.has(command) && seen.add(command));
  const more = ports.some(({ first, last }) => first < last) && rule.probe !== 'rpc' ? [['', `(the first of ${portsCount(ports)})`] as const] : [];
  return [...distinct.map(([system, command], index): Row => [index === 0 ? 'by hand' : '', `${system}: ${command}`]), ...more];
}

function portsCount(ports: readonly PortRange[]): string {
  return count(
    ports.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    'port',
  );
}
