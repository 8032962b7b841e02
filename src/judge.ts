/** The verdict table (DESIGN section 6): is what was seen what the rule wants? */
import { type Failed, failureCodes, type Observed, type Outcome, type Reason, type ServiceStatus } from '../agent/contract/outcome.ts';
import { type Platform, type ProbeName, type RpcInterface, type Size, traitsOf, type Transport } from '../agent/contract/probe.ts';
import type { Assessed } from './assess/answer.ts';
import { proxyTrouble } from './proxy-trouble.ts';
import type { Expectation, Finding, Note, Requirement, Verdict } from './verdict.ts';

/** All that one verdict rests on. */
export interface Question {
  readonly expect: Expectation;
  readonly requirement: Requirement;
  readonly probe: ProbeName;
  readonly transport: Transport;
  /** The RPC interface that was asked for, where the check names one. */
  readonly interface?: RpcInterface | undefined;
  /** What the check makes large, where it does: its small question was answered. */
  readonly size?: Size | undefined;
  /** What the destination runs on; undefined: nobody said. */
  readonly platform?: Platform | undefined;
  /** Undefined: nothing was asked because the plan says so (`skip`), or the source never told. */
  readonly outcome?: Outcome | undefined;
  readonly skip?: PlannedSkip | undefined;
  /** What `assess` makes of the facts of an identified service, or of the certificate of one that fell silent after it. */
  readonly assessed: readonly Assessed[];
  /** The same source saw this destination alive in this run; or, of a name, others saw alive what this source could not reach (`witness.ts`). */
  readonly control: boolean;
  /** The destination is a name, which may lead elsewhere than meant: no way of being shut proves a block without a control. */
  readonly byName?: boolean | undefined;
  /** A port of this destination that must not answer did: something completes every handshake. */
  readonly acceptsAll?: boolean | undefined;
  /** This check is the one of that port. */
  readonly isControl?: boolean | undefined;
  /** What a responder that is proven alive says of our token; undefined: there is no such responder. */
  readonly receipt?: 'received' | 'missing' | undefined;
  /** True when the responder's own reply to our token came back: the path is proven, and no service is behind it. */
  readonly responderAnswered?: boolean | undefined;
  /** How many times the network was asked. */
  readonly attempts?: number | undefined;
  /** Whether this source can tell a refused UDP port from a silent one; undefined: unknown. */
  readonly udpRefused?: boolean | undefined;
  /** True when the answer did not carry the identity that such answers carry. */
  readonly identityUnknown?: boolean | undefined;
}

/** Why the plan asks nothing. */
export type PlannedSkip = Extract<Finding, { readonly code: 'not-applicable' | 'no-vantage' | 'field-missing' }>;

type Seen = Question & { readonly outcome: Observed };
type Judgement = Pick<Verdict, 'status' | 'finding' | 'also'>;
type Cell = (seen: Seen) => Judgement;

/** A row: its verdict where the rule wants the port open, where it forbids it, and where it accepts exactly this by one of the words in `listedBy`. */
interface Row {
  readonly open: Cell;
  readonly forbidden: Cell;
  readonly listedBy?: Expectation;
  readonly listed?: Cell;
}

const pass = { status: 'pass' } as const;
const passes: Cell = () => pass;
const forbiddenOpen: Cell = () => fail({ code: 'forbidden-open' });
/** What rests on a handshake: it proves nothing where every handshake is completed. */
const provenByHandshake =
  (cell: Cell): Cell =>
  (seen) =>
    seen.acceptsAll === true && seen.transport === 'tcp' ? inconclusive({ code: 'accept-all' }) : cell(seen);
const forbiddenHandshake = provenByHandshake(forbiddenOpen);

const table = {
  identified: { open: byAssessment, forbidden: forbiddenOpen },
  'port-only': { open: provenByHandshake(passes), forbidden: forbiddenHandshake },
  'token-answered': { open: passes, forbidden: forbiddenOpen },
  malformed: { open: wrongService, forbidden: forbiddenOpen },
  absent: { open: serviceAbsent, forbidden: forbiddenAbsent },
  silent: { open: serviceSilent, forbidden: forbiddenHandshake },
  disconnected: { open: serviceSilent, forbidden: forbiddenHandshake, listedBy: ['blocked'], listed: hungUp },
  'tls-failed': { open: serviceSilent, forbidden: forbiddenHandshake, listedBy: ['blocked'], listed: hungUp },
  'not-asked': { open: unproven, forbidden: forbiddenHandshake },
  closed: { open: refused, forbidden: reachedHost, listedBy: ['closed', 'blocked'], listed: passes },
  filtered: { open: noAnswer, forbidden: blockedIfAlive, listedBy: ['filtered', 'open|filtered', 'blocked'], listed: blockedIfAlive },
  unanswered: { open: silence, forbidden: silenceAccepted, listedBy: ['filtered', 'open|filtered', 'blocked'], listed: silenceAccepted },
  'name-unresolved': { open: unresolved, forbidden: unresolved },
  proxy: { open: byProxy, forbidden: byProxy, listedBy: ['blocked'], listed: barredByProxy },
  'one-way': { open: () => fail({ code: 'reply-lost' }), forbidden: forbiddenOpen },
} as const satisfies Readonly<Record<string, Row>>;

