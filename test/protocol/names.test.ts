/** Destinations by name on real sockets: resolution, many addresses, and the way through a proxy. */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { Facts } from '../../agent/contract/fact.ts';
import type { JobRule } from '../../agent/contract/job.ts';
import type { Observed } from '../../agent/contract/outcome.ts';
import type { Resolution } from '../../agent/net/resolve.ts';
import { resolveName } from '../../agent/net/resolve.ts';
import type { Surroundings } from '../../agent/runner.ts';
import { makeIdentity } from '../support/certificate.ts';
import { client, jobOf, observedAt, resultAt, ruleOf, runJob, type Told } from '../support/jobs.ts';
import { refusedPort, type Scope, serveTcp, silentPort } from '../support/loopback.ts';
import { accept } from '../support/peers.ts';
import { services } from '../support/speakers.ts';

const name = 'ssm.example.test';
const identity = makeIdentity(name);
const web = services.https.tcp ?? assert.fail();

/** Runs one rule against the destination `name`, on a host like this. */
function ask(rule: JobRule, host: Partial<Surroundings>, timeoutMs = 10_000, fields: Parameters<typeof jobOf>[1] = {}): Promise<Told> {
  return runJob(jobOf([rule], { hosts: [client, { name, address: name, dnsName: name }], timeoutMs, ...fields }), undefined, undefined, host);
}

/** A resolver that knows only this. */
function resolving(...addresses: readonly string[]): Pick<Surroundings, 'resolve'> {
  return { resolve: () => Promise.resolve({ addresses }) };
}

function failing(resolution: Resolution): Pick<Surroundings, 'resolve'> {
  return { resolve: () => Promise.resolve(resolution) };
}

/** An endpoint; `place` puts it at another address of this host. */
function serveEndpoint(t: Scope, place: Parameters<typeof serveTcp>[2] = {}): Promise<number> {
  return serveTcp(
    t,
    (socket) =>
      accept(socket, web, identity, (request, stream) => {
        stream.end(web.speak(request, 443) ?? '');
      }),
    place,
  );
}

function words({ state, reason, service }: Observed): string {
  return [state, reason, service?.status].join(' ');
}

function factsOf(outcome: Observed): Facts {
  return outcome.service?.facts ?? assert.fail('no facts');
}

describe('a destination by name', { concurrency: true }, () => {
  test('is dialled at the address that the resolver gives, and shows a certificate for the name', async (t) => {
    const port = await serveEndpoint(t);
    const told = await ask(ruleOf('https', 'tcp', port), resolving('127.0.0.1'));
    const outcome = observedAt(told, 0);
    assert.equal(words(outcome), 'open syn-ack identified');
    assert.deepEqual(outcome.target, { address: '127.0.0.1', port });
    const { addresses, certificateNames, certificateChain, httpStatus, httpServer } = factsOf(outcome);
    assert.deepEqual(addresses, ['127.0.0.1 open']);
    assert.deepEqual([certificateNames, certificateChain, httpStatus, httpServer], [[name], 'DEPTH_ZERO_SELF_SIGNED_CERT', 404, 'Server']);
    assert.equal(resultAt(told, 0).attempts, 1);
  });

  test("is judged by the job's own authorities too", async (t) => {
    const told = await ask(ruleOf('https', 'tcp', await serveEndpoint(t)), resolving('127.0.0.1'), 10_000, { authorities: identity.cert });
    assert.equal(factsOf(observedAt(told, 0)).certificateChain, 'trusted');
  });

  test('is as bad as the worst of its addresses', async (t) => {
    const port = await serveEndpoint(t);
    const told = await ask(ruleOf('https', 'tcp', port), resolving('127.0.0.1', '127.0.0.2'));
    const outcome = observedAt(told, 0);
    assert.equal(words(outcome), 'closed conn-refused silent');
    assert.deepEqual(outcome.target, { address: '127.0.0.2', port });
    assert.deepEqual(factsOf(outcome).addresses, ['127.0.0.1 open', '127.0.0.2 closed conn-refused']);
    assert.equal(resultAt(told, 0).attempts, 1);
  });

  test('is asked for the bare port at every address, too', async (t) => {
    const port = await serveTcp(t, (socket) => socket.end(), { address: '0.0.0.0' });
    const outcome = observedAt(await ask(ruleOf('tcp', 'tcp', port), resolving('127.0.0.3', '127.0.0.2')), 0);
    assert.equal(words(outcome), 'open syn-ack identified');
    assert.deepEqual(factsOf(outcome), { addresses: ['127.0.0.2 open', '127.0.0.3 open'] });
  });

  test('of many addresses only sixteen are asked, and that is said', async (t) => {
    const port = await serveTcp(t, (socket) => socket.end(), { address: '0.0.0.0' });
    const many = Array.from({ length: 20 }, (_, index) => `127.0.1.${index + 1}`);
    const { addresses, addressTotal } = factsOf(observedAt(await ask(ruleOf('tcp', 'tcp', port), resolving(...many)), 0));
    assert.deepEqual([addresses?.length, addressTotal], [16, 20]);
  });

  test('a name that does not exist is unresolved for that reason', async () => {
    const told = await ask(ruleOf('https', 'tcp', 443), failing({ resolution: 'no-such-name', message: 'no such name (ENOTFOUND)' }));
    const outcome = observedAt(told, 0);
    assert.equal(words(outcome), 'filtered name-unresolved silent');
    assert.deepEqual(outcome.target, { address: name, port: 443 });
    assert.deepEqual(factsOf(outcome), { resolution: 'no-such-name', complaint: 'no such name (ENOTFOUND)' });
  });

  test('a name without any address is unresolved too', async () => {
    assert.equal(factsOf(observedAt(await ask(ruleOf('https', 'tcp', 443), resolving()), 0)).resolution, 'no-such-name');
  });

  test('a resolver that never answers holds up nothing beyond the deadline of its check', async () => {
    const told = await ask(ruleOf('https', 'tcp', 443), { resolve: () => new Promise(() => undefined) }, 400);
    const { elapsedMs, outcome } = resultAt(told, 0);
    assert.ok(outcome.kind === 'observed');
    assert.deepEqual(factsOf(outcome), { resolution: 'no-answer', complaint: 'no answer before the deadline' });
    assert.ok(elapsedMs >= 390 && elapsedMs < 5_000, `${elapsedMs} ms`);
  });

  test('a resolver that answers after the deadline is not heard any more', async () => {
    const late = Promise.withResolvers<Resolution>();
    const told = await ask(ruleOf('https', 'tcp', 443), { resolve: () => late.promise }, 300);
    late.resolve({ addresses: ['127.0.0.1'] });
    assert.equal(told.results.length, 1);
    assert.equal(observedAt(told, 0).reason, 'name-unresolved');
  });

  test('is resolved by the system as its other programs do: localhost is this host', async () => {
    const found = await resolveName('localhost');
    assert.ok('addresses' in found && found.addresses.includes('127.0.0.1'), JSON.stringify(found));
  });
});

