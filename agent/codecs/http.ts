/** HTTP/1.1 as far as it takes to meet a server or a proxy: a request, and the head of an answer (RFC 9112). Bodies are not read here. */
import type { Facts } from '../contract/fact.ts';
import { type Decoded, incomplete, malformed } from './decoded.ts';

/** The head of the final answer. Field names are in lower case; of a repeated field the first counts. Values are cut to 256 characters. */
export interface HttpHead {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
  /** The authentication schemes that are offered (RFC 9110 §11.6.1), in lower case, sorted, at most 16. */
  readonly schemes: readonly string[];
}

/** Longest head that is waited for, interim answers included. Servers and proxies of today stop at 8 to 16 KiB. */
const headLimit = 16 * 1024;
const valueLimit = 256;
const schemesLimit = 16;
const opening = 'HTTP/1.';

/** A request to an origin server, which is asked to hang up after its answer. No credentials are sent. */
export function encodeRequest(method: string, path: string, name: string, port: number, fields: Readonly<Record<string, string>>, body = ''): Buffer {
  const host = port === 443 ? name : `${name}:${port}`;
  const all = { Host: host, 'User-Agent': 'portmatrix', ...fields, Connection: 'close' };
  const lines = Object.entries(all).map(([field, value]) => `${field}: ${value}\r\n`);
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`, 'latin1');
}

/** Asks an origin server for the head of its first page. */
export function encodeHead(name: string, port: number): Buffer {
  return encodeRequest('HEAD', '/', name, port, { Accept: '*/*' });
}

/** Asks a proxy for a tunnel (RFC 9110 §9.3.6). No credentials are sent. */
export function encodeConnect(name: string, port: number): Buffer {
  return Buffer.from(`CONNECT ${name}:${port} HTTP/1.1\r\nHost: ${name}:${port}\r\nUser-Agent: portmatrix\r\n\r\n`, 'latin1');
}

/** Reads the head of an answer. Interim answers (1xx) before it are passed over; what is no HTTP/1 is malformed as soon as it shows. */
export function decodeHttpHead(received: Buffer): Decoded<HttpHead> {
  const text = received.toString('latin1', 0, headLimit);
  for (let start = 0; ;) {
    if (!isPrefix(opening, text.slice(start, start + opening.length))) return malformed('no HTTP/1 answer');
    const end = /\r?\n\r?\n/g;
    end.lastIndex = start;
    const found = end.exec(text);
    if (found === null) return received.length >= headLimit ? malformed(`a head of more than ${headLimit} bytes`) : incomplete;
    const [first = '', ...lines] = text.slice(start, found.index).split(/\r?\n/);
    const code = /^HTTP\/1\.\d ([1-9]\d\d)(?: .*)?$/.exec(first)?.[1];
    if (code === undefined) return malformed('a broken status line');
    start = end.lastIndex;
    const status = Number(code);
    if (status >= 200 || status === 101)
      return { kind: 'value', value: { status, fields: fieldsOf(lines), schemes: schemesOf(lines) }, length: start };
  }
}

/** The facts of a head. */
export function httpFacts({ status, fields, schemes }: HttpHead): Facts {
  const server = fields.get('server');
  return { httpStatus: status, ...(server !== undefined && { httpServer: server }), ...(schemes.length > 0 && { httpSchemes: schemes }) };
}

function isPrefix(whole: string, part: string): boolean {
  return whole.startsWith(part) || part.startsWith(whole);
}

function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name !== '' && !fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), value.slice(0, valueLimit));
  }
  return fields;
}

/** A challenge begins with a scheme; the parameters that follow it are parted by commas too, and are known by their equals signs. */
function schemesOf(lines: readonly string[]): readonly string[] {
  const offers = lines.flatMap((line) => /^www-authenticate:(.*)$/i.exec(line)?.[1] ?? []);
  const parts = offers.flatMap((offer) => offer.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').split(','));
  const schemes = parts.flatMap((part) => /^\s*([\w!#$%&'*+.^`|~-]{1,32})(?=\s*$|\s+[^\s=])/.exec(part)?.[1]?.toLowerCase() ?? []);
  return [...new Set(schemes)].sort().slice(0, schemesLimit);
}
