import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Question, Step } from '../../agent/net/dialogue.ts';
import { cldap } from '../../agent/probes/cldap.ts';

// Vector A3r of probes.md §18: message id 7.
const pingReply = hex(`
  307b020107647604003072307004086e65746c6f676f6e3164046217000000fd13000065ed07a17f9b1549a52d4b2fd81a1c3a04636f7270076578616d706c6504
  7465737400c01803646331c01804434f5250000344433100001744656661756c742d46697273742d536974652d4e616d6500c03f05000000ffffffff300c020107
  65070a010004000400
`);
const notHosted = hex('300c02010765070a010004000400');

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

const question: Question = {
  transport: 'udp',
  port: 389,
  domain: 'corp.example.test',
  dnsName: 'dc1.corp.example.test',
  known: {},
  form: 0,
  random: () => hex('0000000e'),
  now: () => 0,
};

function asked(step: IteratorResult<Step, unknown>): Extract<Step, { kind: 'ask' }> {
  assert.ok(step.done !== true && step.value.kind === 'ask');
  return step.value;
}

test('the DC that hosts our domain is identified, with its names, site and roles', () => {
  const dialogue = cldap(question);
  const step = asked(dialogue.next());
  assert.ok(Buffer.from(step.send).includes('corp.example.test'));
  assert.deepEqual(step.accept(pingReply), { kind: 'accepted' });
  const { value: answer } = dialogue.next();
  assert.ok(answer !== undefined && 'status' in answer);
  assert.equal(answer.status, 'identified');
  const { resultCode, domain, netbiosName, site } = answer.facts;
  assert.deepEqual([resultCode, domain, netbiosName, site], [0, 'corp.example.test', 'DC1', 'Default-First-Site-Name']);
});

test('a server that does not host our domain is identified without a domain', () => {
  const dialogue = cldap(question);
  assert.deepEqual(asked(dialogue.next()).accept(notHosted), { kind: 'accepted' });
  assert.deepEqual(dialogue.next().value, { status: 'identified', facts: { resultCode: 0 } });
});

test('an answer with another message id is unrelated, and noise is malformed', () => {
  const step = asked(cldap({ ...question, random: () => hex('00000010') }).next());
  assert.deepEqual(step.accept(pingReply), { kind: 'unrelated' });
  assert.equal(step.accept(Buffer.from('noise')).kind, 'malformed');
});

test('without a known domain the ping names none', () => {
  const { domain: _, ...anyDomain } = question;
  assert.ok(!Buffer.from(asked(cldap(anyDomain).next()).send).includes('DnsDomain'));
});