interface Proxy {
  readonly port: number;
  /** First lines and fields of the requests for a tunnel. */
  readonly asked: string[];
}

/** A proxy that answers CONNECT with `answer`, and where that opens the way joins the client to a port of this host. */
async function serveProxy(t: Scope, answer: string, upstream: number): Promise<Proxy> {
  const asked: string[] = [];
  const port = await serveTcp(t, (socket) => {
    socket.once('data', (request) => {
      asked.push(request.toString('latin1'));
      socket.write(answer);
      if (!answer.startsWith('HTTP/1.1 200')) return;
      const far = connect(upstream, '127.0.0.1');
      far.on('error', () => socket.destroy());
      socket.on('close', () => far.destroy());
      socket.pipe(far).pipe(socket);
    });
  });
  return { port, asked };
}

const opened = 'HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n';

/** An environment with a proxy on this port, and a resolver that must not be asked for the destination. */
function behind(port: number, more: Readonly<Record<string, string>> = {}): Partial<Surroundings> {
  return {
    environment: { HTTPS_PROXY: `http://proxy.test:${port}`, ...more },
    resolve: (asked) =>
      Promise.resolve(asked === 'proxy.test' ? { addresses: ['127.0.0.1'] } : { resolution: 'no-such-name', message: `${asked} was looked up here` }),
  };
}

