/** Large questions and answers, and what they need: the same question, answered in a small packet. */
import assert from 'node:assert/strict';
import { Socket } from 'node:dgram';
import { describe, test, type TestContext } from 'node:test';
import { expand } from '../../agent/contract/expand.ts';
import type { Job, JobRule } from '../../agent/contract/job.ts';
import type { Size, Transport } from '../../agent/contract/probe.ts';
import { jobOf, observedAt, resultAt, ruleOf, runJob } from '../support/jobs.ts';
import { refusedPort, type Scope, serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { services, type Speaker } from '../support/speakers.ts';

type Sizable = 'dns' | 'cldap' | 'ldap' | 'kerberos';

/** A small question and a large one on the same port. */
function pairOf(probe: Sizable, transport: Transport, port: number, size: Size): readonly JobRule[] {
  return [ruleOf(probe, transport, port), ruleOf(probe, transport, port, { rule: 'large', size, after: [0] })];
}

/** Serves what `speak` says and notes the length of each request. */
function serve(t: Scope, transport: Transport, speak: Speaker, lengths: number[] = []): Promise<number> {
  if (transport === 'udp')
    return serveUdp(t, (request, reply, server) => {
      lengths.push(request.length);
      const answer = speak(request, server.address().port);
      if (answer !== undefined) reply(answer);
    });
  return serveTcp(t, (socket) =>
    socket.on('data', (request) => {
      lengths.push(request.length);
      socket.write(speak(request, socket.localPort ?? 0) ?? '');
    }),
  );
}

function speakerOf(probe: Sizable, transport: Transport): Speaker {
  return services[probe][transport]?.speak ?? assert.fail(`nobody speaks ${probe} over ${transport}`);
}

function idAt(job: Job, index: number): string {
  return [...expand(job)][index]?.id ?? assert.fail();
}

const spoken = [
  ['dns', 'udp'],
  ['dns', 'tcp'],
  ['cldap', 'udp'],
  ['ldap', 'tcp'],
  ['kerberos', 'udp'],
  ['kerberos', 'tcp'],
] as const;

describe('a large question', { concurrency: true }, () => {
  for (const [probe, transport] of spoken) {
    for (const bytes of [1_232, 1_452, 4_000]) {
      test(`${probe} over ${transport} is one of ${bytes} bytes, sent once, and answered`, async (t) => {
        const lengths: number[] = [];
        const port = await serve(t, transport, speakerOf(probe, transport), lengths);
        const told = await runJob(jobOf(pairOf(probe, transport, port, { of: 'request', bytes })));
        assert.equal(observedAt(told, 1).service?.status, 'identified');
        assert.deepEqual([resultAt(told, 1).attempts, lengths.filter((length) => length >= 1_000)], [1, [bytes]]);
      });
    }
  }

  for (const [probe, transport] of [
    ['ldap', 'tcp'],
    ['cldap', 'udp'],
  ] as const) {
    test(`${probe} over ${transport} that asks for a long answer is small itself, and tells how long the answer was`, async (t) => {
      const lengths: number[] = [];
      const answers: number[] = [];
      const speak: Speaker = (request, at) => {
        const answer = speakerOf(probe, transport)(request, at);
        answers.push(answer?.length ?? 0);
        return answer;
      };
      const port = await serve(t, transport, speak, lengths);
      const told = await runJob(jobOf(pairOf(probe, transport, port, { of: 'reply', bytes: 1_500 })));
      const { service } = observedAt(told, 1);
      assert.deepEqual([service?.status, service?.facts.answerBytes], ['identified', answers.at(-1)]);
      assert.ok((answers.at(-1) ?? 0) >= 2_000);
      assert.ok((lengths.at(-1) ?? 0) < 60);
    });
  }

  test('that is lost is asked again over UDP, and is silence', async (t) => {
    const lengths: number[] = [];
    const speak = speakerOf('kerberos', 'udp');
    const port = await serve(t, 'udp', (request, at) => (request.length > 1_400 ? undefined : speak(request, at)), lengths);
    const told = await runJob(jobOf(pairOf('kerberos', 'udp', port, { of: 'request', bytes: 1_452 }), { timeoutMs: 1_500 }));
    const { state, reason } = observedAt(told, 1);
    assert.deepEqual([state, reason, lengths], ['open|filtered', 'no-response', [151, 1_452, 1_452]]);
  });

  test('that stalls over TCP is open, silent', async (t) => {
    const speak = speakerOf('ldap', 'tcp');
    const port = await serve(t, 'tcp', (request, at) => (request.length > 1_400 ? undefined : speak(request, at)));
    const told = await runJob(jobOf(pairOf('ldap', 'tcp', port, { of: 'request', bytes: 4_000 }), { timeoutMs: 1_500 }));
    const { state, service } = observedAt(told, 1);
    assert.deepEqual([state, service?.status], ['open', 'silent']);
  });
});

describe('the small question comes first', { concurrency: true }, () => {
  for (const [what, start] of [
    ['refuses', (t: Scope) => refusedPort(t, 'tcp')],
    ['stays silent', (t: Scope) => silentPort(t, 'tcp')],
    ['talks nonsense', (t: Scope) => serve(t, 'tcp', () => Buffer.from('SSH-2.0-OpenSSH\r\n'))],
  ] as const) {
    test(`where the service ${what}, the large one was not asked, and names the check that stood in the way`, async (t) => {
      const job = jobOf(pairOf('ldap', 'tcp', await start(t), { of: 'request', bytes: 4_000 }), { timeoutMs: 1_500 });
      const { outcome, attempts } = resultAt(await runJob(job), 1);
      const message = 'the same question in a small packet was not answered';
      assert.deepEqual(outcome, { kind: 'failed', code: 'prerequisite', message, because: idAt(job, 0) });
      assert.equal(attempts, 0);
    });
  }

  test('however slow its answer is, and whatever the order of the rules', async (t) => {
    const order: number[] = [];
    const speak = speakerOf('ldap', 'tcp');
    const port = await serveTcp(t, (socket) =>
      socket.on('data', (request) => {
        order.push(request.length);
        // Longer than a check waits for an answer that would only help it.
        setTimeout(() => socket.write(speak(request, 0) ?? ''), 300);
      }),
    );
    const [small, large] = pairOf('ldap', 'tcp', port, { of: 'request', bytes: 4_000 });
    assert.ok(small !== undefined && large !== undefined);
    const told = await runJob(jobOf([{ ...large, after: [1] }, small]));
    assert.equal(observedAt(told, 0).service?.status, 'identified');
    assert.equal(order.at(-1), 4_000);
    assert.equal(order.length, 2);
  });
});

describe('a datagram that the path calls too big', () => {
  /** The large question, and whatever is sent after it, meets the error that ICMP "fragmentation needed" brings, so many times. */
  function narrow(t: TestContext, times: number): { readonly sent: () => number } {
    const { mock } = t.mock.method(Socket.prototype, 'send');
    const refuse = function refuse(this: Socket, ...words: readonly unknown[]): void {
      const done = words.at(-1);
      setImmediate(() => {
        if (typeof done === 'function') Reflect.apply(done, undefined, [null]);
        this.emit('error', Object.assign(new Error('recvmsg EMSGSIZE'), { code: 'EMSGSIZE' }));
      });
    };
    // The small question, its answer, and then the large one.
    for (let call = 2; call < 2 + times; call += 1) mock.mockImplementationOnce(refuse, call);
    return { sent: () => mock.callCount() - 2 };
  }

  test('is asked again at once, in fragments, and that was no retry', async (t) => {
    const port = await serve(t, 'udp', speakerOf('kerberos', 'udp'));
    narrow(t, 1);
    const told = await runJob(jobOf(pairOf('kerberos', 'udp', port, { of: 'request', bytes: 1_452 })));
    const { service } = observedAt(told, 1);
    assert.deepEqual([service?.status, service?.facts.fragmentationNeeded], ['identified', 1]);
    const { attempts, elapsedMs } = resultAt(told, 1);
    assert.equal(attempts, 2);
    assert.ok(elapsedMs < 4_000, 'nothing waited for the next attempt');
  });

  test('is asked again even where one attempt is all that there is', async (t) => {
    const port = await serve(t, 'udp', speakerOf('kerberos', 'udp'));
    narrow(t, 1);
    const told = await runJob(jobOf(pairOf('kerberos', 'udp', port, { of: 'request', bytes: 1_452 }), { attempts: 1 }));
    assert.equal(observedAt(told, 1).service?.status, 'identified');
  });

  test('and is lost in fragments is silence, of which the fact remains', async (t) => {
    const speak = speakerOf('kerberos', 'udp');
    const lengths: number[] = [];
    const port = await serve(t, 'udp', (request, at) => (request.length > 1_400 ? undefined : speak(request, at)), lengths);
    narrow(t, 1);
    const told = await runJob(jobOf(pairOf('kerberos', 'udp', port, { of: 'request', bytes: 1_452 }), { timeoutMs: 1_500 }));
    const { state, reason, service } = observedAt(told, 1);
    assert.deepEqual([state, reason, service?.facts], ['open|filtered', 'no-response', { fragmentationNeeded: 1 }]);
    assert.deepEqual(lengths, [151, 1_452, 1_452], 'both attempts were made in fragments');
  });

  test('and again and again is given up', async (t) => {
    const port = await serve(t, 'udp', speakerOf('kerberos', 'udp'));
    const { sent } = narrow(t, 100);
    const told = await runJob(jobOf(pairOf('kerberos', 'udp', port, { of: 'request', bytes: 1_452 }), { timeoutMs: 1_500 }));
    const { state, service } = observedAt(told, 1);
    assert.deepEqual([state, service?.facts.fragmentationNeeded], ['open|filtered', 3]);
    assert.ok(sent() <= 5, `${sent()} datagrams`);
  });
});
