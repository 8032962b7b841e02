/**
 * The refusal of a password change that nothing can decrypt, over UDP or TCP (RFC 3244).
 *
 * 1. Form 0: a change request in proper form around a ticket, an authenticator and a message of filler bytes. Nothing decrypts, so no password can change.
 * 2. Form 1, where the first was hung up on or not answered: the shortest request there is, without a ticket.
 * 3. A KRB-ERROR, behind the protocol's header or bare, whatever its code: identified, with the realm and the clock of the server. The protocol echoes
 *    nothing of a request, so the connection, or the address, is what ties the answer to it.
 *    Another service than kadmin/changepw in it is a fact: a KDC behind this port answers so, and what Windows names here nobody has seen yet.
 */
import { clockFacts } from '../codecs/clock.ts';
import { frame, framed, realmOf } from '../codecs/kerberos.ts';
import { decodeChangeReply, encodeChangeRequest, encodeShortRequest } from '../codecs/kpasswd.ts';
import { ask, type Speak } from '../net/dialogue.ts';

/** Asks for a password change that must be refused. */
export const kpasswd: Speak = function* kpasswd(question) {
  const request = question.form === 0 ? encodeChangeRequest(realmOf(question.domain, question.dnsName)) : encodeShortRequest();
  const sent = question.now();
  const error = yield* question.transport === 'tcp' ? ask(frame(request), framed(decodeChangeReply)) : ask(request, decodeChangeReply);
  const received = question.now();
  const { code, realm, service, time } = error;
  const isOurs = service === undefined || service.toLowerCase() === 'kadmin/changepw';
  const facts = { errorCode: code, realm, ...(!isOurs && { servicePrincipal: service }), ...clockFacts(time, sent, received, 0.001) };
  return { status: 'identified', facts };
};
