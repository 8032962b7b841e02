/**
 * The KDC's refusal of a ticket request without pre-authentication, over UDP or TCP (RFC 4120 §3.1, §7.2).
 *
 * 1. We send an AS-REQ for the domain's realm: for the source's own machine account where it has one, otherwise, and in the variant `dc`, for the machine
 *    account of the DC itself. Both exist, ask for pre-authentication and have nothing to crack; no password is tried and nothing is guessed.
 * 2. A KRB-ERROR for our realm, the ticket-granting service and our client: identified. 25 (pre-authentication required) says that the KDC holds the account.
 * 3. 68 (wrong realm) may name another realm than ours and is still the answer to us.
 * 4. The source's own account is unknown (6) or elsewhere (68): identified, and the DC's own account is asked for next, in the variant `dc`.
 * 5. 52 (too big) over UDP: identified, and the same is asked over TCP next, in the variant `again` (or still `dc`).
 * 6. An AS-REP for our realm and our client: identified, with error code 0: the account needs no pre-authentication. Its ticket and its encrypted part
 *    are discarded unread. One for another client or realm is unrelated.
 *
 * Large: the same request with pre-authentication data of a private type, to the size; any answer ends it.
 */
import { clockFacts } from '../codecs/clock.ts';
import { decodeKdcReply, encodeAsRequest, frame, framed, type KdcReply, type KerberosError, kerberosErrors, realmOf } from '../codecs/kerberos.ts';
import { type Answer, ask, type Question, type Speak } from '../net/dialogue.ts';

const netbiosNameLimit = 15;

/** Asks a KDC for a ticket-granting ticket that it must refuse. */
export const kerberos: Speak = function* kerberos(question) {
  const realm = realmOf(question.domain, question.dnsName);
  const principal = principalOf(question);
  const bytes = question.size?.bytes;
  const size = question.transport === 'tcp' && bytes !== undefined ? bytes - 4 : bytes;
  const request = encodeAsRequest(principal, realm, question.random(4).readUInt32BE(0) >>> 1, size);
  const isOurs = (reply: KdcReply): boolean =>
    reply.kind === 'ticket' ? isSame(reply.realm, realm) && isSame(reply.client, principal) : answersTo(reply.error, principal, realm);
  const sent = question.now();
  const reply = yield* question.transport === 'tcp' ? ask(frame(request), framed(decodeKdcReply), isOurs) : ask(request, decodeKdcReply, isOurs);
  const received = question.now();
  const questions = question.variant === undefined ? {} : { questions: 2 };
  if (reply.kind === 'ticket') {
    return { status: 'identified', facts: { errorCode: kerberosErrors.none, principal, realm: reply.realm, ...questions } };
  }
  const { code, time, clientRealm } = reply.error;
  const facts = {
    errorCode: code,
    principal,
    // In this error the client's realm is where the KDC believes the client to be (RFC 6806 §7).
    realm: (code === kerberosErrors.wrongRealm ? clientRealm : undefined) ?? reply.error.realm,
    ...clockFacts(time, sent, received, 0.001),
    ...questions,
  };
  const next = question.size === undefined ? nextQuestion(code, question) : undefined;
  return { status: 'identified', facts, ...(next !== undefined && { next }) };
};

function asksForOwnAccount(question: Question): boolean {
  return question.variant !== 'dc' && question.account !== undefined;
}

function principalOf(question: Question): string {
  if (asksForOwnAccount(question) && question.account !== undefined) return question.account;
  const [label = ''] = question.dnsName.split('.');
  return `${question.known.netbiosName ?? label.toUpperCase().slice(0, netbiosNameLimit)}$`;
}

function answersTo(error: KerberosError, principal: string, realm: string): boolean {
  const isForRealm = error.code === kerberosErrors.wrongRealm || isSame(error.realm, realm);
  const isForClient = error.client === undefined || isSame(error.client, principal);
  return isForRealm && isForClient && error.service?.toLowerCase().startsWith('krbtgt/') === true;
}

function nextQuestion(code: number, question: Question): Answer['next'] {
  if (code === kerberosErrors.responseTooBig && question.transport === 'udp') {
    return { transport: 'tcp', variant: question.variant ?? 'again' };
  }
  const isUnknown = code === kerberosErrors.clientUnknown || code === kerberosErrors.wrongRealm;
  return isUnknown && asksForOwnAccount(question) ? { variant: 'dc' } : undefined;
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
