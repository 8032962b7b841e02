import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeIdentifyReply, encodeIdentify } from '../../agent/codecs/wsman.ts';
import { captures } from '../support/captures.ts';

const read = (text: string) => decodeIdentifyReply(Buffer.from(text, 'latin1'));
const soap = 'HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml; charset=UTF-8\r\n';

test('Identify is one POST that says how long it is and holds no credentials', () => {
  const [head = '', body = ''] = encodeIdentify('dc1.corp.example.test', 5985).toString().split('\r\n\r\n');
  assert.deepEqual(head.split('\r\n'), [
    'POST /wsman HTTP/1.1',
    'Host: dc1.corp.example.test:5985',
    'User-Agent: portmatrix',
    'WSMANIDENTIFY: unauthenticated',
    'Content-Type: application/soap+xml;charset=UTF-8',
    'Content-Length: 198',
    'Connection: close',
  ]);
  assert.equal(
    body,
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:wsmid="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><wsmid:Identify/></s:Body></s:Envelope>',
  );
});

test('an IdentifyResponse is read to its end, and no further', () => {
  const reply = captures.identified;
  const decoded = decodeIdentifyReply(Buffer.concat([reply, Buffer.from('more')]));
  assert.ok(decoded.kind === 'value');
  assert.deepEqual([decoded.value.status, decoded.length], [200, reply.length]);
  for (let length = 0; length < reply.length; length += 1)
    assert.equal(decodeIdentifyReply(reply.subarray(0, length)).kind, 'incomplete', `at ${length}`);
});

test("prefixes and spaces in the tags are the server's choice", () => {
  assert.equal(read(`${soap}\r\n<Envelope><Body><IdentifyResponse \n a="b"></IdentifyResponse></Body></Envelope >`).kind, 'value');
});

describe('what shows WinRM without an IdentifyResponse', () => {
  for (const [what, text] of [
    ['a logon with Negotiate', 'HTTP/1.1 401 \r\nWWW-Authenticate: Negotiate\r\n\r\n'],
    ['a logon with Kerberos', 'HTTP/1.1 401 \r\nWWW-Authenticate: Basic realm="WSMAN"\r\nWWW-Authenticate: Kerberos\r\n\r\n'],
    ['a logon with CredSSP', 'HTTP/1.1 401 \r\nWWW-Authenticate: CredSSP\r\n\r\n'],
    ['a logon with Basic, of http.sys', 'HTTP/1.1 401 \r\nServer: Microsoft-HTTPAPI/2.0\r\nWWW-Authenticate: Basic realm="WSMAN"\r\n\r\n'],
    ['a method that http.sys refuses', 'HTTP/1.1 405 \r\nServer: Microsoft-HTTPAPI/2.0\r\nAllow: POST\r\n\r\n'],
    ['http.sys without it', 'HTTP/1.1 404 Not Found\r\nServer: Microsoft-HTTPAPI/2.0\r\n\r\n<!DOCTYPE'],
  ] as const) {
    test(what, () => assert.equal(read(text).kind, 'value'));
  }
});

describe('another server is malformed', () => {
  for (const [what, text] of [
    ['that has a page for every path', 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n'],
    ['that names no type', 'HTTP/1.1 200 OK\r\n\r\n<s:Envelope><wsmid:IdentifyResponse/></s:Envelope>'],
    ['of Windows, with a page', 'HTTP/1.1 200 OK\r\nServer: Microsoft-HTTPAPI/2.0\r\nContent-Type: text/html\r\n\r\n'],
    ['that speaks SOAP about something else', `${soap}\r\n<s:Envelope><s:Body><s:Fault/></s:Body></s:Envelope>`],
    ['that echoes our question', `${soap}\r\n${encodeIdentify('x', 1).toString().split('\r\n\r\n')[1]}`],
    ['that wants a logon of its own', 'HTTP/1.1 401 \r\nServer: nginx\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'],
    ['that wants a logon and says not how', 'HTTP/1.1 401 \r\n\r\n'],
    ['that refuses the method', 'HTTP/1.1 405 \r\nServer: nginx\r\n\r\n'],
    ['that has no such page', 'HTTP/1.1 404 \r\nServer: Microsoft-IIS/10.0\r\n\r\n'],
    ['that sends elsewhere', 'HTTP/1.1 301 \r\nLocation: https://x/\r\n\r\n'],
    ['that hears HTTP where it wants TLS', 'HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\r\n\r\n'],
    ['that announces too much', `${soap}Content-Length: 9999999999\r\n\r\n`],
    ['that sends too much', `${soap}\r\n${' '.repeat(16 * 1024)}`],
    ['that speaks no HTTP', 'SSH-2.0-OpenSSH'],
  ] as const) {
    test(what, () => assert.equal(read(text).kind, 'malformed'));
  }
});
