/** LDAP, as far as the rootDSE, the LDAP ping and a bind with a ticket need it (RFC 4511, [MS-ADTS] 6.3.3). */
import { constructed, contentOf, type Element, elementsOf, integer, integerOf, octets, type Part, readElement, tags, textOf } from './ber.ts';
import { type Decoded, guard, Malformed, malformed } from './decoded.ts';
import { decodeNetlogon, type Netlogon } from './netlogon.ts';
import { padTo } from './padding.ts';

/** What the rootDSE is asked for ([MS-ADTS] 3.1.1.3.2; `vendorName`: RFC 3045). */
const rootDseAttributes = [
  'currentTime',
  'dnsHostName',
  'ldapServiceName',
  'defaultNamingContext',
  'rootDomainNamingContext',
  'dsServiceName',
  'serverName',
  'isSynchronized',
  'isGlobalCatalogReady',
  'domainFunctionality',
  'forestFunctionality',
  'domainControllerFunctionality',
  'supportedSASLMechanisms',
  'highestCommittedUSN',
  'vendorName',
] as const;

const netlogonAttribute = 'Netlogon';

/** NETLOGON_NT_VERSION_5 and _5EX ([MS-ADTS] 6.3.1.1): the answer in its longest form, without addresses. */
const netlogonVersion = Buffer.from([0x06, 0, 0, 0]);

/** Present in every object: (objectClass=*). */
const anyObject = octets('objectClass', 0x87);

/** Begins the name of every attribute that serves as filler, so that those who watch the wire know it. */
const paddingName = 'portmatrix-padding';
/** Bytes that one such name takes, tag and length included. */
const paddingStep = 64;

const operations = {
  bindRequest: 0x60,
  bindResponse: 0x61,
  unbindRequest: 0x42,
  searchRequest: 0x63,
  searchResultEntry: 0x64,
  searchResultDone: 0x65,
  searchResultReference: 0x73,
  extendedResponse: 0x78,
  intermediateResponse: 0x79,
} as const;

const noticeOfDisconnection = '1.3.6.1.4.1.1466.20036';

/** More messages than any server puts before the end of a search for one entry: without a limit a stream of small ones would never end. */
const messagesLimit = 8;

/** Values of one entry, in bytes, by attribute name in lower case. */
export type Attributes = ReadonlyMap<string, readonly Buffer[]>;

/**
 * How one search ended. `entry` is the first entry found. `disconnected`: the server announced that it hangs up, in place of an end (RFC 4511 §4.4.1);
 * the announcement has message id 0, so that is the id of a reply of which nothing came before it.
 */
export interface SearchReply {
  readonly messageId: number;
  readonly resultCode: number;
  readonly disconnected: boolean;
  readonly entry?: Attributes;
}

/** How an LDAP ping ended. Without `netlogon` the server does not host that domain ([MS-ADTS] 6.3.3.3). */
export interface PingReply {
  readonly messageId: number;
  readonly resultCode: number;
  readonly netlogon?: Netlogon;
}

/** How a bind ended. `disconnected`: with the announcement that the server hangs up (RFC 4511 §4.4.1), which has message id 0. */
export interface BindReply {
  readonly messageId: number;
  readonly resultCode: number;
  readonly disconnected: boolean;
}

/** A message id from four random bytes: 1 to 2^31 - 1 (RFC 4511 §4.1.1.1). */
export function messageIdFrom(random: Buffer): number {
  return random.readUInt32BE(0) >>> 1 || 1;
}

/**
 * SearchRequest for the rootDSE: empty base, base scope, any object class (RFC 4512 §5.1). With `size` it has so many bytes, by names of attributes that no
 * server has and that are therefore not returned (RFC 4511 §4.5.1.8).
 */
export function encodeRootDseRequest(messageId: number, size?: number): Buffer {
  const request = (filler: number): Buffer => search(messageId, anyObject, [...rootDseAttributes, ...unknownAttributes(filler)]);
  return size === undefined ? request(0) : padTo(size, request);
}

