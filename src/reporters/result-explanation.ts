/** One result of a report explained to people: what was asked between which addresses, what was seen, what that means, whom to ask, and the rules that open it. */
import { isHostAddress } from '../address.ts';
import type { ReportedSubject } from '../reported-subject.ts';
import { advice, asksForFlow } from './advice-wording.ts';
import { bracketed, flowOf, heardText, isEndpoint, notesBeside, sightingOf, sightingText, wayText } from './evidence.ts';
import { handLines, openingLines, portsText, type Row, rowLines, sourceRows } from './explanation.ts';
import {
  askedSentence,
  firewallSentence,
  flowText,
  heldAgainst,
  purposeSentence,
  repliesSentence,
  silenceSentence,
  wantedSentence,
} from './explanation-wording.ts';
import { findingSentence } from './finding-wording.ts';
import { type Glyphs, glyphs } from './glyphs.ts';
import { placeholders } from './openings/passage.ts';
import { ownersText } from './owner.ts';
import type { Presentation } from './reporter.ts';
import { traceOf } from './trace.ts';
import { noteSentence, symptomPhrase, verdictWords } from './wording.ts';

/** Explains one result. */
export function* resultExplanation(reported: ReportedSubject, presentation: Presentation = {}): Generator<string, void> {
  const marks = glyphs(presentation);
  const width = Math.max(60, presentation.width ?? 120);
  for (const line of lines(reported, marks, width)) yield `${line}\n`;
}

function* lines(reported: ReportedSubject, marks: Glyphs, width: number): Generator<string, void> {
  const { subject, result, source, destination, domain = 'corp.example.com', system } = reported;
  const { matrix, rule, ports } = subject;
  const { check, verdict } = result;
  yield `${marks.strong(marks.show(check.id, 400))}  ${marks.show(rule.traffic, 200)}`;
  const who = `${named(check.source, source)} asks ${named(check.destination, destination)} for ${portsText(ports)}`;
  yield* rowLines([['who', `${who} (${matrix.title})`], ...seenRows(result)], marks, width);
  yield* rowLines([['verdict', verdictText(result)]], marks, width);
  const { finding, also = [], notes = [] } = verdict;
  const said: readonly Row[] = [
    ...also.map((one): Row => ['also', findingSentence(one, check.transport)]),
    ...notesBeside(finding, notes).map((note): Row => ['note', noteSentence(note)]),
    ...(finding === undefined ? [] : [['whom', ownersText(finding)] as const, ['do', advice(finding, flowIn(reported))] as const]),
  ];
  const about: readonly Row[] = [
    ['asked', askedSentence(rule.probe)],
    ['leaves', `${traceOf(rule.probe)} (in logs, on ${destination})`],
    ['why', purposeSentence(rule)],
    ['breaks', rule.symptoms.map((code) => symptomPhrase(code)).join(', ')],
    ['wanted', wantedSentence(rule)],
    ['judged', heldAgainst(rule.probe)],
    ['silence', silenceSentence(rule.probe)],
    ...sourceRows(subject),
    askRow(reported),
  ];
  yield* rowLines([...said, ...about], marks, width);
  const passage = {
    name: `${word(matrix.name)}/${word(rule.id)}`,
    source: isHostAddress(source) ? source : placeholders.source,
    destination: isHostAddress(destination) ? destination : placeholders.destination,
    ports,
    ...(system !== undefined && { system }),
  };
  // A result has one direction.
  yield* openingLines({ rule: { ...rule, direction: 'forward' } }, passage, marks, width);
  yield* handLines(subject, { host: destination, domain }, marks);
}

/** What to ask of whoever keeps the firewall, as far as the advice has not said it of the same flow. */
function askRow(reported: ReportedSubject): Row {
  const { subject, result, source, destination } = reported;
  const { finding } = result.verdict;
  // A result has one direction.
  const rule = { ...subject.rule, direction: 'forward' } as const;
  const ports = portsText(subject.ports);
  const { origin, target, forbidden } = flowIn(reported);
  const isSaid = finding !== undefined && asksForFlow(finding, { forbidden }) && `${origin} → ${target}` === flowText(ports, source, destination);
  if (!isSaid) return ['ask for', firewallSentence(rule, ports, source, destination)];
  return ['replies', forbidden ? '' : repliesSentence];
}

function seenRows(result: ReportedSubject['result']): readonly Row[] {
  const sighting = sightingOf(result);
  return [
    ['seen', sighting === undefined ? 'nothing: it was not asked' : sightingText(sighting)],
    ['way', wayText(result)],
    ['heard', heardText(result)],
  ];
}

function verdictText({ check, verdict: { status, finding } }: ReportedSubject['result']): string {
  const mark = verdictWords[status];
  return finding === undefined ? `${mark}: as the rule wants.` : `${mark} ${finding.code}. ${findingSentence(finding, check.transport)}`;
}

/** The flow of the advice; where nothing was dialled, with the addresses that the report has from elsewhere. */
function flowIn({ result, source, destination }: ReportedSubject): ReturnType<typeof flowOf> {
  const flow = flowOf(result);
  return {
    ...flow,
    source,
    origin: `${bracketed(source)}:*`,
    destination: isEndpoint(result.check) ? destination : named(result.check.destination, destination),
  };
}

function named(name: string, address: string): string {
  return name === address ? name : `${name} (${address})`;
}

/** A name that means nothing to a shell, whatever the report holds. */
function word(name: string): string {
  return /^[a-z0-9-]+$/.test(name) ? name : 'rule';
}
