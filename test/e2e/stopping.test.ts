/** A run that is stopped: what was not settled is reported as interrupted, and no agent survives. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Report } from '../../src/report.ts';
import { bin, far, near, onScene, sceneOf, start, type Started, type Watched, watchAgent } from '../support/binary.ts';
import { serveTcp, serveUdp } from '../support/loopback.ts';

interface Running extends Started, Watched {
  readonly folder: string;
}

/** A run whose one agent waits a minute for an answer that does not come. Resolves when the question is out. */
async function startWaiting(t: TestContext): Promise<Running> {
  const asked = Promise.withResolvers<void>();
  const port = await serveUdp(t, () => asked.resolve());
  const agent = await watchAgent(t);
  const rules = [{ id: 'ask', ports: [`${port}/udp`], probe: 'dns' }];
  const folder = sceneOf(t, rules, [{ ...near, connector: { exec: agent.prefix } }, far]);
  const words = ['run', ...onScene, '--timeout-ms', '60000', '--format', 'json', '--out', 'out'];
  const started = start(t, [process.execPath, bin, ...words], { cwd: folder });
  await agent.born;
  await asked.promise;
  return { ...agent, ...started, folder };
}

function assertInterrupted(text: string): void {
  const report: Report = JSON.parse(text);
  assert.equal(report.run.interrupted, true);
  assert.equal(report.summary.total, 1);
  const [result] = report.results;
  assert.equal(result?.verdict.status, 'error');
  assert.ok(result.outcome?.kind === 'failed' && result.outcome.code === 'interrupted', JSON.stringify(result));
}

describe('a run', { concurrency: 2 }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`stops in good order on ${signal}: a report in which the rest is interrupted, exit 3, no agent left`, async (t) => {
      const { child, ended, gone, folder } = await startWaiting(t);
      child.kill(signal);
      const { code, stdout, stderr } = await ended;
      await gone;
      assert.equal(code, 3, stderr);
      assert.match(stderr, /Stopping: .*Ctrl-C again stops at once\.\nWritten: /);
      assertInterrupted(stdout);
      assertInterrupted(readFileSync(join(folder, 'out', 'report.json'), 'utf8'));
    });
  }

  it('stops at once on the second Ctrl-C, even where an agent would not', async (t) => {
    const deaf = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const port = await serveTcp(t, (socket) => {
      deaf.resolve();
      for (const event of ['end', 'close']) socket.on(event, () => gone.resolve());
    });
    const program = `process.on('SIGTERM', () => undefined); require('node:net').connect(${port}, '127.0.0.1'); process.stdin.resume(); setInterval(() => undefined, 1e6);`;
    const folder = sceneOf(
      t,
      [{ id: 'web', ports: ['1/tcp'], probe: 'tcp' }],
      [{ ...near, connector: { exec: [process.execPath, '-e', program] } }, far],
    );
    const { child, ended, says } = start(t, [process.execPath, bin, 'run', ...onScene, '--format', 'json'], { cwd: folder });
    await deaf.promise;
    child.kill('SIGINT');
    await says('Stopping');
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    await gone.promise;
    assert.equal(code, 3);
    assertInterrupted(stdout);
  });

  it('that is killed takes its agents with it', { timeout: 30_000 }, async (t) => {
    const { child, ended, gone } = await startWaiting(t);
    child.kill('SIGKILL');
    assert.equal((await ended).signal, 'SIGKILL');
    await gone;
  });
});
