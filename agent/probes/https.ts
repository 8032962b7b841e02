/**
 * An HTTPS endpoint by its name, directly or through an HTTP proxy (RFC 9110 §9.3.6, RFC 8446, RFC 9112).
 *
 * 1. Through a proxy only: CONNECT to the name and port. Any answer but 2xx: `absent`, with the proxy's status; the endpoint was not asked.
 * 2. A TLS handshake under the name. What it showed (protocol, cipher, certificate, chain) is in the facts; the chain is judged by the roots that public
 *    servers are judged by.
 * 3. HEAD of `/`. The head of any answer: identified, with its status. An API endpoint answers 4xx to this, and that is as good as 200.
 */
import { decodeHttpHead, encodeConnect, encodeHead, httpFacts } from '../codecs/http.ts';
import { tlsFacts } from '../codecs/tls-session.ts';
import type { Facts } from '../contract/fact.ts';
import { ask, type Question, type Speak, startTls, type Step } from '../net/dialogue.ts';

/** Asks for TLS and HTTP under the destination's name. */
export const https: Speak = function* https(question) {
  const { dnsName } = question;
  const port = question.tunnel?.port ?? question.port;
  const way = yield* enterTunnel(question);
  const isBarred = way.proxyStatus !== undefined && Math.floor(way.proxyStatus / 100) !== 2;
  if (isBarred) return { status: 'absent', facts: way };
  const session: Facts = { ...way, ...tlsFacts(yield* startTls(dnsName, 'public', way)) };
  const head = yield* ask(encodeHead(dnsName, port), decodeHttpHead, undefined, session);
  return { status: 'identified', facts: { ...session, ...httpFacts(head) } };
};

/** The facts of the way to the endpoint: none where it is direct. */
function* enterTunnel({ dnsName, tunnel }: Question): Generator<Step, Facts, void> {
  if (tunnel === undefined) return {};
  const { status } = yield* ask(encodeConnect(dnsName, tunnel.port), decodeHttpHead, undefined, tunnel.facts);
  return { ...tunnel.facts, proxyStatus: status };
}
