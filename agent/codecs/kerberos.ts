/** Kerberos, as far as one unauthenticated question and its refusal need it (RFC 4120). */
import {
  constructed,
  contentOf,
  elementsOf,
  fieldsOf,
  integer,
  integerOf,
  messageLimit,
  octets,
  type Part,
  readElement,
  tags,
  textOf,
  unwrap,
} from './ber.ts';
import { readGeneralizedTime } from './clock.ts';
import { type Decoded, guard, incomplete, Malformed, malformed } from './decoded.ts';
import { padTo } from './padding.ts';

/** Message types by their application tag (RFC 4120 §5.10). */
const messages = { asRequest: 0x6a, asReply: 0x6b, error: 0x7e } as const;

const protocolVersion = 5;
/** Type of an AS-REP (RFC 4120 §7.5.7). */
const asReplyType = 11;

/** Error codes that a probe acts on (RFC 4120 §7.5.9, RFC 6806). */
export const kerberosErrors = { none: 0, clientUnknown: 6, responseTooBig: 52, wrongRealm: 68 } as const;

/** Encryption types offered: AES-256, AES-128, RC4 (RFC 3962, RFC 4757). */
export const encryptionTypes = [18, 17, 23] as const;

/** Kinds of names: of a person or computer, and of a service (RFC 4120 §6.2). */
export const nameTypes = { principal: 1, service: 2 } as const;
/** Negative types are for private use (RFC 4120 §7.5.2). */
const paddingType = -4242;
const preAuthenticationRequired = 25;
const etypeInfo2 = 19;

/** A KRB-ERROR (RFC 4120 §5.9.1). Names are their components joined by `/`; `time` is the server's clock in epoch milliseconds, with microseconds. */
export interface KerberosError {
  readonly code: number;
  readonly time: number;
  readonly realm: string;
  /** Absent from some refusals of a password change, although the protocol wants it. */
  readonly service?: string;
  readonly client?: string;
  readonly clientRealm?: string;
  /** Salt of the client's key, where pre-authentication is asked for and the salt is told (RFC 4120 §5.2.7.5). */
  readonly salt?: string;
}

/** What a KDC answers: an error, or a ticket, of which nothing is kept but for whom it is. */
export type KdcReply =
  { readonly kind: 'error'; readonly error: KerberosError } | { readonly kind: 'ticket'; readonly realm: string; readonly client: string };

/** The realm of an AD domain is its DNS name in upper case ([MS-KILE] 3.1.1.3); without a known domain, that of the computer's own DNS name. */
export function realmOf(domain: string | undefined, dnsName: string): string {
  return (domain ?? dnsName.split('.').slice(1).join('.')).toUpperCase();
}

/**
 * AS-REQ for a ticket-granting ticket, without pre-authentication: no password is tried (RFC 4120 §5.4.1). `nonce` is below 2^31. With `size` it has so many
 * bytes, by pre-authentication data of a private type, which a KDC ignores (§5.2.7, §7.5.2).
 */
export function encodeAsRequest(principal: string, realm: string, nonce: number, size?: number): Buffer {
  return size === undefined ? asRequest(principal, realm, nonce) : padTo(size, (filler) => asRequest(principal, realm, nonce, filler));
}

function asRequest(principal: string, realm: string, nonce: number, filler?: number): Buffer {
  return constructed(
    messages.asRequest,
    constructed(
      tags.sequence,
      constructed(0xa1, integer(5)),
      constructed(0xa2, integer(10)),
      ...(filler === undefined ? [] : [padding(filler)]),
      constructed(
        0xa4,
        constructed(
          tags.sequence,
          constructed(0xa0, octets(Buffer.from([0, 0, 0, 0, 0x10]), tags.bitString)),
          constructed(0xa1, name(nameTypes.principal, principal)),
          constructed(0xa2, octets(realm, tags.generalString)),
          constructed(0xa3, name(nameTypes.service, 'krbtgt', realm)),
          constructed(0xa5, octets('19700101000000Z', tags.generalizedTime)),
          constructed(0xa7, integer(nonce)),
          constructed(0xa8, constructed(tags.sequence, ...encryptionTypes.map((type) => integer(type)))),
        ),
      ),
    ),
  );
}

function padding(filler: number): Part {
  const data = constructed(tags.sequence, constructed(0xa1, integer(paddingType)), constructed(0xa2, octets(Buffer.alloc(filler))));
  return constructed(0xa3, constructed(tags.sequence, data));
}

/** A PrincipalName (RFC 4120 §5.2.2). */
export function name(type: number, ...components: readonly string[]): Part {
  const list = components.map((component) => octets(component, tags.generalString));
  return constructed(tags.sequence, constructed(0xa0, integer(type)), constructed(0xa1, constructed(tags.sequence, ...list)));
}

