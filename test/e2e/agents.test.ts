/** Agents that fail in every way: their own checks are in error, and everything else is judged. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Report } from '../../src/report.ts';
import { far, near, onScene, portmatrix, sceneOf, start, watchAgent, type WrittenHost } from '../support/binary.ts';
import { serveTcp, serveUdp, silentPort } from '../support/loopback.ts';
import { folderWith } from '../support/temporary-folder.ts';

const mark = 'portmatrix-agent:1 ';
const other: WrittenHost = { name: 'near2', address: '127.0.0.10', roles: ['near'] };

/** Runs from a sound local host and from a host behind this connector, and tells what became of each. */
async function runBeside(t: TestContext, host: Readonly<Record<string, unknown>>): Promise<Readonly<Record<'sound' | 'other' | 'message', string>>> {
  const port = await serveTcp(t, (socket) => socket.end());
  const folder = sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }], [near, { ...other, ...host }, far]);
  return outcomeOf(t, folder);
}

async function outcomeOf(t: TestContext, folder: string): Promise<Readonly<Record<'sound' | 'other' | 'message', string>>> {
  const { code, stdout, stderr } = await portmatrix(t, ['run', ...onScene, '--format', 'json'], { cwd: folder });
  assert.notEqual(stdout, '', stderr);
  const { results, sources }: Report = JSON.parse(stdout);
  const of = (source: string): string =>
    results
      .filter(({ check }) => check.source === source)
      .map(({ verdict, outcome }) => (outcome?.kind === 'failed' ? `${verdict.status} ${outcome.code}` : verdict.status))
      .join();
  assert.equal(code, of('near2').startsWith('error') ? 3 : 0);
  return { sound: of('near1'), other: of('near2'), message: sources.find(({ name }) => name === 'near2')?.message ?? '' };
}

/** A prefix that runs this program instead of the agent. */
function impostor(program: string): { readonly connector: { readonly exec: readonly string[] } } {
  return { connector: { exec: [process.execPath, '--input-type=module', '-e', program] } };
}

function line(message: unknown): string {
  return `${mark}${JSON.stringify(message)}\n`;
}

const hello = {
  kind: 'hello',
  contract: 1,
  source: 'near2',
  count: 1,
  hash: '0'.repeat(64),
  platform: { os: 'x', node: 'y' },
  capabilities: { udpRefused: true },
};
const settled = {
  kind: 'result',
  index: 0,
  outcome: {
    kind: 'observed',
    state: 'open',
    reason: 'syn-ack',
    target: { address: '127.0.0.1', port: 1 },
    at: '2026-01-01T00:00:00.000Z',
  },
  attempts: 1,
  elapsedMs: 1,
};

describe('a host whose agent does not start', { concurrency: 2 }, () => {
  const hosts: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, RegExp]>> = {
    'behind a prefix that does not exist': [{ connector: { exec: ['/nowhere/prefix'] } }, /\/nowhere\/prefix could not be started.*ENOENT/],
    'behind a prefix that is no program': [{ connector: { exec: ['/etc/passwd'] } }, /\/etc\/passwd could not be started.*EACCES/],
    'behind a prefix below a file': [{ connector: { exec: ['/etc/passwd/prefix'] } }, /\/etc\/passwd\/prefix could not be started.*ENOTDIR/],
    'behind a prefix that fails': [
      { connector: { exec: ['sh', '-c', 'echo "ssh: connection refused" >&2; exit 255'] } },
      /exit code 255: ssh: connection refused/,
    ],
    'without Node.js': [{ connector: { exec: ['env'] }, node: 'no-such-node' }, /exit code 127.*no-such-node/],
    'whose Node.js does not take a script': [{ connector: { exec: ['env'] }, node: 'true' }, /ended with exit code 0/],
  };
  for (const [name, [host, says]] of Object.entries(hosts)) {
    it(`${name} is in error, and the other is judged`, async (t) => {
      const { sound, other, message } = await runBeside(t, host);
      assert.deepEqual({ sound, other }, { sound: 'pass', other: 'error source-unreachable' });
      assert.match(message, says);
    });
  }
});

