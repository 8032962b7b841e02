/**
 * Windows Remote Management over HTTP (5985) or inside TLS (5986): does WS-Management answer, without a logon? (DSP0226 §11, [MS-WSMV] 3.1.4.1.23; not yet
 * seen on Windows.)
 *
 * 1. `winrm-tls` only: a TLS handshake under the name that the destination should have. What it showed (protocol, cipher, certificate, chain) is in the facts.
 * 2. One POST of Identify to `/wsman`, without credentials, and nothing after it. Identified, with status, server and offered schemes, by an
 *    IdentifyResponse; by a demand to log on with Negotiate, Kerberos or CredSSP; or by http.sys, whatever it says: WinRM is one of its users, and that it
 *    is not there is said by the status. Any other web server is malformed.
 */
import { httpFacts } from '../codecs/http.ts';
import { tlsFacts } from '../codecs/tls-session.ts';
import { decodeIdentifyReply, encodeIdentify } from '../codecs/wsman.ts';
import type { Facts } from '../contract/fact.ts';
import { ask, type Question, type Speak, startTls, type Step } from '../net/dialogue.ts';

/** Asks WinRM to identify itself, in the clear. */
export const winrm: Speak = function* winrm(question) {
  return { status: 'identified', facts: yield* askIdentity(question) };
};

/** Asks WinRM to identify itself inside TLS. */
export const winrmTls: Speak = function* winrmTls(question) {
  const session = tlsFacts(yield* startTls(question.dnsName, 'job'));
  return { status: 'identified', facts: { ...session, ...(yield* askIdentity(question, session)) } };
};

function* askIdentity({ dnsName, port }: Question, gathered: Facts = {}): Generator<Step, Facts, void> {
  return httpFacts(yield* ask(encodeIdentify(dnsName, port), decodeIdentifyReply, undefined, gathered));
}