type RowName = keyof typeof table;

/** Whether a port that gave this evidence is shut by something on the way. What is missing altogether, host or route or name, proves no firewall. */
const provesBlock: Readonly<Record<Reason, boolean>> = {
  'no-response': true,
  'admin-prohibited': true,
  'proto-unreach': true,
  'port-unreach': true,
  'conn-refused': true,
  reset: true,
  'host-unreach': false,
  'net-unreach': false,
  'name-unresolved': false,
  'syn-ack': false,
  'udp-response': false,
};

/** Evidence that somebody sent an error instead of an answer. */
const rejections: ReadonlySet<Reason> = new Set<Reason>(['host-unreach', 'net-unreach', 'proto-unreach', 'admin-prohibited', 'port-unreach']);

type NoteRule = (question: Question, status: Verdict['status'], row: RowName | undefined) => boolean;

/** What is worth saying beside the verdict, in this order. `row` is undefined when nothing was observed. */
const notes: readonly (readonly [note: Note, applies: NoteRule])[] = [
  ['handshake-only', (_question, _status, row) => row === 'port-only'],
  ['quic-only', ({ probe }, _status, row) => probe === 'quic' && row === 'identified'],
  ['firewall-may-refuse', (_question, _status, row) => row === 'closed'],
  ['rejections-limited', ({ outcome }) => outcome?.kind === 'observed' && outcome.service?.facts.rejectionsLimited === true],
  ['retried', ({ attempts = 1, outcome }, status) => attempts > questionsOf(outcome) && status === 'pass'],
  [
    'source-cannot-see-udp-refusals',
    ({ transport, udpRefused }, _status, row) => row === 'unanswered' && transport === 'udp' && udpRefused === false,
  ],
  ['from-another-port', isFromAnotherPort],
  ['legacy', ({ requirement }, status) => requirement === 'legacy' && status !== 'pass'],
  ['identity-not-compared', ({ identityUnknown }, _status, row) => row === 'identified' && identityUnknown === true],
];

/** A question that some peers answer only where it comes from its own port came from elsewhere. */
function isFromAnotherPort({ probe, outcome }: Question, _status: Verdict['status'], row: RowName | undefined): boolean {
  const { localPort } = traitsOf(probe);
  const from = outcome?.kind === 'observed' ? outcome.local?.port : undefined;
  return row === 'unanswered' && localPort !== undefined && from !== undefined && from !== localPort;
}

/** The verdict on one check. Total: every question has one, and every verdict but a pass carries a finding. */
export function judge(question: Question): Verdict {
  const { outcome } = question;
  if (outcome?.kind !== 'observed') return withNotes(question, outcome === undefined ? notTold(question) : notSeen(outcome), undefined);
  // However a live destination is kept from answering there, it completes no handshake; of a dead one that is not known.
  if (question.isControl === true && outcome.state !== 'open' && question.control) return pass;
  const seen = { ...question, outcome };
  const row = rowOf(seen);
  return withNotes(question, soften(withControl(seen, row, cellOf(table[row], question.expect)(seen)), question.requirement), row);
}

/** A pass for a name that must be shut needs its control, and a look at each of its addresses; a proxy that says "forbidden" is its own. */
function withControl(seen: Seen, row: RowName, judgement: Judgement): Judgement {
  const { byName, expect, control, receipt } = seen;
  const isBlock = byName === true && judgement.status === 'pass' && row !== 'proxy' && !expect.includes('open');
  const isProven = (control || receipt === 'missing') && !isPartlySeen(seen);
  return isBlock && !isProven ? inconclusive({ code: 'no-control', byName: true }) : judgement;
}

function cellOf(row: Row, expect: Expectation): Cell {
  if (row.listed !== undefined && row.listedBy?.some((word) => expect.includes(word)) === true) return row.listed;
  return expect.includes('open') ? row.open : row.forbidden;
}

