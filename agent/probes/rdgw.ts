/**
 * A Remote Desktop Gateway on 443/TCP: is it one, and does it serve? ([MS-TSGU] 3.3.5.1; not yet seen on Windows.)
 *
 * 1. A TLS handshake under the name that the destination should have. What it showed (protocol, cipher, certificate, chain) is in the facts.
 * 2. One request for a channel to the client (`RDG_OUT_DATA`), without credentials, and nothing after it. The head of any answer: identified, with status,
 *    server and offered schemes. A gateway answers with 401 and the schemes by which it lets clients in; whether it is one is for the controller to say.
 */
import { encodeOutChannel } from '../codecs/gateway.ts';
import { decodeHttpHead, httpFacts } from '../codecs/http.ts';
import { tlsFacts } from '../codecs/tls-session.ts';
import { ask, type Speak, startTls } from '../net/dialogue.ts';

/** Asks for TLS under the destination's name, and for the gateway inside it. */
export const rdgw: Speak = function* rdgw({ dnsName, port, random }) {
  const session = tlsFacts(yield* startTls(dnsName, 'job'));
  const head = yield* ask(encodeOutChannel(dnsName, port, random(16)), decodeHttpHead, undefined, session);
  return { status: 'identified', facts: { ...session, ...httpFacts(head) } };
};
