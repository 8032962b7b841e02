/** The steps of the document on Linux hosts, run for real in both shells. A shell script stands in for the runtime where what it does is the test's own matter. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { keepParts } from '../../agent/spool.ts';
import { documentFor, inlineDocumentFor, partStep } from '../../src/agent-document.ts';
import { usualFolders, usualNodes } from '../../src/document-literal.ts';
import { readScripts } from '../../src/agent-package.ts';
import { missingPackage } from '../../src/step-ending.ts';
import { readDocument, refusal, scriptOf } from '../support/ssm-document.ts';
import {
  assertFailed,
  cached,
  commandId,
  digest,
  download,
  here,
  hostWith,
  needsRoot,
  place,
  policy,
  type Running,
  runStep,
  shells,
  type SsmHost,
  standIn,
  usualJob,
} from '../support/ssm-step.ts';
import { folderWith } from '../support/temporary-folder.ts';

const usual = await standIn();

for (const shell of shells)
  describe(`under ${shell} the run step`, { concurrency: 2 }, () => {
    const run = (t: TestContext, host: SsmHost, running: Running = {}) => runStep(t, host, { shell, ...running });

    it('runs what is in the cache, with the job on stdin and nothing of the environment that loads code', async (t) => {
      const host = hostWith(t, usual);
      const entry = join(host.cache, usual.archive);
      place(entry, usual);
      const { code, stdout, stderr } = await run(t, host, { env: { NODE_OPTIONS: '--require /tmp/evil.cjs', NODE_PATH: '/tmp' } });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const [words = '', job, options, ends = '', node] = stdout.split('\n');
      const packed = Buffer.from(JSON.stringify(policy)).toString('base64url');
      assert.equal(words, `words --max-semi-space-size=8 ${entry}/agent.cjs run ${packed} ${host.cache}/spool/${commandId}`);
      assert.deepEqual({ job, options, node }, { job: `job ${usualJob}`, options: 'options none none', node: 'node i-0123456789abcdef0' });
      // 600 s, less the 15 that are the step's own, and at most a few that went by.
      assert.match(ends, /^ends 5(8[0-5]|7\d)000$/);
      assert.deepEqual(cached(host), [usual.archive]);
    });

    it('leaves no variable to the runtime by which the loader or OpenSSL would load code, and leaves it whom the host trusts', async (t) => {
      const telling = await standIn('cat >/dev/null; env');
      const host = hostWith(t, telling);
      place(join(host.cache, telling.archive), telling);
      const trust = { NODE_EXTRA_CA_CERTS: '/etc/ours.pem', SSL_CERT_FILE: '/etc/all.pem' };
      // A library that is there: the loader complains of others before the script begins.
      const loaded = { LD_PRELOAD: 'libc.so.6', LD_LIBRARY_PATH: '/nowhere', LD_AUDIT: '', OPENSSL_CONF: '/nowhere.cnf' };
      const env = { ...trust, ...loaded, OPENSSL_MODULES: '/nowhere', OPENSSL_ENGINES: '/nowhere' };
      const { code, stdout, stderr } = await run(t, host, { env });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const left = stdout.split('\n').filter((line) => /^(LD_|OPENSSL_|SSL_|NODE_)/.test(line));
      assert.deepEqual(left.toSorted(), ['NODE_EXTRA_CA_CERTS=/etc/ours.pem', 'SSL_CERT_FILE=/etc/all.pem']);
    });

    it('does the same where the agent of Systems Manager puts parameters into the text, and names no command', async (t) => {
      const host = hostWith(t, usual);
      place(join(host.cache, usual.archive), usual);
      const { code, stdout } = await run(t, host, { knowsEnvironment: false, env: { SSM_COMMAND_ID: '' } });
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`/spool/${commandId}\njob ${usualJob}\n`));
    });

    it('takes a pre-staged copy before the cache, and ignores one that is not the published one', async (t) => {
      const host = hostWith(t, usual);
      place(host.offline, usual);
      assert.match((await run(t, host)).stdout, new RegExp(`^words --max-semi-space-size=8 ${host.offline}/agent\\.cjs `));
      writeFileSync(join(host.offline, 'agent.cjs'), '// another');
      assertFailed(await run(t, host), 10, new RegExp(`${here} is not in ${host.offline} or ${host.cache}\n`));
      place(join(host.cache, usual.archive), usual);
      assert.equal((await run(t, host)).code, 0);
    });

    it('does not run a pre-staged copy that others than root can change after it was checked', async (t) => {
      for (const open of ['', 'node', 'agent.cjs']) {
        const host = hostWith(t, usual);
        place(host.offline, usual);
        chmodSync(join(host.offline, open), 0o777);
        const ended = await run(t, host);
        assertFailed(ended, 10, new RegExp(`${here} is not in ${host.offline} \\(open to others\\) or ${host.cache}\n`));
        assert.equal(missingPackage(ended.stderr), here);
        chmodSync(join(host.offline, open), 0o755);
        assert.equal((await run(t, host)).code, 0);
      }
    });

    it('does not fetch what it was not told to fetch', async (t) => {
      const host = hostWith(t, usual);
      download(host, usual.content);
      const ended = await run(t, host);
      assertFailed(ended, 10, /is not in/);
      assert.equal(missingPackage(ended.stderr), here);
      assert.deepEqual(cached(host), []);
    });

    for (const [file, code] of [
      ['node', 11],
      ['agent.cjs', 12],
    ] as const)
      it(`does not run a copy in the cache whose ${file} was changed, and removes it`, async (t) => {
        const host = hostWith(t, usual);
        const entry = join(host.cache, usual.archive);
        place(entry, usual);
        writeFileSync(join(entry, file), '#!/bin/sh\necho changed\n');
        assertFailed(await run(t, host), code, /was not the published one, and is removed/);
        assert.deepEqual(cached(host), []);
        assertFailed(await run(t, host), 10, /is not in/);
        download(host, usual.content);
        assert.equal((await run(t, host, { values: { Fetch: `download-${here}` } })).code, 0);
      });

    it('installs what was downloaded, runs it, keeps it, and nothing older', async (t) => {
      const host = hostWith(t, usual);
      place(join(host.cache, 'a'.repeat(64)), usual);
      download(host, usual.content);
      const values = { Fetch: `download-${here}` };
      assert.match((await run(t, host, { values })).stdout, /^words /);
      assert.deepEqual(cached(host), [usual.archive]);
      assert.deepEqual(readdirSync(join(host.cache, usual.archive)).sort(), ['agent.cjs', 'manifest.json', 'node']);
      assert.deepEqual(readdirSync(join(host.orchestration, 'downloads')), []);
      assert.equal((await run(t, host)).code, 0);
    });

    it('finds what was downloaded wherever it is started', async (t) => {
      const host = hostWith(t, usual);
      download(host, usual.content);
      const { code } = await run(t, host, { values: { Fetch: `download-${here}` }, prefix: ['env', '--chdir=/'] });
      assert.equal(code, 0);
    });

    it('refuses a package that is another one, and leaves nothing', async (t) => {
      const host = hostWith(t, usual);
      const values = { Fetch: `download-${here}` };
      assertFailed(await run(t, host, { values }), 13, /brought no package/);
      download(host, usual.content.slice(0, -1));
      assertFailed(await run(t, host, { values }), 13, /is not the published one/);
      download(host, (await standIn('echo evil')).content);
      assertFailed(await run(t, host, { values }), 13, /is not the published one/);
      assert.deepEqual(cached(host), []);
    });

    it('refuses a package whose content is not what the document says', async (t) => {
      const values = { Fetch: `download-${here}` };
      for (const [code, change] of [
        [11, { runtime: digest('x') }],
        [12, { bundle: digest('x') }],
      ] as const) {
        const host = hostWith(t, { ...usual, ...change });
        download(host, usual.content);
        assertFailed(await run(t, host, { values }), code, /in the package is not the published one/);
        assert.deepEqual(cached(host), []);
      }
    });

    it('is not for another platform, and says which it is', async (t) => {
      const host = hostWith(t, usual);
      assertFailed(await run(t, host, { values: { Fetch: 'download-windows-x64' } }), 13, new RegExp(`this host is ${here}`));
      const nothing = { ...host, literals: { ...host.literals, packages: {} } };
      assertFailed(await run(t, nothing), 15, new RegExp(`no package for ${here}`));
    });

    it('says so when the disk is full, and leaves nothing', async (t) => {
      if (!needsRoot(t)) return;
      const large = await standIn(`#${'x'.repeat(200_000)}\n`);
      const host = hostWith(t, large);
      mkdirSync(host.cache);
      assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', host.cache]).status, 0);
      try {
        download(host, large.content);
        assertFailed(await run(t, host, { values: { Fetch: `download-${here}` } }), 14, /could not be unpacked/);
        assert.deepEqual(cached(host), []);
        assert.equal(spawnSync('mount', ['-o', 'remount,ro', host.cache]).status, 0);
        assertFailed(await run(t, host, { values: { Fetch: `download-${here}` } }), 14, /nothing can be written/);
      } finally {
        spawnSync('umount', [host.cache]);
      }
    });

    it('does not trust a cache that is somebody else’s', async (t) => {
      const host = hostWith(t, usual);
      const other = folderWith(t, {});
      place(join(other, usual.archive), usual);
      symlinkSync(other, host.cache);
      assertFailed(await run(t, host), 13, /belongs to somebody else/);
      if (!needsRoot(t)) return;
      const owned = hostWith(t, usual);
      place(join(owned.cache, usual.archive), usual);
      chownSync(owned.cache, 65_534, 65_534);
      assertFailed(await run(t, owned), 13, /belongs to somebody else/);
    });

    it('lets nobody else read or write what it keeps', async (t) => {
      const host = hostWith(t, usual);
      mkdirSync(host.cache, { mode: 0o777 });
      chmodSync(host.cache, 0o777);
      download(host, usual.content);
      assert.equal((await run(t, host, { values: { Fetch: `download-${here}` } })).code, 0);
      const modes = spawnSync('find', [host.cache, '-perm', '/077'], { encoding: 'utf8' });
      assert.equal(modes.stdout, '');
    });

    it('works where two commands install at once', async (t) => {
      const host = hostWith(t, usual);
      download(host, usual.content);
      const second = { ...hostWith(t, usual), cache: host.cache, literals: host.literals };
      download(second, usual.content);
      const other = '11111111-2222-3333-4444-555555555555';
      const values = { Fetch: `download-${here}` };
      const ended = await Promise.all([run(t, host, { values }), run(t, second, { values, env: { SSM_COMMAND_ID: other } })]);
      assert.deepEqual(
        ended.map(({ code, stderr }) => ({ code, stderr })),
        [1, 2].map(() => ({ code: 0, stderr: '' })),
      );
      assert.deepEqual(cached(host), [usual.archive]);
    });

    it('takes away what killed commands left a day ago, and leaves what is younger', async (t) => {
      const host = hostWith(t, usual);
      place(join(host.cache, usual.archive), usual);
      const yesterday = Date.now() / 1000 - 25 * 3600;
      for (const name of ['new.old', 'spool/old', 'new.young', 'spool/young']) {
        mkdirSync(join(host.cache, name), { recursive: true });
        writeFileSync(join(host.cache, name, 'x'), '');
        if (name.endsWith('old')) utimesSync(join(host.cache, name), yesterday, yesterday);
      }
      assert.equal((await run(t, host)).code, 0);
      assert.deepEqual(readdirSync(host.cache).sort(), [usual.archive, 'new.young', 'spool'].sort());
      assert.deepEqual(readdirSync(join(host.cache, 'spool')), ['young']);
    });

    for (const [how, expected] of [
      ['exit 1', 19],
      ['exit 137', 19],
      ['exit 168', 19],
      ['exit 169', 19],
      ['exit 194', 19],
      ['exit 3010', 19],
      ['exit 255', 19],
      ['kill -9 $$', 19],
      ['kill -SEGV $$', 19],
      ['exit 10', 19],
      ['exit 126', 18],
      ['exit 127', 18],
    ] as const)
      it(`never ends as its agent does: ${how} becomes ${expected}`, async (t) => {
        const ending = await standIn(how);
        const host = hostWith(t, ending);
        place(join(host.cache, ending.archive), ending);
        assertFailed(await run(t, host), expected, expected === 19 ? /ended with code \d+/ : /cannot be started/);
      });

    for (const [name, code] of [
      ['bad-input', 20],
      ['agent-bug', 21],
    ] as const)
      it(`hands on that its agent calls it ${name}, in the agent's own words`, async (t) => {
        const ending = await standIn(`echo "why" >&2; exit ${code}`);
        const host = hostWith(t, ending);
        place(join(host.cache, ending.archive), ending);
        const { code: found, stderr } = await run(t, host);
        assert.deepEqual({ found, stderr }, { found: code, stderr: 'why\n' });
      });

    it('says so when the runtime cannot be started', async (t) => {
      const host = hostWith(t, usual);
      const entry = join(host.cache, usual.archive);
      place(entry, usual);
      chmodSync(join(entry, 'node'), 0o600);
      const { code, stderr } = await run(t, host);
      assert.equal(code, 18);
      assert.match(stderr, /portmatrix: application-control: .*node cannot be started\n$/);
    });

    it('ends an agent that outlives its own end, and what the agent says then counts', { timeout: 60_000 }, async (t) => {
      const deaf = await standIn(`trap '' TERM; echo $$; while :; do sleep 0.2; done`);
      const polite = await standIn(`trap 'echo frame; exit 0' TERM; while :; do sleep 0.2; done`);
      const [silenced, heard] = await Promise.all(
        [deaf, polite].map((standing) => {
          const host = hostWith(t, standing);
          place(join(host.cache, standing.archive), standing);
          return run(t, host, { values: { ExecutionTimeout: '20' } });
        }),
      );
      assert.equal(silenced?.code, 19);
      assert.match(silenced?.stderr ?? '', /agent-ended-badly: the agent ended with code 137\n$/);
      assert.ok(!existsSync(`/proc/${silenced?.stdout.trim()}`));
      assert.deepEqual({ code: heard?.code, stdout: heard?.stdout }, { code: 0, stdout: 'frame\n' });
    });

    for (const [what, values] of [
      ['a quote', "'; touch $CANARY; '"],
      ['double quotes', '"; touch $CANARY; "'],
      ['a command', '$(touch $CANARY)'],
      ['backticks', '`touch $CANARY`'],
      ['braces', '{{ PackageUrl }}'],
      ['a parameter of the store', '{{ssm:secret}}'],
      ['a line of its own', 'am9i\ntouch $CANARY\n'],
      ['a semicolon', 'am9i; touch $CANARY'],
      ['the end of the text', 'am9i\nBUNDLE\ntouch $CANARY'],
    ] as const)
      it(`runs nothing of a parameter with ${what}, and the service refuses it`, async (t) => {
        const host = hostWith(t, usual, ['https://localhost/']);
        const canary = join(host.orchestration, 'canary');
        const value = values.replaceAll('$CANARY', () => canary);
        const document = readDocument(documentFor(host.literals, readScripts()));
        for (const name of ['Job', 'Fetch', 'PackageUrl', 'ExecutionTimeout'])
          assert.match(refusal(document, { Job: usualJob, [name]: value }) ?? '', new RegExp(`^${name} `), name);
        assertFailed(await run(t, host, { document, values: { Job: value } }), 20, /Job is not base64/);
        assertFailed(await run(t, host, { document, values: { Fetch: 'url', PackageUrl: value } }), 20, /PackageUrl is no https address/);
        assertFailed(
          await run(t, host, { document, values: { Fetch: 'url', PackageUrl: `https://localhost/${value}` } }),
          20,
          /PackageUrl has a character/,
        );
        assertFailed(await run(t, host, { document, env: { SSM_COMMAND_ID: value } }), 20, /has no id/);
        assert.ok(!existsSync(canary));
      });
  });

for (const shell of shells)
  describe(`under ${shell} a step for one more part`, () => {
    it('prints the part, removes it, and with the last one the folder', async (t) => {
      const host = hostWith(t, usual);
      const spool = join(host.cache, 'spool', commandId);
      mkdirSync(join(host.cache, 'spool'), { recursive: true });
      assert.equal(keepParts(spool, ['part 2\n', 'part 3\n']), undefined);
      assert.deepEqual((await runStep(t, host, { shell, step: partStep('linux', 3) })).stdout, 'part 3\n');
      assert.deepEqual(readdirSync(spool), ['part-2']);
      // An agent of Systems Manager that does not tell the id.
      assert.deepEqual((await runStep(t, host, { shell, step: partStep('linux', 2), env: { SSM_COMMAND_ID: '' } })).stdout, 'part 2\n');
      assert.ok(!existsSync(spool));
    });

    it('prints nothing where there is none, and is no failure', async (t) => {
      const { code, stdout, stderr } = await runStep(t, hostWith(t, usual), { shell, step: partStep('linux', 6) });
      assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '', stderr: '' });
    });
  });

it('shellcheck has nothing to say about the scripts', (t) => {
  const { error } = spawnSync('shellcheck', ['--version']);
  if (error !== undefined && process.env['PORTMATRIX_REQUIRE_LAB'] !== '1') {
    t.skip('!!! SKIPPED: shellcheck is not installed here');
    return;
  }
  const host = hostWith(t, usual);
  const scripts = readScripts();
  const inline = inlineDocumentFor({ ...host.literals, ...usualFolders, inline: 'QUJD', nodes: usualNodes }, scripts);
  const steps = [documentFor(host.literals, scripts), inline].flatMap((text) =>
    readDocument(text).mainSteps.filter(({ action }) => action === 'aws:runShellScript'),
  );
  assert.equal(steps.length, 12);
  for (const step of steps) {
    const { stdout, status } = spawnSync('shellcheck', ['--shell=sh', '--severity=style', '-'], { input: scriptOf(step), encoding: 'utf8' });
    assert.deepEqual({ status, stdout }, { status: 0, stdout: '' }, step.name);
  }
  assert.match(readFileSync(join(import.meta.dirname, '../../agent/ssm/run.sh'), 'utf8'), /^#!\/bin\/sh\n/);
});