/** SearchRequest for all that the rootDSE has: 2 to 3 KB (an empty list of attributes, RFC 4511 §4.5.1.8). */
export function encodeWholeRootDseRequest(messageId: number): Buffer {
  return search(messageId, anyObject, []);
}

/**
 * SearchRequest that is an LDAP ping: does this server host that domain, or, with none, which one does it host? ([MS-ADTS] 6.3.3.1) With `size` it has so
 * many bytes, by one more term of the filter, on an attribute that no server has.
 */
export function encodePing(messageId: number, domain?: string, size?: number): Buffer {
  const terms = [...(domain === undefined ? [] : [equals('DnsDomain', domain)]), equals('NtVer', netlogonVersion)];
  const request = (...more: readonly Part[]): Buffer => search(messageId, constructed(0xa0, ...terms, ...more), [netlogonAttribute]);
  return size === undefined ? request() : padTo(size, (filler) => request(equals(paddingName, 'x'.repeat(filler))));
}

/** BindRequest of SASL's GSS-SPNEGO with its first token (RFC 4511 §4.2, [MS-ADTS] 5.1.1.1.2). */
export function encodeBindRequest(messageId: number, token: Buffer): Buffer {
  const credentials = constructed(0xa3, octets('GSS-SPNEGO'), octets(token));
  return constructed(tags.sequence, integer(messageId), constructed(operations.bindRequest, integer(3), octets(''), credentials));
}

/** Decodes the answer to a bind; unsolicited notifications other than that of disconnection are skipped. */
export function decodeBindReply(bytes: Buffer): Decoded<BindReply> {
  return guard<BindReply>(() => {
    let offset = 0;
    for (let count = 0; count < messagesLimit; count += 1) {
      const message = readElement(bytes.subarray(offset), [tags.sequence]);
      if (message.kind !== 'value') return message;
      offset += message.length;
      const [messageId, operation] = readEnvelope(message.value);
      const isNotification = operation.tag === operations.extendedResponse && messageId === 0;
      if (!isNotification && operation.tag !== operations.bindResponse)
        return malformed(`LDAP operation ${operation.tag} in place of a bind response`);
      const { code, name } = readResult(operation);
      if (isNotification && name !== noticeOfDisconnection) continue;
      return reply(offset, { messageId, resultCode: code, disconnected: isNotification });
    }
    return malformed('notifications without end');
  });
}

/** Decodes all messages of one search, up to its done or a notice of disconnection (RFC 4511 §4.5.2, §4.4.1); other unsolicited notifications are skipped. */
export function decodeSearchReply(bytes: Buffer): Decoded<SearchReply> {
  return guard<SearchReply>(() => {
    const entries: Element[] = [];
    const ids = new Set<number>();
    let offset = 0;
    for (let count = 0; count < messagesLimit; count += 1) {
      const message = readElement(bytes.subarray(offset), [tags.sequence]);
      if (message.kind !== 'value') return message;
      offset += message.length;
      const [id, operation] = readEnvelope(message.value);
      if (operation.tag === operations.extendedResponse && id === 0) {
        const notice = readResult(operation);
        if (notice.name !== noticeOfDisconnection) continue;
        const [messageId = id] = ids;
        return reply(offset, { messageId, resultCode: notice.code, disconnected: true, ...first(entries) });
      }
      if (ids.add(id).size > 1) return malformed('answers to two searches');
      if (operation.tag === operations.searchResultDone) {
        const { code } = readResult(operation);
        return reply(offset, { messageId: id, resultCode: code, disconnected: false, ...first(entries) });
      }
      if (operation.tag === operations.searchResultEntry) entries.push(operation);
      else if (operation.tag !== operations.searchResultReference && operation.tag !== operations.intermediateResponse) {
        return malformed(`LDAP operation ${operation.tag} in place of a search result`);
      }
    }
    return malformed('a search that does not end');
  });
}

