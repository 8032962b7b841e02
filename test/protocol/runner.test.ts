/** In which order a run asks, what it asks again, and what it asks next. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, test } from 'node:test';
import { expand } from '../../agent/contract/expand.ts';
import type { Job } from '../../agent/contract/job.ts';
import { captures, hex } from '../support/captures.ts';
import { client, dc1, jobOf, observedAt, resultAt, rpcRule, ruleOf, runJob } from '../support/jobs.ts';
import { refusedPort, type Scope, serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { startLateMapper } from '../support/late-mapper.ts';
import { endpointMapperFor, patched, services, type Speaker, wireUuids } from '../support/speakers.ts';

function speakerOf(probe: keyof typeof services, transport: 'tcp' | 'udp'): Speaker {
  return services[probe][transport]?.speak ?? assert.fail(`nobody speaks ${probe}`);
}

/** Serves TCP with a speaker; `log` gets a word for each request. */
function serveSpeaker(t: Scope, speak: Speaker, log: string[] = [], word = 'asked'): Promise<number> {
  return serveTcp(t, (socket) =>
    socket.on('data', (request) => {
      log.push(word);
      socket.write(speak(request, socket.localPort ?? 0) ?? '');
    }),
  );
}

/** A TCP server and a UDP one on the same port. */
async function serveBoth(t: Scope, tcp: Parameters<typeof serveTcp>[1], udp: Parameters<typeof serveUdp>[1]): Promise<number> {
  for (;;) {
    const port = await serveTcp(t, tcp);
    try {
      return await serveUdp(t, udp, { port });
    } catch {
      // Somebody has this port over UDP: another one will be free.
    }
  }
}

function idAt(job: Job, index: number): string {
  return [...expand(job)][index]?.id ?? assert.fail();
}