describe('an agent', { concurrency: 2 }, () => {
  it('behind a banner and an open prompt on stdout, and noise on stderr, is understood', async (t) => {
    const banner = `echo 'Welcome to near2'; echo '${mark}{"kind":"hello"'; echo noise >&2; printf 'Password: '; exec "$@"`;
    assert.deepEqual(await runBeside(t, { connector: { exec: ['sh', '-c', banner, 'sh'] } }), { sound: 'pass', other: 'pass', message: '' });
  });

  it('that understood another job is not believed', async (t) => {
    const { other, message } = await runBeside(
      t,
      impostor(`process.stdout.write(${JSON.stringify(line(hello) + line(settled) + line({ kind: 'bye', reason: 'finished' }))})`),
    );
    assert.equal(other, 'error output-lost');
    assert.match(message, /another job/);
  });

  it('that never greeted is not believed', async (t) => {
    const { other } = await runBeside(t, impostor(`process.stdout.write(${JSON.stringify(line(settled))})`));
    assert.equal(other, 'error source-unreachable');
  });

  it('that says bye, while a child of its prefix keeps the pipe open, is finished', async (t) => {
    // Until the test lets go of it.
    const port = await serveTcp(t, (socket) => void socket.resume());
    const { other } = await runBeside(t, { connector: { exec: ['bash', '-c', `cat < /dev/tcp/127.0.0.1/${port} & exec "$@"`, 'bash'] } });
    assert.equal(other, 'pass');
  });

  it('killed half-way leaves what it had not settled in error, and the rest is judged', async (t) => {
    const { prefix, born, gone } = await watchAgent(t);
    const asked = Promise.withResolvers<void>();
    const silent = await serveUdp(t, () => asked.resolve());
    const open = await serveTcp(t, (socket) => socket.end());
    const rules = [
      { id: 'web', ports: [`${open}/tcp`], probe: 'tcp' },
      { id: 'ask', ports: [`${silent}/udp`], probe: 'udp', requirement: 'optional' },
    ];
    const folder = sceneOf(t, rules, [near, { ...other, connector: { exec: prefix } }, far]);
    const { ended } = start(t, [
      process.execPath,
      'src/bin.cjs',
      'run',
      '-i',
      join(folder, 'inventory.yaml'),
      '-m',
      join(folder, 'mine.yaml'),
      '--out',
      join(folder, 'out'),
      '--format',
      'json',
      '--without-control',
      '--timeout-ms',
      '4000',
    ]);
    const pid = await born;
    await asked.promise;
    process.kill(pid, 'SIGKILL');
    await gone;
    const { code, stdout } = await ended;
    const { results, sources }: Report = JSON.parse(stdout);
    const lost = results.find(({ check }) => check.source === 'near2' && check.rule === 'ask');
    assert.ok(lost?.outcome?.kind === 'failed' && lost.verdict.status === 'error', JSON.stringify(lost));
    assert.ok(['output-lost', 'source-unreachable'].includes(lost.outcome.code));
    assert.match(sources.find(({ name }) => name === 'near2')?.message ?? '', /SIGKILL/);
    assert.deepEqual(
      results.filter(({ check }) => check.source === 'near1').map(({ verdict }) => verdict.status),
      ['pass', 'warn'],
    );
    // What is in error here is optional, and what is required was settled or not: never a fail.
    assert.ok(code === 0 || code === 3);
  });

  it('runs on the oldest Node.js that it promises to run on, when that is installed', async (t) => {
    const old = '/usr/bin/node';
    const { stdout } = await start(t, ['sh', '-c', `${old} --version || true`]).ended;
    if (!stdout.startsWith('v20.')) {
      t.diagnostic(`SKIPPED: ${old} is ${stdout.trim() || 'not there'}, and not Node.js 20`);
      t.skip('no Node.js 20 here');
      return;
    }
    assert.deepEqual(await runBeside(t, { connector: { exec: ['env'] }, node: old }), { sound: 'pass', other: 'pass', message: '' });
  });

  it('may be one of forty, and nobody is warned of anything', async (t) => {
    const port = await serveTcp(t, (socket) => socket.end());
    const hosts = Array.from({ length: 40 }, (_, index): WrittenHost => ({ ...near, name: `n${index}`, address: `127.0.1.${index + 1}` }));
    const folder = sceneOf(t, [{ id: 'web', ports: [`${port}/tcp`], probe: 'tcp' }], [...hosts, far]);
    const { code, stdout, stderr } = await portmatrix(t, ['run', ...onScene, '--format', 'json', '--out', 'out'], { cwd: folder });
    const report: Report = JSON.parse(stdout);
    assert.deepEqual({ code, pass: report.summary.pass }, { code: 0, pass: 40 });
    assert.match(stderr, /^Written: [^\n]+\n$/);
  });

  for (const [name, lie] of Object.entries({
    'facts of wrong types': {
      status: 'identified',
      facts: { dnsName: 5, domain: [], srvTargets: 7, certificateNames: 'x', certificateUsages: {}, rcode: null },
    },
    'a status that does not exist': { status: 'never heard of', facts: {} },
  })) {
    it(`that sends ${name} is not believed, and brings nobody down`, async (t) => {
      const lies = [lie, lie];
      const silent = await silentPort(t, 'tcp');
      const program = `
      let text = '';
      for await (const chunk of process.stdin) text += chunk;
      const { createHash } = await import('node:crypto');
      const ids = ['mine/a/near2->far1:${silent}/tcp', 'mine/b/near2->far1:123/udp'];
      const hash = createHash('sha256').update(ids.join('\\n') + '\\n').digest('hex');
      const say = (message) => process.stdout.write(${JSON.stringify(mark)} + JSON.stringify(message) + '\\n');
      say({ ...${JSON.stringify(hello)}, count: 2, hash });
      ${JSON.stringify(lies)}.forEach((service, index) => say({ ...${JSON.stringify(settled)}, index, outcome: { ...${JSON.stringify(settled.outcome)}, service } }));
      say({ kind: 'bye', reason: 'finished' });`;
      const rules = [
        { id: 'a', ports: [`${silent}/tcp`], probe: 'ldaps' },
        { id: 'b', ports: ['123/udp'], probe: 'ntp' },
      ];
      const tools = folderWith(t, { 'liar.mjs': program });
      const folder = sceneOf(t, rules, [{ ...other, connector: { exec: [process.execPath, join(tools, 'liar.mjs')] } }, far]);
      const { code, stdout, stderr } = await portmatrix(t, ['run', ...onScene], { cwd: folder });
      assert.ok(stdout.includes('2 checks'), stdout + stderr);
      assert.equal(code, 3, stderr);
    });
  }
});
