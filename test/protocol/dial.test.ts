/** What dialling itself can meet: a host without a route, without a port, without descriptors; a chain to judge; a connection to itself. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import type { Job, JobHost } from '../../agent/contract/job.ts';
import { decodeMessage, type Message } from '../../agent/contract/message.ts';
import { canHaveUdpPort, dial, hasRoute } from '../../agent/net/dial.ts';
import { makeIdentity } from '../support/certificate.ts';
import { client, dc1, jobOf, observedAt, resultAt, ruleOf, runJob } from '../support/jobs.ts';
import { refusedPort, serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { startPeer } from '../support/peers.ts';
import { services } from '../support/speakers.ts';
import { folderWith } from '../support/temporary-folder.ts';

const agentProcess = join(import.meta.dirname, '..', 'support', 'agent-process.ts');

/** What an agent says that is started by `command` with Node and the agent's own words put after it. */
async function saysUnder(t: TestContext, command: readonly string[], job: Job, ...words: readonly string[]): Promise<readonly Message[]> {
  const folder = folderWith(t, { 'job.json': JSON.stringify(job) });
  const [file = '', ...before] = command;
  const { stdout } = await promisify(execFile)(file, [...before, process.execPath, agentProcess, join(folder, 'job.json'), ...words]);
  return stdout.split('\n').flatMap((line) => decodeMessage(line) ?? []);
}

function at(address: string): readonly JobHost[] {
  return [client, { ...dc1, address }];
}

