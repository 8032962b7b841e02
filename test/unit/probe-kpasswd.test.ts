import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Question, Step } from '../../agent/net/dialogue.ts';
import { kpasswd } from '../../agent/probes/kpasswd.ts';

// Vectors A4, A4k and A4r of probes.md §18.
const changeRequest = hex(`
  014b000100fa6e81f73081f4a003020105a10302010ea20703050020000000a3819161818e30818ba003020105a1131b11434f52502e4558414d504c452e544553
  54a21d301ba003020102a11430121b066b61646d696e1b086368616e67657077a350304ea003020112a103020101a2420440aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa44b3049a003020112a2420440bbbbbb
  bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb75493047
  a003020105a103020115a33b3039a003020112a2320430cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
  cccccccccccc
`);
const shortRequest = hex(`
  00070001000000
`);
const reply = hex(`
  009e000100007e8195308192a003020105a10302011ea411180f32303236313132323037353035395aa50502030c61daa603020102a9131b11434f52502e455841
  4d504c452e54455354aa1d301ba003020101a11430121b066b61646d696e1b086368616e67657077ac330431000267656e7365635f757064617465206661696c65
  64202d204e545f5354415455535f4c4f474f4e5f4641494c5552450a
`);

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

const question: Question = {
  transport: 'udp',
  port: 464,
  domain: 'corp.example.test',
  dnsName: 'dc1.corp.example.test',
  known: {},
  form: 0,
  random: () => assert.fail('nothing here is random'),
  now: () => Date.UTC(2026, 10, 22, 7, 50, 59),
};
const expected: Answer = {
  status: 'identified',
  facts: { errorCode: 2, realm: 'CORP.EXAMPLE.TEST', clockOffsetMs: 811, clockUncertaintyMs: 1 },
};

function play(asked: Question, received: Buffer): { readonly sent: Buffer; readonly answer: Answer } {
  const dialogue = kpasswd(asked);
  const step: IteratorResult<Step, Answer> = dialogue.next();
  assert.ok(step.done !== true && step.value.kind === 'ask');
  assert.deepEqual(step.value.accept(received), { kind: 'accepted' });
  const last = dialogue.next();
  return { sent: Buffer.from(step.value.send), answer: last.done === true ? last.value : assert.fail('another step') };
}

test('a refusal over UDP identifies the service, in both forms of the question', () => {
  assert.deepEqual(play(question, reply), { sent: changeRequest, answer: expected });
  assert.deepEqual(play({ ...question, form: 1 }, reply), { sent: shortRequest, answer: expected });
});

test('over TCP question and refusal are framed, and the refusal may be a bare KRB-ERROR', () => {
  const bare = reply.subarray(6);
  for (const refusal of [Buffer.concat([hex('0000009e'), reply]), Buffer.concat([hex('00000098'), bare])]) {
    assert.deepEqual(play({ ...question, transport: 'tcp' }, refusal), { sent: Buffer.concat([hex('0000014b'), changeRequest]), answer: expected });
  }
});

test('without a known domain the realm is the domain part of the DNS name', () => {
  const { domain: _, ...anyDomain } = question;
  assert.deepEqual(play(anyDomain, reply).sent, changeRequest);
});

test('a refusal about another service says which one', () => {
  const other = Buffer.from(reply.toString('latin1').replace('kadmin', 'krbtgt').replace('changepw', 'CORPTEST'), 'latin1');
  assert.deepEqual(play(question, other).answer, { ...expected, facts: { ...expected.facts, servicePrincipal: 'krbtgt/CORPTEST' } });
});

test('a refusal that names no service is one still', () => {
  const from = reply.indexOf(hex('aa1d301b'));
  const bytes = Buffer.concat([reply.subarray(6, from), reply.subarray(from + 31)]);
  bytes[2] = (bytes[2] ?? 0) - 31;
  bytes[5] = (bytes[5] ?? 0) - 31;
  assert.deepEqual(play(question, bytes).answer, expected);
});
