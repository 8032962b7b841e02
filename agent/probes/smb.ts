/** SMB on 445/TCP: which dialect, and is signing required? No session, so no logon. */
import { clockFacts } from '../codecs/clock.ts';
import { decodeSmbReply, encodeMultiProtocolNegotiate, encodeNegotiate } from '../codecs/smb.ts';
import { type Dialogue, type Question, ask } from '../net/dialogue.ts';

/** A FILETIME counts 100 ns. */
const resolutionMs = 0.0001;

/**
 * What goes over the wire, and what it concludes ([MS-SMB2] 3.2.4.2.2, 3.3.5.3, 3.3.5.4):
 *
 * 1. Form 0: an SMB2 NEGOTIATE for 2.0.2 to 3.1.1. Form 1: an SMB1 negotiation that offers SMB2 too, for middleboxes that want to see SMB1 first.
 *    An SMB2 answer is `identified`, with dialect (`2.???` where the server would like a second NEGOTIATE), signing, GUID and clock.
 *    An SMB2 error is `identified` with its status as the refusal. An SMB1 answer is `identified` as dialect `1`, or with a refusal where it took none.
 */
export function* smb(question: Question): Dialogue {
  const request = question.form === 0 ? encodeNegotiate(question.random(16), question.random(32)) : encodeMultiProtocolNegotiate();
  const sent = question.now();
  const reply = yield* ask(request, decodeSmbReply);
  const received = question.now();
  switch (reply.kind) {
    case 'smb2': {
      const { dialect, signingRequired, serverGuid, serverTimeMs } = reply;
      const clock = serverTimeMs === undefined ? {} : clockFacts(serverTimeMs, sent, received, resolutionMs);
      return { status: 'identified', facts: { dialect, signingRequired, serverGuid, ...clock } };
    }
    case 'smb2-error':
      return { status: 'identified', facts: { smbRefusal: `0x${reply.status.toString(16).padStart(8, '0')}` } };
    case 'smb1':
      return { status: 'identified', facts: reply.accepted ? { dialect: '1' } : { smbRefusal: 'no-dialect' } };
    default:
      return reply satisfies never;
  }
}