describe('an endpoint behind a proxy', { concurrency: true }, () => {
  test('is asked through a tunnel under its own name, which nobody resolves here', async (t) => {
    const { port, asked } = await serveProxy(t, opened, await serveEndpoint(t));
    const outcome = observedAt(await ask(ruleOf('https', 'tcp', 443), behind(port)), 0);
    assert.equal(words(outcome), 'open syn-ack identified');
    assert.deepEqual(outcome.target, { address: '127.0.0.1', port });
    const { proxy, proxyStatus, certificateNames, httpStatus, addresses } = factsOf(outcome);
    assert.deepEqual([proxy, proxyStatus, httpStatus, addresses], [`proxy.test:${port}`, 200, 404, undefined]);
    assert.deepEqual(certificateNames, [name]);
    assert.deepEqual(asked, [`CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}:443\r\nUser-Agent: portmatrix\r\n\r\n`]);
  });

  test('shows the certificate of a proxy that breaks TLS open', async (t) => {
    const inspector = makeIdentity('inspector.corp.test', '/CN=Inspection CA');
    const port = await serveTcp(t, (socket) => {
      socket.once('data', () => {
        socket.write(opened);
        new TLSSocket(socket, { isServer: true, ...inspector }).on('error', () => undefined).on('data', () => socket.write(''));
      });
    });
    const outcome = observedAt(await ask(ruleOf('https', 'tcp', 443), behind(port), 600), 0);
    const { certificateIssuer, certificateNames, certificateChain } = factsOf(outcome);
    assert.deepEqual(
      [words(outcome), certificateIssuer, certificateNames, certificateChain],
      ['open syn-ack silent', 'CN=Inspection CA', ['inspector.corp.test'], 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    );
  });

  for (const [what, answer] of [
    ['forbids it', 'HTTP/1.1 403 Forbidden\r\nServer: squid\r\n\r\n'],
    ['wants a login', 'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 5\r\n\r\nlogin'],
    ['cannot reach it', 'HTTP/1.1 504 Gateway Timeout\r\n\r\n'],
  ] as const) {
    test(`that ${what} is absent, with the status of the proxy`, async (t) => {
      const { port } = await serveProxy(t, answer, 0);
      const outcome = observedAt(await ask(ruleOf('https', 'tcp', 443), behind(port)), 0);
      assert.equal(words(outcome), 'open syn-ack absent');
      assert.deepEqual(factsOf(outcome), { proxy: `proxy.test:${port}`, proxyStatus: Number(answer.slice(9, 12)) });
    });
  }

  test('gets no credentials from the environment, and says so', async (t) => {
    const { port, asked } = await serveProxy(t, 'HTTP/1.1 407 No\r\n\r\n', 0);
    const told = await ask(ruleOf('https', 'tcp', 443), behind(port, { https_proxy: `http://me:s3cret@proxy.test:${port}` }));
    assert.deepEqual(factsOf(observedAt(told, 0)), { proxy: `proxy.test:${port}`, proxyCredentialsWithheld: true, proxyStatus: 407 });
    assert.doesNotMatch(JSON.stringify(told) + asked.join(''), /s3cret|Authorization/i);
  });

  for (const [what, start, expected, timeoutMs] of [
    ['refuses', (t: Scope) => refusedPort(t, 'tcp'), 'closed conn-refused silent', 10_000],
    ['is silent', (t: Scope) => silentPort(t, 'tcp'), 'open syn-ack silent', 500],
    ['hangs up', (t: Scope) => serveTcp(t, (socket) => socket.resume().end()), 'open syn-ack disconnected', 10_000],
    ['is no proxy', (t: Scope) => serveTcp(t, (socket) => socket.write('220 mail.corp.test ESMTP\r\n')), 'open syn-ack malformed', 10_000],
  ] as const) {
    test(`that ${what} is told from an endpoint that does`, async (t) => {
      const port = await start(t);
      const outcome = observedAt(await ask(ruleOf('https', 'tcp', 443), behind(port), timeoutMs), 0);
      assert.equal(words(outcome), expected);
      const { proxy, proxyStatus } = factsOf(outcome);
      assert.deepEqual([proxy, proxyStatus], [`proxy.test:${port}`, undefined]);
    });
  }

  test('whose own name does not exist is told from an endpoint of which that is so', async () => {
    const host: Partial<Surroundings> = {
      environment: { https_proxy: 'http://proxy.test:3128' },
      ...failing({ resolution: 'no-such-name', message: 'no' }),
    };
    const { proxy, resolution } = factsOf(observedAt(await ask(ruleOf('https', 'tcp', 443), host), 0));
    assert.deepEqual([proxy, resolution], ['proxy.test:3128', 'no-such-name']);
  });

  test('of a kind that is not spoken here could not be looked at', async () => {
    const { outcome } = resultAt(await ask(ruleOf('https', 'tcp', 443), { environment: { ALL_PROXY: 'socks5://me:s3cret@proxy.test:1080' } }), 0);
    assert.deepEqual(outcome, {
      kind: 'failed',
      code: 'unsupported',
      message: 'ALL_PROXY names a proxy that speaks socks5, and only http is spoken here',
    });
  });

  test('is asked directly where NO_PROXY says so, and bare ports always are', async (t) => {
    const port = await serveEndpoint(t);
    const environment = { HTTPS_PROXY: 'http://proxy.test:3128', NO_PROXY: '.example.test' };
    const direct = observedAt(await ask(ruleOf('https', 'tcp', port), { environment, ...resolving('127.0.0.1') }), 0);
    assert.deepEqual([factsOf(direct).proxy, factsOf(direct).httpStatus], [undefined, 404]);
    const bare = await ask(ruleOf('tcp', 'tcp', port), { environment: { HTTPS_PROXY: 'http://proxy.test:3128' }, ...resolving('127.0.0.1') });
    assert.deepEqual(factsOf(observedAt(bare, 0)), { addresses: ['127.0.0.1 open'] });
  });
});
