/** The two ways for a host to get the agent that need no step before: by an address, over TLS, and in the document itself. */
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { brotliCompressSync } from 'node:zlib';
import { inlineDocumentFor } from '../../src/agent-document.ts';
import { readScripts } from '../../src/agent-package.ts';
import { makeIdentity } from '../support/certificate.ts';
import { readDocument } from '../support/ssm-document.ts';
import { assertFailed, cached, digest, hostWith, needsRoot, policy, type Running, runStep, shells, standIn, usualJob } from '../support/ssm-step.ts';
import { folderWith } from '../support/temporary-folder.ts';

const usual = await standIn();

describe('a package that is fetched by its address', { concurrency: 2 }, () => {
  interface Served {
    readonly url: string;
    /** How all addresses there begin. */
    readonly place: string;
    readonly env: Readonly<Record<string, string>>;
  }

  /** Serves over TLS on loopback, for a host that trusts the certificate; the address of a path there. */
  async function serve(t: TestContext, answer: RequestListener): Promise<Served> {
    const identity = makeIdentity('localhost');
    const server = createServer(identity, answer).listen(0, '127.0.0.1');
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    await once(server, 'listening');
    const authority = join(folderWith(t, { 'ca.pem': identity.cert }), 'ca.pem');
    const wgetrc = join(folderWith(t, { wgetrc: `ca_certificate = ${authority}\n` }), 'wgetrc');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const place = `https://localhost:${port}/agents/`;
    return {
      place,
      url: `${place}x.tar.gz?X-Amz-Signature=abc%2Fdef&X-Amz-Expires=900`,
      env: { CURL_CA_BUNDLE: authority, WGETRC: wgetrc },
    };
  }
  const giving =
    (content: Uint8Array): RequestListener =>
    (_request, response) =>
      void response.end(content);
  /** A host without curl. */
  const withoutCurl = ['unshare', '--mount', 'sh', '-c', 'mount --bind /dev/null /usr/bin/curl && exec "$@"', 'sh'];

  // What bash finds by name need not be a program.
  for (const [tool, shell, prefix] of [
    ['curl', 'dash', []],
    ['curl', 'bash', []],
    ['wget', 'dash', withoutCurl],
  ] as const) {
    const named = `with ${tool} under ${shell}`;
    const ready = (t: TestContext): boolean => tool === 'curl' || needsRoot(t);

    it(`is installed and run ${named}`, async (t) => {
      if (!ready(t)) return;
      const { url, place, env } = await serve(t, giving(usual.content));
      const host = hostWith(t, usual, ['https://bucket.example.com/', place]);
      const { code, stdout, stderr } = await runStep(t, host, { shell, env, prefix, values: { Fetch: 'url', PackageUrl: url } });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.match(stdout, /^words /);
      assert.deepEqual(cached(host), [usual.archive]);
    });

    it(`is refused when it is another one, when the server refuses, and when the server is not trusted ${named}`, async (t) => {
      if (!ready(t)) return;
      const evil = await serve(t, giving(Buffer.from('evil')));
      const denied = await serve(t, (_request, response) => void response.writeHead(403).end('<Error/>'));
      const host = hostWith(t, usual, [evil.place, denied.place]);
      const values = { Fetch: 'url' };
      const step = (url: string, env: Readonly<Record<string, string>>) =>
        runStep(t, host, { shell, env, prefix, values: { ...values, PackageUrl: url } });
      assertFailed(await step(evil.url, evil.env), 13, /is not the published one/);
      for (const ended of [await step(denied.url, denied.env), await step(evil.url, denied.env)]) {
        assertFailed(
          ended,
          13,
          new RegExp(`${tool} ended with code \\d+: (the server refused, or leads elsewhere|no TLS, or no certificate that is trusted here)$`, 'm'),
        );
        assert.doesNotMatch(ended.stderr, /Signature|localhost/);
      }
      assert.deepEqual(cached(host), []);
    });

    it(`is not waited for longer than the step may take ${named}`, async (t) => {
      if (!ready(t)) return;
      const { url, place, env } = await serve(t, () => undefined);
      const host = hostWith(t, usual, [place]);
      const values = { Fetch: 'url', PackageUrl: url, ExecutionTimeout: '20' };
      assertFailed(await runStep(t, host, { shell, env, prefix, values }), 13, /ended with code 124: it took too long/);
    });

    it(`is asked for nowhere but where the document says, and nobody is led to elsewhere ${named}`, async (t) => {
      if (!ready(t)) return;
      const asked: string[] = [];
      const answer: RequestListener = ({ url }, response) => {
        asked.push(url ?? '');
        response.writeHead(302, { location: '/agents/y.tar.gz' }).end();
      };
      const { url, place, env } = await serve(t, answer);
      const step = (address: string, urls: readonly string[]) =>
        runStep(t, hostWith(t, usual, urls), { shell, env, prefix, values: { Fetch: 'url', PackageUrl: address } });
      const other = url.replace('/agents/', '/other/');
      for (const [address, urls] of [
        [url, []],
        [url, ['https://localhost/agents/']],
        [url, [place.replace('localhost', 'LOCALHOST')]],
        [url.replace('localhost', 'localhost.example.com'), [place]],
        [url.replace('https://', 'https://localhost/'), [place]],
        [other, [place]],
        [`${other}&${place}`, [place]],
        [url.replace('agents', 'Agents'), [place]],
      ] as const)
        assertFailed(await step(address, urls), 20, /PackageUrl is nowhere that the document allows/);
      for (const climb of ['../other/x', './x', '%2e%2e/other/x', '.%2E/other/x', '%2E/x'])
        assertFailed(await step(`${place}${climb}`, [place]), 20, /PackageUrl (climbs|is nowhere)/);
      assertFailed(await step(`${place.replace('localhost', 'user@localhost')}x`, [place]), 20, /PackageUrl has a character/);
      assert.deepEqual(asked, []);
      assertFailed(await step(url, [place]), 13, tool === 'curl' ? /curl ended with code 47: the server leads elsewhere/ : /wget ended with code 8/);
      assert.equal(asked.length, 1);
    });
  }

  it('does not fill the disk, though wget knows no limit and the server does not end', async (t) => {
    if (!needsRoot(t)) return;
    const endless: RequestListener = (_request, response) => {
      const piece = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        while (!response.destroyed && response.write(piece));
      };
      response.on('drain', more);
      more();
    };
    const { url, place, env } = await serve(t, endless);
    const host = hostWith(t, usual, [place]);
    const ended = await runStep(t, host, { env, prefix: withoutCurl, values: { Fetch: 'url', PackageUrl: url, ExecutionTimeout: '120' } });
    assertFailed(ended, 13, /the package that came is too large/);
    assert.deepEqual(cached(host), []);
  });
});

