/** Peers that mean harm, or might as well: whatever they do, every probe ends in time, takes in little, and says what it saw. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import type { Observed } from '../../agent/contract/outcome.ts';
import { type ProbeName, type Transport, traitsOf } from '../../agent/contract/probe.ts';
import { hex } from '../support/captures.ts';
import { makeIdentity } from '../support/certificate.ts';
import { jobOf, observedAt, resultAt, runJob } from '../support/jobs.ts';
import { type Scope, serveTcp, serveUdp } from '../support/loopback.ts';
import { accept, garbage, rulesFor, spoken } from '../support/peers.ts';
import { patched, type Service } from '../support/speakers.ts';

type Status = NonNullable<Observed['service']>['status'];

const identity = makeIdentity('dc1.corp.example.test');
const shortMs = 1_500;
const longMs = 10_000;
const mebibyte = 1024 * 1024;

/** What is left to do with a connection once its first request is there. `stream` is what lies inside TLS where the service is there. */
interface Turn {
  readonly socket: Socket;
  readonly stream: Socket;
  readonly answer: Buffer;
  readonly service: Service;
}

/** What a peer does, what comes of it, and whether that takes until the deadline. A row may tell some probes apart. */
interface Behaviour {
  readonly does: string;
  readonly hears?: (turn: Turn) => void;
  readonly opens?: (socket: Socket) => void;
  readonly status: (probe: ProbeName) => Status;
  readonly waits?: true;
}

const soapOf9999999999Bytes = Buffer.from('HTTP/1.1 200 \r\nContent-Type: application/soap+xml\r\nContent-Length: 9999999999\r\n\r\n').toString(
  'hex',
);

/** The longest length that a message of this protocol can claim, before it says more. */
const giants: Readonly<Partial<Record<ProbeName, string>>> = {
  dns: 'ffff 0000 0100 0001 ffff ffff ffff',
  ldap: '3088 ffffffffffffffff',
  ldaps: '3084 7fffffff',
  kerberos: 'ffffffff',
  kpasswd: '7fffffff',
  smb: '00ffffff',
  epm: '05000c03 10000000 ffff',
  rpc: '05000c03 10000000 ffff',
  'ldap-bind': '3084 7fffffff',
  netbios: '8200ffff',
  // No length is in a head: a status of ten digits, `HTTP/1.1 9999999999`.
  https: '485454502f312e31 20 39393939393939393939 0d0a0d0a',
  rdp: '0300ffff',
  rdgw: '485454502f312e31 20 39393939393939393939 0d0a0d0a',
  adws: '08ffffffff0f',
  winrm: soapOf9999999999Bytes,
  'winrm-tls': soapOf9999999999Bytes,
};

const behaviours: readonly Behaviour[] = [
  { does: 'sends without end', hears: ({ stream, service }) => sendWithoutEnd(stream, service.chatter), status: () => 'malformed' },
  { does: 'answers one byte at a time', hears: ({ stream, answer }) => trickle(stream, answer), status: () => 'identified' },
  {
    does: 'answers one byte at a time and keeps back the last',
    hears: ({ stream, answer }) => trickle(stream, answer.subarray(0, -1)),
    status: () => 'silent',
    waits: true,
  },
  {
    does: 'claims a giant length',
    hears: ({ stream, service }) => void stream.write(hex(giants[probeOf(service)] ?? assert.fail('no giant'))),
    status: () => 'malformed',
  },
  { does: 'speaks before it is asked', opens: (socket) => void socket.write('SSH-2.0-OpenSSH_9.2p1\r\n'), status: () => 'malformed' },
  { does: 'resets right after it accepted', opens: (socket) => void socket.resetAndDestroy(), status: () => 'disconnected' },
  { does: 'closes its half right after it accepted', opens: (socket) => void socket.resume().end(), status: () => 'disconnected' },
  { does: 'closes its half once it is asked', hears: ({ stream }) => void stream.end(), status: () => 'disconnected' },
  { does: 'resets once it is asked', hears: ({ socket }) => void socket.resetAndDestroy(), status: () => 'disconnected' },
  {
    does: 'answers once and closes its half',
    hears: ({ stream, answer }) => void stream.end(answer),
    // The endpoint mapper is asked several questions on one connection.
    status: (probe) => (probe === 'epm' ? 'disconnected' : 'identified'),
  },
];

