import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { decodeHttpHead, encodeConnect, encodeHead } from '../../agent/codecs/http.ts';

const read = (text: string) => decodeHttpHead(Buffer.from(text, 'latin1'));

function headOf(text: string) {
  const decoded = read(text);
  assert.ok(decoded.kind === 'value', JSON.stringify(decoded));
  return { status: decoded.value.status, fields: Object.fromEntries(decoded.value.fields), rest: text.slice(decoded.length) };
}

test('the question is the head of the first page, and names a port only where it is not the usual one', () => {
  assert.equal(
    encodeHead('ssm.example.com', 443).toString(),
    'HEAD / HTTP/1.1\r\nHost: ssm.example.com\r\nUser-Agent: portmatrix\r\nAccept: */*\r\nConnection: close\r\n\r\n',
  );
  assert.match(encodeHead('ssm.example.com', 8443).toString(), /\r\nHost: ssm\.example\.com:8443\r\n/);
});

test('a tunnel is asked for by name and port, and never with credentials', () => {
  assert.equal(
    encodeConnect('ssm.example.com', 443).toString(),
    'CONNECT ssm.example.com:443 HTTP/1.1\r\nHost: ssm.example.com:443\r\nUser-Agent: portmatrix\r\n\r\n',
  );
});

describe('the schemes that are offered', () => {
  for (const [what, fields, schemes] of [
    ['each in a field of its own', 'WWW-Authenticate: Negotiate\r\nwww-authenticate: NTLM\r\n', ['negotiate', 'ntlm']],
    ['all in one', 'WWW-Authenticate: Negotiate, Kerberos,CredSSP\r\n', ['credssp', 'kerberos', 'negotiate']],
    ['with parameters', 'WWW-Authenticate: Digest realm="a, Basic b", qop="auth", nonce=x, Basic realm="a \\" Fake c"\r\n', ['basic', 'digest']],
    ['with a token', 'WWW-Authenticate: Negotiate YII=, Basic realm=x\r\n', ['basic', 'negotiate']],
    ['twice', 'WWW-Authenticate: Basic realm="a"\r\nWWW-Authenticate: BASIC realm="b"\r\n', ['basic']],
    ['as nonsense', 'WWW-Authenticate: <script>, =, "Basic"\r\nX-WWW-Authenticate: Basic\r\n', []],
    ['by a name that is too long', `WWW-Authenticate: ${'x'.repeat(33)}\r\n`, []],
  ] as const) {
    test(`${what}: ${schemes.join(', ') || 'none'}`, () => {
      const decoded = read(`HTTP/1.1 401 No\r\n${fields}\r\n`);
      assert.deepEqual(decoded.kind === 'value' && decoded.value.schemes, schemes);
    });
  }

  test('are no more than 16', () => {
    const decoded = read(`HTTP/1.1 401 No\r\n${Array.from({ length: 99 }, (_, index) => `WWW-Authenticate: s${index}\r\n`).join('')}\r\n`);
    assert.equal(decoded.kind === 'value' && decoded.value.schemes.length, 16);
  });
});

describe('a head', () => {
  test('is a status and fields, whatever the case, the spaces and the line ends', () => {
    assert.deepEqual(headOf('HTTP/1.1 404 Not Found\r\nSERVER:  nginx \r\nX-Empty:\r\n\r\nbody'), {
      status: 404,
      fields: { server: 'nginx', 'x-empty': '' },
      rest: 'body',
    });
    assert.deepEqual(headOf('HTTP/1.0 200\nServer: old\n\n'), { status: 200, fields: { server: 'old' }, rest: '' });
  });

  test('may have no field at all', () => assert.equal(headOf('HTTP/1.1 200 Connection established\r\n\r\n').status, 200));

  test('counts the first of a repeated field, passes over what is no field, and cuts long values', () => {
    const { fields } = headOf(`HTTP/1.1 200 OK\r\nServer: one\r\nServer: two\r\nnonsense\r\n folded\r\nX: ${'y'.repeat(999)}\r\n\r\n`);
    assert.deepEqual([fields['server'], fields['x']?.length, Object.keys(fields).length], ['one', 256, 2]);
  });

  test('is the final one, after any interim answers', () => {
    assert.equal(headOf('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n').status, 403);
    assert.equal(read('HTTP/1.1 100 Continue\r\n\r\n').kind, 'incomplete');
    assert.equal(headOf('HTTP/1.1 101 Switching Protocols\r\n\r\n').status, 101);
  });

  test('never ends: no more than 16 KiB are waited for', () => {
    assert.equal(read(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}`).kind, 'malformed');
    assert.equal(read('HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)).kind, 'malformed');
  });

  for (const text of [
    'SSH-2.0-OpenSSH',
    '\u0015\u0003\u0001',
    '<html>',
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 99 Low\r\n\r\n',
    'HTTP/1.1 OK\r\n\r\n',
    'HTTP/1.1 2000 High\r\n\r\n',
  ])
    test(`is not ${JSON.stringify(text)}`, () => assert.equal(read(text).kind, 'malformed'));

  test('comes in any pieces: of its beginning nothing is ever refused', () => {
    const text = 'HTTP/1.1 301 Moved\r\nServer: a\r\nLocation: https://b/\r\n\r\n';
    for (let length = 0; length < text.length; length += 1) assert.equal(read(text.slice(0, length)).kind, 'incomplete', `at ${length}`);
  });

  test('of any status and any fields is read as it was written', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/);
    const value = fc.stringMatching(/^([!-~]([ -~]{0,50}[!-~])?)?$/);
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 599 }),
        fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key.toLowerCase(), maxLength: 8 }),
        (status, fields) => {
          const text = `HTTP/1.1 ${status} Reason\r\n${fields.map(([key, said]) => `${key}: ${said}\r\n`).join('')}\r\n`;
          const found = headOf(text);
          assert.equal(found.status, status);
          assert.deepEqual(found.fields, Object.fromEntries(fields.map(([key, said]) => [key.toLowerCase(), said])));
        },
      ),
    );
  });
});