for (const shell of shells)
  describe(`under ${shell} an agent that came in the document`, { concurrency: 2 }, () => {
    const agent = `process.stdout.write(JSON.stringify({ words: process.argv.slice(2), options: process.env.NODE_OPTIONS, job: require('node:fs').readFileSync(0, 'latin1') }));`;
    const scene = (t: TestContext, nodes: readonly string[], changed = agent) => {
      const host = hostWith(t, { ...usual, bundle: digest(agent) });
      const { contract, bundle, cache, offline } = host.literals;
      const inline = brotliCompressSync(changed).toString('base64');
      const document = readDocument(inlineDocumentFor({ contract, bundle, policy, cache, offline, inline, nodes }, readScripts()));
      return { host, run: (running: Running = {}) => runStep(t, host, { shell, document, ...running }) };
    };
    const old = (t: TestContext, version: string): string => {
      const path = join(folderWith(t, {}), 'node');
      writeFileSync(path, `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
      return path;
    };

    it('is run by the first Node.js that is new enough, and leaves nothing', async (t) => {
      const { host, run } = scene(t, ['/nowhere/node', old(t, 'v20.20.2'), old(t, 'v22.17.9'), process.execPath]);
      const { code, stdout, stderr } = await run({ env: { NODE_OPTIONS: '--throw-deprecation' } });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const { words, options, job } = JSON.parse(stdout);
      assert.deepEqual({ first: words[0], options, job }, { first: 'run', options: undefined, job: `${usualJob}\n` });
      assert.deepEqual(cached(host), []);
    });

    it('is not run where there is no Node.js, or only an old one, or one that anybody may change', async (t) => {
      assertFailed(await scene(t, ['/nowhere/node']).run(), 10, /no Node\.js on this host/);
      assertFailed(await scene(t, [old(t, 'v22.17.0'), '/nowhere/node']).run(), 22, /is v22\.17\.0, and v22\.18 or newer is needed/);
      const open = old(t, 'v24.1.0');
      chmodSync(open, 0o777);
      assertFailed(await scene(t, [open]).run(), 10, /no Node\.js/);
    });

    it('is not run when it is not the published one', async (t) => {
      const { host, run } = scene(t, [process.execPath], `${agent}//`);
      assertFailed(await run(), 12, /agent in the document is not the published one/);
      assert.deepEqual(cached(host), []);
    });
  });
