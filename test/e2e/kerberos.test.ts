/** `--kerberos` from end to end: with a package that stands in for the real one, without any, and without credentials. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Report } from '../../src/report.ts';
import { far, near, onScene, portmatrix, sceneOf, start, watchAgent, type WrittenHost } from '../support/binary.ts';
import { cacheUntil } from '../support/credentials.ts';
import { type Behaviour, folderWithKerberos, seenIn } from '../support/kerberos-package.ts';
import { serveTcp, silentPort } from '../support/loopback.ts';
import { accept } from '../support/peers.ts';
import { services } from '../support/speakers.ts';
import { folderWith } from '../support/temporary-folder.ts';

/** Lets the agent look for the package in its own folder only, whatever is installed beside portmatrix. */
const elsewhere = `sed 's#"installation":"[^"]*"#"installation":"/nowhere"#'`;
const alone = { exec: ['sh', '-c', `${elsewhere} | "$@"`, 'sh'], node: process.execPath };
const domain = 'corp.example.test';
const source: WrittenHost = { ...near, connector: { exec: alone.exec }, node: alone.node };
const dc: WrittenHost = { ...far, name: 'dc1', os: 'samba' };

interface Scene {
  readonly folder: string;
  readonly rules: readonly { readonly id: string; readonly ports: readonly string[]; readonly probe: string }[];
}

/** A DC whose KDC takes connections, and whose directory takes the ticket; and a web server, so that there is something else to ask. */
async function sceneWithDc(t: TestContext, host = source): Promise<Scene> {
  const service = services['ldap-bind'].tcp ?? assert.fail();
  const kdc = await silentPort(t, 'tcp');
  const directory = await serveTcp(t, (socket) =>
    accept(socket, service, { key: '', cert: '' }, (request, stream) => void stream.write(service.speak(request, 0) ?? '')),
  );
  const web = await serveTcp(t, (socket) => socket.end());
  const rules = [
    { id: 'web', ports: [`${web}/tcp`], probe: 'tcp' },
    { id: 'ldap-ticket', ports: [`${kdc}/tcp`], probe: 'ldap-ticket' },
    { id: 'cifs-ticket', ports: [`${kdc}/tcp`], probe: 'cifs-ticket' },
    { id: 'ldap-bind', ports: [`${directory}/tcp`], probe: 'ldap-bind', after: ['ldap-ticket'] },
  ];
  return { folder: sceneOf(t, rules, [host, dc], { domain }), rules };
}

interface Ran {
  readonly code: number | null;
  readonly report: Report;
  readonly verdicts: Readonly<Record<string, string>>;
  readonly stdout: string;
}

/** Runs `portmatrix run --kerberos` where `require` finds this package, if any, and KRB5CCNAME names a good cache, if any. */
async function run(
  t: TestContext,
  { folder }: Scene,
  behaviour: Behaviour | undefined,
  hasCache: boolean,
  words: readonly string[] = [],
): Promise<Ran> {
  const packages = behaviour === undefined ? undefined : folderWithKerberos(t, behaviour);
  const cache = hasCache ? join(folderWith(t, { cache: cacheUntil(Date.now() + 3_600_000) }), 'cache') : '/nowhere/cache';
  const env = { KRB5CCNAME: `FILE:${cache}`, ...(packages !== undefined && { NODE_PATH: join(packages, 'node_modules') }) };
  const { code, stdout, stderr } = await portmatrix(t, ['run', ...onScene, '--kerberos', '--format', 'json', '--out', 'out', ...words], {
    cwd: folder,
    env,
  });
  assert.notEqual(stdout, '', stderr);
  const report: Report = JSON.parse(stdout);
  const verdicts = Object.fromEntries(
    report.results.map(({ check, verdict: { status, finding } }) => [check.rule, finding === undefined ? status : `${status} ${finding.code}`]),
  );
  return { code, report, verdicts, stdout };
}

