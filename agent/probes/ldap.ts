/**
 * The rootDSE over TCP, plain or inside TLS (RFC 4512 §5.1, [MS-ADTS] 3.1.1.3.2).
 *
 * 1. `ldaps` only: a TLS handshake under the name that the destination should have. What it showed (protocol, cipher, certificate, chain) is in the facts.
 * 2. We send one search of the rootDSE, without a bind, under a random message id.
 * 3. An entry and the end of the search, with our message id: identified, and the server names itself, its domain, forest and site. Without `dsServiceName`
 *    it is a directory but no DC: domain, forest and site are left out.
 * 4. The end of the search with an error code and no entry: identified by the result code, which is all that is known then.
 * 5. A notice of disconnection, the only message that may come without our id: identified, with its code, and `disconnected`. An entry before it counts.
 *
 * Large: the same search with the names of attributes that no server has, to the size; or, for a large reply, a search for all that the rootDSE has.
 */
import { clockFacts, readGeneralizedTime } from '../codecs/clock.ts';
import { measured } from '../codecs/decoded.ts';
import {
  type Attributes,
  decodeSearchReply,
  domainOf,
  encodeRootDseRequest,
  encodeWholeRootDseRequest,
  messageIdFrom,
  type SearchReply,
  siteOf,
  textAttribute,
} from '../codecs/ldap.ts';
import { tlsFacts } from '../codecs/tls-session.ts';
import type { Facts } from '../contract/fact.ts';
import { ask, type Question, type Speak, startTls, type Step } from '../net/dialogue.ts';

/** LDAP writes the time in whole seconds, cut: the true time is half a second later, give or take half a second. */
const halfSecondMs = 500;

/** Asks for the rootDSE in the clear. */
export const ldap: Speak = function* ldap(question) {
  return { status: 'identified', facts: yield* askRootDse(question) };
};

/** Asks for the rootDSE inside TLS: a handshake alone does not prove LDAP. */
export const ldaps: Speak = function* ldaps(question) {
  const session = tlsFacts(yield* startTls(question.dnsName, 'job'));
  return { status: 'identified', facts: { ...session, ...(yield* askRootDse(question, session)) } };
};

function* askRootDse(question: Question, gathered: Facts = {}): Generator<Step, Facts, void> {
  const messageId = messageIdFrom(question.random(4));
  const sent = question.now();
  const { size } = question;
  const request = size?.of === 'reply' ? encodeWholeRootDseRequest(messageId) : encodeRootDseRequest(messageId, size?.bytes);
  const isOurs = ({ value }: { readonly value: SearchReply }): boolean => value.messageId === messageId || isNotice(value);
  const { value: reply, bytes } = yield* ask(request, measured(decodeSearchReply), isOurs, gathered);
  const received = question.now();
  return {
    resultCode: reply.resultCode,
    ...(reply.disconnected && { disconnected: true }),
    ...(size?.of === 'reply' && { answerBytes: bytes }),
    ...(reply.entry !== undefined && entryFacts(reply.entry, sent, received)),
  };
}

/** A notice of disconnection alone. One after an entry belongs to whom the entry belongs to. */
function isNotice({ disconnected, messageId, entry }: SearchReply): boolean {
  return disconnected && messageId === 0 && entry === undefined;
}

function entryFacts(entry: Attributes, sent: number, received: number): Facts {
  const text = (name: string): string | undefined => textAttribute(entry, name);
  const dnsName = text('dnsHostName');
  const synchronized = text('isSynchronized');
  const globalCatalogReady = text('isGlobalCatalogReady');
  const level = Number.parseInt(text('domainControllerFunctionality') ?? '', 10);
  const vendor = text('vendorName');
  const time = readGeneralizedTime(text('currentTime') ?? '');
  return {
    ...(dnsName !== undefined && { dnsName }),
    ...directoryFacts(entry),
    ...(synchronized !== undefined && { synchronized: isTrue(synchronized) }),
    ...(globalCatalogReady !== undefined && { globalCatalogReady: isTrue(globalCatalogReady) }),
    ...(!Number.isNaN(level) && { functionalLevel: level }),
    ...(vendor !== undefined && { vendor }),
    ...(time !== undefined && clockFacts(time + halfSecondMs, sent, received, halfSecondMs)),
  };
}

/** What only a DC can say: none of it without `dsServiceName`. */
function directoryFacts(entry: Attributes): Pick<Facts, 'domain' | 'forest' | 'site'> {
  const settings = textAttribute(entry, 'dsServiceName');
  if (settings === undefined) return {};
  const domain = domainOf(textAttribute(entry, 'defaultNamingContext') ?? '');
  const forest = domainOf(textAttribute(entry, 'rootDomainNamingContext') ?? '');
  const site = siteOf(textAttribute(entry, 'serverName') ?? '') ?? siteOf(settings);
  return { ...(domain !== undefined && { domain }), ...(forest !== undefined && { forest }), ...(site !== undefined && { site }) };
}

/** LDAP's Boolean syntax (RFC 4517 §3.3.3). */
function isTrue(text: string): boolean {
  return text.toUpperCase() === 'TRUE';
}