function probeOf(service: Service): ProbeName {
  return spoken.find(([, , other]) => other === service)?.[0] ?? assert.fail();
}

function sendWithoutEnd(stream: Socket, beginning: Buffer): void {
  const more = Buffer.alloc(64 * 1024);
  const push = (): void => {
    while (!stream.destroyed && stream.write(more));
  };
  stream.on('drain', push);
  stream.write(beginning);
  push();
}

function trickle(stream: Socket, bytes: Buffer, from = 0): void {
  if (from >= bytes.length || stream.destroyed) return;
  stream.write(bytes.subarray(from, from + 1), () => setImmediate(trickle, stream, bytes, from + 1));
}

/** The outcome of one probe of a port, having checked that it came in time. */
async function outcomeOf(t: Scope, probe: ProbeName, transport: Transport, port: number, waits: boolean): Promise<Observed> {
  const timeoutMs = waits ? shortMs : longMs;
  const rules = await rulesFor(t, probe, transport, port);
  const told = await runJob(jobOf(rules, { timeoutMs }));
  const { elapsedMs } = resultAt(told, rules.length - 1);
  // What need not wait for a deadline of ten seconds ends long before it.
  assert.ok(waits ? elapsedMs < 1.5 * timeoutMs + 2_000 : elapsedMs < timeoutMs, `took ${elapsedMs} ms`);
  return observedAt(told, rules.length - 1);
}

for (const { does, hears, opens, status, waits } of behaviours) {
  describe(`a TCP peer that ${does}`, { concurrency: true }, () => {
    for (const [probe, transport, service] of spoken) {
      if (transport !== 'tcp') continue;
      const identifies = traitsOf(probe).identifies;
      // Bytes before TLS are no answer that TLS would know; a bare probe has gone by then.
      const expected = identifies ? status(probe) : undefined;
      test(`${probe}: open${expected === undefined ? '' : `, ${expected}`}`, async (t) => {
        assert.ok(service !== undefined);
        let sent = 0;
        let whole = 0;
        const port = await serveTcp(t, (socket) => {
          socket.on('close', () => (sent = Math.max(sent, socket.bytesWritten)));
          opens?.(socket);
          if (hears === undefined) return;
          accept(socket, service, identity, (request, stream) => {
            const answer = service.speak(request, socket.localPort ?? 0);
            whole = answer?.length ?? 0;
            if (answer !== undefined) hears({ socket, stream, answer, service });
          });
        });
        const outcome = await outcomeOf(t, probe, transport, port, waits === true);
        assert.deepEqual([outcome.state, outcome.reason, outcome.service?.status], ['open', 'syn-ack', expected]);
        assert.ok(sent < 16 * mebibyte, `${sent} bytes were taken`);
        const { firstBytes = '', complaint } = outcome.service?.facts ?? {};
        assert.ok(firstBytes.length <= 128);
        if (expected === 'malformed') assert.ok(complaint !== undefined && complaint !== '', 'says why');
        if (expected === 'silent') assert.equal(firstBytes !== '', whole > 1, 'shows what came');
      });
    }
  });
}

describe('a peer that breaks TLS', { concurrency: true }, () => {
  test('garbage after the handshake is malformed, and the session is not lost', async (t) => {
    const [, , service] = spoken.find(([probe]) => probe === 'ldaps') ?? assert.fail();
    assert.ok(service !== undefined);
    const port = await serveTcp(t, (socket) => accept(socket, service, identity, (_request, stream) => void stream.write(garbage)));
    const { service: seen } = await outcomeOf(t, 'ldaps', 'tcp', port, false);
    const { looksLike, tlsProtocol, certificateNames } = seen?.facts ?? {};
    assert.deepEqual([seen?.status, looksLike, tlsProtocol, certificateNames], ['malformed', 'http', 'TLSv1.3', ['dc1.corp.example.test']]);
  });

  test('garbage in place of TLS records after the handshake is an end, and the session is not lost', async (t) => {
    const [, , service] = spoken.find(([probe]) => probe === 'ldaps') ?? assert.fail();
    assert.ok(service !== undefined);
    const port = await serveTcp(t, (socket) => accept(socket, service, identity, () => void socket.write(garbage)));
    const { state, service: seen } = await outcomeOf(t, 'ldaps', 'tcp', port, false);
    assert.deepEqual([state, seen?.status, seen?.facts.tlsProtocol], ['open', 'disconnected', 'TLSv1.3']);
  });

  for (const [what, bytes] of [
    ['an alert', '15030100020228'],
    ['a handshake record of nonsense', '1603030020ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'],
  ] as const) {
    test(`${what} in place of a handshake is tls-failed, with the error`, async (t) => {
      const port = await serveTcp(t, (socket) => socket.once('data', () => socket.write(hex(bytes))));
      const { state, service } = await outcomeOf(t, 'ldaps', 'tcp', port, false);
      assert.deepEqual([state, service?.status], ['open', 'tls-failed']);
      assert.match(service?.facts.tlsError ?? '', /^ERR_SSL_/);
    });
  }
});

