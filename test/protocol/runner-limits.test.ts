/** How much a run asks at a time, how it ends, and that it tells each check once whatever happens. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as fc from 'fast-check';
import { expand } from '../../agent/contract/expand.ts';
import type { JobHost, JobRule } from '../../agent/contract/job.ts';
import { client, dc1, jobOf, observedAt, resultAt, rpcRule, ruleOf, runJob } from '../support/jobs.ts';
import { refusedPort, serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { openTowards } from '../support/sockets.ts';
import { endpointMapperFor, wireUuids } from '../support/speakers.ts';

/** So many rules of one kind. */
function many(count: number, rule: JobRule): readonly JobRule[] {
  return Array.from({ length: count }, (_, index) => ({ ...rule, rule: `${rule.rule}-${index}` }));
}

/** Hosts `dc1` to `dcN` on loopback addresses of their own, after the client. */
function hostsOf(count: number): readonly JobHost[] {
  return [client, ...Array.from({ length: count }, (_, index) => ({ ...dc1, name: `dc${index + 1}`, address: `127.0.0.${index + 1}` }))];
}

/** A silent TCP server, and the most connections to it that were open whenever it got one. */
async function serveWatched(t: TestContext): Promise<{ readonly port: number; readonly most: () => number }> {
  let most = 0;
  const port: number = await serveTcp(
    t,
    (socket) => {
      socket.resume();
      most = Math.max(most, openTowards(port));
    },
    { address: '0.0.0.0' },
  );
  return { port, most: () => most };
}

describe('limits', { concurrency: true }, () => {
  test('never more connections to a destination than the pace allows, and as many', async (t) => {
    const { port, most } = await serveWatched(t);
    const pace = { client: { inFlight: 100, perDestination: 4 } };
    const told = await runJob(jobOf(many(16, ruleOf('ldap', 'tcp', port)), { timeoutMs: 400, pace }));
    assert.equal(told.results.length, 16);
    assert.equal(most(), 4);
  });

  test('the second form of a question, asked while the first one waits, counts too', async (t) => {
    const { port, most } = await serveWatched(t);
    const pace = { client: { inFlight: 100, perDestination: 5 } };
    const told = await runJob(jobOf(many(8, ruleOf('kpasswd', 'tcp', port)), { timeoutMs: 700, pace }));
    assert.deepEqual([...new Set(told.results.map(({ attempts }) => attempts))], [2]);
    assert.ok(most() <= 5, `${most()} connections at a time`);
  });

  test('never more in flight in all than the pace allows, and as many', async (t) => {
    const { port, most } = await serveWatched(t);
    const pace = { client: { inFlight: 5, perDestination: 3 } };
    const pairs = [1, 2, 3].map((destination) => [0, destination, 0] as const);
    const told = await runJob(jobOf(many(6, ruleOf('ldap', 'tcp', port)), { timeoutMs: 400, pace, pairs, hosts: hostsOf(3) }));
    assert.equal(told.results.length, 18);
    assert.equal(most(), 5);
  });

  test('all destinations get their turn before any of them is done', async (t) => {
    const port = await serveTcp(t, () => undefined, { address: '0.0.0.0' });
    const pairs = [1, 2, 3].map((destination) => [0, destination, 0] as const);
    const pace = { client: { inFlight: 1, perDestination: 1 } };
    const job = jobOf(many(4, ruleOf('tcp', 'tcp', port)), { pace, pairs, hosts: hostsOf(3) });
    const { results } = await runJob(job);
    const order = results.map(({ index }) => Math.floor(index / 4));
    for (let round = 0; round < 4; round += 1) assert.equal(new Set(order.slice(3 * round, 3 * round + 3)).size, 3);
  });

  test('no more new flows a second to a destination than the pace allows, each destination by itself', async (t) => {
    const port = await serveTcp(t, () => undefined, { address: '0.0.0.0' });
    const pace = { client: { inFlight: 100, perDestination: 100, flowsPerSecond: 20 } };
    const startedAt = performance.now();
    const pairs = [1, 2].map((destination) => [0, destination, 0] as const);
    const { results } = await runJob(jobOf(many(11, ruleOf('tcp', 'tcp', port)), { pace, pairs, hosts: hostsOf(2) }));
    const tookMs = performance.now() - startedAt;
    assert.equal(results.length, 22);
    // Ten gaps of 50 ms, at the same time for both.
    assert.ok(tookMs >= 495, `11 flows in ${tookMs} ms`);
    const order = results.map(({ index }) => index % 11);
    assert.deepEqual(
      order,
      [...order].sort((one, other) => one - other),
    );
  });
});

