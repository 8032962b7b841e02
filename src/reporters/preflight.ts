/** A preflight's conclusion as text for people: the word first, then what it rests on. */
import type { Conclusion, DcConclusion, ResolverConclusion } from '../preflight/conclusion.ts';
import type { VerdictStatus } from '../verdict.ts';
import type { Glyphs } from './glyphs.ts';
import {
  aimWords,
  decisionWords,
  endpointWords,
  locatorSentence,
  obstacleWords,
  predictionSentence,
  skippedSentence,
  wayWords,
} from './preflight-wording.ts';
import { count, list, wrap } from './text.ts';

const colours = { go: 'pass', 'go-with-warnings': 'warn', 'no-go': 'fail', undecided: 'inconclusive' } as const satisfies Readonly<
  Record<Conclusion['decision'], VerdictStatus>
>;

/** The conclusion, line by line. */
export function* conclusionLines(conclusion: Conclusion, marks: Glyphs, width: number): Generator<string, void> {
  const { decision, predictions, lost } = conclusion;
  yield `${marks.strong(marks.paint(colours[decision], decisionWords(conclusion)))}  for ${marks.show(aimWords(conclusion), 300)}`;
  const rows: [string, string][] = [
    ...(lost === undefined ? [] : [row('', `Nobody could look: ${lost}.`)]),
    ...predictions.map((prediction) => row('', predictionSentence(prediction, conclusion))),
    ...conclusion.resolvers.map((resolver, index) => row(index === 0 ? 'DNS' : '', resolverWords(resolver))),
    ...trustedRows(conclusion.trusted),
    ...endpointRows(conclusion.endpoints),
    ...(conclusion.clientSite === undefined || conclusion.clientSite === '' ? [] : [row('site', conclusion.clientSite)]),
    ...conclusion.dcs.flatMap((dc, index) => dcRows(dc, index === 0 ? 'DCs' : '')),
    ...conclusion.far.slice(0, mostFar).map((dc, index) => row(index === 0 ? 'far' : '', farWords(dc))),
    ...(conclusion.far.length > mostFar ? [row('', `and ${count(conclusion.far.length - mostFar, 'more DC')}, each in report.json`)] : []),
    ...conclusion.skipped.map((skipped, index) => row(index === 0 ? 'skipped' : '', skippedSentence(skipped))),
    ...conclusion.findings.map((finding, index) => row(index === 0 ? 'note' : '', locatorSentence(finding))),
    ...conclusion.warnings.map(({ rule, port, finding, hosts }, index) =>
      row(index === 0 ? 'warn' : '', `${port} ${rule} ${finding} on ${list(hosts, 4)}`),
    ),
  ];
  for (const [label, text] of rows) {
    const [first = '', ...rest] = wrap(marks.show(text, 900), width - 12);
    yield `  ${marks.faint(label.padEnd(8))} ${first}`.trimEnd();
    for (const line of rest) yield `${' '.repeat(11)}${line}`;
  }
}

/** DCs elsewhere that are named. */
const mostFar = 6;

/** Obstacles of one DC that are named: the rest follows from them, or stands in the table. */
const mostObstacles = 4;

function row(label: string, text: string): [string, string] {
  return [label, text];
}

function resolverWords({ address, state, rcode, dcs }: ResolverConclusion): string {
  switch (state) {
    case 'answered':
      return `${address} names ${count(dcs, 'DC')}${rcode === 'NOERROR' ? '' : ` (${rcode})`}`;
    case 'silent':
      return `${address} does not answer`;
    case 'refused':
      return `${address} refuses`;
    case 'not-asked':
      return `${address} could not be asked`;
    default:
      return state satisfies never;
  }
}

function trustedRows(trusted: Conclusion['trusted']): [string, string][] {
  if (trusted === undefined) return [];
  const { domain, resolvers, wayBack } = trusted;
  return [
    ...resolvers.map((resolver, index) => row(index === 0 ? 'there' : '', `${resolverWords(resolver)} of ${domain}`)),
    ...wayBack.map((resolver, index) => row(index === 0 ? 'back' : '', `${resolverWords(resolver)} of this domain`)),
  ];
}

function endpointRows(endpoints: Conclusion['endpoints']): [string, string][] {
  if (endpoints === undefined) return [];
  const { list: all } = endpoints;
  const ready = all.filter(({ state }) => state === 'ready').length;
  const told = all.filter(({ state, finding }) => state !== 'ready' || finding !== undefined);
  return [
    ...[wayWords(endpoints)].filter((words) => words !== '').map((words) => row('way', words)),
    row('ready', `${ready} of ${count(all.length, 'endpoint')}`),
    ...told.map((endpoint) => row('', endpointWords(endpoint))),
  ];
}

function dcRows(dc: DcConclusion, label: string): [string, string][] {
  const words = { ready: 'ready', 'not-ready': 'not ready', undecided: 'undecided' } as const;
  const obstacles = list(obstacleWords([...dc.failed, ...dc.undecided]), mostObstacles);
  const state = `${words[dc.state]}${dc.readOnly ? ', but read-only' : ''}${obstacles === '' ? '' : `: ${obstacles}`}`;
  const clocks = Object.entries(dc.clocks).map(
    ([protocol, offsetMs]) => `${protocol} ${offsetMs > -50 ? '+' : '-'}${(Math.abs(offsetMs) / 1_000).toFixed(1)} s`,
  );
  return [row(label, `${dc.name} ${dc.address}  ${state}`), ...(clocks.length > 0 ? [row('', `  clocks: ${clocks.join(', ')}`)] : [])];
}

function farWords({ name, address, site, answered }: Conclusion['far'][number]): string {
  return `${name} ${address}${site === undefined ? '' : ` (site ${site})`}  ${answered ? 'answers' : 'does not answer'} the LDAP ping; not asked further`;
}
