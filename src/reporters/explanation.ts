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
  purposeSentence,
  sightingWords,
  silenceSentence,
  wantedSentence,
} from './explanation-wording.ts';
import { type Glyphs, glyphs } from './glyphs.ts';
import { labelled } from './paragraph.ts';
import type { Presentation } from './reporter.ts';
import { count } from './text.ts';
import { findingSentence, symptomPhrase, verdictWords } from './wording.ts';

/** Explains every subject, one paragraph each. */
export function* explanation(subjects: readonly Subject[], presentation: Presentation = {}): Generator<string, void> {
  const marks = glyphs(presentation);
  const width = Math.max(60, presentation.width ?? 120);
  for (const [index, subject] of subjects.entries()) {
    if (index > 0) yield '\n';
    for (const line of paragraph(subject, marks, width)) yield `${line}\n`;
  }
}

type Row = readonly [label: string, text: string];

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
  for (const [label, text] of rows) if (text !== '') yield* labelled(label, marks.show(text, 900), marks, width);
  // Never wrapped: a command is there to be copied.
  for (const [label, text] of handRows(subject)) yield* labelled(label, marks.show(text, 900), marks, Infinity);
}

function portsText(ports: readonly PortRange[]): string {
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
  };
  const verdicts = [
    ['usual', judge(usual)],
    ['unseen', judge({ ...usual, platform: undefined })],
    ['alone', judge({ ...usual, control: false })],
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
  return finding === undefined ? `${word}.` : `${word} ${finding.code}. ${findingSentence(finding, transport)}`;
}

function sourceRows({ matrix, rule, published }: Subject): readonly Row[] {
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
function handRows({ rule, ports, between }: Subject): readonly Row[] {
  const host = between?.destination ?? 'HOST';
  const transports = Map.groupBy(ports, ({ transport }) => transport);
  const lines = [...transports].flatMap(([transport, [range]]) =>
    range === undefined ? [] : byHand(rule.probe, { host, domain: 'corp.example.com', port: `${range.first}`, transport }),
  );
  const seen = new Set<string>();
  const distinct = lines.filter(([, command]) => !seen.has(command) && seen.add(command));
  const more = ports.some(({ first, last }) => first < last) && rule.probe !== 'rpc' ? [['', `(the first of ${portsCount(ports)})`] as const] : [];
  return [...distinct.map(([where, command], index): Row => [index === 0 ? 'by hand' : '', `${where}: ${command}`]), ...more];
}

function portsCount(ports: readonly PortRange[]): string {
  return count(
    ports.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    'port',
  );
}
