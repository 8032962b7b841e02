/** An inquiry: everything that is done to settle one check. It dials, asks again, follows up, and weighs what came of it. Time is told to it. */
import type { Check } from './contract/check.ts';
import type { Endpoint, Observed, Outcome } from './contract/outcome.ts';
import { traitsOf, type Transport } from './contract/probe.ts';
import { type Answered, describeAnswer, withFacts } from './fold.ts';
import { Conversation, type Ending } from './net/conversation.ts';
import type { Target } from './net/dial.ts';
import type { Next, OrderTicket, Question } from './net/dialogue.ts';
import type { Dial } from './net/guard.ts';
import { speakers } from './probes/registry.ts';

/** What the inquiries of one source towards one destination share. `question` gives all that does not depend on the check, as it is known now. */
export interface Terms {
  readonly attempts: number;
  readonly question: () => Omit<Question, 'transport' | 'port' | 'interface' | 'size' | 'form' | 'variant' | 'local'>;
  /** Local port for the next dial, where the job prescribes a range. */
  readonly localPort: () => number | undefined;
  /** Local UDP ports that probes may ask from where they would like to. */
  readonly ownPorts: ReadonlySet<number>;
  /** Given sockets whose peers repeat their answers. */
  readonly linger: (release: () => void) => void;
  /** Present where tickets may be ordered. */
  readonly orderTicket?: OrderTicket;
  /** How this source dials. */
  readonly dial: Dial;
  /** Told of every dial. */
  readonly dialled: () => void;
}

/** Links of ever smaller size that a path may have: after so many the question is not asked in smaller fragments still. */
const mostTooBig = 3;

/** Most further addresses of a DC that are dialled, and the port that each DC serves. */
const mostElsewhere = 4;
const directoryPort = 389;

/** Most sockets that an inquiry may hold at a time: UDP asks again while the first question waits, TCP in another form. */
export function socketsOf({ transport, probe }: Check, attempts: number): number {
  if (probe === 'dns' && transport === 'tcp') return mostElsewhere;
  return transport === 'tcp' ? Math.min(attempts, traitsOf(probe).forms) : attempts;
}

/** Lives from the first dial of a check to its outcome. */
export class Inquiry {
  readonly #check: Check;
  readonly #port: number;
  readonly #terms: Terms;
  readonly #finished: (outcome: Outcome, ticket?: Buffer) => void;
  #pending: readonly Conversation[] = [];
  /** Those of the host's other addresses. */
  #elsewhere: readonly Inquiry[] = [];
  readonly #forms: number;
  #attempts = 0;
  /** How many of the attempts were too big for the path. */
  #tooBig = 0;
  #form = 0;
  #transport: Transport;
  #variant: string | undefined;
  /** The best outcome so far. */
  #best: Outcome | undefined;
  /** The answer that asked for the follow-up that is under way. */
  #answered: Observed | undefined;
  #ticket: Buffer | undefined;
  #over = false;

  constructor(check: Check, port: number, terms: Terms, finished: (outcome: Outcome, ticket?: Buffer) => void) {
    this.#check = check;
    this.#port = port;
    this.#terms = terms;
    this.#finished = finished;
    this.#forms = traitsOf(check.probe).forms;
    this.#transport = check.transport;
    this.#dial();
  }

  /** How many times the network was asked. */
  get attempts(): number {
    return this.#attempts;
  }

  /** When the latest of its connections was made, on the clock of `performance.now()`: that service's answer is owing. */
  get connectedAt(): number | undefined {
    const times = this.#pending.flatMap(({ connectedAt }) => connectedAt ?? []);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /** What was too big for the path was no try: it did not get there. */
  get #triesLeft(): number {
    return this.#terms.attempts - (this.#attempts - this.#tooBig);
  }