describe('the end of a run', () => {
  /** Checks that answer at once, and checks that never do; and what is left of a run of them. */
  async function halfSilent(t: TestContext): Promise<{ readonly rules: readonly JobRule[]; readonly leftBehind: () => Promise<readonly string[]> }> {
    const [open, silent, silentUdp] = await Promise.all([serveTcp(t, () => undefined), silentPort(t, 'tcp'), silentPort(t, 'udp')]);
    const rules = [...many(5, ruleOf('tcp', 'tcp', open)), ...many(5, ruleOf('ldap', 'tcp', silent)), ...many(5, ruleOf('ntp', 'udp', silentUdp))];
    const before = process.getActiveResourcesInfo();
    return { rules, leftBehind: () => leftSince(before, open, silent) };
  }

  for (const [what, aborted] of [
    ['in the middle', false],
    ['before it began', true],
  ] as const) {
    test(`a run that is stopped ${what} keeps what it told, tells nothing more, and leaves nothing behind`, async (t) => {
      const { rules, leftBehind } = await halfSilent(t);
      const stop = new AbortController();
      if (aborted) stop.abort();
      let count = 0;
      const told = await runJob(jobOf(rules), () => (count += 1) === 5 && stop.abort(), stop.signal);
      assert.equal(told.reason, 'interrupted');
      assert.deepEqual(
        told.results.map(({ index }) => index),
        aborted ? [] : [0, 1, 2, 3, 4],
      );
      assert.deepEqual(await leftBehind(), []);
      assert.equal(told.results.length, count);
    });
  }

  test('at the end of the job what is still silent is not told', async (t) => {
    const { rules, leftBehind } = await halfSilent(t);
    const told = await runJob(jobOf(rules, { endsAfterMs: 1_500 }));
    assert.equal(told.reason, 'deadline');
    assert.deepEqual(
      told.results.map(({ index }) => index),
      [0, 1, 2, 3, 4],
    );
    assert.deepEqual(await leftBehind(), []);
  });

  test('a prerequisite that waits for itself ends with the job, not never', async () => {
    const told = await runJob(jobOf([ruleOf('tcp', 'tcp', 9, { after: [0] })], { endsAfterMs: 100 }));
    assert.deepEqual([told.reason, told.results], ['deadline', []]);
  });

  test('a run without checks is finished', async () => {
    assert.deepEqual(await runJob(jobOf([])), { reason: 'finished', results: [] });
  });

  /** UDP sockets, timers and connections that are there now and were not before; the runtime lets go of some only in the next turns of its event loop. */
  async function leftSince(before: readonly string[], ...ports: readonly number[]): Promise<readonly string[]> {
    const count = (resources: readonly string[], name: string): number => resources.filter((resource) => resource === name).length;
    let left: readonly string[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      const now = process.getActiveResourcesInfo();
      const kinds = ['UDPWrap', 'UDPSendWrap', 'TCPConnectWrap', 'Timeout'];
      left = [...kinds.filter((name) => count(now, name) > count(before, name)), ...(openTowards(...ports) > 0 ? ['connection'] : [])];
      if (left.length === 0) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return left;
  }
});

describe('every check is told exactly once', { concurrency: true }, () => {
  test('whatever the rules, the ports behind them, the pace and the attempts', async (t) => {
    const mapper = endpointMapperFor({ [wireUuids.drsuapi]: await serveTcp(t, () => undefined) });
    const open = await serveTcp(t, (socket) => socket.on('data', (request) => socket.write(mapper(request, 0) ?? '')));
    const closing = await serveTcp(t, (socket) => void socket.resume().end());
    const ports = [open, closing, await refusedPort(t, 'tcp'), await silentPort(t, 'tcp')];
    const udpPorts = [await serveUdp(t, (_request, reply) => reply(Buffer.from('?'))), await refusedPort(t, 'udp'), await silentPort(t, 'udp')];
    const tcpRule = fc.record({
      probe: fc.constantFrom('tcp', 'ldap', 'smb', 'dns', 'epm', 'ldaps'),
      transport: fc.constant('tcp'),
      port: fc.constantFrom(...ports),
    });
    const udpRule = fc.record({
      probe: fc.constantFrom('udp', 'ntp', 'dns', 'kpasswd'),
      transport: fc.constant('udp'),
      port: fc.constantFrom(...udpPorts),
    });
    const shape = fc.record({
      rules: fc.array(fc.oneof(tcpRule, udpRule, fc.constant('rpc')), { minLength: 1, maxLength: 12 }),
      after: fc.array(fc.option(fc.nat(11), { nil: undefined }), { minLength: 12, maxLength: 12 }),
      attempts: fc.integer({ min: 1, max: 3 }),
      inFlight: fc.integer({ min: 1, max: 8 }),
      perDestination: fc.integer({ min: 1, max: 4 }),
      destinations: fc.integer({ min: 1, max: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ rules: kinds, after, attempts, inFlight, perDestination, destinations }) => {
        const rules = kinds.map((kind, index) => {
          // A rule may wait for any rule before it that makes one check; only the plan knows better.
          const awaited = after[index];
          const waits = awaited !== undefined && awaited < index && kinds[awaited] !== 'rpc' ? { after: [awaited] } : {};
          const rule = kind === 'rpc' ? rpcRule() : ruleOf(kind.probe, kind.transport, kind.port);
          return { ...rule, ...waits, rule: `rule-${index}` };
        });
        const hosts = [client, ...Array.from({ length: destinations }, (_, index) => ({ ...dc1, name: `dc${index + 1}` }))];
        const pairs = Array.from({ length: destinations }, (_, index) => [0, index + 1, 0] as const);
        const job = jobOf(rules, { attempts, hosts, pairs, timeoutMs: 60, pace: { client: { inFlight, perDestination } } });
        const { reason, results } = await runJob(job);
        assert.equal(reason, 'finished');
        const indices = results.map(({ index }) => index).sort((one, other) => one - other);
        assert.deepEqual(indices, [...Array.from({ length: [...expand(job)].length }).keys()]);
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});

describe('the second look', { concurrency: true }, () => {
  // One that came late is the sign that rejections are limited; that the limit itself is real is for the lab to prove.
  test('a rejection that came late makes the silent be asked again, and they are told once, with all attempts', async (t) => {
    const late = await serveUdp(t, (_request, _reply, server) => server.close());
    let asked = 0;
    const heldBack = await serveUdp(t, (_request, _reply, server) => {
      asked += 1;
      if (asked === 2) server.close();
    });
    const silent = await silentPort(t, 'udp');
    const rules = [ruleOf('udp', 'udp', late), ruleOf('ntp', 'udp', heldBack), ruleOf('ntp', 'udp', silent)];
    const told = await runJob(jobOf(rules, { timeoutMs: 2_000 }));
    assert.equal(told.results.length, 3);
    const states = [0, 1, 2].map((index) => `${observedAt(told, index).state}, ${observedAt(told, index).reason}`);
    assert.deepEqual(states, ['closed, port-unreach', 'closed, port-unreach', 'open|filtered, no-response']);
    assert.deepEqual(
      [0, 1, 2].map((index) => resultAt(told, index).attempts),
      [2, 3, 3],
    );
    assert.equal(observedAt(told, 2).service, undefined);
  });

  test('silence alone, and rejections that came at once, are told as they are', async (t) => {
    const rules = [ruleOf('udp', 'udp', await refusedPort(t, 'udp')), ruleOf('ntp', 'udp', await silentPort(t, 'udp'))];
    const told = await runJob(jobOf(rules, { timeoutMs: 400 }));
    assert.deepEqual(
      [0, 1].map((index) => resultAt(told, index).attempts),
      [1, 2],
    );
  });
});
