/** Plays a dialogue over a wire and gathers the evidence; whenever it ends, by answer, by accident or by the clock, the evidence decides the outcome. */
import type { Facts } from '../contract/fact.ts';
import type { Endpoint, Observed, Outcome, ServiceStatus } from '../contract/outcome.ts';
import { classify, dependsOnRoute, isTooBig, type Phase } from './classify.ts';
import { hasRoute, type Target, type Wire } from './dial.ts';
import type { Answer, Dialogue, Next, Notice, OrderTicket, Step } from './dialogue.ts';
import type { Dial } from './guard.ts';
import { recognise } from './recognise.ts';

/** What a conversation came to. `ticket` is what the answer leaves for later checks, `next` what it asks to be asked next. */
export interface Ending {
  readonly outcome: Outcome;
  readonly ticket?: Buffer;
  readonly next?: Next;
  /** Lets go of the socket, which is open still because the peer repeats its answer. */
  readonly release?: () => void;
  /** True when the path said that the question was too big for a link: asked again, it goes in fragments. */
  readonly tooBig?: true;
}

/** How a conversation is to be held. */
export interface Manner {
  /** True when the service is to identify itself; false when only the port is asked for. */
  readonly identifies: boolean;
  /** CA certificates to judge chains by, in PEM. */
  readonly authorities?: string;
  /** Present where tickets may be ordered. */
  readonly orderTicket?: OrderTicket;
  readonly now: () => number;
  readonly dial: Dial;
}

/** No answer of these protocols is longer; a peer that sends more is not speaking them. */
const largestAnswer = 256 * 1024;

/** Bytes of an unintelligible answer that are kept. */
const keptBytes = 64;

/** One dial, one dialogue, one ending. It knows no time: whoever started it calls `expire` when its time is up. */
export class Conversation {
  readonly #target: Target;
  readonly #dialogue: Dialogue;
  readonly #manner: Manner;
  readonly #finished: (ending: Ending) => void;
  readonly #startedAt: number;
  readonly #wire: Wire;
  #step: Step | undefined;
  #received: Buffer[] = [];
  #receivedLength = 0;
  /** True once the peer has shown that it is there: a handshake, or a datagram from it. */
  #alive = false;
  #connectedAt: number | undefined;
  /** Lets go of the ticket that is on order. */
  #cancelOrder: (() => void) | undefined;
  #asksForTicket = false;
  /** The first datagram that was no answer to our question, and why: the answer may still come. */
  #stray: Facts | undefined;
  #over = false;

