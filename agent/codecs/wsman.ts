/** WS-Management as far as Identify goes, the one question that wants no authentication (DSP0226 §11, [MS-WSMV] 3.1.4.1.23). */
import { type Decoded, incomplete, malformed } from './decoded.ts';
import { decodeHttpHead, encodeRequest, type HttpHead } from './http.ts';

const path = '/wsman';
const contentType = 'application/soap+xml';

/** Longest answer that is waited for. An IdentifyResponse has some hundred bytes. */
const bodyLimit = 16 * 1024;

/** What http.sys calls itself, which answers for WinRM and for what is not there. */
const httpSys = /^Microsoft-HTTPAPI\//;

/** Schemes that WinRM offers and hardly another server does. */
const windowsSchemes: ReadonlySet<string> = new Set(['credssp', 'kerberos', 'negotiate']);

const identify =
  '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd">' +
  '<s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>';

/** Asks who speaks WS-Management there, without authentication. */
export function encodeIdentify(name: string, port: number): Buffer {
  const fields = { WSMANIDENTIFY: 'unauthenticated', 'Content-Type': `${contentType};charset=UTF-8`, 'Content-Length': String(identify.length) };
  return encodeRequest('POST', path, name, port, fields, identify);
}

/**
 * Reads the answer to Identify: the head of an IdentifyResponse, which is read to its end, of a demand to log on, or of whatever http.sys says. Of any other
 * server it is malformed: a login or a refusal alone shows no WS-Management.
 */
export function decodeIdentifyReply(received: Buffer): Decoded<HttpHead> {
  const decoded = decodeHttpHead(received);
  if (decoded.kind !== 'value') return decoded;
  const { value: head, length } = decoded;
  if (head.status === 200) {
    const body = readIdentifyResponse(head, received.toString('latin1', length, length + bodyLimit));
    return body.kind === 'value' ? { kind: 'value', value: head, length: length + body.length } : body;
  }
  const isWindows = httpSys.test(head.fields.get('server') ?? '');
  const isLogon = head.status === 401 && head.schemes.some((scheme) => windowsSchemes.has(scheme));
  return isWindows || isLogon ? decoded : malformed(`an HTTP server without WS-Management (status ${head.status})`);
}

function readIdentifyResponse({ fields }: HttpHead, body: string): Decoded<true> {
  if (fields.get('content-type')?.toLowerCase().startsWith(contentType) !== true) return malformed('an HTTP server without WS-Management (no SOAP)');
  if (Number(fields.get('content-length') ?? 0) > bodyLimit) return malformed(`an answer of more than ${bodyLimit} bytes`);
  const end = /<\/(?:[\w-]+:)?Envelope\s*>/.exec(body);
  if (end === null) return body.length >= bodyLimit ? malformed(`an answer of more than ${bodyLimit} bytes`) : incomplete;
  const isResponse = /<(?:[\w-]+:)?IdentifyResponse[\s>]/.test(body.slice(0, end.index));
  return isResponse ? { kind: 'value', value: true, length: end.index + end[0].length } : malformed('SOAP, but no IdentifyResponse');
}