  /** Asks once more while the earlier question still waits: UDP at any time, TCP only where a connected service may prefer another form. */
  askAgain(): void {
    if (this.#over || this.#answered !== undefined || this.#triesLeft <= 0) return;
    const anotherForm = this.#form + 1 < this.#forms;
    if (this.#transport === 'tcp' && !(anotherForm && this.connectedAt !== undefined)) return;
    if (anotherForm) this.#form += 1;
    this.#dial();
  }

  /** Time is up: what was seen so far decides. */
  expire(): void {
    for (const under of [...this.#pending, ...this.#elsewhere]) under.expire();
  }

  /** Lets go without an outcome. */
  abandon(): void {
    this.#over = true;
    for (const under of [...this.#pending, ...this.#elsewhere]) under.abandon();
  }

  #dial(): void {
    this.#attempts += 1;
    this.#terms.dialled();
    const { address, probe, size, interface: rpcInterface } = this.#check;
    const port = this.#port;
    const question = this.#terms.question();
    const target = { transport: this.#transport, address, port, ...this.#origin() };
    const dialogue = speakers[probe]({
      ...question,
      transport: this.#transport,
      port,
      form: this.#form,
      local: (): Endpoint | undefined => conversation.local,
      ...(rpcInterface !== undefined && { interface: rpcInterface }),
      ...(size !== undefined && { size }),
      ...(this.#variant !== undefined && { variant: this.#variant }),
    });
    const { orderTicket } = this.#terms;
    const manner = {
      identifies: traitsOf(probe).identifies,
      now: question.now,
      dial: this.#terms.dial,
      ...(question.authorities !== undefined && { authorities: question.authorities }),
      ...(orderTicket !== undefined && { orderTicket }),
    };
    const conversation: Conversation = new Conversation(target, dialogue, manner, (ending) => {
      this.#pending = this.#pending.filter((other) => other !== conversation);
      this.#weigh(ending);
    });
    this.#pending = [...this.#pending, conversation];
  }

  /** Where to dial from. A question that is asked again comes from elsewhere than the first: in one place one could not tell the answers apart. */
  #origin(): Pick<Target, 'localPort' | 'preferredPort'> {
    const prescribed = this.#terms.localPort();
    if (prescribed !== undefined) return { localPort: prescribed };
    const { localPort: preferredPort } = traitsOf(this.#check.probe);
    const isOurs = preferredPort !== undefined && this.#attempts === 1 && this.#terms.ownPorts.has(preferredPort);
    return isOurs ? { preferredPort } : {};
  }

  #weigh({ outcome, next, release, tooBig, ticket }: Ending): void {
    if (release !== undefined) this.#terms.linger(release);
    if (this.#over) return;
    if (tooBig === true && this.#tooBig < mostTooBig) {
      this.#tooBig += 1;
      this.#dial();
      return;
    }
    this.#ticket = ticket;
    if (this.#answered !== undefined) {
      this.#best = withFollowUp(this.#answered, outcome, this.#transport);
      this.#dialElsewhere(this.#best, next?.elsewhere ?? []);
      return;
    }
    this.#best = better(this.#best, outcome);
    if (next !== undefined && outcome.kind === 'observed') this.#followUp(outcome, next);
    else if (isSettled(outcome)) this.#end();
    else if (hungUp(outcome) && this.#triesLeft > 0 && traitsOf(this.#check.probe).needs !== 'ticket') {
      this.#form = Math.min(this.#form + 1, this.#forms - 1);
      this.#dial();
    } else if (this.#pending.length === 0) this.#end();
  }

  /** The one further question that an answer may ask for. If that stays unanswered, the answer stands, and says so. */
  #followUp(answered: Observed, next: Next): void {
    for (const conversation of this.#pending) conversation.abandon();
    this.#pending = [];
    this.#answered = answered;
    this.#transport = next.transport ?? this.#transport;
    this.#variant = next.variant;
    this.#dial();
  }

  /** Clients are sent to any address of the host: what a handshake with each of the others came to is a fact of its own. */
  #dialElsewhere(answered: Observed, addresses: readonly string[]): void {
    const others = addresses.filter((address) => address !== this.#check.address).slice(0, mostElsewhere);
    if (others.length === 0) this.#end();
    const check = { ...this.#check, transport: 'tcp', probe: 'tcp' } as const;
    const told: Answered[] = [];
    this.#elsewhere = others.map(
      (address) =>
        new Inquiry({ ...check, address }, directoryPort, this.#terms, (outcome) => {
          told.push({ address, outcome });
          if (told.length < others.length) return;
          this.#best = withFacts(answered, { otherAddresses: told.map(describeAnswer).toSorted() });
          this.#end();
        }),
    );
  }

  #end(): void {
    const outcome = this.#best;
    if (outcome === undefined) throw new Error(`${this.#check.id}: ended without an outcome`);
    this.abandon();
    this.#finished(this.#tooBig > 0 ? withTooBig(outcome, this.#tooBig) : outcome, this.#ticket);
  }
}

/** An outcome that no further attempt can better. Trouble of our own settles nothing while another attempt is under way. */
function isSettled(outcome: Outcome): boolean {
  if (outcome.kind === 'failed') return false;
  if (outcome.state !== 'open') return outcome.reason !== 'no-response';
  const status = outcome.service?.status;
  return status !== 'silent' && status !== 'disconnected';
}

function hungUp(outcome: Outcome): boolean {
  return outcome.kind === 'observed' && outcome.service?.status === 'disconnected';
}

/** The outcome that shows more. */
function better(one: Outcome | undefined, other: Outcome): Outcome {
  return one !== undefined && worth(one) >= worth(other) ? one : other;
}

function worth(outcome: Outcome): number {
  if (outcome.kind === 'failed') return 0;
  if (outcome.state === 'open')
    return outcome.service === undefined || outcome.service.status === 'identified' ? 5 : outcome.service.status === 'silent' ? 3 : 4;
  return outcome.reason === 'no-response' ? 1 : 2;
}

/** The first answer, with what the follow-up added; or with a word on why that added nothing. */
function withFollowUp(answered: Observed, outcome: Outcome, transport: Transport): Observed {
  const service = answered.service ?? { status: 'identified', facts: {} };
  if (outcome.kind === 'observed' && outcome.service?.status === 'identified') {
    return { ...answered, service: { ...service, facts: { ...service.facts, ...outcome.service.facts } } };
  }
  const came = outcome.kind === 'failed' ? outcome.code : (outcome.service?.status ?? outcome.reason);
  return { ...answered, service: { ...service, facts: { ...service.facts, followUp: `${transport}: ${came}` } } };
}

/** The outcome with the fact that the path said how much it carries: also of an answer that did not come after all. */
function withTooBig(outcome: Outcome, times: number): Outcome {
  if (outcome.kind === 'failed') return outcome;
  const { status, facts } = outcome.service ?? { status: 'silent', facts: {} };
  return { ...outcome, service: { status, facts: { ...facts, fragmentationNeeded: times } } };
}
