import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Question, Speak, Step } from '../../agent/net/dialogue.ts';
import { ldap, ldaps } from '../../agent/probes/ldap.ts';

// Captured from Samba 4.17 in the lab: entry and end of search in one segment, message id 0x3332ce16.
const rootDse = hex(`
  3082032702043332ce166482031d0400308203173034041464656661756c744e616d696e67436f6e74657874311c041a44433d636f72702c44433d6578616d706c
  652c44433d7465737430370417726f6f74446f6d61696e4e616d696e67436f6e74657874311c041a44433d636f72702c44433d6578616d706c652c44433d746573
  743032040a76656e646f724e616d653124042253616d6261205465616d202868747470733a2f2f7777772e73616d62612e6f7267293018040e697353796e636872
  6f6e697a65643106040454525545308185040d6473536572766963654e616d6531740472434e3d4e5444532053657474696e67732c434e3d4443312c434e3d5365
  72766572732c434e3d44656661756c742d46697273742d536974652d4e616d652c434e3d53697465732c434e3d436f6e66696775726174696f6e2c44433d636f72
  702c44433d6578616d706c652c44433d746573743071040a7365727665724e616d6531630461434e3d4443312c434e3d536572766572732c434e3d44656661756c
  742d46697273742d536974652d4e616d652c434e3d53697465732c434e3d436f6e66696775726174696f6e2c44433d636f72702c44433d6578616d706c652c4443
  3d746573743026040b646e73486f73744e616d65311704156463312e636f72702e6578616d706c652e74657374303d040f6c646170536572766963654e616d6531
  2a0428636f72702e6578616d706c652e746573743a6463312440434f52502e4558414d504c452e544553543022040b63757272656e7454696d6531130411323032
  36313132323132353034322e305a30350417737570706f727465645341534c4d656368616e69736d73311a040a4753532d53504e45474f04064753534150490404
  4e544c4d301d041368696768657374436f6d6d697474656455534e3106040434303733301a0413646f6d61696e46756e6374696f6e616c6974793103040134301a
  0413666f7265737446756e6374696f6e616c69747931030401343024041d646f6d61696e436f6e74726f6c6c657246756e6374696f6e616c697479310304013430
  1e04146973476c6f62616c436174616c6f6752656164793106040454525545300f02043332ce1665070a010004000400
`);
const certificate = hex(`
  308201513081d802142e8507b80f7f90989f0683236c1344de8768677f300a06082a8648ce3d040303300d310b300906035504030c026563301e170d3236313132
  323132343932305a170d3236313232323132343932305a300d310b300906035504030c0265633076301006072a8648ce3d020106052b81040022036200049a98d8
  e8e623dd206701bd03d89a5b194414524bc693701d898db970c3240aaaa25260ecfa8d12008c9ab7576e0167632b845ad4786baa42ceb163825b04ce25cc409481
  0428eb7fe27060283fa511fb8a092ca66522bf85334ba31c94847250300a06082a8648ce3d0403030368003065023100cbed6a7ab3cb6e6d7af52c9c867f1e6bc8
  4e33d4d78d919700cc9e6882051f2f62728303e343bee81477d58b728f4d0f02307f4ef19ae2e2acacbab3645e536f642312c56ca2fd9bd2ea11e9b34dc1dc867d
  f4ad0d586a631abc82d868971a412327
`);
const serverTime = Date.UTC(2026, 10, 22, 12, 50, 42);

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

const question: Question = {
  transport: 'tcp',
  port: 389,
  domain: 'corp.example.test',
  dnsName: 'dc1.corp.example.test',
  known: {},
  form: 0,
  random: () => hex('66659c2c'),
  now: () => serverTime,
};

const expected = {
  resultCode: 0,
  dnsName: 'dc1.corp.example.test',
  domain: 'corp.example.test',
  forest: 'corp.example.test',
  site: 'Default-First-Site-Name',
  synchronized: true,
  globalCatalogReady: true,
  functionalLevel: 4,
  vendor: 'Samba Team (https://www.samba.org)',
  clockOffsetMs: 500,
  clockUncertaintyMs: 500,
};