describe('prerequisites', { concurrency: true }, () => {
  test('an RPC check waits for the endpoint mapper, whatever the order of the rules, and asks the port that it names', async (t) => {
    const log: string[] = [];
    const server = await serveSpeaker(t, speakerOf('rpc', 'tcp'), log, 'rpc');
    const mapper = await serveSpeaker(t, endpointMapperFor({ [wireUuids.drsuapi]: server }), log, 'epm');
    const told = await runJob(jobOf([rpcRule('drsuapi', 1), ruleOf('epm', 'tcp', mapper)]));
    assert.deepEqual(log, ['epm', 'epm', 'epm', 'epm', 'epm', 'epm', 'rpc']);
    const outcome = observedAt(told, 0);
    assert.deepEqual([outcome.port, outcome.service?.status], [server, 'identified']);
  });

  for (const [what, start] of [
    ['refuses', (t: Scope) => refusedPort(t, 'tcp')],
    ['stays silent', (t: Scope) => silentPort(t, 'tcp')],
    ['talks nonsense', (t: Scope) => serveSpeaker(t, () => Buffer.from('SSH-2.0-OpenSSH\r\n'))],
    ['refuses anonymous questions', (t: Scope) => serveSpeaker(t, (request) => (request[2] === 0x0b ? captures.bindAck : fault(request)))],
  ] as const) {
    test(`where the endpoint mapper ${what}, an RPC check was not made, and names the check that stood in the way`, async (t) => {
      const job = jobOf([ruleOf('epm', 'tcp', await start(t)), rpcRule('drsuapi', 0)], { timeoutMs: 1_500 });
      const { outcome, attempts } = resultAt(await runJob(job), 1);
      assert.deepEqual(outcome, {
        kind: 'failed',
        code: 'prerequisite',
        message: 'the endpoint mapper did not name the port',
        because: idAt(job, 0),
      });
      assert.equal(attempts, 0);
    });
  }

  test('an endpoint mapper that answers only at the second look frees those that waited for it', async (t) => {
    const server = await serveSpeaker(t, speakerOf('rpc', 'tcp'));
    const mapper = await startLateMapper(t, { [wireUuids.drsuapi]: server });
    const counts = [0, 6];
    // Told after the first pass, as many ICMP errors as a rate limit lets through: rejections may have been held back.
    const icmpErrors = (): number => {
      if (counts.length === 1) mapper.wake();
      return counts.shift() ?? 6;
    };
    const job = jobOf([ruleOf('epm', 'tcp', mapper.port), rpcRule('drsuapi', 0)], { timeoutMs: 700 });
    const told = await runJob(job, undefined, undefined, { icmpErrors });
    assert.equal(observedAt(told, 0).service?.status, 'identified');
    assert.ok(resultAt(told, 0).attempts > 1);
    assert.deepEqual([observedAt(told, 1).port, observedAt(told, 1).service?.status], [server, 'identified']);
  });

  test('an interface that the endpoint mapper does not have is absent, on the evidence of the mapper', async (t) => {
    const mapper = await serveSpeaker(t, endpointMapperFor({ [wireUuids.netlogon]: 49_153 }));
    const told = await runJob(jobOf([ruleOf('epm', 'tcp', mapper), rpcRule('drsuapi', 0)]));
    const outcome = observedAt(told, 1);
    assert.deepEqual(outcome, {
      ...observedAt(told, 0),
      port: mapper,
      service: { status: 'absent', facts: { rpcInterface: 'drsuapi' } },
    });
    assert.equal(resultAt(told, 1).attempts, 0);
  });

  test('the evidence is that of the mapper also where another prerequisite comes first', async (t) => {
    const mapper = await serveSpeaker(t, endpointMapperFor({}));
    const other = await serveTcp(t, () => undefined);
    const told = await runJob(jobOf([ruleOf('tcp', 'tcp', other), ruleOf('epm', 'tcp', mapper), rpcRule('drsuapi', 0, 1)]));
    assert.deepEqual(observedAt(told, 2).target.port, mapper);
  });

  test('a port that the site fixed needs no endpoint mapper', async (t) => {
    const server = await serveSpeaker(t, speakerOf('rpc', 'tcp'));
    const hosts = [client, { ...dc1, rpc: { drsuapi: server } }];
    const refusing = ruleOf('epm', 'tcp', await refusedPort(t, 'tcp'));
    for (const rules of [[rpcRule()], [rpcRule('drsuapi', 1), refusing], [refusing, rpcRule('drsuapi', 0)]]) {
      const told = await runJob(jobOf(rules, { hosts }));
      const outcome = observedAt(
        told,
        rules.findIndex(({ probe }) => probe === 'rpc'),
      );
      assert.deepEqual([outcome.port, outcome.service?.status], [server, 'identified']);
    }
  });

  test('a port that the rule fixes needs no endpoint mapper, and shows whether the interface is there', async (t) => {
    const port = await serveSpeaker(t, speakerOf('rpc', 'tcp'));
    const told = await runJob(jobOf((['drsuapi', 'dfsr'] as const).map((name) => ruleOf('rpc', 'tcp', port, { interface: name }))));
    const seen = [0, 1].map((index) => observedAt(told, index));
    assert.deepEqual(
      seen.map(({ service, target, port: learned }) => [service?.status, target.port, learned]),
      [
        ['identified', port, undefined],
        ['absent', port, undefined],
      ],
    );
  });

  test('what the LDAP ping taught is asked with: Kerberos names the DC as it names itself', async (t) => {
    const principals: string[] = [];
    const ping = speakerOf('cldap', 'udp');
    const cldap = await serveUdp(t, (request, reply) => reply(ping(request, 0) ?? assert.fail()));
    const kdc = await serveUdp(t, (request, reply) => {
      principals.push(/[A-Z0-9-]+\$/.exec(request.toString('latin1'))?.[0] ?? '');
      reply(captures.preAuthentication.subarray(4));
    });
    const hosts = [client, { ...dc1, dnsName: 'alias.corp.example.test' }];
    const told = await runJob(jobOf([ruleOf('cldap', 'udp', cldap), ruleOf('kerberos', 'udp', kdc, { after: [0] })], { hosts }));
    assert.deepEqual(principals, ['DC1$']);
    assert.equal(observedAt(told, 1).service?.facts.principal, 'DC1$');
  });
});