function canMakeNamespaces(): boolean {
  try {
    execFileSync('unshare', ['--net', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    // No such program, or no right to use it: then there is no namespace to test in.
    return false;
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** What a UDP peer on loopback answers to a dial that prefers a port, and the port that it came from. */
function answerTo(port: number, preferredPort: number): Promise<readonly [answer: string, local: number | undefined]> {
  return new Promise((resolve, reject) => {
    const wire = dial(
      { transport: 'udp', address: '127.0.0.1', port, preferredPort },
      {
        opened: () => wire.send(Buffer.from('?')),
        received: (bytes) => {
          wire.close();
          resolve([bytes.toString(), wire.local()?.port]);
        },
        secured: () => undefined,
        ended: () => reject(new Error('ended')),
        failed: reject,
      },
    );
  });
}

describe('dialling', { concurrency: true }, () => {
  test('a connection to itself on an ephemeral port is a port that refuses', async (t) => {
    const port = await refusedPort(t, 'tcp');
    const own = port === 65_535 ? port - 1 : port + 1;
    const told = await runJob(
      jobOf([ruleOf('tcp', 'tcp', own), ruleOf('ldap', 'tcp', own)], { sourcePorts: [own, own], timeoutMs: 2_000, attempts: 1 }),
    );
    const [first] = [...told.results].sort((one, other) => one.index - other.index);
    assert.ok(first?.outcome.kind === 'observed', JSON.stringify(first));
    assert.deepEqual([first.outcome.state, first.outcome.reason, first.outcome.service], ['closed', 'conn-refused', undefined]);
  });

  const namespaces = canMakeNamespaces() ? false : 'needs the right to make network namespaces';
  for (const [lack, address, prepare] of [
    ['a route for IPv4', '192.0.2.1', 'ip link set lo up'],
    ['a route for IPv6', '2001:db8::1', 'ip link set lo up'],
    ['IPv6', '2001:db8::1', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6'],
  ] as const) {
    test(`without ${lack} every check is unsupported, and no state is claimed`, { skip: namespaces }, async (t) => {
      const rules = [ruleOf('tcp', 'tcp', 389), ruleOf('ldap', 'tcp', 389), ruleOf('udp', 'udp', 389), ruleOf('cldap', 'udp', 389)];
      const messages = await saysUnder(t, ['unshare', '--net', 'sh', '-c', `${prepare}; exec "$@"`, 'sh'], jobOf(rules, { hosts: at(address) }));
      const outcomes = messages.flatMap((message) => (message.kind === 'result' ? message.outcome : []));
      assert.equal(outcomes.length, rules.length);
      for (const outcome of outcomes) {
        assert.ok(outcome.kind === 'failed', JSON.stringify(outcome));
        assert.equal(outcome.code, 'unsupported');
        assert.match(outcome.message, new RegExp(`^this host has no route to ${address} `));
      }
    });
  }

  test('the routing table knows the way to loopback', async () => {
    assert.equal(await hasRoute({ address: '127.0.0.1', port: 9 }), true);
    assert.equal(await hasRoute({ address: '::1', port: 9 }), true);
  });

  test('a local port that another program holds is an exhausted source', async (t) => {
    const tcp = await serveTcp(t, () => undefined, { address: '0.0.0.0' });
    const udp = await serveUdp(t, () => undefined, { address: '0.0.0.0' });
    const target = await silentPort(t, 'tcp');
    for (const [rule, held] of [
      [ruleOf('tcp', 'tcp', target), tcp],
      [ruleOf('ntp', 'udp', target), udp],
    ] as const) {
      const { outcome } = resultAt(await runJob(jobOf([rule], { sourcePorts: [held, held] })), 0);
      assert.ok(outcome.kind === 'failed', JSON.stringify(outcome));
      assert.equal(outcome.code, 'source-exhausted');
      assert.match(outcome.message, /EADDRINUSE/);
    }
  });

  test('a local UDP port is to be had where nobody holds it', async (t) => {
    const held = await serveUdp(t, () => undefined, { address: '0.0.0.0' });
    assert.equal(await canHaveUdpPort(held), false);
    const free = await freeUdpPort();
    assert.equal(await canHaveUdpPort(free), true);
    assert.equal(await canHaveUdpPort(free), true, 'it was let go');
  });

  test('dials that prefer one local port share it, and each hears its own peer', async (t) => {
    const preferredPort = await freeUdpPort();
    const peers = await Promise.all(['one', 'other'].map((name) => serveUdp(t, (_request, reply) => reply(Buffer.from(name)))));
    const heard = await Promise.all(peers.map((port) => answerTo(port, preferredPort)));
    assert.deepEqual(heard, [
      ['one', preferredPort],
      ['other', preferredPort],
    ]);
  });

  test("what a stranger sends to the port before it is connected is not the peer's", async (t) => {
    const preferredPort = await freeUdpPort();
    const peer = await serveUdp(t, (_request, reply) => reply(Buffer.from('peer')));
    const stranger = createSocket('udp4');
    t.after(() => stranger.close());
    let isOver = false;
    const disturb = (): void => {
      if (!isOver) stranger.send('stranger', preferredPort, '127.0.0.1', () => setImmediate(disturb));
    };
    disturb();
    for (let turn = 0; turn < 50; turn += 1) assert.deepEqual(await answerTo(peer, preferredPort), ['peer', preferredPort]);
    isOver = true;
  });

  test('a dial does without a preferred port that another program holds', async (t) => {
    const held = await serveUdp(t, () => undefined, { address: '0.0.0.0' });
    const peer = await serveUdp(t, (_request, reply) => reply(Buffer.from('here')));
    const [answer, port] = await answerTo(peer, held);
    assert.equal(answer, 'here');
    assert.notEqual(port, held);
  });

  test('mailslot pings come from port 138, to all destinations at once, and asked again from elsewhere', { skip: namespaces }, async (t) => {
    const destinations = ['127.0.0.2', '127.0.0.3'].map((address, index) => ({ ...dc1, name: `dc${index + 1}`, address }));
    const job = jobOf([ruleOf('netbios-datagram', 'udp', 138)], {
      hosts: [client, ...destinations],
      pairs: [
        [0, 1, 0],
        [0, 2, 0],
      ],
      timeoutMs: 1_000,
    });
    const script = 'ip link set lo up; exec "$@"';
    const messages = await saysUnder(t, ['unshare', '--net', 'sh', '-c', script, 'sh'], job);
    const locals = messages.flatMap((message) =>
      message.kind === 'result' && message.outcome.kind === 'observed' ? message.outcome.local?.port : [],
    );
    assert.deepEqual(locals, [138, 138]);
  });

  test('local ports come from the range of the job, in turn', async (t) => {
    const port = await serveTcp(t, () => undefined);
    // Below the ports that systems choose from, so that nobody else is there.
    const span = [23_411, 23_412] as const;
    const told = await runJob(jobOf([ruleOf('tcp', 'tcp', port), ruleOf('tcp', 'tcp', port, { rule: 'again' })], { sourcePorts: span }));
    assert.deepEqual(
      [0, 1].map((index) => observedAt(told, index).local?.port),
      span,
    );
  });

  test('a chain is trusted under its authority, and otherwise says why not', async (t) => {
    const identity = makeIdentity('dc1.corp.example.test');
    const service = services.ldaps.tcp ?? assert.fail();
    const port = await startPeer(t, 'correct', 'tcp', service, identity);
    for (const [authorities, chain] of [
      [identity.cert, 'trusted'],
      [makeIdentity('other.example.test').cert, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [undefined, 'not-checked'],
    ] as const) {
      const told = await runJob(jobOf([ruleOf('ldaps', 'tcp', port)], { ...(authorities !== undefined && { authorities }) }));
      const { service: seen } = observedAt(told, 0);
      assert.deepEqual([seen?.status, seen?.facts.certificateChain], ['identified', chain]);
    }
  });

  test('without descriptors each check is right or says that the source is exhausted, and never a state that is not there', async (t) => {
    const ports = { open: await serveTcp(t, () => undefined), refused: await refusedPort(t, 'tcp'), refusedUdp: await refusedPort(t, 'udp') };
    const rules = Array.from({ length: 40 }, (_, index) => [
      ruleOf('tcp', 'tcp', ports.open, { rule: `open-${index}` }),
      ruleOf('tcp', 'tcp', ports.refused, { rule: `refused-${index}` }),
      ruleOf('udp', 'udp', ports.refusedUdp, { rule: `refused-udp-${index}` }),
    ]).flat();
    const states = ['open', 'closed', 'closed'] as const;
    // One agent counts its descriptors and takes turns. The other believes that it has hundreds, and meets EMFILE.
    for (const words of [[], ['500']] as const) {
      const messages = await saysUnder(t, ['sh', '-c', 'ulimit -n 40; exec "$@"', 'sh'], jobOf(rules, { reply: 'messages' }), ...words);
      const results = messages.flatMap((message) => (message.kind === 'result' ? message : []));
      assert.equal(new Set(results.map(({ index }) => index)).size, rules.length);
      for (const { index, outcome } of results) {
        if (outcome.kind === 'failed') assert.equal(outcome.code, 'source-exhausted', outcome.message);
        else assert.equal(outcome.state, states[index % 3], `check ${index}`);
      }
      assert.ok(results.filter(({ outcome }) => outcome.kind === 'observed').length > rules.length / 2, 'most checks were made in the end');
      assert.deepEqual(messages.at(-1), { kind: 'bye', reason: 'finished' });
    }
  });
});
