import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Question, Step } from '../../agent/net/dialogue.ts';
import { https } from '../../agent/probes/https.ts';

const question: Question = {
  transport: 'tcp',
  port: 443,
  dnsName: 'ssm.example.com',
  known: {},
  form: 0,
  random: () => Buffer.alloc(0),
  now: () => 0,
};
const behindProxy: Question = { ...question, port: 3128, tunnel: { port: 443, facts: { proxy: 'proxy.corp:3128' } } };
const session = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', certificate: Buffer.from('no certificate'), chain: 'trusted' };

/** Plays the peer: replies to each question in turn. Returns what was said, with `TLS` for the handshake, and the answer. */
function play(asked: Question, ...replies: readonly string[]): { readonly said: readonly string[]; readonly answer: Answer } {
  const said: string[] = [];
  const left = [...replies];
  const dialogue = https(asked);
  for (let step: IteratorResult<Step, Answer> = dialogue.next(); ; step = dialogue.next()) {
    if (step.done === true) return { said, answer: step.value };
    if (step.value.kind === 'tls') {
      said.push(`TLS ${step.value.serverName} ${step.value.anchors}`);
      step.value.accept(session);
    } else if (step.value.kind === 'ask') {
      said.push(Buffer.from(step.value.send).toString().split('\r\n', 1)[0] ?? '');
      assert.deepEqual(step.value.accept(Buffer.from(left.shift() ?? assert.fail())), { kind: 'accepted' });
    } else assert.fail(step.value.kind);
  }
}

const tls = {
  tlsProtocol: 'TLSv1.3',
  tlsCipher: 'TLS_AES_256_GCM_SHA384',
  certificateChain: 'trusted',
  complaint: 'the certificate was not understood',
};

test('an endpoint shows its certificate under its name, and any status identifies it', () => {
  for (const status of [200, 301, 400, 403, 404, 503]) {
    const { said, answer } = play(question, `HTTP/1.1 ${status} Whatever\r\n\r\n`);
    assert.deepEqual(said, ['TLS ssm.example.com public', 'HEAD / HTTP/1.1']);
    assert.deepEqual(answer, { status: 'identified', facts: { ...tls, httpStatus: status } });
  }
});

test('through a proxy the tunnel comes first, to the port of the endpoint', () => {
  const { said, answer } = play(behindProxy, 'HTTP/1.0 200 Connection established\r\n\r\n', 'HTTP/1.1 404 Not Found\r\nServer: Server\r\n\r\n');
  assert.deepEqual(said, ['CONNECT ssm.example.com:443 HTTP/1.1', 'TLS ssm.example.com public', 'HEAD / HTTP/1.1']);
  assert.deepEqual(answer, {
    status: 'identified',
    facts: { proxy: 'proxy.corp:3128', proxyStatus: 200, ...tls, httpStatus: 404, httpServer: 'Server' },
  });
});

test('a proxy that does not open the way ends it, with its status', () => {
  for (const status of [101, 302, 400, 403, 407, 502, 503, 504]) {
    const { said, answer } = play(behindProxy, `HTTP/1.1 ${status} No\r\nServer: squid\r\n\r\n`);
    assert.deepEqual(said, ['CONNECT ssm.example.com:443 HTTP/1.1']);
    assert.deepEqual(answer, { status: 'absent', facts: { proxy: 'proxy.corp:3128', proxyStatus: status } });
  }
});
