/** What a look at managed nodes found, as text for people: a line for each node, the next step below each problem. */
import { type Examination, type ExaminedNode, type NodeState, stateOf } from '../doctor/examination.ts';
import type { Problem } from '../doctor/problem.ts';
import type { VerdictStatus } from '../verdict.ts';
import { glyphs, type Glyphs } from './glyphs.ts';
import type { Presentation } from './reporter.ts';
import { count, list, wrap } from './text.ts';

const verdicts = { ready: 'pass', blocked: 'fail', unknown: 'inconclusive' } as const satisfies Readonly<Record<NodeState, VerdictStatus>>;
const weights = { blocks: 'fail', unknown: 'inconclusive', note: 'warn' } as const satisfies Readonly<Record<Problem['weight'], VerdictStatus>>;

/** The text, line by line. */
export function* examinationLines(examination: Examination, presentation: Presentation): Generator<string, void> {
  const marks = glyphs(presentation);
  const width = presentation.width ?? 120;
  const { places, nodes, emulated } = examination;
  if (emulated === true) yield 'Emulated: AWS_ENDPOINT_URL leads to a host that is not of AWS, and nothing here is about real nodes.';
  for (const { region, account, document, problems } of places) {
    const where = account === undefined ? region : `${account}/${region}`;
    const hash = document?.hash === undefined ? '' : `, ${document.hash.slice(0, 12)}…`;
    const contract = document?.contract === undefined ? '' : `, contract ${document.contract}`;
    yield (
      marks.strong(marks.show(where)) + marks.show(document === undefined ? '' : `  ${document.name} version ${document.version}${contract}${hash}`)
    );
    yield* problemLines(problems, marks, width);
  }
  const rows = nodes.map((node) => columnsOf(node, stateOf(node, places)));
  const heads = ['node', 'id', 'system', 'SSM agent', 'ping', 'session', ''];
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => marks.show(row[column] ?? '', 40).length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => marks.show(cell, 40).padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  if (rows.length > 0) yield `  ${marks.faint(line(heads))}`;
  for (const [index, node] of nodes.entries()) {
    const state = verdicts[stateOf(node, places)];
    yield `${marks.paint(state, marks.marks[state])} ${line(rows[index] ?? [])}`;
    yield* problemLines(node.problems, marks, width);
  }
  yield* summary(examination, marks, width);
}

function columnsOf(
  { host, instance, platform, platformVersion, agentVersion, ping, session, trial }: ExaminedNode,
  state: NodeState,
): readonly string[] {
  const words = { ready: trial === 'ran' ? 'ready, tried' : 'ready', blocked: 'cannot run', unknown: 'not known' } as const;
  const system = [platform, platformVersion].filter((part) => part !== undefined).join(' ');
  const open = session === undefined ? '' : session === 'connected' ? 'yes' : 'no';
  return [host, instance ?? '', system, agentVersion ?? '', ping ?? '', open, words[state]];
}

function* problemLines(problems: readonly Problem[], marks: Glyphs, width: number): Generator<string, void> {
  for (const { weight, what, next } of problems) {
    const [first = '', ...rest] = wrap(marks.show(what, 900), width - 6);
    yield `    ${marks.paint(weights[weight], marks.marks[weights[weight]])} ${first}`;
    for (const line of rest) yield `      ${line}`;
    const [step = '', ...more] = wrap(marks.show(`→ ${next}`, 900), width - 6);
    yield `      ${step}`;
    for (const line of more) yield `        ${line}`;
  }
}

function* summary({ nodes, places, bastion }: Examination, marks: Glyphs, width: number): Generator<string, void> {
  const states = nodes.map((node) => stateOf(node, places));
  const ready = states.filter((state) => state === 'ready').length;
  const tried = nodes.some(({ trial }) => trial !== undefined);
  yield `${ready} of ${count(nodes.length, 'node')} can run.${tried ? '' : ' Nothing was sent: --try sends an empty job, which shows the right to send and whether the agent is there.'}`;
  const entered = [
    ...(bastion.direct.length > 0 ? [`sessions to ${list(bastion.direct, 6)} themselves`] : []),
    ...(bastion.relays.length > 0 ? [`ports of the DCs forwarded through ${list(bastion.relays, 6)}`] : []),
  ].join('; ');
  const verdict = {
    yes: `Session Manager could replace the bastion: ${entered}. A DC has no ssm-user of its own accord, and whoever forwards needs the ports of the matrix bastion-to-dc from there.`,
    no: `Session Manager could not replace the bastion today${entered === '' ? ': no node takes sessions' : ` for all DCs: only ${entered}`}.`,
    unknown: 'Whether Session Manager could replace the bastion is not known.',
  } as const;
  yield* wrap(marks.show(verdict[bastion.possible], 900), width);
}
