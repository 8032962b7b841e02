/**
 * BER and DER, as far as LDAP, Kerberos and certificates need them (X.690).
 *
 * Both ways are a few lines of our own. ldapts' BerReader is unfit for strangers' bytes: a four-byte length turns negative and moves it backwards, a sequence
 * does not bound what is read inside it, and one `null` stands for both "more must come" and "not there". Its BerWriter is sound, and the tests hold ours
 * against it; in the agent it would be 4 KB for what three functions do.
 */
import { type Decoded, incomplete, Malformed, malformed } from './decoded.ts';

/** Longest message that any decoder here waits for, in bytes. */
export const messageLimit = 65_536;

/** Longest text taken from a peer, in characters. */
const textLimit = 256;

export const tags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  generalizedTime: 0x18,
  generalString: 0x1b,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: its tag byte, and a view of its content. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
}

/**
 * Reads the element at the start of `bytes`: definite lengths of any width up to eight bytes, minimal or not (Windows pads them). A tag outside
 * `expected`, a tag of several bytes and a length over the limit are malformed as soon as they show, whatever else has yet to come.
 */
export function readElement(bytes: Buffer, expected?: readonly number[]): Decoded<Element> {
  const [tag, first] = bytes;
  if (tag === undefined) return incomplete;
  if ((tag & 0x1f) === 0x1f || expected?.includes(tag) === false) return malformed(`unexpected tag ${hex(tag)}`);
  if (first === undefined) return incomplete;
  const widthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80 || widthBytes > 8) return malformed(`unexpected form of length ${hex(first)}`);
  const start = 2 + widthBytes;
  const length = first < 0x80 ? first : lengthOf(bytes, start);
  if (length > messageLimit) return malformed(`an element of more than ${messageLimit} bytes`);
  if (bytes.length < start + length) return incomplete;
  return { kind: 'value', value: { tag, content: bytes.subarray(start, start + length) }, length: start + length };
}

/** Yields the elements that fill `content` one by one; one that is broken or does not fit throws `Malformed`. */
export function* elementsOf(content: Buffer): Generator<Element, void> {
  for (let offset = 0; offset < content.length;) {
    const element = readElement(content.subarray(offset));
    if (element.kind !== 'value') throw new Malformed(element.kind === 'malformed' ? element.why : 'an element reaches beyond the one around it');
    yield element.value;
    offset += element.length;
  }
}

/** The content of `element`, which must be there and have that tag; anything else throws `Malformed`. */
export function contentOf(element: Element | undefined, tag: number): Buffer {
  if (element?.tag === tag) return element.content;
  throw new Malformed(element === undefined ? `tag ${hex(tag)} is missing` : `tag ${hex(element.tag)} in place of ${hex(tag)}`);
}

/** The content of the first element inside `content`, which must have that tag (the shape of explicit tagging); anything else throws `Malformed`. */
export function unwrap(content: Buffer, tag: number): Buffer {
  const [element] = elementsOf(content);
  return contentOf(element, tag);
}

/** The content of each explicitly tagged field of a SEQUENCE, by its tag; of a repeated tag the first counts. */
export function fieldsOf(content: Buffer): ReadonlyMap<number, Buffer> {
  const fields = new Map<number, Buffer>();
  for (const field of elementsOf(content)) if (!fields.has(field.tag)) fields.set(field.tag, field.content);
  return fields;
}

/** The number in the content of an INTEGER or ENUMERATED of one to six bytes; any other width throws `Malformed`. */
export function integerOf(content: Buffer): number {
  if (content.length < 1 || content.length > 6) throw new Malformed(`an integer of ${content.length} bytes`);
  return content.readIntBE(0, content.length);
}

/** The text in `content` (UTF-8, of which ASCII is a part), cut to 256 characters. */
export function textOf(content: Buffer): string {
  // A character takes at most four bytes: a longer text need not be decoded to be cut.
  return content.toString('utf8', 0, textLimit * 4).slice(0, textLimit);
}

/** The dotted form of the content of an OBJECT IDENTIFIER (X.690 §8.19); one that is empty, long or cut throws `Malformed`. */
export function oidOf(content: Buffer): string {
  const last = content.at(-1);
  if (last === undefined || last >= 0x80 || content.length > 32) throw new Malformed('a broken object identifier');
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [head = 0, ...tail] = arcs;
  const root = Math.min(Math.floor(head / 40), 2);
  return [root, head - root * 40, ...tail].join('.');
}

/** An element of a message, as its bytes. */
export type Part = Buffer;

/** A constructed element around `parts`. */
export function constructed(tag: number, ...parts: readonly Part[]): Part {
  return octets(Buffer.concat(parts), tag);
}

/** An INTEGER, from -2^31 to 2^31 - 1, in as few bytes as it needs (X.690 §8.3), or another type that is encoded like one. */
export function integer(value: number, tag: number = tags.integer): Part {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  const width = [1, 2, 3].find((count) => value >= -(2 ** (8 * count - 1)) && value < 2 ** (8 * count - 1)) ?? 4;
  return octets(bytes.subarray(4 - width), tag);
}

/** Text in UTF-8, or bytes, as an OCTET STRING or another type that is encoded like one. */
export function octets(value: string | Buffer, tag: number = tags.octetString): Part {
  const content = Buffer.from(value);
  const length: number[] = [];
  for (let rest = content.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff);
  const head = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 + length.length, ...length];
  return Buffer.concat([Buffer.from(head), content]);
}

/** The length in the bytes from the third up to `start`; those yet to come count as zero, so it is never more than it will turn out to be. */
function lengthOf(bytes: Buffer, start: number): number {
  let length = 0;
  for (let offset = 2; offset < start; offset += 1) length = length * 256 + (bytes[offset] ?? 0);
  return length;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}