/** Decodes the answer to an LDAP ping. */
export function decodePingReply(bytes: Buffer): Decoded<PingReply> {
  const found = decodeSearchReply(bytes);
  if (found.kind !== 'value') return found;
  const { messageId, resultCode, entry } = found.value;
  const [value] = entry?.get(netlogonAttribute.toLowerCase()) ?? [];
  if (value === undefined) return reply(found.length, { messageId, resultCode });
  const netlogon = decodeNetlogon(value);
  return netlogon.kind === 'value' ? reply(found.length, { messageId, resultCode, netlogon: netlogon.value }) : netlogon;
}

/** First value of an attribute as text. */
export function textAttribute(entry: Attributes, name: string): string | undefined {
  const [value] = entry.get(name.toLowerCase()) ?? [];
  return value === undefined ? undefined : textOf(value);
}

/** The DNS name that a distinguished name of nothing but `DC=` parts stands for, in lower case (RFC 2247); undefined for any other name. */
export function domainOf(distinguishedName: string): string | undefined {
  const parts = distinguishedName.split(',').map((part) => /^\s*DC=([^\\]+)$/i.exec(part)?.[1]);
  return parts.includes(undefined) ? undefined : parts.join('.').toLowerCase();
}

/** The AD site in the distinguished name of a server or of its settings: what stands right of `CN=Servers` ([MS-ADTS] 6.1.1.2.2.1); undefined without one. */
export function siteOf(distinguishedName: string): string | undefined {
  return /,CN=Servers,CN=([^,]+),CN=Sites,/i.exec(distinguishedName)?.[1];
}

function search(messageId: number, filter: Part, attributes: readonly string[]): Part {
  return constructed(
    tags.sequence,
    integer(messageId),
    constructed(
      operations.searchRequest,
      octets(''),
      integer(0, tags.enumerated),
      integer(0, tags.enumerated),
      integer(0),
      integer(0),
      integer(0, 0x01),
      filter,
      constructed(tags.sequence, ...attributes.map((attribute) => octets(attribute))),
    ),
  );
}

/** Names that take so many bytes in a list of attributes, when there is room for one at all. */
function unknownAttributes(filler: number): readonly string[] {
  const names = Array.from({ length: Math.floor(filler / paddingStep) }, (_, index) => `${paddingName}-${index}-`);
  return names.map((name, index) => name.padEnd(paddingStep - 2 + (index === 0 ? filler % paddingStep : 0), 'x'));
}

function equals(attribute: string, value: string | Buffer): Part {
  return constructed(0xa3, octets(attribute), octets(value));
}

function reply<T>(length: number, value: T): Decoded<T> {
  return { kind: 'value', value, length };
}

function readEnvelope(message: Element): readonly [id: number, operation: Element] {
  const [id, operation] = elementsOf(message.content);
  if (operation === undefined) throw new Malformed('an LDAP message without an operation');
  return [integerOf(contentOf(id, tags.integer)), operation];
}

/** Code of an LDAPResult and, in an extended response, its name (RFC 4511 §4.1.9, §4.12). */
function readResult(operation: Element): { readonly code: number; readonly name?: string } {
  // Lazily, and no more than there are fields: an unsolicited notification is read again with every segment that follows it.
  const [code, , , fourth, fifth] = elementsOf(operation.content);
  const name = [fourth, fifth].find((field) => field?.tag === 0x8a);
  return { code: integerOf(contentOf(code, tags.enumerated)), ...(name !== undefined && { name: textOf(name.content) }) };
}

function first([entry]: readonly Element[]): { readonly entry?: Attributes } {
  return entry === undefined ? {} : { entry: readEntry(entry) };
}

function readEntry(operation: Element): Attributes {
  const [, list] = elementsOf(operation.content);
  const attributes = new Map<string, readonly Buffer[]>();
  for (const attribute of elementsOf(contentOf(list, tags.sequence))) {
    const [name, values] = elementsOf(contentOf(attribute, tags.sequence));
    const key = textOf(contentOf(name, tags.octetString)).toLowerCase();
    const contents = [...elementsOf(contentOf(values, tags.set))].map((value) => contentOf(value, tags.octetString));
    if (!attributes.has(key)) attributes.set(key, contents);
  }
  return attributes;
}
