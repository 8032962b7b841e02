/** Text of a stranger: what a peer writes into names stays data, on one line, whole or cut, and the same on the controller's side. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { packFrame, unpackFrame } from '../../agent/contract/frame.ts';
import { decodeMessage, encodeMessage } from '../../agent/contract/message.ts';
import type { ProbeName, Transport } from '../../agent/contract/probe.ts';
import { captures, hex } from '../support/captures.ts';
import { makeIdentity } from '../support/certificate.ts';
import { jobOf, observedAt, resultAt, ruleOf, runJob } from '../support/jobs.ts';
import { serveUdp } from '../support/loopback.ts';
import { startPeer } from '../support/peers.ts';
import { bigEndian, messageId, patched, services, type Service, type Speaker, withMessageId } from '../support/speakers.ts';

const identity = makeIdentity('dc1.corp.example.test');

function serviceOf(probe: ProbeName, transport: Transport): Service {
  return services[probe][transport] ?? assert.fail(`nobody speaks ${probe} over ${transport}`);
}

/** A speaker that writes other text of the same length in its answers. */
function rewriting(speak: Speaker, from: string, to: string): Speaker {
  assert.equal(from.length, to.length);
  return (request, port) => {
    const answer = speak(request, port);
    return answer && Buffer.from(answer.toString('latin1').replaceAll(from, to), 'latin1');
  };
}

const nasty = '\r\n\u001b]0;]]><b>\0&"\'</';
const wrongRealm: Speaker = () => {
  const answer = Buffer.from(captures.preAuthentication.subarray(4));
  answer.writeUInt8(68, answer.indexOf(hex('a603020119')) + 4);
  const realm = answer.indexOf('CORP.EXAMPLE.TEST');
  answer.write(nasty.slice(0, 17), realm, 'latin1');
  return answer;
};

const rows: readonly (readonly [probe: ProbeName, transport: Transport, speak: Speaker, written: string])[] = [
  ['dns', 'udp', rewriting(serviceOf('dns', 'udp').speak, '\u0003dc1\u00c0', '\u0003]]>\u00c0'), ']]>.corp.example.test'],
  ['dns', 'tcp', rewriting(serviceOf('dns', 'tcp').speak, '\u0003dc1\u00c0', '\u0003\n\u001b]\u00c0'), '\n\u001b].corp.example.test'],
  ['cldap', 'udp', rewriting(serviceOf('cldap', 'udp').speak, '\u0003DC1\0', '\u0003\n]>\0'), '\n]>'],
  ['ldap', 'tcp', rewriting(serviceOf('ldap', 'tcp').speak, 'Samba Team (https:', nasty), `${nasty}//www.samba.org)`],
  ['ldaps', 'tcp', rewriting(serviceOf('ldaps', 'tcp').speak, 'Samba Team (https:', nasty), `${nasty}//www.samba.org)`],
  ['kerberos', 'udp', wrongRealm, nasty.slice(0, 17)],
  ['netbios', 'udp', rewriting(serviceOf('netbios', 'udp').speak, 'DC1            ', ']]>\n\r\u001b[2J      '), ']]>\n\r\u001b[2J'],
];