describe('asking again', { concurrency: true }, () => {
  test('over UDP, on a new socket, when the first datagram is not answered', async (t) => {
    const senders: number[] = [];
    const time = speakerOf('ntp', 'udp');
    const port = await serveUdp(t, (request, reply, _server, from) => {
      senders.push(from.port);
      if (senders.length > 1) reply(time(request, 0) ?? assert.fail());
    });
    const told = await runJob(jobOf([ruleOf('ntp', 'udp', port)], { timeoutMs: 3_000 }));
    assert.equal(observedAt(told, 0).service?.status, 'identified');
    assert.equal(resultAt(told, 0).attempts, 2);
    assert.equal(new Set(senders).size, 2);
  });

  test('the answer to the first datagram counts even after the second was sent', async (t) => {
    const waiting: (() => void)[] = [];
    const time = speakerOf('ntp', 'udp');
    const port = await serveUdp(t, (request, reply) => {
      waiting.push(() => reply(time(request, 0) ?? assert.fail()));
      if (waiting.length === 2) waiting[0]?.();
    });
    const told = await runJob(jobOf([ruleOf('ntp', 'udp', port)], { timeoutMs: 3_000 }));
    assert.equal(observedAt(told, 0).service?.status, 'identified');
  });

  for (const attempts of [1, 3]) {
    test(`a silent UDP port is asked ${attempts} times where the job says so, and a silent TCP service once`, async (t) => {
      const asked: string[] = [];
      const udp = await serveUdp(t, () => void asked.push('udp'));
      const tcp = await serveTcp(t, (socket) => socket.on('data', () => asked.push('tcp')));
      const told = await runJob(jobOf([ruleOf('ntp', 'udp', udp), ruleOf('ldap', 'tcp', tcp)], { attempts, timeoutMs: 1_500 }));
      assert.deepEqual([resultAt(told, 0).attempts, resultAt(told, 1).attempts], [attempts, 1]);
      assert.deepEqual(asked.sort(), ['tcp', ...Array.from({ length: attempts }, () => 'udp')]);
    });
  }

  for (const [probe, second, answer] of [
    ['kpasswd', hex('00000007 00070001000000'), Buffer.concat([hex('0000009e'), captures.changeRefused])],
    ['smb', hex('ff534d4272'), patched(captures.smb2, { 72: hex('ff02') })],
    ['netbios', Buffer.from('EEEDDBCACACACACACACACACACACACACA'), hex('8300000182')],
  ] as const) {
    for (const manner of ['hangs up on', 'stays silent at'] as const) {
      test(`${probe}: a service that ${manner} the first form is asked in the second`, async (t) => {
        const requests: Buffer[] = [];
        const port = await serveTcp(t, (socket) =>
          socket.on('data', (request) => {
            requests.push(request);
            if (request.includes(second)) socket.write(answer);
            else if (manner === 'hangs up on') socket.end();
          }),
        );
        const told = await runJob(jobOf([ruleOf(probe, 'tcp', port)], { timeoutMs: 3_000 }));
        assert.equal(observedAt(told, 0).service?.status, 'identified');
        assert.deepEqual([resultAt(told, 0).attempts, requests.length], [2, 2]);
      });
    }
  }

  test('what the endpoint mapper said before it hung up is kept', async (t) => {
    const speak = speakerOf('epm', 'tcp');
    const port = await serveTcp(t, (socket) => {
      let requests = 0;
      socket.on('data', (request) => {
        requests += 1;
        if (requests > 3) socket.end();
        else socket.write(speak(request, 0) ?? assert.fail());
      });
    });
    const { service } = observedAt(await runJob(jobOf([ruleOf('epm', 'tcp', port)])), 0);
    assert.deepEqual(service, { status: 'disconnected', facts: { rpcPorts: { drsuapi: 49_153 }, rpcAbsent: ['netlogon'] } });
  });

  test('a service that hangs up twice is disconnected, and is not asked a third time', async (t) => {
    let connections = 0;
    const port = await serveTcp(t, (socket) => {
      connections += 1;
      socket.resume().end();
    });
    const told = await runJob(jobOf([ruleOf('smb', 'tcp', port)]));
    assert.equal(observedAt(told, 0).service?.status, 'disconnected');
    assert.deepEqual([resultAt(told, 0).attempts, connections], [2, 2]);
  });
});

