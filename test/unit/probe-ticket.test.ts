import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Answer, Issue, Question, Speak } from '../../agent/net/dialogue.ts';
import { ldapBind } from '../../agent/probes/ldap-bind.ts';
import { cifsTicket, ldapTicket } from '../../agent/probes/ticket.ts';
import { hex } from '../support/captures.ts';

const question: Question = {
  transport: 'tcp',
  port: 88,
  domain: 'corp.example.test',
  dnsName: 'dc1.corp.example.test',
  known: {},
  form: 0,
  random: (length) => Buffer.alloc(length, 4),
  now: () => 0,
};
const principal = 'alice@CORP.EXAMPLE.TEST';
const token = Buffer.from('token');

function issueTo(speak: Speak, issue: Issue): { readonly order: unknown; readonly answer: Answer } {
  const dialogue = speak(question);
  const step = dialogue.next();
  assert.ok(step.done !== true && step.value.kind === 'ticket');
  step.value.accept(issue);
  const last = dialogue.next();
  assert.ok(last.done === true);
  return { order: step.value.order, answer: last.value };
}

describe('a ticket', () => {
  const realm = 'CORP.EXAMPLE.TEST';
  test('for LDAP is ordered in the realm of the domain, and is kept for the bind, and is no fact', () => {
    const { order, answer } = issueTo(ldapTicket, { principal, token });
    assert.deepEqual(order, { service: 'ldap', dnsName: 'dc1.corp.example.test', realm });
    const facts = { errorCode: 0, realm, principal, servicePrincipal: 'ldap/dc1.corp.example.test' };
    assert.deepEqual(answer, { status: 'identified', facts, ticket: token });
  });

  test('for CIFS is not kept', () => {
    const { answer } = issueTo(cifsTicket, { principal, token });
    const facts = { errorCode: 0, realm, principal, servicePrincipal: 'cifs/dc1.corp.example.test' };
    assert.deepEqual(answer, { status: 'identified', facts });
  });

  test('that is refused is told by its error code', () => {
    const { answer } = issueTo(ldapTicket, { principal, errorCode: 7 });
    assert.deepEqual(answer.facts.errorCode, 7);
    assert.ok(!('ticket' in answer));
  });
});

describe('a bind with a ticket', () => {
  function bindTo(reply: Buffer): unknown {
    const dialogue = ldapBind({ ...question, ticket: token });
    const step = dialogue.next();
    assert.ok(step.done !== true && step.value.kind === 'ask');
    // LDAPMessage 0x02020202, BindRequest, version 3, no name, SASL GSS-SPNEGO with the token (RFC 4511 §4.2).
    assert.deepEqual(Buffer.from(step.value.send), hex('3022 020402020202 601a 020103 0400 a313 040a4753532d53504e45474f 0405746f6b656e'));
    const acceptance = step.value.accept(reply);
    if (acceptance.kind !== 'accepted') return acceptance.kind;
    const last = dialogue.next();
    assert.ok(last.done === true);
    return last.value.facts;
  }

  const replies: Readonly<Record<string, readonly [reply: string, facts: unknown]>> = {
    'that succeeds': ['300f 020402020202 6107 0a0100 0400 0400', { resultCode: 0 }],
    'that goes on, with a token of the server': ['3013 020402020202 610b 0a010e 0400 0400 87026162', { resultCode: 14 }],
    'that is refused, with a reason': ['3012 020402020202 610a 0a0131 0400 0403626164', { resultCode: 49 }],
    'in lengths as Windows writes them': ['308400000013 020402020202 618400000007 0a0100 0400 0400', { resultCode: 0 }],
    'that a notice of disconnection ends': [
      '3024 020100 781f 0a0134 0400 0400 8a16 312e332e362e312e342e312e313436362e3230303336',
      { resultCode: 52, disconnected: true },
    ],
    'answered under another id': ['300c 020105 6107 0a0100 0400 0400', 'unrelated'],
    'answered with a search result': ['300f 020402020202 6507 0a0100 0400 0400', 'malformed'],
    'answered in part': ['300f 020402020202 6107 0a01', 'incomplete'],
  };
  for (const [name, [reply, facts]] of Object.entries(replies)) test(name, () => assert.deepEqual(bindTo(hex(reply)), facts));

  test('is impossible without one', () => assert.throws(() => ldapBind(question).next(), /without a ticket/));
});
