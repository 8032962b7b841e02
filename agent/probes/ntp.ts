/** NTP on 123/UDP: does the DC serve time, and how far is its clock from ours? */
import { clockFacts } from '../codecs/clock.ts';
import { decodeNtpReply, encodeNtpRequest } from '../codecs/ntp.ts';
import { type Dialogue, type Question, ask } from '../net/dialogue.ts';

/** The fraction of an NTP timestamp counts 2^-32 s. */
const resolutionMs = 1000 / 2 ** 32;

/**
 * What goes over the wire, and what it concludes (RFC 5905; never the 68-byte form of [MS-SNTP], which makes a DC compute a digest for an account):
 *
 * 1. One client request, all zeros but 8 random bytes as transmit timestamp. A server's answer (mode 4) that echoes them is identified, with stratum,
 *    leap indicator and clock. Another echo is late or forged, and waits on. Any other mode is no answer of a time server.
 *    Stratum 0 is a kiss of death (§7.4): the port is open, the service refuses, and its timestamps mean nothing.
 */
export function* ntp(question: Question): Dialogue {
  const nonce = question.random(8);
  const sent = question.now();
  const reply = yield* ask(
    encodeNtpRequest(nonce),
    (received) => decodeNtpReply(received, sent),
    ({ origin }) => origin.equals(nonce),
  );
  const received = question.now();
  const { stratum, leap, referenceId, kissCode, receivedMs, transmittedMs } = reply;
  const hasClock = stratum !== 0 && receivedMs !== undefined && transmittedMs !== undefined;
  return {
    status: 'identified',
    facts: {
      stratum,
      leap,
      ...(referenceId !== undefined && { referenceId }),
      ...(kissCode !== undefined && { kissCode }),
      ...(hasClock && clockFacts((receivedMs + transmittedMs) / 2, sent, received, resolutionMs)),
    },
  };
}
