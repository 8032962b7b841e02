/** What must not be blamed on the network: a process that did not run, a stray datagram, a clock that was set back. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clockFacts } from '../../agent/codecs/clock.ts';
import { jobOf, observedAt, ruleOf, runJob } from '../support/jobs.ts';
import { serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { services, type Speaker } from '../support/speakers.ts';

/** Longer than the deadline of the checks below by so much that every timer of theirs is overdue when the process runs again. */
const deadlineMs = 400;
const stalledMs = 1_500;

function speakerOf(probe: 'ldap' | 'ntp' | 'cldap', transport: 'tcp' | 'udp'): Speaker {
  return services[probe][transport]?.speak ?? assert.fail(`nobody speaks ${probe}`);
}

/** Keeps this process from running, as SIGSTOP or a paused machine would: timers fall due, and answers wait in the sockets. */
function stall(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, stalledMs);
}

describe('an agent that stood still for longer than its deadline', () => {
  test('reads the answers that came meanwhile before it decides', async (t) => {
    const ldap = speakerOf('ldap', 'tcp');
    const ntp = speakerOf('ntp', 'udp');
    const tcp = await serveTcp(t, (socket) => {
      socket.on('data', (request) => {
        stall();
        socket.write(ldap(request, 0) ?? '');
      });
    });
    const udp = await serveUdp(t, (request, reply) => reply(ntp(request, 0) ?? Buffer.alloc(0)));
    const told = await runJob(jobOf([ruleOf('ldap', 'tcp', tcp), ruleOf('ntp', 'udp', udp)], { timeoutMs: deadlineMs, attempts: 1 }));
    assert.deepEqual(
      [0, 1].map((index) => observedAt(told, index).service?.status),
      ['identified', 'identified'],
    );
  });

  test('still calls silence silence', async (t) => {
    const mute = await serveTcp(t, (socket) => socket.on('data', stall));
    const told = await runJob(
      jobOf([ruleOf('ldap', 'tcp', mute), ruleOf('ntp', 'udp', await silentPort(t, 'udp'))], { timeoutMs: deadlineMs, attempts: 1 }),
    );
    assert.equal(observedAt(told, 0).service?.status, 'silent');
    assert.equal(observedAt(told, 1).state, 'open|filtered');
  });
});

describe('over UDP a datagram that is no answer', () => {
  const strays = { 'our own question': (request: Buffer) => request, nonsense: () => Buffer.from('nonsense'), 'an empty one': () => Buffer.alloc(0) };
  for (const [what, stray] of Object.entries(strays)) {
    test(`${what}, does not keep the answer after it from being heard`, async (t) => {
      const ntp = speakerOf('ntp', 'udp');
      const port = await serveUdp(t, (request, reply) => {
        reply(stray(request));
        reply(ntp(request, 0) ?? Buffer.alloc(0));
      });
      const outcome = observedAt(await runJob(jobOf([ruleOf('ntp', 'udp', port)], { timeoutMs: 4_000 })), 0);
      assert.equal(outcome.service?.status, 'identified');
    });
  }

  test('with nothing after it, is another service', async (t) => {
    const port = await serveUdp(t, (_request, reply) => reply(Buffer.from('nonsense')));
    const outcome = observedAt(await runJob(jobOf([ruleOf('cldap', 'udp', port)], { timeoutMs: deadlineMs })), 0);
    assert.deepEqual([outcome.state, outcome.reason, outcome.service?.status], ['open', 'udp-response', 'malformed']);
  });
});

test('a clock that was set back during a question says nothing about the other one', () => {
  assert.deepEqual(clockFacts(2_000, 1_000, 990, 1), {});
  assert.deepEqual(clockFacts(2_000, 1_000, 1_010, 1), { clockOffsetMs: 995, clockUncertaintyMs: 6 });
});