describe('run --kerberos', { concurrency: 2 }, () => {
  it('passes where tickets are issued and the directory takes one, and tells nothing that could be used', async (t) => {
    const scene = await sceneWithDc(t);
    const { code, verdicts, stdout } = await run(t, scene, 'issues', true);
    assert.deepEqual({ code, verdicts }, { code: 0, verdicts: { web: 'pass', 'ldap-ticket': 'pass', 'cifs-ticket': 'pass', 'ldap-bind': 'pass' } });
    assert.match(readFileSync(join(scene.folder, 'out', 'junit.xml'), 'utf8'), /name="mine\/ldap-bind\//);
    for (const secret of ['a ticket', Buffer.from('a ticket').toString('base64')]) assert.ok(!stdout.includes(secret));
  });

  it('without the package skips with one sentence, and the exit code is what it would be', async (t) => {
    const { code, verdicts, report } = await run(t, await sceneWithDc(t), undefined, true);
    const skipped = { 'ldap-ticket': 'skip not-equipped', 'cifs-ticket': 'skip not-equipped', 'ldap-bind': 'skip prerequisite' };
    assert.deepEqual({ code, verdicts }, { code: 0, verdicts: { web: 'pass', ...skipped } });
    const [, ticket] = report.results;
    assert.ok(ticket?.verdict.finding?.code === 'not-equipped');
    assert.match(ticket.verdict.finding.message, /^the package kerberos is not installed on the source \(npm install kerberos@7\.0\.0 in [^.]+\)$/);
  });

  it('with a package that cannot be loaded skips too', async (t) => {
    const { code, verdicts } = await run(t, await sceneWithDc(t), 'broken', true);
    assert.equal(code, 0);
    assert.deepEqual([verdicts['ldap-ticket'], verdicts['cifs-ticket']], ['skip not-equipped', 'skip not-equipped']);
  });

  it('without credentials is in error, which is no fault of the network', async (t) => {
    const { code, verdicts } = await run(t, await sceneWithDc(t), 'issues', false);
    assert.equal(code, 3);
    assert.deepEqual(verdicts, {
      web: 'pass',
      'ldap-ticket': 'error not-checked',
      'cifs-ticket': 'error not-checked',
      'ldap-bind': 'skip prerequisite',
    });
  });

  it('fails where the KDC refuses what every client needs', async (t) => {
    const { code, verdicts } = await run(t, await sceneWithDc(t), 'refuses', true);
    assert.equal(code, 1);
    assert.deepEqual([verdicts['ldap-ticket'], verdicts['ldap-bind']], ['fail ticket-refused', 'skip prerequisite']);
  });

  for (const [moment, behaviour] of [
    ['the KDC is silent', 'hangs'],
    ['the package is still being loaded', 'loads until its agent is gone'],
  ] as const) {
    it(`leaves neither a process nor a folder behind when its agent is killed while ${moment}`, async (t) => {
      const { prefix, born, gone } = await watchAgent(t);
      // Not through a pipe: whom the connector ends is the agent itself.
      const exec = prefix.map((word) => word.replace('exec "$@"', `exec "$@" < <(${elsewhere})`));
      const scene = await sceneWithDc(t, { ...source, connector: { exec } });
      const packages = folderWithKerberos(t, behaviour);
      const cache = join(folderWith(t, { cache: cacheUntil(Date.now() + 3_600_000) }), 'cache');
      const env = { KRB5CCNAME: cache, NODE_PATH: join(packages, 'node_modules') };
      const { ended } = start(
        t,
        [process.execPath, join(import.meta.dirname, '..', '..', 'src', 'bin.cjs'), 'run', ...onScene, '--kerberos', '--rule', 'ldap-ticket'],
        {
          cwd: scene.folder,
          env,
        },
      );
      const agent = await born;
      await until(() => existsSync(seenIn(packages)) && readFileSync(seenIn(packages), 'utf8').endsWith('}'));
      const { folder, pid }: { folder: string; pid: number } = JSON.parse(readFileSync(seenIn(packages), 'utf8'));
      assert.ok(existsSync(folder));
      // As the connector does with an agent that does not end.
      process.kill(-agent, 'SIGKILL');
      await gone;
      await until(() => !existsSync(folder) && isGone(pid));
      const { code } = await ended;
      assert.equal(code, 3);
    });
  }
});

function isGone(pid: number): boolean {
  const status = `/proc/${pid}/stat`;
  return !existsSync(status) || /\) [ZX] /.test(readFileSync(status, 'utf8'));
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