describe('an answer that the peer repeats', () => {
  test('is taken in as long as the run lasts, so that no error comes back to the peer', async (t) => {
    const peer = createSocket('udp4').bind(0, '127.0.0.1');
    t.after(() => peer.close());
    await once(peer, 'listening');
    const synAck = (syn: Buffer): Buffer => patched(captures.rdpSynAck, { 0: syn.subarray(8, 12) });
    let answer: Buffer = captures.rdpSynAck;
    peer.once('message', (syn, from) => {
      answer = synAck(syn);
      // Only a connected socket is told that nobody is there.
      peer.connect(from.port, from.address, () => peer.send(answer));
    });
    peer.on('error', () => undefined);
    const sends = (): Promise<string> => new Promise((resolve) => peer.send(answer, (error) => resolve(error === null ? 'taken' : String(error))));
    const repeat = async (): Promise<string> => {
      await sends();
      return sends();
    };

    let repeated: Promise<string> | undefined;
    const rules = [ruleOf('rdp', 'udp', peer.address().port), ruleOf('udp', 'udp', await silentPort(t, 'udp'))];
    const told = await runJob(jobOf(rules, { timeoutMs: 500 }), ({ index }) => {
      if (index === 0) repeated = repeat();
    });
    assert.equal(observedAt(told, 0).service?.status, 'identified');
    assert.equal(await repeated, 'taken');
    assert.match(await repeat(), /ECONNREFUSED/, 'the socket is gone with the run');
  });
});

