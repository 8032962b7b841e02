import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Question, Step } from '../../agent/net/dialogue.ts';
import { kerberos } from '../../agent/probes/kerberos.ts';

// Captured from Samba 4.17 in the lab: DC1$ over UDP (error 25), ADPROBE-NONE$ over TCP (error 6).
const known = hex(`
  7e82015730820153a003020105a10302011ea411180f32303236313132323132353034325aa5050203034279a603020119a7131b11434f52502e4558414d504c45
  2e54455354a811300fa003020101a10830061b0444433124a9131b11434f52502e4558414d504c452e54455354aa263024a003020102a11d301b1b066b72627467
  741b11434f52502e4558414d504c452e54455354ab2b1b294e65656420746f207573652050412d454e432d54494d455354414d502f50412d504b2d41532d524551
  ac819504819230818f3009a103020110a20204003009a10302010fa2020400300aa10402020093a20204003009a103020102a2020400300aa10402020088a20204
  00300aa1040202028fa20204003048a103020113a241043f303d303ba003020112a12c1b2a434f52502e4558414d504c452e54455354686f73746463312e636f72
  702e6578616d706c652e74657374a206040400001000
`);
const unknown = hex(`
  0000009d7e819a308197a003020105a10302011ea411180f32303236313132323132353034325aa5050203035530a603020106a7131b11434f52502e4558414d50
  4c452e54455354a81a3018a003020101a111300f1b0d414450524f42452d4e4f4e4524a9131b11434f52502e4558414d504c452e54455354aa263024a003020102
  a11d301b1b066b72627467741b11434f52502e4558414d504c452e54455354
`);
const serverTime = Date.UTC(2026, 10, 22, 12, 50, 42);

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
}

/** The reply with another error code, and other text in place of text of the same length. */
function patched(reply: Buffer, code: number, from = '', to = ''): Buffer {
  assert.equal(from.length, to.length);
  const bytes = Buffer.from(reply.toString('latin1').replaceAll(from, to), 'latin1');
  bytes.writeUInt8(code, bytes.indexOf(hex('a603 0201')) + 4);
  return bytes;
}

const question: Question = {
  transport: 'udp',
  port: 88,
  domain: 'corp.example.test',
  dnsName: 'dc1.corp.example.test',
  known: {},
  form: 0,
  random: () => hex('12345678'),
  now: () => serverTime,
};
const own = { ...question, account: 'ADPROBE-NONE$', transport: 'tcp' } as const;

function begin(asked: Question): { readonly sent: Buffer; readonly hear: (reply: Buffer) => string; readonly answer: () => Answer } {
  const dialogue = kerberos(asked);
  const first: IteratorResult<Step, Answer> = dialogue.next();
  assert.ok(first.done !== true && first.value.kind === 'ask');
  const { send, accept } = first.value;
  return {
    sent: Buffer.from(send),
    hear: (reply) => accept(reply).kind,
    answer: () => {
      const last = dialogue.next();
      return last.done === true ? last.value : assert.fail('another step');
    },
  };
}

test('a KDC that asks for pre-authentication is identified, with its realm and clock', () => {
  const { hear, answer } = begin(question);
  assert.equal(hear(known), 'accepted');
  const { status, facts, next } = answer();
  assert.deepEqual([status, facts.errorCode, facts.realm, facts.principal, next], ['identified', 25, 'CORP.EXAMPLE.TEST', 'DC1$', undefined]);
  assert.ok(facts.clockOffsetMs !== undefined && facts.clockOffsetMs >= 0 && facts.clockOffsetMs < 1000);
});

test('the DC is asked for under its NetBIOS name where that is known, otherwise under the first 15 characters of its DNS name', () => {
  assert.ok(begin(question).sent.includes('DC1$'));
  assert.ok(begin({ ...question, known: { netbiosName: 'OTHER' } }).sent.includes('OTHER$'));
  assert.ok(begin({ ...question, dnsName: 'a-very-long-computer-name.corp.example.test' }).sent.includes('\x0fA-VERY-LONG-COM$'.slice(1)));
  assert.ok(begin({ ...own, variant: 'dc' }).sent.includes('DC1$'));
});

test("the source's own account comes first, and when it is unknown the DC's is next", () => {
  const { sent, hear, answer } = begin(own);
  assert.ok(sent.includes('ADPROBE-NONE$'));
  assert.equal(sent.readUInt32BE(0), sent.length - 4);
  assert.equal(hear(unknown), 'accepted');
  const { facts, next } = answer();
  assert.deepEqual([facts.errorCode, facts.principal, next], [6, 'ADPROBE-NONE$', { variant: 'dc' }]);
});

