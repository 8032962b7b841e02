/**
 * The LDAP ping over UDP ([MS-ADTS] 6.3.3).
 *
 * 1. We send a search of the rootDSE for `Netlogon`, filtered by the domain that we ask for, under a random message id. No host and no user is named: a
 *    DC would look them up.
 * 2. An entry with our message id: identified, and the DC says which domain, forest and site it serves, and in which roles.
 * 3. An end of search with our message id and no entry: identified, but the server does not host that domain. Facts hold the result code and no domain.
 * 4. A datagram with another message id is not an answer to us, and the wait goes on.
 *
 * Large: the same ping with one more term in its filter, that no server knows, to the size; any end of search is an answer. Or, for a large reply, a search
 * for all that the rootDSE has: 39 bytes bring 2 to 3 KB, so that is asked only where a rule of the user's own says so.
 */
import { measured } from '../codecs/decoded.ts';
import { decodePingReply, decodeSearchReply, encodePing, encodeWholeRootDseRequest, messageIdFrom } from '../codecs/ldap.ts';
import { ask, type Speak } from '../net/dialogue.ts';

/** Asks a DC, over UDP, whether it hosts the domain, or, where none is known, which domain it hosts. */
export const cldap: Speak = function* cldap(question) {
  const messageId = messageIdFrom(question.random(4));
  const { size } = question;
  if (size?.of === 'reply') {
    const request = encodeWholeRootDseRequest(messageId);
    const { value, bytes } = yield* ask(request, measured(decodeSearchReply), (answer) => answer.value.messageId === messageId);
    return { status: 'identified', facts: { resultCode: value.resultCode, answerBytes: bytes } };
  }
  const reply = yield* ask(encodePing(messageId, question.domain, size?.bytes), decodePingReply, (answer) => answer.messageId === messageId);
  return { status: 'identified', facts: { resultCode: reply.resultCode, ...reply.netlogon } };
};