function rowOf(seen: Seen): RowName {
  const { outcome, receipt, responderAnswered, transport } = seen;
  const { state, reason } = outcome;
  if (!seen.expect.includes('open') && opensSomewhere(seen)) return 'identified';
  // Without the word of the resolver it is a lack of an answer like any other.
  if (state !== 'open' && reason === 'name-unresolved' && outcome.service?.facts.resolution !== undefined) return 'name-unresolved';
  if (proxyTrouble(outcome) !== undefined) return 'proxy';
  if (state !== 'open' && receipt === 'received' && responderAnswered !== true) return 'one-way';
  switch (state) {
    case 'open':
      return openRowOf(seen);
    case 'closed':
      return 'closed';
    case 'filtered':
      // Whatever an agent calls it, silence over UDP is silence.
      return transport === 'udp' && reason === 'no-response' ? 'unanswered' : 'filtered';
    case 'open|filtered':
      return 'unanswered';
    default:
      return state satisfies never;
  }
}

/** What must be shut is not when it is open at one address of the name: the outcome is that of the address which a client would like least. */
function opensSomewhere({ outcome, expect }: Seen): boolean {
  const isShut = expect.includes('blocked') ? /^\S+ open (disconnected|tls-failed)$/ : /^$/;
  return outcome.service?.facts.addresses?.some((entry) => /^\S+ open( |$)/.test(entry) && !isShut.test(entry)) === true;
}

/** Some address of the name could not be asked by this source, which says nothing of it: another family that it has no route for is nobody's way in. */
function isPartlySeen({ outcome }: Seen): boolean {
  const words = failureCodes.filter((code) => code !== 'unsupported');
  return outcome.service?.facts.addresses?.some((entry) => words.some((word) => entry.endsWith(` ${word}`))) === true;
}

function openRowOf({ outcome, probe, receipt, responderAnswered }: Seen): RowName {
  const isServed = traitsOf(probe).identifies || outcome.service?.status !== 'identified';
  if (outcome.service !== undefined && isServed) return outcome.service.status;
  if (responderAnswered === true) return 'token-answered';
  // Where a responder holds the port and got no token, somebody else accepted it.
  return traitsOf(probe).identifies || receipt === 'missing' ? 'not-asked' : 'port-only';
}

function byAssessment({ assessed }: Seen): Judgement {
  const bySeverity = [...assessed.filter(({ severity }) => severity === 'fail'), ...assessed.filter(({ severity }) => severity === 'warn')];
  const [worst, ...others] = bySeverity;
  if (worst === undefined) return pass;
  return { status: worst.severity, finding: worst.finding, ...(others.length > 0 && { also: others.map(({ finding }) => finding) }) };
}

function wrongService({ outcome }: Seen): Judgement {
  const looksLike = outcome.service?.facts.looksLike;
  return fail({ code: 'wrong-service', ...(looksLike !== undefined && { looksLike }) });
}

function serviceAbsent({ outcome, interface: asked }: Seen): Judgement {
  const name = asked ?? outcome.service?.facts.rpcInterface;
  return fail({ code: 'service-absent', ...(name !== undefined && { interface: name }) });
}

/**
 * A forbidden service that is not there. A port that was dialled and answered so got through. But where the endpoint mapper names no port for the
 * interface, none was dialled (no attempt was made, and what is open in the outcome is the mapper's own port), so that nothing forbidden got through;
 * and nothing was blocked either.
 */
function forbiddenAbsent({ outcome, attempts, interface: asked }: Seen): Judgement {
  const name = asked ?? outcome.service?.facts.rpcInterface;
  return attempts === 0 && name !== undefined
    ? { status: 'warn', finding: { code: 'reached-host', interface: name } }
    : fail({ code: 'forbidden-open' });
}

/** A certificate that clients refuse tells more than the silence after it. */
function serviceSilent(seen: Seen): Judgement {
  const assessed = byAssessment(seen);
  if (assessed.status === 'fail') return assessed;
  if (seen.size !== undefined && statusOf(seen) === 'silent') return sizeLost(seen, seen.size);
  return isTelling(seen) ? fail({ code: 'service-silent', status: statusOf(seen) }) : unproven(seen);
}

/** The small question was answered, the large one was not, or not in full. */
function sizeLost(seen: Seen, { of, bytes }: Size): Judgement {
  return isTelling(seen) ? fail({ code: 'size-lost', of, bytes }) : inconclusive({ code: 'size-lost', of, bytes, unproven: true });
}

function unproven(seen: Seen): Judgement {
  return inconclusive({ code: 'unproven', status: statusOf(seen) });
}

/** Something let us connect and then hung up: a block, unless a healthy service does the same. */
function hungUp(seen: Seen): Judgement {
  return traitsOf(seen.probe).silence === 'failure' ? pass : unproven(seen);
}

