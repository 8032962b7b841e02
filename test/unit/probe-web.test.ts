/** The probes of Windows' own web services, played by hand. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer, Question, Speak } from '../../agent/net/dialogue.ts';
import { rdgw } from '../../agent/probes/rdgw.ts';
import { winrm, winrmTls } from '../../agent/probes/winrm.ts';
import { captures } from '../support/captures.ts';

const question: Question = {
  transport: 'tcp',
  port: 5985,
  dnsName: 'dc1.corp.example.test',
  known: {},
  form: 0,
  random: (length) => Buffer.alloc(length, 0xab),
  now: () => 0,
};
const session = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', certificate: Buffer.from('no certificate'), chain: 'not-checked' };
const tls = {
  tlsProtocol: 'TLSv1.3',
  tlsCipher: 'TLS_AES_256_GCM_SHA384',
  certificateChain: 'not-checked',
  complaint: 'the certificate was not understood',
};

/** Plays the peer, which gives this one answer. Returns what was said, with `TLS` for the handshake, and the answer. */
function play(speak: Speak, reply: Buffer, asked = question): { readonly said: readonly string[]; readonly answer: Answer } {
  const said: string[] = [];
  const dialogue = speak(asked);
  for (let step = dialogue.next(); ; step = dialogue.next()) {
    if (step.done === true) return { said, answer: step.value };
    if (step.value.kind === 'tls') {
      said.push(`TLS ${step.value.serverName} ${step.value.anchors}`);
      step.value.accept(session);
    } else if (step.value.kind === 'ask') {
      said.push(Buffer.from(step.value.send).toString());
      assert.deepEqual(step.value.accept(reply), { kind: 'accepted' });
    }
  }
}

describe('winrm', () => {
  const http = { httpStatus: 200, httpServer: 'Microsoft-HTTPAPI/2.0' };

  test('is identified by its answer to one question, and nothing follows it', () => {
    const { said, answer } = play(winrm, captures.identified);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? '', /^POST \/wsman HTTP/);
    assert.deepEqual(answer, { status: 'identified', facts: http });
  });

  test('over HTTPS is asked the same inside TLS, under the name of the destination', () => {
    const { said, answer } = play(winrmTls, captures.identified, { ...question, port: 5986 });
    assert.deepEqual([said.length, said[0]], [2, 'TLS dc1.corp.example.test job']);
    assert.match(said[1] ?? '', /^POST \/wsman HTTP\/1\.1\r\nHost: dc1\.corp\.example\.test:5986\r\n/);
    assert.deepEqual(answer, { status: 'identified', facts: { ...tls, ...http } });
  });

  test('that wants a logon is identified with the schemes that it offers', () => {
    const logon = 'HTTP/1.1 401 \r\nServer: Microsoft-HTTPAPI/2.0\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: Basic realm="WSMAN"\r\n\r\n';
    const { facts } = play(winrm, Buffer.from(logon)).answer;
    assert.deepEqual(facts, { ...http, httpStatus: 401, httpSchemes: ['basic', 'negotiate'] });
  });
});

describe('rdgw', () => {
  test('asks for one channel inside TLS, under a random id and without credentials', () => {
    const { said, answer } = play(rdgw, captures.gatewayLogon, { ...question, port: 443 });
    assert.equal(said[0], 'TLS dc1.corp.example.test job');
    assert.deepEqual(said[1]?.split('\r\n'), [
      'RDG_OUT_DATA /remoteDesktopGateway/ HTTP/1.1',
      'Host: dc1.corp.example.test',
      'User-Agent: portmatrix',
      'Accept: */*',
      'Cache-Control: no-cache',
      'Pragma: no-cache',
      'RDG-Connection-Id: {abababab-abab-abab-abab-abababababab}',
      'Content-Length: 0',
      'Connection: close',
      '',
      '',
    ]);
    assert.equal(said.length, 2);
    const facts = { ...tls, httpStatus: 401, httpServer: 'Microsoft-HTTPAPI/2.0', httpSchemes: ['negotiate', 'ntlm'] };
    assert.deepEqual(answer, { status: 'identified', facts });
  });

  test('takes any status for an answer, and leaves its meaning to the controller', () => {
    for (const status of [200, 404, 405, 501, 503]) {
      const { answer } = play(rdgw, Buffer.from(`HTTP/1.1 ${status} Whatever\r\n\r\n`));
      assert.deepEqual(answer, { status: 'identified', facts: { ...tls, httpStatus: status } });
    }
  });
});