describe('asking next', { concurrency: true }, () => {
  const truncated: Speaker = (request) => {
    const answer = speakerOf('dns', 'udp')(request, 53);
    return answer && patched(answer, { 2: hex('8600') });
  };

  test('a DNS answer that was truncated over UDP is asked for over TCP', async (t) => {
    const tcp = speakerOf('dns', 'tcp');
    const port = await serveBoth(
      t,
      (socket) => socket.on('data', (request) => socket.write(tcp(request, 53) ?? '')),
      (request, reply) => reply(truncated(request, 53) ?? assert.fail()),
    );
    const told = await runJob(jobOf([ruleOf('dns', 'udp', port)]));
    const { reason, service } = observedAt(told, 0);
    assert.deepEqual([reason, service?.status, service?.facts.truncated], ['udp-response', 'identified', false]);
    assert.deepEqual(service?.facts.srvTargets, ['dc1.corp.example.test', 'dc2.corp.example.test']);
    assert.equal(service.facts.followUp, undefined);
    assert.equal(resultAt(told, 0).attempts, 2);
  });

  test('where TCP then refuses, the answer over UDP stands, and says so', async (t) => {
    const port = await serveUdp(t, (request, reply) => reply(truncated(request, 53) ?? assert.fail()));
    const told = await runJob(jobOf([ruleOf('dns', 'udp', port)]));
    const { state, service } = observedAt(told, 0);
    assert.deepEqual([state, service?.status, service?.facts.truncated, service?.facts.followUp], ['open', 'identified', true, 'tcp: conn-refused']);
  });

  test('where TCP then stays silent, the answer over UDP stands, and says so', async (t) => {
    const port = await serveBoth(
      t,
      (socket) => void socket.resume(),
      (request, reply) => reply(truncated(request, 53) ?? assert.fail()),
    );
    const { service } = observedAt(await runJob(jobOf([ruleOf('dns', 'udp', port)], { timeoutMs: 1_500 })), 0);
    assert.deepEqual([service?.status, service?.facts.followUp], ['identified', 'tcp: silent']);
  });

  for (const [what, act, followUp] of [
    ['hangs up on', (socket: Socket) => void socket.end(), 'tcp: disconnected'],
    ['stays silent at', () => undefined, 'tcp: silent'],
  ] as const) {
    test(`where DNS ${what} the question for the zone, the answer about the DCs stands, and says so`, async (t) => {
      const speak = speakerOf('dns', 'tcp');
      const port = await serveTcp(t, (socket) =>
        socket.on('data', (request) => {
          if (request.includes('_msdcs')) socket.write(speak(request, 53) ?? assert.fail());
          else act(socket);
        }),
      );
      const { service } = observedAt(await runJob(jobOf([ruleOf('dns', 'tcp', port)], { timeoutMs: 1_500 })), 0);
      const { srvTargets, soaPrimary, followUp: said } = service?.facts ?? {};
      assert.deepEqual([service?.status, srvTargets?.length, soaPrimary, said], ['identified', 2, undefined, followUp]);
    });
  }

  test('each further address that DNS has for the DC is dialled, and the DC’s site is asked for where the job says so', async (t) => {
    const speak = speakerOf('dns', 'tcp');
    const asked: string[] = [];
    const port = await serveTcp(t, (socket) =>
      socket.on('data', (request) => {
        const end = request.indexOf(0, 14) + 5;
        const type = request.readUInt16BE(end - 4);
        const ofSite = request.includes('_sites');
        asked.push(`${type}${ofSite ? ' of the site' : ''}`);
        if (type !== 1 && !ofSite) return void socket.write(speak(request, 53) ?? '');
        // By hand (RFC 1035 §4.1): no such name, or two A records, 127.0.0.1 and 127.0.0.77.
        const head = hex(ofSite ? '8483 0001 0000 0000 0000' : '8480 0001 0002 0000 0000');
        const records = hex(ofSite ? '' : 'c00c 0001 0001 00000384 0004 7f000001 c00c 0001 0001 00000384 0004 7f00004d');
        const message = Buffer.concat([request.subarray(2, 4), head, request.subarray(14, end), records]);
        return void socket.write(Buffer.concat([Buffer.from([0, message.length]), message]));
      }),
    );
    const job = jobOf([ruleOf('dns', 'tcp', port)], { hosts: [client, { ...dc1, site: 'Branch' }], timeoutMs: 1_500 });
    const told = await runJob(job);
    const { service } = observedAt(told, 0);
    const { ownAddresses, otherAddresses, siteTargets } = service?.facts ?? {};
    assert.deepEqual([ownAddresses, otherAddresses, siteTargets], [['127.0.0.1', '127.0.0.77'], ['127.0.0.77 closed conn-refused'], []]);
    assert.deepEqual([asked, resultAt(told, 0).attempts, service?.facts.questions], [['33', '6', '1', '28', '33 of the site'], 2, 2]);
  });

  test('a Kerberos answer that is too big for UDP is asked for over TCP', async (t) => {
    const tooBig = patched(captures.preAuthentication, { [captures.preAuthentication.indexOf(hex('a603020119')) + 4]: hex('34') });
    const tcp = speakerOf('kerberos', 'tcp');
    const port = await serveBoth(
      t,
      (socket) => socket.on('data', (request) => socket.write(tcp(request, 88) ?? '')),
      (_request, reply) => reply(tooBig.subarray(4)),
    );
    const told = await runJob(jobOf([ruleOf('kerberos', 'udp', port)]));
    const { reason, service } = observedAt(told, 0);
    assert.deepEqual([reason, service?.facts.errorCode, resultAt(told, 0).attempts], ['udp-response', 25, 2]);
  });

  for (const transport of ['udp', 'tcp'] as const) {
    test(`Kerberos over ${transport}: where the own account is unknown, that of the DC is asked for`, async (t) => {
      const kdc = speakerOf('kerberos', transport);
      const requests: Buffer[] = [];
      const answer = (request: Buffer): Buffer => {
        requests.push(request);
        return kdc(request, 88) ?? assert.fail('an unexpected request');
      };
      const port =
        transport === 'udp'
          ? await serveUdp(t, (request, reply) => reply(answer(request)))
          : await serveTcp(t, (socket) => socket.on('data', (request) => socket.write(answer(request))));
      const told = await runJob(jobOf([ruleOf('kerberos', transport, port)], { hosts: [{ ...client, joined: true }, dc1] }));
      const { facts } = observedAt(told, 0).service ?? assert.fail();
      assert.deepEqual([facts.errorCode, facts.principal, resultAt(told, 0).attempts], [25, 'DC1$', 2]);
      assert.deepEqual(
        requests.map((request) => request.includes('ADPROBE-NONE$')),
        [true, false],
      );
    });
  }
});

function fault(request: Buffer): Buffer {
  return patched(hex('0500032310000000200000000200000000000000000000000500000000000000'), { 12: request.subarray(12, 16) });
}
