/**
 * The LDAP ping over UDP ([MS-ADTS] 6.3.3).
 *
 * 1. We send a search of the rootDSE for `Netlogon`, filtered by the domain that we ask for, under a random message id. No host and no user is named: a
 *    DC would look them up.
 * 2. An entry with our message id: identified, and the DC says which domain, forest and site it serves, and in which roles.
 * 3. An end of search with our message id and no entry: identified, but the server does not host that domain. Facts hold the result code and no domain.
 * 4. A datagram with another message id is not an answer to us, and the wait goes on.
 */
import { decodePingReply, encodePing, messageIdFrom } from '../codecs/ldap.ts';
import { ask, type Speak } from '../net/dialogue.ts';

/** Asks a DC, over UDP, whether it hosts the domain, or, where none is known, which domain it hosts. */
export const cldap: Speak = function* cldap(question) {
  const messageId = messageIdFrom(question.random(4));
  const reply = yield* ask(encodePing(messageId, question.domain), decodePingReply, (answer) => answer.messageId === messageId);
  return { status: 'identified', facts: { resultCode: reply.resultCode, ...reply.netlogon } };
};