/** Puts the four-byte length before a message that goes over TCP (RFC 4120 §7.2.2). */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** Makes a decoder of whole messages one of messages framed for TCP; a length over the limit is malformed as soon as its first bytes show it. */
export function framed<T>(decode: (message: Buffer) => Decoded<T>): (bytes: Buffer) => Decoded<T> {
  return (bytes) => {
    const length = Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(4)]).readUInt32BE(0);
    if (length > messageLimit) return malformed(`a frame of more than ${messageLimit} bytes`);
    if (bytes.length < 4) return incomplete;
    const message = decode(bytes.subarray(4, 4 + length));
    if (message.kind === 'incomplete') return bytes.length < 4 + length ? incomplete : malformed('a message that is longer than its frame');
    if (message.kind === 'malformed') return message;
    return message.length === length ? { ...message, length: 4 + length } : malformed('a message that is shorter than its frame');
  };
}

/** Decodes a KDC's bare answer: KRB-ERROR, or AS-REP, of which only realm and name of the client are read. */
export function decodeKdcReply(bytes: Buffer): Decoded<KdcReply> {
  if (bytes[0] === messages.asReply) return decodeTicketReply(bytes);
  const error = decodeKerberosError(bytes);
  if (error.kind !== 'value') return error;
  if (error.value.code === kerberosErrors.none) return malformed('a KRB-ERROR that is none');
  return { ...error, value: { kind: 'error', error: error.value } };
}

/** Decodes an AS-REP up to the name of the client (RFC 4120 §5.4.2), and no further: ticket and encrypted part could be cracked. */
function decodeTicketReply(bytes: Buffer): Decoded<KdcReply> {
  return guard<KdcReply>(() => {
    const message = readElement(bytes, [messages.asReply]);
    if (message.kind !== 'value') return message;
    const fields = new Map<number, Buffer>();
    for (const { tag, content } of elementsOf(unwrap(message.value.content, tags.sequence))) {
      if (!fields.has(tag)) fields.set(tag, content);
      if (tag === 0xa4) break;
    }
    if (number(fields, 0xa0) !== protocolVersion || number(fields, 0xa1) !== asReplyType) throw new Malformed('not an AS-REP of Kerberos 5');
    const realm = textOf(field(fields, 0xa3, tags.generalString));
    return { kind: 'value', value: { kind: 'ticket', realm, client: readName(required(fields, 0xa4)) }, length: message.length };
  });
}

/** Decodes a bare KRB-ERROR (RFC 4120 §5.9.1). */
export function decodeKerberosError(bytes: Buffer): Decoded<KerberosError> {
  return guard(() => {
    const message = readElement(bytes, [messages.error]);
    if (message.kind !== 'value') return message;
    const fields = fieldsOf(unwrap(message.value.content, tags.sequence));
    const code = number(fields, 0xa6);
    const time = readGeneralizedTime(textOf(field(fields, 0xa4, tags.generalizedTime)));
    if (time === undefined) throw new Malformed('a time that is none');
    const service = fields.get(0xaa);
    const client = fields.get(0xa8);
    const clientRealm = fields.get(0xa7);
    const data = fields.get(0xac);
    const salt = code === preAuthenticationRequired && data !== undefined ? readSalt(data) : undefined;
    const error = {
      code,
      time: time + number(fields, 0xa5) / 1000,
      realm: textOf(field(fields, 0xa9, tags.generalString)),
      ...(service !== undefined && { service: readName(service) }),
      ...(client !== undefined && { client: readName(client) }),
      ...(clientRealm !== undefined && { clientRealm: textOf(unwrap(clientRealm, tags.generalString)) }),
      ...(salt !== undefined && { salt }),
    };
    return { kind: 'value', value: error, length: message.length };
  });
}

function required(fields: ReadonlyMap<number, Buffer>, tag: number): Buffer {
  const content = fields.get(tag);
  if (content === undefined) throw new Malformed(`a Kerberos message without its field ${tag & 0x1f}`);
  return content;
}

function field(fields: ReadonlyMap<number, Buffer>, tag: number, type: number): Buffer {
  return unwrap(required(fields, tag), type);
}

function number(fields: ReadonlyMap<number, Buffer>, tag: number): number {
  return integerOf(field(fields, tag, tags.integer));
}

function readName(content: Buffer): string {
  const components = field(fieldsOf(unwrap(content, tags.sequence)), 0xa1, tags.sequence);
  return textOf(Buffer.from([...elementsOf(components)].map((component) => textOf(contentOf(component, tags.generalString))).join('/')));
}

/** The first salt of METHOD-DATA. What an error carries for our information does not make the error less of an answer: another form means no salt. */
function readSalt(data: Buffer): string | undefined {
  const salts = guard(() => ({ kind: 'value', value: [...saltsOf(data)], length: data.length }));
  return salts.kind === 'value' ? salts.value[0] : undefined;
}

function* saltsOf(data: Buffer): Generator<string, void> {
  for (const method of elementsOf(unwrap(unwrap(data, tags.octetString), tags.sequence))) {
    const fields = fieldsOf(contentOf(method, tags.sequence));
    if (number(fields, 0xa1) !== etypeInfo2) continue;
    for (const entry of elementsOf(unwrap(field(fields, 0xa2, tags.octetString), tags.sequence))) {
      const salt = fieldsOf(contentOf(entry, tags.sequence)).get(0xa1);
      if (salt !== undefined) yield textOf(unwrap(salt, tags.generalString));
    }
  }
}
