/** Active Directory Web Services on 9389/TCP: do they speak, without a logon? */
import { decodePreambleReply, encodePreamble } from '../codecs/framing.ts';
import { type Dialogue, type Question, ask } from '../net/dialogue.ts';

/**
 * What goes over the wire, and what it concludes ([MC-NMF] 3.1, [MS-ADDM] 2.1; not yet seen on Windows):
 *
 * 1. One preamble, for the one endpoint of ADWS that wants no authentication (metadata exchange), and nothing after it.
 *    Acknowledged: `identified`. A fault: the framing is spoken, `identified` by the fault.
 */
export function* adws({ dnsName, port }: Question): Dialogue {
  const via = `net.tcp://${dnsName}:${port}/ActiveDirectoryWebServices/mex`;
  const reply = yield* ask(encodePreamble(via), decodePreambleReply);
  return { status: 'identified', facts: reply.kind === 'fault' ? { framingFault: reply.fault } : {} };
}