function play(speak: Speak, ...replies: readonly Buffer[]): Answer {
  const dialogue = speak(question);
  const left = [...replies];
  for (let step: IteratorResult<Step, Answer> = dialogue.next(); ; step = dialogue.next()) {
    if (step.done === true) return step.value;
    assert.ok(step.value.kind !== 'ticket');
    if (step.value.kind === 'tls') {
      assert.equal(step.value.serverName, 'dc1.corp.example.test');
      step.value.accept({ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', certificate: left.shift() ?? assert.fail(), chain: 'not-checked' });
    } else {
      assert.deepEqual(step.value.accept(left.shift() ?? assert.fail()), { kind: 'accepted' });
    }
  }
}

test('a DC is identified by its rootDSE', () => {
  assert.deepEqual(play(ldap, rootDse), { status: 'identified', facts: expected });
});

test('inside TLS the certificate is among the facts', () => {
  const { status, facts } = play(ldaps, certificate, rootDse);
  assert.equal(status, 'identified');
  const { tlsProtocol, tlsCipher, certificateSubject, certificateChain, domain } = facts;
  assert.deepEqual([tlsProtocol, tlsCipher], ['TLSv1.3', 'TLS_AES_256_GCM_SHA384']);
  assert.deepEqual([certificateSubject, certificateChain, domain], ['CN=ec', 'not-checked', 'corp.example.test']);
});

test('a certificate that nobody can read does not hide the directory behind it', () => {
  const { facts } = play(ldaps, Buffer.from('no certificate'), rootDse);
  assert.deepEqual([facts.complaint, facts.domain], ['the certificate was not understood', 'corp.example.test']);
});

test('an entry and its end may come in any pieces', () => {
  const step = ldap(question).next().value;
  assert.ok(step !== undefined && 'kind' in step && step.kind === 'ask');
  for (let length = 0; length < rootDse.length; length += 1) assert.deepEqual(step.accept(rootDse.subarray(0, length)), { kind: 'incomplete' });
  assert.deepEqual(step.accept(rootDse), { kind: 'accepted' });
});

test('a directory without dsServiceName names no domain, forest or site', () => {
  const { facts } = play(ldap, Buffer.from(rootDse.toString('latin1').replace('dsServiceName', 'xxServiceName'), 'latin1'));
  assert.deepEqual([facts.domain, facts.forest, facts.site, facts.dnsName], [undefined, undefined, undefined, 'dc1.corp.example.test']);
});

const notice = hex(`
  303f020100783a0a01340400041b54686520736572766572206973207368757474696e6720646f776e8a16312e332e362e312e342e312e313436362e3230303336
`);
const entry = rootDse.subarray(0, rootDse.indexOf(hex('300f02043332ce1665')));

test('an error code without an entry, or a notice of disconnection, still identifies LDAP', () => {
  assert.deepEqual(play(ldap, hex('300f 02043332ce16 6507 0a0135 0400 0400')), { status: 'identified', facts: { resultCode: 53 } });
  assert.deepEqual(play(ldap, notice), { status: 'identified', facts: { resultCode: 52, disconnected: true } });
  assert.deepEqual(play(ldap, Buffer.concat([entry, notice])), { status: 'identified', facts: { ...expected, resultCode: 52, disconnected: true } });
});

test('nothing but a notice of disconnection may come without our id', () => {
  const hear = (reply: Buffer): string => {
    const step = ldap(question).next().value;
    assert.ok(step !== undefined && 'kind' in step && step.kind === 'ask');
    return step.accept(reply).kind;
  };
  const under = (id: string, message: Buffer): Buffer => hex(message.toString('hex').replace('02043332ce16', id));
  assert.equal(hear(notice), 'accepted');
  assert.equal(hear(under('020400000000', entry)), 'incomplete');
  assert.equal(hear(Buffer.concat([under('020400000000', entry), notice])), 'unrelated');
  assert.equal(hear(Buffer.concat([under('020400000007', entry), notice])), 'unrelated');
  assert.equal(hear(hex('300f 020400000000 6507 0a0135 0400 0400')), 'unrelated');
  assert.equal(hear(notice.subarray(0, -1)), 'incomplete');
  assert.equal(hear(hex(notice.toString('hex').replace('020100', '020105'))), 'malformed');
});

test('the answer to another search is unrelated', () => {
  const step = ldap({ ...question, random: () => hex('00000002') }).next().value;
  assert.ok(step !== undefined && 'kind' in step && step.kind === 'ask');
  assert.deepEqual(step.accept(rootDse), { kind: 'unrelated' });
});
