/**
 * The mailslot ping to 138/UDP ([MS-ADTS] 6.3.5), as the DC locator asked before there was DNS.
 *
 * 1. One write to the mailslot that DCs of the domain listen on, under its NetBIOS name, from `ADPROBE` and for no user. It names a mailslot with a random name
 *    for the answer, and our own address and port, to which the answer comes: behind address translation none does.
 * 2. A write to that mailslot: identified, and the DC says what it says to the LDAP ping. In a form before Windows 2000 it names nobody.
 * 3. An error of the datagram service with our id: the service is there, and nobody of that name behind it, `absent`.
 * 4. A datagram for another mailslot is not an answer to us, and the wait goes on. Silence says nothing: many healthy DCs ignore mailslots.
 */
import { decodeMailslotReply, encodeMailslotPing } from '../codecs/mailslot.ts';
import { ask, type Question, type Speak } from '../net/dialogue.ts';

/** Asks, over NetBIOS datagrams, for a DC of the domain. */
export const netbiosDatagram: Speak = function* netbiosDatagram(question) {
  const id = question.random(2).readUInt16BE(0);
  const mailslot = `\\MAILSLOT\\NET\\GETDC${question.random(3).toString('hex').toUpperCase()}`;
  const local = question.local?.() ?? { address: '0.0.0.0', port: 0 };
  const reply = yield* ask(encodeMailslotPing({ id, domain: netbiosDomain(question), mailslot, local }), decodeMailslotReply, (answer) =>
    answer.kind === 'error' ? answer.id === id : answer.mailslot.toUpperCase() === mailslot,
  );
  if (reply.kind === 'error') return { status: 'absent', facts: { complaint: `datagram error 0x${reply.code.toString(16)}` } };
  return { status: 'identified', facts: { ...reply.netlogon } };
};

/** As the DC itself has given it, or else as it usually is. */
function netbiosDomain({ known, domain, dnsName }: Question): string {
  return known.netbiosDomain ?? (domain ?? dnsName.split('.').slice(1).join('.')).split('.')[0] ?? '';
}
