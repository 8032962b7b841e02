/**
 * An LDAP bind with a ticket (RFC 4511 §4.2, [MS-ADTS] 5.1.1.1.2).
 *
 * 1. We send one BindRequest, GSS-SPNEGO, whose token is the ticket that the DC's KDC issued for `ldap/<dc>`. It offers integrity, as DCs demand.
 * 2. Success, or a request for more (14), which comes with the server's own token: the DC accepted the ticket. Nothing is asked in the name of the bind.
 * 3. Any other result: identified by its code. A notice of disconnection, the only message that may come without our id: identified, and `disconnected`.
 */
import { decodeBindReply, encodeBindRequest, messageIdFrom } from '../codecs/ldap.ts';
import { ask, type Speak } from '../net/dialogue.ts';

/** Binds with the ticket that is known. */
export const ldapBind: Speak = function* ldapBind({ ticket, random }) {
  if (ticket === undefined) throw new Error('a bind without a ticket');
  const messageId = messageIdFrom(random(4));
  const { resultCode, disconnected } = yield* ask(
    encodeBindRequest(messageId, ticket),
    decodeBindReply,
    (answer) => answer.messageId === messageId || answer.disconnected,
  );
  return { status: 'identified', facts: { resultCode, ...(disconnected && { disconnected }) } };
};