/** An answer to somebody else's question: another id, nonce or name. What has none of these answers anybody. */
const misdirected: Readonly<Partial<Record<ProbeName, (answer: Buffer) => Buffer>>> = {
  dns: (answer) => patched(answer, { 1: [(answer[1] ?? 0) ^ 1] }),
  netbios: (answer) => patched(answer, { 1: [(answer[1] ?? 0) ^ 1] }),
  ntp: (answer) => patched(answer, { 31: [(answer[31] ?? 0) ^ 1] }),
  cldap: () => hex('300c020100 65070a010004000400'),
  kerberos: (answer) => Buffer.from(answer.toString('latin1').replace('DC1$', 'DC2$'), 'latin1'),
};

describe('a UDP peer', { concurrency: true }, () => {
  for (const [probe, transport, service] of spoken) {
    if (transport !== 'udp') continue;
    const speak = service?.speak ?? assert.fail();
    const identifies = traitsOf(probe).identifies;
    const misdirect = misdirected[probe];
    const statusOf = (status: Status): Status | undefined => (identifies ? status : undefined);

    test(`that sends 1,000 answers to other questions: ${probe} ${misdirect === undefined ? 'takes the first' : 'believes none'}`, async (t) => {
      const port = await serveUdp(t, (request, reply) => {
        const answer = speak(request, 0) ?? assert.fail();
        for (let count = 0; count < 1_000; count += 1) reply(misdirect?.(answer) ?? answer);
      });
      const { state, reason, service: seen } = await outcomeOf(t, probe, 'udp', port, misdirect !== undefined);
      assert.deepEqual([state, reason, seen?.status], ['open', 'udp-response', statusOf(misdirect === undefined ? 'identified' : 'malformed')]);
      if (misdirect !== undefined) assert.equal(seen?.facts.complaint, 'answered, but not to our question');
    });

    test(`that sends 50 answers to other questions and then ours: ${probe} finds it`, async (t) => {
      const port = await serveUdp(t, (request, reply) => {
        const answer = speak(request, 0) ?? assert.fail();
        for (let count = 0; count < 50; count += 1) if (misdirect !== undefined) reply(misdirect(answer));
        reply(answer);
      });
      const { state, service: seen } = await outcomeOf(t, probe, 'udp', port, false);
      assert.deepEqual([state, seen?.status], ['open', statusOf('identified')]);
    });

    for (const [what, bytes] of [
      ['an empty datagram', Buffer.alloc(0)],
      ['65,507 zeros', Buffer.alloc(65_507)],
      ['a giant length', Buffer.from('30847fffffff7e847fffffff', 'hex')],
      ['a beginning and then zeros', Buffer.concat([service?.chatter ?? assert.fail(), Buffer.alloc(1_000)])],
    ] as const) {
      test(`that sends ${what}: ${probe} is open${identifies ? ', malformed' : ''}`, async (t) => {
        const port = await serveUdp(t, (_request, reply) => reply(bytes));
        // The right answer may follow until the deadline.
        const { state, reason, service: seen } = await outcomeOf(t, probe, 'udp', port, true);
        assert.deepEqual([state, reason, seen?.status], ['open', 'udp-response', statusOf('malformed')]);
      });
    }

    test(`that answers from another port is not heard by ${probe}`, async (t) => {
      const other = createSocket('udp4').bind(0, '127.0.0.1');
      await once(other, 'listening');
      t.after(() => void other.close());
      const port = await serveUdp(t, (request, _reply, _server, from) =>
        other.send(speak(request, 0) ?? assert.fail(), from.port, from.address, () => undefined),
      );
      const { state, reason } = await outcomeOf(t, probe, 'udp', port, true);
      assert.deepEqual([state, reason], ['open|filtered', 'no-response']);
    });
  }
});