test('an unknown account of the DC is the end of the matter', () => {
  const { hear, answer } = begin(question);
  assert.equal(hear(patched(known, 6)), 'accepted');
  assert.equal(answer().next, undefined);
});

test('wrong realm may name another realm and is still our answer', () => {
  const { hear, answer } = begin(own);
  assert.equal(hear(patched(unknown, 68, 'CORP.EXAMPLE.TEST', 'ROOT.EXAMPLE.TEST')), 'accepted');
  const { facts, next } = answer();
  assert.deepEqual([facts.errorCode, facts.realm, next], [68, 'ROOT.EXAMPLE.TEST', { variant: 'dc' }]);
});

test('an answer that is too big for UDP is asked for over TCP, in the same variant', () => {
  const { hear, answer } = begin({ ...own, transport: 'udp', variant: 'dc' });
  assert.equal(hear(patched(known, 52)), 'accepted');
  assert.deepEqual(answer().next, { transport: 'tcp', variant: 'dc' });
});

test("the same account is asked for again over TCP, be it the source's own or the DC's", () => {
  for (const [asked, principal] of [
    [own, 'ADPROBE-NONE$'],
    [question, 'DC1$'],
  ] as const) {
    const first = begin({ ...asked, transport: 'udp' });
    assert.equal(first.hear(patched(asked === own ? unknown.subarray(4) : known, 52)), 'accepted');
    assert.deepEqual(first.answer().next, { transport: 'tcp', variant: 'again' });
    assert.ok(begin({ ...asked, transport: 'tcp', variant: 'again' }).sent.includes(principal));
  }
});

test('a second question says that it is one', () => {
  for (const [variant, questions] of [
    ['dc', 2],
    [undefined, undefined],
  ] as const) {
    const { hear, answer } = begin({ ...question, ...(variant !== undefined && { variant }) });
    assert.equal(hear(known), 'accepted');
    assert.equal(answer().facts.questions, questions);
  }
});

test('an error for another realm, client or service is unrelated', () => {
  const { hear } = begin(question);
  assert.equal(hear(patched(known, 25, 'CORP.EXAMPLE.TEST', 'EVIL.EXAMPLE.TEST')), 'unrelated');
  assert.equal(hear(patched(known, 25, 'DC1$', 'DC2$')), 'unrelated');
  assert.equal(hear(patched(known, 25, 'krbtgt', 'changx')), 'unrelated');
  assert.equal(hear(patched(known, 25, 'CORP.EXAMPLE.TEST', 'corp.example.test')), 'accepted');
});

// By hand from RFC 4120 §5.4.2: an AS-REP for DC1$, without a ticket that anybody could read.
const ticket = hex(`
  6b3a 3038 a003020105 a10302010b a3131b11434f52502e4558414d504c452e54455354 a411300fa003020101a10830061b0444433124 a504 deadbeef
`);

test('a ticket for our account identifies a KDC, by realm and account and with nothing else of it', () => {
  const { hear, answer } = begin(question);
  assert.equal(hear(Buffer.from(ticket.toString('latin1').replace('CORP.', 'corp.').replace('DC1$', 'dc1$'), 'latin1')), 'accepted');
  assert.deepEqual(answer(), { status: 'identified', facts: { errorCode: 0, principal: 'DC1$', realm: 'corp.EXAMPLE.TEST' } });
});

test('a ticket for another account or realm is unrelated, and what only begins like one is malformed', () => {
  const { hear } = begin(question);
  assert.equal(hear(Buffer.from(ticket.toString('latin1').replace('DC1$', 'DC2$'), 'latin1')), 'unrelated');
  assert.equal(hear(Buffer.from(ticket.toString('latin1').replace('CORP.', 'EVIL.'), 'latin1')), 'unrelated');
  assert.equal(hear(hex('6b00')), 'malformed');
  assert.equal(begin({ ...question, transport: 'tcp' }).hear(hex('00000002 6b00')), 'malformed');
});

test('a frame in a datagram, and noise, are malformed', () => {
  assert.equal(begin(question).hear(unknown), 'malformed');
  assert.equal(begin(own).hear(Buffer.from('HTTP/1.1 400')), 'malformed');
});