/** True when a healthy service on that platform is known to answer this probe, so that no answer tells something (DESIGN section 2, principle 8). */
function isTelling({ probe, platform }: Seen): boolean {
  const { silence: meaning, seenOn } = traitsOf(probe);
  return meaning === 'failure' && platform !== undefined && seenOn.includes(platform);
}

/** That there is no such name is known; that a resolver gave no answer says nothing of the destination. Neither is a block. */
function unresolved({ outcome, expect }: Seen): Judgement {
  const { resolution, complaint = '', proxy } = outcome.service?.facts ?? {};
  const through = proxy !== undefined && { proxy };
  if (resolution !== 'no-such-name') return inconclusive({ code: 'name-unsettled', why: complaint, ...through });
  const finding = { code: 'name-unknown', ...through } as const;
  return expect.includes('open') ? fail(finding) : inconclusive(finding);
}

/** Trouble with the proxy is no block on the way to the destination, but for the one answer that says "forbidden". */
function byProxy({ outcome, expect }: Seen): Judgement {
  const trouble = proxyTrouble(outcome);
  if (trouble === undefined) throw new Error('judge: no proxy stood in the way');
  return trouble.isCertain && expect.includes('open') ? fail(trouble.finding) : inconclusive(trouble.finding);
}

const forbidden = 403;

function barredByProxy(seen: Seen): Judgement {
  const finding = proxyTrouble(seen.outcome)?.finding;
  return finding?.code === 'proxy-refused' && finding.status === forbidden ? pass : byProxy(seen);
}

function refused({ outcome }: Seen): Judgement {
  return fail({ code: 'refused', reason: outcome.reason });
}

/** The path is open, and nobody listens today. */
function reachedHost(): Judgement {
  return { status: 'warn', finding: { code: 'reached-host' } };
}

function noAnswer({ outcome }: Seen): Judgement {
  return fail(lackOfAnswer(outcome.reason));
}

/** A dead host is not a firewall: the block counts with a control, or when the responder missed the token. */
function blockedIfAlive({ outcome, control, receipt, byName }: Seen): Judgement {
  if (!provesBlock[outcome.reason]) return inconclusive(lackOfAnswer(outcome.reason));
  return control || receipt === 'missing' ? pass : inconclusive({ code: 'no-control', ...(byName === true && { byName }) });
}

/** A token that a live responder missed says more than the silence. */
function silence(seen: Seen): Judgement {
  const { outcome, probe, receipt, size } = seen;
  if (size !== undefined && outcome.reason === 'no-response') return sizeLost(seen, size);
  return traitsOf(probe).silence === 'failure' || receipt === 'missing' ? fail(lackOfAnswer(outcome.reason)) : uninformative();
}

function silenceAccepted({ receipt }: Seen): Judgement {
  return receipt === 'missing' ? pass : uninformative();
}

function notTold({ skip }: Question): Judgement {
  if (skip !== undefined) return { status: 'skip', finding: skip };
  return { status: 'error', finding: { code: 'not-checked', because: 'output-lost', message: 'no result came back for this check' } };
}

function notSeen({ code, message, because }: Failed): Judgement {
  if (code === 'prerequisite') return { status: 'skip', finding: { code, because: because ?? message } };
  if (code === 'not-equipped') return { status: 'skip', finding: { code, message } };
  return { status: 'error', finding: { code: 'not-checked', because: code, message } };
}

/** What is not required can warn, no more. */
function soften(judgement: Judgement, requirement: Requirement): Judgement {
  const isSoft = requirement !== 'required' && (judgement.status === 'fail' || judgement.status === 'inconclusive');
  return isSoft ? { ...judgement, status: 'warn' } : judgement;
}

function withNotes(question: Question, judgement: Judgement, row: RowName | undefined): Verdict {
  const worthSaying = notes.filter(([, applies]) => applies(question, judgement.status, row)).map(([note]) => note);
  return { ...judgement, ...(worthSaying.length > 0 && { notes: worthSaying }) };
}

function lackOfAnswer(reason: Reason): Finding {
  return { code: rejections.has(reason) ? 'rejected' : 'no-answer', reason };
}

/** How many questions an answer took: neither one that it led to nor one that was too big for the path is a second attempt at the first. */
function questionsOf(outcome: Outcome | undefined): number {
  const facts = outcome?.kind === 'observed' ? outcome.service?.facts : undefined;
  return (facts?.questions ?? 1) + (facts?.fragmentationNeeded ?? 0);
}

function statusOf({ outcome }: Seen): ServiceStatus {
  return outcome.service?.status ?? 'silent';
}

function fail(finding: Finding): Judgement {
  return { status: 'fail', finding };
}

function inconclusive(finding: Finding): Judgement {
  return { status: 'inconclusive', finding };
}

function uninformative(): Judgement {
  return inconclusive({ code: 'uninformative' });
}