describe('names that are not names', { concurrency: true }, () => {
  for (const [probe, transport, speak, written] of rows) {
    test(`${probe} over ${transport} tells them as they came, on one line, and they arrive the same`, async (t) => {
      const port = await startPeer(t, 'correct', transport, { ...serviceOf(probe, transport), speak }, identity);
      const job = jobOf([ruleOf(probe, transport, port)]);
      const result = resultAt(await runJob(job), 0);
      assert.ok(result.outcome.kind === 'observed' && result.outcome.service?.status === 'identified', JSON.stringify(result.outcome));
      const texts = Object.values(result.outcome.service.facts).flat();
      assert.ok(texts.includes(written.slice(0, 256)), JSON.stringify(texts));
      const line = encodeMessage(result);
      assert.doesNotMatch(line, /[^ -\u{10ffff}]/u);
      assert.deepEqual(decodeMessage(line), result);
      assert.deepEqual(unpackFrame(job, 'client', packFrame(job, 'client', { results: [result] })), { results: [result] });
    });
  }

  test('a certificate may say anything about its subject', async (t) => {
    const hostile = makeIdentity('dc1.corp.example.test', '/O=]]><script>/CN=\u001b[2Jdc1');
    const port = await startPeer(t, 'correct', 'tcp', serviceOf('ldaps', 'tcp'), hostile);
    const result = resultAt(await runJob(jobOf([ruleOf('ldaps', 'tcp', port)])), 0);
    assert.ok(result.outcome.kind === 'observed' && result.outcome.service?.status === 'identified');
    assert.equal(result.outcome.service.facts.certificateSubject, 'O=]]\\>\\<script\\>, CN=\\1B[2Jdc1');
    assert.deepEqual(decodeMessage(encodeMessage(result)), result);
  });

  test('a text of thousands of characters is cut to 256', async (t) => {
    const value = Buffer.concat([hex('0482'), bigEndian(20_000, 2), Buffer.alloc(20_000, '\u00e9')]);
    const values = Buffer.concat([hex('3182'), bigEndian(value.length, 2), value]);
    const attribute = Buffer.concat([hex('040a'), Buffer.from('vendorName'), values]);
    const list = Buffer.concat([hex('3082'), bigEndian(attribute.length, 2), attribute]);
    const attributes = Buffer.concat([hex('0400 3082'), bigEndian(list.length, 2), list]);
    const entry = Buffer.concat([hex('6482'), bigEndian(attributes.length, 2), attributes]);
    const message = Buffer.concat([hex('3082'), bigEndian(entry.length + 3, 2), hex('020107'), entry, hex('300c020107 65070a010004000400')]);
    const speak: Speaker = (request) => withMessageId(messageId(request), message);
    const port = await startPeer(t, 'correct', 'tcp', { ...serviceOf('ldap', 'tcp'), speak }, identity);
    const { service } = observedAt(await runJob(jobOf([ruleOf('ldap', 'tcp', port)])), 0);
    assert.equal(service?.facts.vendor, '\u00e9'.repeat(256));
  });
});

describe('names that point in circles', { concurrency: true }, () => {
  const question = captures.dnsSrv.subarray(12, 56);
  const header = '0000 8400 0001 0001 0000 0000';
  const srvTo = (name: string): Buffer => Buffer.concat([hex(header), question, hex(`c00c 0021 0001 00000384 0008 0000 0064 0185 ${name}`)]);
  for (const [what, answer] of [
    ['a question that points at itself', hex(`${header} c00c 0021 0001`)],
    ['a question that points ahead', hex(`${header} c010 0021 0001 c00c`)],
    ['a record whose name points at itself', Buffer.concat([hex(header), question, hex('c038 0021 0001 00000384 0002 c038')])],
    // The target begins at 76, after 12 bytes of header, 44 of question and 20 of record.
    ['an SRV target that points at itself', srvTo('c04a')],
    ['two pointers at each other', Buffer.concat([hex(header), question, hex('c03a c038 0021 0001 00000384 0000')])],
    ['a label without end', Buffer.concat([hex(header), question, Buffer.alloc(400, 63)])],
  ] as const) {
    for (const transport of ['udp', 'tcp'] as const) {
      test(`dns over ${transport}: ${what} is malformed`, async (t) => {
        const speak: Speaker = (request) => {
          const id = transport === 'tcp' ? request.subarray(2, 4) : request.subarray(0, 2);
          const message = patched(answer, { 0: id });
          return transport === 'tcp' ? Buffer.concat([bigEndian(message.length, 2), message]) : message;
        };
        const port = await startPeer(t, 'correct', transport, { ...serviceOf('dns', transport), speak }, identity);
        const { state, service } = observedAt(
          await runJob(jobOf([ruleOf('dns', transport, port)], { timeoutMs: transport === 'udp' ? 1_500 : 10_000 })),
          0,
        );
        assert.deepEqual([state, service?.status], ['open', 'malformed']);
      });
    }
  }

  test('cldap: a forest name that points at itself is malformed', async (t) => {
    const ping = serviceOf('cldap', 'udp').speak;
    const port = await serveUdp(t, (request, reply) => {
      const answer = ping(request, 0) ?? assert.fail();
      // The names of the netlogon value begin 24 bytes after its start; offsets count from there.
      reply(patched(answer, { [answer.indexOf(hex('04636f7270'))]: hex('c018') }));
    });
    const { state, service } = observedAt(await runJob(jobOf([ruleOf('cldap', 'udp', port)], { timeoutMs: 1_500 })), 0);
    assert.deepEqual([state, service?.status], ['open', 'malformed']);
  });
});