  constructor(target: Target, dialogue: Dialogue, manner: Manner, finished: (ending: Ending) => void) {
    this.#target = target;
    this.#dialogue = dialogue;
    this.#manner = manner;
    this.#finished = finished;
    this.#startedAt = manner.now();
    this.#wire = manner.dial(target, {
      opened: () => {
        if (target.transport === 'tcp') {
          this.#alive = true;
          this.#connectedAt = performance.now();
        }
        this.#advance();
      },
      received: (bytes) => this.#read(bytes),
      secured: (session) => {
        if (this.#step?.kind !== 'tls') return;
        this.#step.accept(session);
        this.#advance();
      },
      ended: () => this.#serviceEnds('disconnected', {}),
      failed: (error, phase) => this.#fail(error, phase),
    });
  }

  /** When the TCP handshake was done, or the KDC asked for a ticket, on the clock of `performance.now()`; undefined before that, and over UDP. */
  get connectedAt(): number | undefined {
    return this.#connectedAt;
  }

  /** The source's own end of the flow, as far as the system has chosen it. */
  get local(): Endpoint | undefined {
    return this.#wire.local();
  }

  /** Time is up: what was seen so far decides. */
  expire(): void {
    if (this.#over) return;
    if (this.#cancelOrder !== undefined && !this.#asksForTicket) {
      this.#end({ outcome: { kind: 'failed', code: 'source-exhausted', message: 'the process that asks for tickets did not start in time' } });
    } else if (this.#stray !== undefined) {
      this.#serviceEnds('malformed', this.#stray);
    } else if (this.#alive) {
      this.#serviceEnds('silent', this.#receivedLength > 0 ? firstBytes(Buffer.concat(this.#received)) : {});
    } else {
      this.#end({ outcome: this.#observed(this.#target.transport === 'tcp' ? 'filtered' : 'open|filtered', 'no-response') });
    }
  }

  /** Lets go without an ending: nobody waits for it any more. */
  abandon(): void {
    this.#over = true;
    this.#cancelOrder?.();
    this.#wire.close();
  }

  #advance(): void {
    if (this.#over) return;
    this.#received = [];
    this.#receivedLength = 0;
    const turn = this.#dialogue.next();
    if (turn.done === true) {
      this.#serviceEnds(turn.value.status, turn.value.facts, turn.value);
      return;
    }
    this.#step = turn.value;
    switch (turn.value.kind) {
      case 'ask':
        this.#wire.send(turn.value.send);
        return;
      case 'tls':
        this.#wire.secure(turn.value.serverName, turn.value.anchors, this.#manner.authorities);
        return;
      case 'ticket':
        this.#order(turn.value);
        return;
      default:
        turn.value satisfies never;
    }
  }

  #order(step: Extract<Step, { readonly kind: 'ticket' }>): void {
    const { orderTicket } = this.#manner;
    if (orderTicket === undefined) throw new Error('a ticket is ordered where none may be');
    this.#wire.close();
    const { address, port } = this.#target;
    this.#cancelOrder = orderTicket({ ...step.order, address, port }, (notice) => this.#hear(notice, step));
  }

  #hear(notice: Notice, step: Extract<Step, { readonly kind: 'ticket' }>): void {
    if (this.#over) return;
    switch (notice.kind) {
      case 'asking':
        this.#asksForTicket = true;
        this.#connectedAt = performance.now();
        return;
      case 'issue':
        step.accept(notice.issue);
        this.#advance();
        return;
      case 'unreached':
        this.#serviceEnds('disconnected', {});
        return;
      case 'failed':
        this.#end({ outcome: { kind: 'failed', code: notice.code, message: notice.message } });
        return;
      default:
        notice satisfies never;
    }
  }

  #read(bytes: Buffer): void {
    if (this.#over) return;
    this.#alive = true;
    const step = this.#step;
    if (step?.kind !== 'ask') return;
    const stream = this.#target.transport === 'tcp';
    if (stream) {
      this.#received.push(bytes);
      this.#receivedLength += bytes.length;
    }
    const answer = stream ? this.#gathered() : bytes;
    if (this.#receivedLength > largestAnswer) {
      this.#serviceEnds('malformed', { ...firstBytes(answer), complaint: 'sends without end' });
      return;
    }
    const acceptance = step.accept(answer);
    switch (acceptance.kind) {
      case 'accepted':
        this.#advance();
        return;
      case 'incomplete':
        if (!stream) this.#doubt(answer, 'the datagram is cut short');
        return;
      case 'unrelated':
        this.#doubt(answer, 'answered, but not to our question');
        return;
      case 'malformed':
        this.#doubt(answer, acceptance.why);
        return;
      default:
        acceptance satisfies never;
    }
  }

  /** These bytes are no answer. In a stream nothing else can follow; over UDP a late or forged datagram may come before the real one. */
  #doubt(bytes: Buffer, complaint: string): void {
    const facts = { ...firstBytes(bytes), complaint };
    if (this.#target.transport === 'tcp') this.#serviceEnds('malformed', facts);
    else this.#stray ??= facts;
  }

  /** All bytes since the last step, as one buffer that is not copied again for the next look. */
  #gathered(): Buffer {
    const [only, ...more] = this.#received;
    if (only !== undefined && more.length === 0) return only;
    const whole = Buffer.concat(this.#received);
    this.#received = [whole];
    return whole;
  }

  #serviceEnds(status: ServiceStatus, facts: Facts, { next, isRepeated, ticket }: Pick<Answer, 'next' | 'isRepeated' | 'ticket'> = {}): void {
    const reason = this.#target.transport === 'tcp' ? 'syn-ack' : 'udp-response';
    const gathered = status !== 'identified' && this.#step !== undefined && 'gathered' in this.#step ? this.#step.gathered : {};
    const service = this.#manner.identifies ? { service: { status, facts: { ...gathered, ...facts } } } : {};
    const outcome = { ...this.#observed('open', reason), ...service };
    const release = (): void => this.#wire.close();
    const more = { ...(next !== undefined && { next }), ...(ticket !== undefined && { ticket }), ...(isRepeated === true && { release }) };
    this.#end({ outcome, ...more }, status === 'malformed');
  }

  #fail(error: NodeJS.ErrnoException, phase: Phase): void {
    if (this.#over) return;
    if (this.#step?.kind === 'tls') {
      this.#tlsFails(error);
    } else if (isTooBig(error.code ?? '', this.#target.transport, phase)) {
      this.#end({ outcome: this.#meaning(error, phase, true), tooBig: true });
    } else if (this.#alive) {
      this.#serviceEnds('disconnected', {});
    } else if (dependsOnRoute(error.code ?? '') && (this.#target.transport === 'tcp' || phase === 'before-send')) {
      this.#over = true;
      void hasRoute(this.#target).then((routed) => this.#finished({ outcome: this.#meaning(error, phase, routed) }));
    } else {
      const outcome = this.#meaning(error, phase, true);
      if (outcome.kind === 'observed' && outcome.state === 'open') this.#serviceEnds('disconnected', {});
      else this.#end({ outcome });
    }
  }

  #tlsFails(error: NodeJS.ErrnoException): void {
    const reset = error.code === 'ECONNRESET' || error.code === 'EPIPE';
    const plain = error.code === 'ERR_SSL_WRONG_VERSION_NUMBER' || error.code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG';
    const tlsError = error.code ?? error.message.slice(0, 256);
    if (reset) this.#serviceEnds('disconnected', {});
    else if (plain) this.#serviceEnds('malformed', { tlsError, complaint: 'the answer to the TLS handshake is not TLS' });
    else this.#serviceEnds('tls-failed', { tlsError });
  }

  #meaning(error: Error, phase: Phase, routed: boolean): Outcome {
    const meaning = classify(error, this.#target.transport, this.#target.address, phase, routed);
    return 'code' in meaning ? { kind: 'failed', ...meaning } : this.#observed(meaning.state, meaning.reason);
  }

  #observed(state: Observed['state'], reason: Observed['reason']): Observed {
    const { address, port } = this.#target;
    const local = this.#wire.local();
    const at = new Date(this.#startedAt).toISOString();
    return { kind: 'observed', state, reason, target: { address, port }, at, ...(local !== undefined && { local }) };
  }

  #end(ending: Ending, reset = false): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelOrder?.();
    if (ending.release === undefined) this.#wire.close(reset);
    this.#finished(ending);
  }
}

function firstBytes(bytes: Buffer): Facts {
  const looksLike = recognise(bytes);
  return { firstBytes: bytes.subarray(0, keptBytes).toString('hex'), ...(looksLike !== undefined && { looksLike }) };
}
